/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/regret.h"

#include <math.h>
#include <string.h>

#include "kernels/base/ctx.h"
#include "kernels/base/pool.h"
#include "tuner/calibrate.h"
#include "tuner/decide.h"
#include "tuner/operands.h"
#include "tuner/plan.h"
#include "tuner/race.h"
#include "tuner/stats.h"
#include "tuner/tuning.h"
#include "tuner/wisdom.h"

static const struct {
    const char *name;
    uint32_t effort;
    bool rates; /* starts from wisdom that has the machine's rates */
} kWays[LB_WAYS] = {[LB_WAY_EXHAUSTIVE] = {"exhaustive", LOWBIT_EXHAUSTIVE, true},
                    [LB_WAY_MEASURE] = {"measure", LOWBIT_MEASURE, true},
                    [LB_WAY_AGAIN] = {"again", LOWBIT_MEASURE, true},
                    [LB_WAY_TABLE] = {"table", LOWBIT_ESTIMATE, false},
                    [LB_WAY_ESTIMATE] = {"estimate", LOWBIT_ESTIMATE, true}};

/* Between the tuner's own samples of its races and of its last one. */
static const double kSample = 300e-6;

enum { PLANS = 1000 }; /* that are made for a median */

const char *lb_way_name(size_t way) { return kWays[way].name; }

static double now(void) { return lb_clock_seconds(&lb_monotonic_clock); }

/* ---- rates ---- */

lowbit_status lb_regret_calibrate(lb_regret *r, lowbit_error *error) {
    const double start = now();
    LB_TRY(lowbit_wisdom_create(r->ctx, &r->rates, error));
    LB_TRY(lb_calibrate(r->ctx, r->pool, &lb_monotonic_clock, r->rates, error));
    r->rates_s = now() - start;
    return LOWBIT_OK;
}

void lb_regret_release(lb_regret *r) {
    lowbit_wisdom_destroy(r->rates);
    r->rates = NULL;
}

static lowbit_status copy_rate(const lowbit_wisdom *from, lowbit_wisdom *to, const char *name, lowbit_error *error) {
    double values[LB_FACT_VALUES];
    const size_t count = lb_wisdom_fact(from, name, values);
    return count ? lb_wisdom_put_fact(to, name, values, count, lb_today(), error) : LOWBIT_OK;
}

/* A wisdom that has the rates and no decision. */
static lowbit_status fresh_wisdom(const lb_regret *r, lowbit_wisdom **wisdom, lowbit_error *error) {
    char name[LB_KERNEL_NAME], threads[LB_THREADS_NAME];
    lb_kernel_ref kernel;
    LB_TRY(lowbit_wisdom_create(r->ctx, wisdom, error));
    for (size_t i = 0; lb_kernel_at(i, &kernel); i++) {
        lb_kernel_name(kernel, name, sizeof name);
        LB_TRY(copy_rate(r->rates, *wisdom, name, error));
    }
    lb_model_threads_name((int64_t)lb_pool_threads(r->pool), threads);
    LB_TRY(copy_rate(r->rates, *wisdom, threads, error));
    lb_model_threads_name(1, threads);
    return copy_rate(r->rates, *wisdom, threads, error);
}

/* ---- choosing ---- */

/* One problem being judged. */
typedef struct trial {
    const lb_regret *regret;
    const lowbit_problem *problem;
    lb_regret_result *result;
    lowbit_wisdom *wisdom[LB_WAYS];
    lowbit_plan *plans[LB_WAYS];
    size_t lane[LB_WAYS];   /* a way's runner in the race */
    size_t way_of[LB_WAYS]; /* a runner's first way */
    lb_runner runners[LB_WAYS];
    size_t runner_count;
    lb_operands operands;
    void *workspace;
    int64_t workspace_bytes;
} trial;

static void tell(const trial *t, size_t way) {
    if (t->regret->tell) t->regret->tell(t->regret->user, way);
}

static lowbit_plan_options options_of(const trial *t, uint32_t effort, lowbit_wisdom *wisdom) {
    lowbit_plan_options o = LOWBIT_PLAN_OPTIONS_INIT;
    o.effort = effort;
    o.wisdom = wisdom;
    o.pool = t->regret->pool;
    return o;
}

static lowbit_status tune(const trial *t, size_t way, lowbit_error *error) {
    lb_regret_choice *choice = &t->result->choices[way];
    lowbit_plan_options o = options_of(t, kWays[way].effort, t->wisdom[way]);
    o.budget_s = way == LB_WAY_EXHAUSTIVE ? t->regret->exhaustive_s : t->regret->measure_s;
    lowbit_tune_result result = {.struct_size = sizeof result};
    LB_TRY(lowbit_tune(t->regret->ctx, t->problem, 1, &o, &result, error));
    choice->candidates = result.candidates;
    choice->spent_s = result.spent_s;
    return LOWBIT_OK;
}

