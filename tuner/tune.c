/* SPDX-License-Identifier: Apache-2.0 */
#include "tuner/tune.h"

#include <math.h>
#include <string.h>

#include "kernels/base/ctx.h"
#include "tuner/operands.h"
#include "tuner/plan.h"
#include "tuner/prove.h"
#include "tuner/stats.h"

/* LOWBIT_MEASURE, ...: how far the search goes. */
typedef struct effort {
    double within;    /* kernels enter the first race if the model thinks them at most so many times slower, */
    size_t most;      /* at most so many of them */
    size_t finalists; /* whose neighbours enter the second one */
    size_t races;     /* second ones at most, each around the best of the one before */
    bool pairs;       /* neighbours are those with two knobs turned, too */
    size_t samples;   /* of those who reach the end of a race */
} effort;

static const effort kEfforts[] = {[LOWBIT_MEASURE] = {1.6, 12, 3, 3, false, 17},
                                  [LOWBIT_PATIENT] = {3, 40, 4, 4, true, 21},
                                  [LOWBIT_EXHAUSTIVE] = {INFINITY, SIZE_MAX, 6, 4, true, 25}};

/* Of the time of a problem, what the first race may take. */
static const double kFirstShare = 0.5;

static const double kSample = 200e-6, kFinalSample = 500e-6, kProgress = 50e-3;

enum { FINAL_SAMPLES = 41 };

/* One problem being tuned. */
typedef struct heat {
    const lb_tune *tune;
    const effort *effort;
    lb_tuning tuning;
    lb_contender contenders[LB_MOST_CONTENDERS];
    lb_operands operands;
    void *workspace;
    int64_t workspace_bytes;
    lb_candidates set;  /* of the race at hand */
    lb_runner *runners; /* [runner_room] */
    size_t runner_room;
    lowbit_plan plan; /* of the candidate whose turn it is */
    double told_s;    /* when progress was last called */
    lb_tuned *tuned;
} heat;

int64_t lb_ring_bytes(const lowbit_ctx *ctx) {
    const int64_t most = INT64_C(64) << 20;
    return 4 * lb_max(lb_min(ctx->machine.l3_bytes, most), 16 << 20);
}

static double now(const heat *h) { return lb_clock_seconds(h->tune->clock); }

/* ---- running one candidate ---- */

static void run(void *user, size_t runner, size_t reps) {
    heat *h = user;
    const lb_gemm_config *config = &h->set.list[runner].config;
    if (h->tune->pretend) {
        h->tune->pretend(h->tune->pretender, config, reps);
        return;
    }
    h->plan.count = 1;
    h->plan.decisions[0] = (lb_plan_decision){h->plan.problem.m, "measured", *config};
    for (; reps > 0; reps--) {
        const lowbit_gemm_args args = lb_operands_args(&h->operands, lb_operands_next(&h->operands), h->plan.problem.m);
        lowbit_gemm(&h->plan, &args, h->workspace, h->workspace_bytes, h->tune->options->pool, NULL);
    }
}

static bool tell(void *user, size_t runner, size_t left) {
    heat *h = user;
    const lowbit_plan_options *o = h->tune->options;
    const double t = now(h);
    if (!o->progress || t < h->told_s + kProgress) return true;
    char name[LB_KERNEL_NAME];
    const lb_gemm_config *c = &h->set.list[runner].config;
    lb_kernel_name((lb_kernel_ref){c->unit, c->kernel}, name, sizeof name);
    h->told_s = t;
    const lowbit_progress progress = {.struct_size = sizeof progress,
                                      .problem = &h->plan.problem,
                                      .index = h->tune->index,
                                      .count = h->tune->count,
                                      .kernel = name,
                                      .threads = c->threads,
                                      .candidates = left,
                                      .elapsed_s = t - h->tune->start_s,
                                      .left_s = fmax(h->tune->end_s - t, 0)};
    return o->progress(o->progress_user, &progress) == 0;
}

/* Makes room for what the candidates of the set need. */
static lowbit_status prepare(heat *h, lowbit_error *error) {
    const lowbit_ctx *ctx = h->tune->ctx;
    int64_t bytes = 0;
    for (size_t i = 0; i < h->set.count; i++)
        bytes = lb_max(bytes, lb_gemm_workspace(&h->plan.problem, &h->set.list[i].config, h->plan.problem.m));
    if (bytes > h->workspace_bytes) {
        lb_free(ctx, h->workspace, (size_t)h->workspace_bytes);
        h->workspace = lb_alloc(ctx, (size_t)bytes);
        h->workspace_bytes = h->workspace ? bytes : 0;
    }
    if (h->set.count > h->runner_room) {
        lb_free(ctx, h->runners, h->runner_room * sizeof *h->runners);
        h->runners = lb_alloc(ctx, h->set.room * sizeof *h->runners);
        h->runner_room = h->runners ? h->set.room : 0;
    }
    LB_REQUIRE(!h->set.failed && h->workspace && h->runners, error, LOWBIT_NO_MEMORY,
               "no memory for %zu candidates and a workspace of %lld bytes", h->set.count, (long long)bytes);
    return LOWBIT_OK;
}

