/* SPDX-License-Identifier: Apache-2.0 */
#include "tuner/tuning.h"

#include <math.h>

#include "kernels/base/ctx.h"
#include "kernels/base/pool.h"
#include "tuner/calibrate.h"
#include "tuner/decide.h"
#include "tuner/effort.h"
#include "tuner/stats.h"
#include "tuner/wisdom.h"

lowbit_status lb_check_options(const lowbit_ctx *ctx, const lowbit_plan_options *o, lowbit_error *error) {
    LB_REQUIRE(LB_HAS_FIELD(o, lowbit_plan_options, buckets), error, LOWBIT_INVALID_ARGUMENT,
               "options: struct_size %u is smaller than lowbit_plan_options", o->struct_size);
    LB_REQUIRE(o->effort <= LOWBIT_WISDOM_ONLY, error, LOWBIT_INVALID_ARGUMENT, "options: effort is %u", o->effort);
    LB_REQUIRE(o->buckets <= 1, error, LOWBIT_INVALID_ARGUMENT, "options: buckets is %u", o->buckets);
    LB_REQUIRE(o->budget_s >= 0, error, LOWBIT_INVALID_ARGUMENT, "options: budget_s is %g", o->budget_s);
    LB_REQUIRE(o->effort != LOWBIT_WISDOM_ONLY || o->wisdom, error, LOWBIT_INVALID_ARGUMENT,
               "options: WISDOM_ONLY without wisdom");
    LB_REQUIRE(!o->wisdom || lb_wisdom_is_of(o->wisdom, ctx), error, LOWBIT_INVALID_ARGUMENT,
               "options: the wisdom is of a context with other levels, or of another machine");
    LB_TRY(lb_check_pool(o->pool, error));
    LB_REQUIRE(!lb_effort_measures(o->effort) || o->threads <= lb_pool_threads(o->pool), error, LOWBIT_INVALID_ARGUMENT,
               "options: %u threads are to be timed, the pool has %zu", o->threads, lb_pool_threads(o->pool));
    return LOWBIT_OK;
}

uint32_t lb_options_threads(const lowbit_plan_options *o) {
    return o->threads ? o->threads : (uint32_t)lb_pool_threads(o->pool);
}

uint32_t lb_options_pool(const lowbit_plan_options *o) {
    return !o->pool || lb_pool_is_own(o->pool) ? LB_POOL_OWN : LB_POOL_FOREIGN;
}

/* What all problems of a call share. */
typedef struct session {
    const lowbit_ctx *ctx;
    const lowbit_plan_options *options;
    const lb_observer *observer;
    lb_model model;
    double start_s, end_s; /* end_s: HUGE_VAL = each problem has the time of its effort */
} session;

/* Samples without which a decision is not worth keeping: the budget was over before the race was. */
enum { LEAST_SAMPLES = 3 };

/* Wisdom's decision for exactly this M, at this effort or a greater one. */
static bool is_known(const session *s, const lowbit_problem *p, lb_wisdom_entry *entry) {
    const lowbit_plan_options *o = s->options;
    return lb_wisdom_find(o->wisdom, p, lb_options_threads(o), lb_options_pool(o), p->m, p->m, entry, 1) == 1 &&
           entry->effort >= o->effort && entry->samples >= LEAST_SAMPLES;
}

/* What is tuned now, and how much is left besides. */
typedef struct turn {
    size_t index, count; /* of the problem */
    size_t rows_left;    /* M of this problem that are to be tuned, this one included */
    const lb_kernel *only[2];
    bool aside; /* not the problem's own M: nobody watches */
} turn;

/* An even share of what is left of the budget, or the time that the effort stands for. */
static double budget_of(const session *s, const turn *t) {
    if (isinf(s->end_s)) return lb_effort_seconds(s->options->effort);
    const double left = fmax(s->end_s - lb_clock_seconds(&lb_monotonic_clock), 0);
    return left / (double)(t->count - t->index) / (double)t->rows_left;
}