static lowbit_status choose(trial *t, size_t way, lowbit_error *error) {
    lb_regret_choice *choice = &t->result->choices[way];
    const bool measures = kWays[way].effort != LOWBIT_ESTIMATE;
    tell(t, way);
    if (kWays[way].rates) LB_TRY(fresh_wisdom(t->regret, &t->wisdom[way], error));
    if (measures) LB_TRY(tune(t, way, error));
    const lowbit_plan_options o = options_of(t, measures ? LOWBIT_WISDOM_ONLY : LOWBIT_ESTIMATE, t->wisdom[way]);
    LB_TRY(lowbit_plan_create(t->regret->ctx, t->problem, &o, &t->plans[way], error));
    choice->made = true;
    choice->config = lb_plan_decision_of(t->plans[way], t->problem->m)->config;
    choice->plan.struct_size = sizeof choice->plan;
    return lowbit_plan_describe(t->plans[way], t->problem->m, &choice->plan, error);
}

/* ---- racing ---- */

/* A runner for each configuration that was chosen. */
static void line_up(trial *t) {
    for (size_t way = 0; way < LB_WAYS; way++) {
        const lb_regret_choice *choices = t->result->choices;
        if (!choices[way].made) continue;
        size_t lane = 0;
        while (lane < t->runner_count && !lb_same_config(&choices[t->way_of[lane]].config, &choices[way].config))
            lane++;
        t->lane[way] = lane;
        if (lane < t->runner_count) continue;
        t->way_of[lane] = way;
        t->runners[lane].keeps = true;
        t->runner_count++;
    }
}

static lowbit_status prepare(trial *t, lowbit_error *error) {
    const lb_regret *r = t->regret;
    const int64_t m = t->problem->m;
    for (size_t i = 0; i < t->runner_count; i++) {
        int64_t bytes;
        LB_TRY(lowbit_workspace_size(t->plans[t->way_of[i]], m, &bytes, error));
        t->workspace_bytes = lb_max(t->workspace_bytes, bytes);
    }
    t->workspace = lb_alloc(r->ctx, (size_t)t->workspace_bytes);
    LB_REQUIRE(t->workspace, error, LOWBIT_NO_MEMORY, "no memory for a workspace of %lld bytes",
               (long long)t->workspace_bytes);
    t->result->cold = m <= LB_COLD_ROWS; /* as tuning takes it */
    return lb_operands_make(r->ctx, t->problem, t->result->cold ? lb_ring_bytes(r->ctx) : 0, r->pool, &t->operands,
                            error);
}

static void run(void *user, size_t runner, size_t reps) {
    trial *t = user;
    for (; reps > 0; reps--) {
        const lowbit_gemm_args args = lb_operands_args(&t->operands, lb_operands_next(&t->operands), t->problem->m);
        lowbit_gemm(t->plans[t->way_of[runner]], &args, t->workspace, t->workspace_bytes, t->regret->pool, NULL);
    }
}

static bool go_on(void *user, size_t runner, size_t left) {
    (void)user, (void)runner, (void)left;
    return true;
}

static lowbit_status race(trial *t, lowbit_error *error) {
    tell(t, LB_WAYS);
    line_up(t);
    LB_TRY(prepare(t, error));
    const lb_race race = {.clock = &lb_monotonic_clock,
                          .run = run,
                          .go_on = go_on,
                          .user = t,
                          .end_s = now() + t->regret->race_s,
                          .sample_s = kSample,
                          .samples = LB_RACE_SAMPLES};
    lb_race_run(&race, t->runners, t->runner_count);
    return LOWBIT_OK;
}

/* ---- what came of it ---- */

static void compare(const trial *t) {
    lb_regret_result *result = t->result;
    for (size_t i = 0; i < t->runner_count; i++)
        result->base_regret =
            fmax(result->base_regret, t->runners[t->lane[result->base]].score_s / t->runners[i].score_s);
    for (size_t way = 0; way < LB_WAYS; way++) {
        lb_regret_choice *c = &result->choices[way];
        const lb_runner *r = &t->runners[t->lane[way]];
        if (!c->made) continue;
        c->samples = r->samples;
        c->low_s = r->score_s;
        c->median_s = r->samples ? lb_quantile(r->times, r->samples, 0.5) : r->score_s;
        c->regret = c->low_s / result->choices[result->base].low_s;
        c->median_regret = c->median_s / result->choices[result->base].median_s;
    }
    const double once = result->choices[LB_WAY_MEASURE].low_s, again = result->choices[LB_WAY_AGAIN].low_s;
    result->same = t->lane[LB_WAY_MEASURE] == t->lane[LB_WAY_AGAIN];
    result->again = fmax(once, again) / fmin(once, again);
    result->agrees = result->same || result->again <= LB_REGRET_AGREES;
}