/* ---- races ---- */

/* Fewer threads first, then less workspace; of the same, who comes first. */
static int64_t rank_of(const heat *h, const lb_gemm_config *c) {
    return ((int64_t)c->threads << 48) + lb_gemm_workspace(&h->plan.problem, c, h->plan.problem.m);
}

/* Races the set, whose first one is ESTIMATE's choice and stays to the end. */
static lowbit_status race(heat *h, double end_s, bool final, lb_race_end *end, lowbit_error *error) {
    LB_TRY(prepare(h, error));
    for (size_t i = 0; i < h->set.count; i++) {
        h->runners[i].rank = rank_of(h, &h->set.list[i].config);
        h->runners[i].keeps = i == 0;
    }
    const lb_race r = {.clock = h->tune->clock,
                       .run = run,
                       .go_on = tell,
                       .user = h,
                       .end_s = end_s,
                       .sample_s = final ? kFinalSample : kSample,
                       .samples = final ? FINAL_SAMPLES : h->effort->samples};
    *end = lb_race_run(&r, h->runners, h->set.count);
    LB_REQUIRE(!end->stopped && end->winner < h->set.count, error, LOWBIT_CANCELLED, "tuning was cancelled");
    for (size_t i = 0; i < h->set.count && h->tune->observe; i++)
        h->tune->observe(h->tune->observer, &h->set.list[i], &h->runners[i]);
    return LOWBIT_OK;
}

/* The best by their times, at most `most`, the winner first. */
static size_t take_best(const heat *h, size_t winner, size_t most, lb_gemm_config *best) {
    size_t count = 0;
    double above = 0; /* score of the one before */
    best[count++] = h->set.list[winner].config;
    while (count < most) {
        size_t next = h->set.count;
        for (size_t i = 0; i < h->set.count; i++) {
            const lb_runner *r = &h->runners[i];
            if (i == winner || r->out || r->score_s <= above) continue;
            if (next == h->set.count || r->score_s < h->runners[next].score_s) next = i;
        }
        if (next == h->set.count) break;
        above = h->runners[next].score_s;
        best[count++] = h->set.list[next].config;
    }
    return count;
}

static void keep_result(heat *h, const lb_race_end *end) {
    const lb_runner *r = &h->runners[end->winner], *estimate = &h->runners[0];
    const size_t n = r->samples;
    *h->tuned = (lb_tuned){.config = h->set.list[end->winner].config,
                           .median_s = n ? lb_quantile(r->times, n, 0.5) : r->score_s,
                           .low_s = n ? lb_quantile(r->times, n, 0.1) : r->score_s,
                           .high_s = n ? lb_quantile(r->times, n, 0.9) : r->score_s,
                           .estimate_s = estimate->samples ? lb_quantile(estimate->times, estimate->samples, 0.5) : 0,
                           .samples = (uint32_t)n,
                           .candidates = h->tuned->candidates + (uint32_t)h->set.count,
                           .noisy = end->noisy};
}

enum { MOST_FINALISTS = 8 };

/* Makes the set anew: ESTIMATE's choice, then these, and their neighbours where they are wanted. */
static void fill(heat *h, const lb_gemm_config *estimate, const lb_gemm_config *best, size_t count, bool neighbours) {
    h->set.count = 0;
    lb_candidates_add(&h->set, &h->tuning, estimate);
    for (size_t i = 0; i < count; i++) lb_candidates_add(&h->set, &h->tuning, &best[i]);
    for (size_t i = 0; i < count && neighbours; i++)
        lb_candidates_add_near(&h->set, &h->tuning, &best[i], h->effort->pairs);
}

/* The kernels that the model thinks enough of, with blocks by rule. */
static void fill_kernels(heat *h, const lb_gemm_config *estimate) {
    lb_candidates kernels = {.ctx = h->tune->ctx};
    lb_candidates_add_kernels(&kernels, &h->tuning);
    lb_candidates_rank(&kernels, h->effort->within, h->effort->most);
    fill(h, estimate, NULL, 0, false);
    for (size_t i = 0; i < kernels.count; i++) lb_candidates_add(&h->set, &h->tuning, &kernels.list[i].config);
    h->set.failed = h->set.failed || kernels.failed;
    lb_candidates_free(&kernels);
}