static lowbit_status measure(const session *s, const lowbit_problem *p, const turn *t, lb_wisdom_entry *entry,
                             lowbit_error *error) {
    const lowbit_plan_options *o = s->options;
    lb_tuned tuned;
    lb_tune tune = {.ctx = s->ctx,
                    .options = o,
                    .model = &s->model,
                    .threads = lb_options_threads(o),
                    .clock = &lb_monotonic_clock,
                    .start_s = s->start_s,
                    .end_s = s->end_s,
                    .index = t->index,
                    .count = t->count,
                    .budget_s = budget_of(s, t),
                    .only = {t->only[0], t->only[1]}};
    if (s->observer && !t->aside) tune.observe = s->observer->observe, tune.observer = s->observer->user;
    LB_TRY(lb_tune_problem(&tune, p, &tuned, error));
    *entry = (lb_wisdom_entry){.problem = *p,
                               .threads = tune.threads,
                               .pool = lb_options_pool(o),
                               .config = tuned.config,
                               .median_s = tuned.median_s,
                               .low_s = tuned.low_s,
                               .high_s = tuned.high_s,
                               .estimate_s = tuned.estimate_s,
                               .samples = tuned.samples,
                               .tried = tuned.candidates,
                               .effort = o->effort,
                               .noisy = tuned.noisy,
                               .day = lb_today()};
    return lb_wisdom_put(o->wisdom, entry, error);
}

/* The decision for the problem's M, out of wisdom or measured. */
static lowbit_status tune_rows(const session *s, const lowbit_problem *p, const turn *t, lb_wisdom_entry *entry,
                               bool *reused, lowbit_error *error) {
    *reused = is_known(s, p, entry);
    return *reused ? LOWBIT_OK : measure(s, p, t, entry, error);
}

/* Halves the way from one M to a greater one of another kernel, as ratios, until it is less than a quarter. */
static lowbit_status find_crossover(const session *s, lb_wisdom_entry low, lb_wisdom_entry high, turn t,
                                    lowbit_error *error) {
    while (low.config.kernel != high.config.kernel && high.problem.m * 4 > low.problem.m * 5 &&
           high.problem.m > low.problem.m + 1) {
        lb_wisdom_entry middle;
        bool reused;
        lowbit_problem p = low.problem;
        p.m = lb_max((int64_t)sqrt((double)low.problem.m * (double)high.problem.m), low.problem.m + 1);
        t.only[0] = low.config.kernel, t.only[1] = high.config.kernel;
        LB_TRY(tune_rows(s, &p, &t, &middle, &reused, error));
        if (middle.config.kernel == low.config.kernel)
            low = middle;
        else
            high = middle;
    }
    return LOWBIT_OK;
}

/* The ends of the buckets below the problem's own, and the crossovers up to it. `entry` is that of its own M. */
static lowbit_status tune_buckets(const session *s, const lowbit_problem *problem, turn t, const lb_wisdom_entry *entry,
                                  lowbit_error *error) {
    lb_wisdom_entry ends[LB_BUCKETS];
    size_t count = 0;
    bool reused;
    t.aside = true;
    lowbit_problem p = *problem;
    for (p.m = 1; p.m < problem->m; p.m = lb_bucket_of(p.m + 1).most) {
        LB_TRY(tune_rows(s, &p, &t, &ends[count++], &reused, error));
        if (t.rows_left > 1) t.rows_left--;
    }
    for (size_t i = 0; i < count; i++)
        LB_TRY(find_crossover(s, ends[i], i + 1 < count ? ends[i + 1] : *entry, t, error));
    return LOWBIT_OK;
}

static void describe(const lb_wisdom_entry *e, lowbit_tune_result *r) {
    r->plan.struct_size = sizeof r->plan;
    lb_describe_config(&e->config, r->reused ? "wisdom" : "measured", &r->plan);
    r->noisy = e->noisy;
    r->candidates = e->tried;
    r->samples = e->samples;
    r->median_s = e->median_s;
    r->low_s = e->low_s;
    r->high_s = e->high_s;
    r->estimate_s = e->estimate_s;
}