/* Median seconds of making a plan. */
static lowbit_status time_plans(const trial *t, const lowbit_plan_options *options, double *median_s,
                                lowbit_error *error) {
    double seconds[PLANS];
    for (size_t i = 0; i < PLANS; i++) {
        lowbit_plan *plan;
        const double start = now();
        LB_TRY(lowbit_plan_create(t->regret->ctx, t->problem, options, &plan, error));
        seconds[i] = now() - start;
        lowbit_plan_destroy(t->regret->ctx, plan);
    }
    lb_sample sample;
    lb_summarize(seconds, PLANS, &sample);
    *median_s = sample.median_s;
    return LOWBIT_OK;
}

/* Gives the base's wisdom a decision for every bucket, as if each had been tuned. */
static lowbit_status complete_wisdom(const trial *t, const lowbit_plan_options *o, lowbit_error *error) {
    const int64_t m = t->problem->m;
    lb_wisdom_entry entry;
    const size_t found =
        lb_wisdom_find(o->wisdom, t->problem, lb_options_threads(o), lb_options_pool(o), m, m, &entry, 1);
    LB_REQUIRE(found == 1, error, LOWBIT_NOT_FOUND, "wisdom has lost a decision");
    for (int64_t at = 1; lb_bucket_of(at).most < m; at = lb_bucket_of(at).most + 1) {
        entry.problem.m = lb_bucket_of(at).most;
        LB_TRY(lb_wisdom_put(o->wisdom, &entry, error));
    }
    return LOWBIT_OK;
}

static lowbit_status time_all_plans(const trial *t, lowbit_error *error) {
    lb_regret_result *result = t->result;
    const lowbit_plan_options estimate = options_of(t, LOWBIT_ESTIMATE, NULL);
    const lowbit_plan_options known = options_of(t, LOWBIT_WISDOM_ONLY, t->wisdom[result->base]);
    LB_TRY(time_plans(t, &estimate, &result->plan_estimate_s, error));
    LB_TRY(time_plans(t, &known, &result->plan_wisdom_s, error));
    LB_TRY(complete_wisdom(t, &known, error));
    return time_plans(t, &known, &result->plan_known_s, error);
}

static lowbit_status judge(trial *t, lowbit_error *error) {
    lb_regret_result *result = t->result;
    result->base = t->regret->exhaustive_s > 0 ? LB_WAY_EXHAUSTIVE : LB_WAY_MEASURE;
    for (size_t way = result->base; way < LB_WAYS; way++) LB_TRY(choose(t, way, error));
    LB_TRY(race(t, error));
    compare(t);
    return time_all_plans(t, error);
}

lowbit_status lb_regret_measure(const lb_regret *regret, const lowbit_problem *problem, lb_regret_result *result,
                                lowbit_error *error) {
    trial t = {.regret = regret, .problem = problem, .result = result, .operands = {.ctx = regret->ctx}};
    *result = (lb_regret_result){.base = 0};
    const lowbit_status status = judge(&t, error);
    for (size_t way = 0; way < LB_WAYS; way++) {
        lowbit_plan_destroy(regret->ctx, t.plans[way]);
        lowbit_wisdom_destroy(t.wisdom[way]);
    }
    lb_operands_release(&t.operands);
    lb_free(regret->ctx, t.workspace, (size_t)t.workspace_bytes);
    return status;
}

void lb_regret_add(lb_regret_summary *s, const lb_regret_result *r) {
    s->count++;
    s->agreeing += r->agrees;
    for (size_t way = 0; way < LB_WAYS; way++) {
        const lb_regret_choice *c = &r->choices[way];
        if (!c->made) continue;
        s->ways[way].log_sum += log(c->regret);
        s->ways[way].median_log_sum += log(c->median_regret);
        s->ways[way].worst = fmax(s->ways[way].worst, c->regret);
        s->ways[way].median_worst = fmax(s->ways[way].median_worst, c->median_regret);
        s->ways[way].most_spent_s = fmax(s->ways[way].most_spent_s, c->spent_s);
    }
    s->base_log_sum += log(r->base_regret);
    s->base_worst = fmax(s->base_worst, r->base_regret);
    s->plan_estimate_s = fmax(s->plan_estimate_s, r->plan_estimate_s);
    s->plan_wisdom_s = fmax(s->plan_wisdom_s, r->plan_wisdom_s);
    s->plan_known_s = fmax(s->plan_known_s, r->plan_known_s);
}

double lb_regret_mean(const lb_regret_summary *s, double log_sum) {
    return s->count ? exp(log_sum / (double)s->count) : 0;
}