/* Races of the kernels, then of the neighbours of the best until the winner stays, then a long one of the best. */
static lowbit_status search(heat *h, const lb_gemm_config *estimate, double begin_s, double end_s,
                            lowbit_error *error) {
    lb_gemm_config best[MOST_FINALISTS];
    lb_race_end end;
    fill_kernels(h, estimate);
    LB_TRY(race(h, begin_s + kFirstShare * (end_s - begin_s), false, &end, error));
    keep_result(h, &end);
    for (size_t i = 0; i < h->effort->races && now(h) < end_s; i++) {
        const size_t finalists = take_best(h, end.winner, h->effort->finalists, best);
        fill(h, estimate, best, finalists, true);
        LB_TRY(race(h, end_s, false, &end, error));
        keep_result(h, &end);
        if (lb_same_config(&h->set.list[end.winner].config, &best[0])) break;
    }
    if (now(h) >= end_s || h->set.count == 1) return LOWBIT_OK;
    const size_t finalists = take_best(h, end.winner, h->effort->finalists + 1, best);
    fill(h, estimate, best, finalists, false);
    LB_TRY(race(h, end_s, true, &end, error));
    keep_result(h, &end);
    return LOWBIT_OK;
}

/* ---- contenders ---- */

/* Those of whom the model thinks enough to be tried at all are few: the others need no proof. */
static void drop_hopeless(heat *h, double within) {
    const lb_tuning *t = &h->tuning;
    double best = INFINITY, prices[LB_MOST_CONTENDERS];
    for (size_t i = 0; i < t->contender_count; i++) {
        const lb_contender *each = &h->contenders[i];
        const lb_gemm_config c = lb_estimate_blocks(t->model, t->problem, t->m, t->threads, each);
        prices[i] = lb_price(lb_model_seconds(t->model, t->problem, t->m, &c, &each->rate), c.kernel);
        best = fmin(best, prices[i]);
    }
    size_t kept = 0;
    for (size_t i = 0; i < t->contender_count; i++)
        if (prices[i] <= within * best) h->contenders[kept++] = h->contenders[i];
    h->tuning.contender_count = kept;
}

/* Leaves the kernels that the caller wants to compare, if he names any. */
static void drop_others(heat *h) {
    const lb_kernel *const *only = h->tune->only;
    size_t kept = 0;
    for (size_t i = 0; i < h->tuning.contender_count; i++) {
        const lb_kernel *kernel = h->contenders[i].ref.kernel;
        if (kernel == only[0] || kernel == only[1]) h->contenders[kept++] = h->contenders[i];
    }
    h->tuning.contender_count = kept;
}

static lowbit_status make_contenders(heat *h, lowbit_error *error) {
    h->tuning.contender_count = lb_contenders(h->tune->model, &h->plan.problem, h->contenders);
    if (h->tune->only[0])
        drop_others(h);
    else
        drop_hopeless(h, h->effort->within);
    return lb_prove(h->tune->ctx, &h->plan.problem, h->contenders, &h->tuning.contender_count, error);
}

static lowbit_status tune_heat(heat *h, lowbit_error *error) {
    const lb_tune *t = h->tune;
    const lowbit_problem *p = &h->plan.problem;
    const double begin = now(h), end = fmin(begin + t->budget_s, t->end_s);
    LB_TRY(make_contenders(h, error));
    const lb_gemm_config estimate =
        lb_estimate(t->model, p, p->m, t->threads, h->contenders, h->tuning.contender_count);
    const int64_t ring = p->m <= LB_COLD_ROWS ? lb_ring_bytes(t->ctx) : 0;
    LB_TRY(lb_operands_make(t->ctx, p, ring, t->options->pool, &h->operands, error));
    return search(h, &estimate, begin, end, error);
}

lowbit_status lb_tune_problem(const lb_tune *tune, const lowbit_problem *problem, lb_tuned *tuned,
                              lowbit_error *error) {
    heat *h = lb_alloc(tune->ctx, sizeof *h);
    LB_REQUIRE(h, error, LOWBIT_NO_MEMORY, "no memory for tuning");
    memset(h, 0, sizeof *h);
    h->tune = tune;
    h->effort = &kEfforts[tune->options->effort];
    h->plan.problem = *problem;
    h->tuning = (lb_tuning){tune->model, &h->plan.problem, problem->m, tune->threads, h->contenders, 0};
    h->operands.ctx = h->set.ctx = tune->ctx;
    h->tuned = tuned;
    *tuned = (lb_tuned){.candidates = 0};
    const lowbit_status status = tune_heat(h, error);
    lb_operands_release(&h->operands);
    lb_candidates_free(&h->set);
    lb_free(tune->ctx, h->runners, h->runner_room * sizeof *h->runners);
    lb_free(tune->ctx, h->workspace, (size_t)h->workspace_bytes);
    lb_free(tune->ctx, h, sizeof *h);
    return status;
}