static lowbit_status tune_problem(const session *s, const lowbit_problem *p, size_t index, size_t count,
                                  lowbit_tune_result *r, lowbit_error *error) {
    lb_wisdom_entry entry;
    const double start = lb_clock_seconds(&lb_monotonic_clock);
    LB_TRY(lowbit_supported(s->ctx, p, error));
    bool reused;
    turn t = {.index = index, .count = count, .rows_left = s->options->buckets ? 2 * LB_BUCKETS : 1};
    LB_TRY(tune_rows(s, p, &t, &entry, &reused, error));
    if (t.rows_left > 1) t.rows_left--;
    if (s->options->buckets) LB_TRY(tune_buckets(s, p, t, &entry, error));
    r->reused = reused;
    describe(&entry, r);
    r->spent_s = lb_clock_seconds(&lb_monotonic_clock) - start;
    return LOWBIT_OK;
}

static lowbit_status check_arguments(const lowbit_ctx *ctx, const lowbit_problem *problems, size_t count,
                                     const lowbit_plan_options *o, const lowbit_tune_result *results,
                                     lowbit_error *error) {
    LB_REQUIRE(ctx && problems && count && o, error, LOWBIT_INVALID_ARGUMENT,
               "ctx, problems or options is NULL, or count is 0");
    LB_TRY(lb_check_options(ctx, o, error));
    LB_REQUIRE(o->wisdom, error, LOWBIT_INVALID_ARGUMENT, "options: wisdom is NULL");
    LB_REQUIRE(lb_effort_measures(o->effort), error, LOWBIT_INVALID_ARGUMENT, "options: effort %u times nothing",
               o->effort);
    LB_REQUIRE(!results || LB_HAS_FIELD(results, lowbit_tune_result, spent_s), error, LOWBIT_INVALID_ARGUMENT,
               "results: struct_size %u is smaller than lowbit_tune_result", results->struct_size);
    return LOWBIT_OK;
}

lowbit_status lb_tune_all(const lowbit_ctx *ctx, const lowbit_problem *problems, size_t count,
                          const lowbit_plan_options *options, const lb_observer *observer, lowbit_tune_result *results,
                          lowbit_error *error) {
    LB_TRY(check_arguments(ctx, problems, count, options, results, error));
    session s = {.ctx = ctx, .options = options, .observer = observer};
    for (size_t i = 0; results && i < count; i++)
        results[i] = (lowbit_tune_result){.struct_size = sizeof *results, .status = LOWBIT_CANCELLED};
    LB_TRY(lb_calibrate(ctx, options->pool, &lb_monotonic_clock, options->wisdom, error));
    s.model = lb_model_of(ctx, options->wisdom, lb_options_threads(options));
    s.start_s = lb_clock_seconds(&lb_monotonic_clock);
    s.end_s = options->budget_s > 0 ? s.start_s + options->budget_s : HUGE_VAL;
    for (size_t i = 0; i < count; i++) {
        lowbit_tune_result unwanted = {0}, *r = results ? &results[i] : &unwanted;
        lowbit_error reason = LOWBIT_ERROR_INIT;
        r->status = tune_problem(&s, &problems[i], i, count, r, &reason);
        const bool late = lb_clock_seconds(&lb_monotonic_clock) >= s.end_s;
        const bool ends = (r->status == LOWBIT_CANCELLED && !late) || r->status == LOWBIT_NO_MEMORY;
        if (ends || (count == 1 && r->status != LOWBIT_OK)) return lb_fail(error, r->status, "%s", reason.message);
    }
    return LOWBIT_OK;
}

lowbit_status lowbit_tune(const lowbit_ctx *ctx, const lowbit_problem *problems, size_t count,
                          const lowbit_plan_options *options, lowbit_tune_result *results, lowbit_error *error) {
    return lb_tune_all(ctx, problems, count, options, NULL, results, error);
}
