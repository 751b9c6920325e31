/* SPDX-License-Identifier: Apache-2.0 */
/* Tuning and plans with wisdom: what is chosen, remembered, found again and refused. Nothing here depends on how fast
 * anything is: where times matter, the clock is the test's. */
#include "tuner/tuning.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kernels/base/ctx.h"
#include "tests/check.h"
#include "tests/hostile.h"
#include "tests/problems.h"
#include "tuner/decide.h"
#include "tuner/prove.h"
#include "tuner/wisdom.h"

static lowbit_problem parse(const char *text) {
    lowbit_problem p = {.struct_size = sizeof p};
    check_context("%s", text);
    CHECK(lowbit_problem_parse(text, &p, NULL) == LOWBIT_OK);
    return p;
}

static lowbit_wisdom *new_wisdom(const lowbit_ctx *ctx) {
    lowbit_wisdom *w = NULL;
    CHECK(lowbit_wisdom_create(ctx, &w, NULL) == LOWBIT_OK);
    return w;
}

/* Every candidate of many problems is one that the mechanism can run. */
static void check_candidates(const lowbit_ctx *ctx) {
    static const char *const kProblems[] = {"i4g32a8:m1n100k96",         "b1a1:m70n33k4000",     "i8a8:m7n16k100000",
                                            "bf16af:m40n200k70",         "i4g32paf:m300n50k640", "t5a8:m3n8k20:s8",
                                            "i8a8s:m512n512k64:u8+bias", "l1i8a8:m17n65k33:s32", "i2a2:m1n17k131071"};
    for (size_t i = 0; i < LB_COUNT(kProblems); i++) {
        const lowbit_problem p = parse(kProblems[i]);
        for (uint32_t threads = 1; threads <= 9; threads += 4) {
            const lb_model model = lb_model_of(ctx, NULL, threads);
            lb_contender contenders[LB_MOST_CONTENDERS];
            const size_t count = lb_contenders(&model, &p, contenders);
            const lb_tuning t = {&model, &p, p.m, threads, contenders, count};
            lb_candidates set = {.ctx = ctx};
            lb_candidates_add_kernels(&set, &t);
            CHECK(count > 0 && set.count >= count);
            for (size_t c = 0, first = set.count; c < first; c++) {
                const lb_gemm_config config = set.list[c].config;
                lb_candidates_add_near(&set, &t, &config, c % 16 == 0);
            }
            for (size_t c = 0; c < set.count; c++) {
                const lb_candidate *each = &set.list[c];
                CHECK(lb_check_config(&p, &each->config, NULL) == LOWBIT_OK && each->config.threads <= threads);
                CHECK(each->guess_s > 0 && each->guess_s < 1e3 && each->price_s >= each->guess_s);
                bool again = false;
                for (size_t other = 0; other < c; other++)
                    again = again || lb_same_config(&each->config, &set.list[other].config);
                CHECK(!again);
            }
            const size_t all = set.count;
            lb_candidates_rank(&set, 2, 10);
            CHECK(set.count >= 1 && set.count <= 10 && set.count <= all);
            for (size_t c = 1; c < set.count; c++)
                CHECK(set.list[c - 1].price_s <= set.list[c].price_s && set.list[c].price_s <= 2 * set.list[0].price_s);
            lb_candidates_free(&set);
        }
    }
}

/* ---- proof ---- */

static void run_wrong(const lb_tile *tile) {
    for (size_t i = 0; i < LB_PANEL; i++) ((float *)tile->out)[i] = 1;
}

static void count_warnings(void *user, int level, const char *message) {
    if (level == LOWBIT_LOG_WARNING && strstr(message, "wrong result")) ++*(size_t *)user;
}

/* A kernel that computes nonsense leaves, and is named; those that do not, stay. */
static void check_proof(void) {
    size_t warnings = 0;
    const lowbit_logger logger = {sizeof logger, &warnings, count_warnings};
    lowbit_ctx_options options = LOWBIT_CTX_OPTIONS_INIT;
    lowbit_ctx *ctx = NULL;
    options.logger = &logger;
    if (!CHECK(lowbit_ctx_create(&options, &ctx, NULL) == LOWBIT_OK)) return;
    const lowbit_problem p = parse("i8a8:m9n100k300");
    const lb_model model = lb_model_of(ctx, NULL, 1);
    lb_contender contenders[LB_MOST_CONTENDERS];
    size_t count = lb_contenders(&model, &p, contenders);
    const size_t all = count;
    lb_kernel wrong = *contenders[0].ref.kernel;
    wrong.run = run_wrong;
    contenders[0].ref.kernel = &wrong;
    check_context("proof");
    CHECK(lb_prove(ctx, &p, contenders, &count, NULL) == LOWBIT_OK && count == all - 1 && warnings == 1);
    for (size_t i = 0; i < count; i++) CHECK(contenders[i].ref.kernel != &wrong);
    count = 1;
    contenders[0].ref.kernel = &wrong;
    CHECK(lb_prove(ctx, &p, contenders, &count, NULL) == LOWBIT_UNSUPPORTED);
    lowbit_ctx_destroy(ctx);
}

/* ---- search on a clock of ours ---- */

typedef struct world {
    double now_s;
    const lb_model *model; /* what a product takes there */
    const lowbit_problem *problem;
    const char *fast; /* this kernel takes a third of that */
    uint32_t knee;    /* more threads gain nothing; 0 = no such thing */
} world;

static int64_t world_now(void *user) { return (int64_t)(((const world *)user)->now_s * 1e9); }

static void world_run(void *user, const lb_gemm_config *config, size_t reps) {
    world *w = user;
    char name[LB_KERNEL_NAME];
    const lb_kernel_ref ref = {config->unit, config->kernel};
    const lb_kernel_rate rate = lb_model_rate(w->model, ref);
    lb_gemm_config seen = *config;
    if (w->knee && seen.threads > w->knee) seen.threads = w->knee;
    double seconds = lb_model_seconds(w->model, w->problem, w->problem->m, &seen, &rate);
    lb_kernel_name(ref, name, sizeof name);
    if (w->fast && strcmp(name, w->fast) == 0) seconds /= 3;
    w->now_s += seconds * (double)reps;
}

static lb_tuned search(const lowbit_ctx *ctx, world *w, const lowbit_problem *p, uint32_t threads, uint32_t effort) {
    const lb_clock clock = {world_now, w};
    lowbit_plan_options options = LOWBIT_PLAN_OPTIONS_INIT;
    options.effort = effort;
    const lb_tune tune = {.ctx = ctx,
                          .options = &options,
                          .model = w->model,
                          .threads = threads,
                          .clock = &clock,
                          .end_s = HUGE_VAL,
                          .count = 1,
                          .budget_s = 5,
                          .pretend = world_run,
                          .pretender = w};
    lb_tuned tuned = {0};
    w->problem = p;
    CHECK(lb_tune_problem(&tune, p, &tuned, NULL) == LOWBIT_OK);
    return tuned;
}

/* A kernel that the model does not think the best, but that is; a machine of 192 cores where 12 threads are enough. */
static void check_search(void) {
    static const uint32_t kEfforts[] = {LOWBIT_MEASURE, LOWBIT_PATIENT, LOWBIT_EXHAUSTIVE};
    lowbit_ctx_options options = LOWBIT_CTX_OPTIONS_INIT;
    lowbit_ctx *ctx = NULL;
    options.topology = "pack:2 numa:2 core:48 pu:2";
    if (lowbit_ctx_create(&options, &ctx, NULL) != LOWBIT_OK) return; /* a build without hwloc */
    const lowbit_problem p = parse("i4a8:m40n2048k512");
    const lb_model model = lb_model_of(ctx, NULL, 192);
    lb_contender contenders[LB_MOST_CONTENDERS];
    const size_t count = lb_contenders(&model, &p, contenders);
    lb_candidates set = {.ctx = ctx};
    const lb_tuning t = {&model, &p, p.m, 192, contenders, count};
    lb_candidates_add_kernels(&set, &t);
    lb_candidates_rank(&set, 1.5, 100);
    char second[LB_KERNEL_NAME] = "";
    const lb_kernel *first = lb_estimate(&model, &p, p.m, 192, contenders, count).kernel;
    for (size_t i = 0; i < set.count && !second[0]; i++)
        if (set.list[i].config.kernel != first)
            lb_kernel_name((lb_kernel_ref){set.list[i].config.unit, set.list[i].config.kernel}, second, sizeof second);
    lb_candidates_free(&set);
    for (size_t e = 0; e < LB_COUNT(kEfforts) && second[0]; e++) {
        world w = {.model = &model, .fast = second};
        const lb_tuned tuned = search(ctx, &w, &p, 192, kEfforts[e]);
        char name[LB_KERNEL_NAME];
        lb_kernel_name((lb_kernel_ref){tuned.config.unit, tuned.config.kernel}, name, sizeof name);
        check_context("192 cores, %s is fast, effort %u: %s", second, kEfforts[e], name);
        CHECK(strcmp(name, second) == 0 && tuned.candidates > 1 && tuned.samples > 0 && !tuned.noisy);
        CHECK(tuned.estimate_s > tuned.median_s && tuned.low_s <= tuned.median_s && tuned.median_s <= tuned.high_s);
    }
    world w = {.model = &model, .knee = 12};
    check_context("12 threads are enough");
    CHECK(search(ctx, &w, &p, 192, LOWBIT_PATIENT).config.threads <= 16);
    lowbit_ctx_destroy(ctx);
}

/* ---- the real thing, small ---- */

static int count_progress(void *user, const lowbit_progress *p) {
    size_t *calls = user;
    CHECK(p->struct_size == sizeof *p && p->problem && p->index < p->count && p->candidates >= 1 && p->threads >= 1);
    ++*calls;
    return 0;
}

static int stop_at_once(void *user, const lowbit_progress *p) {
    (void)user, (void)p;
    return 1;
}

static void check_tune(const lowbit_ctx *ctx, lowbit_wisdom *w, const lowbit_pool *pool) {
    const lowbit_problem problems[] = {parse("i4g32a8:m3n200k256"), parse("t5g32a8:m1n64k64"),
                                       parse("b1a1:m70n64k256")};
    lowbit_tune_result results[3] = {{.struct_size = sizeof results[0]}};
    lowbit_plan_options o = LOWBIT_PLAN_OPTIONS_INIT;
    size_t calls = 0;
    o.effort = LOWBIT_MEASURE, o.wisdom = w, o.pool = pool, o.budget_s = 3;
    o.progress = count_progress, o.progress_user = &calls;
    check_context("tune");
    CHECK(lowbit_tune(ctx, problems, 3, &o, results, NULL) == LOWBIT_OK);
    for (int i = 0; i < 3; i += 2) {
        const lowbit_tune_result *r = &results[i];
        CHECK(r->status == LOWBIT_OK && !r->reused && r->candidates >= 1 && r->median_s > 0 && r->spent_s > 0);
        CHECK(r->low_s <= r->median_s && r->median_s <= r->high_s && strcmp(r->plan.source, "measured") == 0);
    }
    const uint32_t samples[] = {results[0].samples, 0, results[2].samples};
    CHECK(results[1].status != LOWBIT_OK && results[1].candidates == 0); /* t5 has no groups */
    CHECK(lowbit_tune(ctx, problems, 3, &o, results, NULL) == LOWBIT_OK);
    for (int i = 0; i < 3; i += 2) /* on a busy machine time may be over before a decision is worth keeping */
        CHECK(samples[i] < 3 || (results[i].reused == 1 && strcmp(results[i].plan.source, "wisdom") == 0));
}

static const char *source_of(const lowbit_ctx *ctx, const lowbit_plan_options *o, const char *problem, int64_t m) {
    const lowbit_problem p = parse(problem);
    lowbit_plan *plan = NULL;
    lowbit_plan_info info = {.struct_size = sizeof info};
    if (!CHECK(lowbit_plan_create(ctx, &p, o, &plan, NULL) == LOWBIT_OK)) return "";
    CHECK(lowbit_plan_describe(plan, m, &info, NULL) == LOWBIT_OK);
    lowbit_plan_destroy(ctx, plan);
    return info.source;
}

static void check_sources(const lowbit_ctx *ctx, lowbit_wisdom *w, const lowbit_pool *pool) {
    lowbit_plan_options o = LOWBIT_PLAN_OPTIONS_INIT;
    o.wisdom = w, o.pool = pool;
    CHECK(strcmp(source_of(ctx, &o, "i4g32a8:m3n200k256", 3), "wisdom") == 0);
    CHECK(strcmp(source_of(ctx, &o, "i4g32a8:m3n200k256", 1), "estimate") == 0);
    CHECK(strcmp(source_of(ctx, &o, "i4g32a8:m4n200k256", 2), "wisdom") == 0); /* the same bucket */
    CHECK(strcmp(source_of(ctx, &o, "i4g32a8:m3n100k512+bias", 3), "nearby") == 0);
    CHECK(strcmp(source_of(ctx, &o, "i4g32a8:m3n4096k4096", 3), "estimate") == 0); /* too far */
    o.pool = NULL, o.threads = 3;                                                  /* another number of threads */
    CHECK(strcmp(source_of(ctx, &o, "i4g32a8:m3n200k256", 3), "estimate") == 0);
}

static void check_only(const lowbit_ctx *ctx, lowbit_wisdom *w, const lowbit_pool *pool) {
    const lowbit_problem known = parse("i4g32a8:m3n200k256"), unknown = parse("i4g32a8:m3n201k256");
    lowbit_plan *plan = NULL;
    lowbit_error error = LOWBIT_ERROR_INIT;
    lowbit_plan_options o = LOWBIT_PLAN_OPTIONS_INIT;
    o.effort = LOWBIT_WISDOM_ONLY, o.wisdom = w, o.pool = pool;
    check_context("wisdom only");
    CHECK(lowbit_plan_create(ctx, &unknown, &o, &plan, &error) == LOWBIT_NOT_FOUND && !plan && error.message[0]);
    CHECK(lowbit_plan_create(ctx, &known, &o, &plan, NULL) == LOWBIT_OK);
    lowbit_plan_destroy(ctx, plan);
}

/* Without wisdom of the caller, and stopped by the caller. */
static void check_plans(const lowbit_ctx *ctx, lowbit_wisdom *w, const lowbit_pool *pool) {
    lowbit_plan_options o = LOWBIT_PLAN_OPTIONS_INIT;
    o.effort = LOWBIT_PATIENT, o.pool = pool, o.budget_s = 0.2;
    CHECK(strcmp(source_of(ctx, &o, "i2a8:m5n64k100+relu", 5), "wisdom") == 0);
    const lowbit_problem p = parse("i2a8:m6n640k1000");
    lowbit_plan *plan = NULL;
    lowbit_error error = LOWBIT_ERROR_INIT;
    o.progress = stop_at_once, o.wisdom = w, o.budget_s = 2;
    check_context("stopped");
    CHECK(lowbit_plan_create(ctx, &p, &o, &plan, &error) == LOWBIT_CANCELLED && !plan && error.message[0]);
    lb_wisdom_entry entry;
    CHECK(lb_wisdom_find(w, &p, 2, LB_POOL_OWN, 1, 1000, &entry, 1) == 0);
}

/* What plans do follows from wisdom: each M from the decision that is nearest. */
static void check_crossover(const lowbit_ctx *ctx, lowbit_wisdom *w) {
    const lowbit_problem p = parse("i8a8:m64n128k256");
    lb_wisdom_entry e = {.problem = p, .threads = 1, .samples = 5, .tried = 5, .effort = LOWBIT_MEASURE, .day = 20000};
    const lb_model model = lb_model_of(ctx, NULL, 1);
    lb_contender contenders[LB_MOST_CONTENDERS];
    const size_t count = lb_contenders(&model, &p, contenders);
    char names[2][LB_KERNEL_NAME];
    e.median_s = e.low_s = e.high_s = 1e-5;
    for (int i = 0; i < 2; i++) {
        const lb_kernel_ref ref = contenders[i ? count - 1 : 0].ref;
        e.problem.m = i ? 64 : 16 + 1;
        e.config = lb_configure(ctx, &e.problem, e.problem.m, ref, 1, 1);
        lb_kernel_name(ref, names[i], sizeof names[i]);
        CHECK(lb_wisdom_put(w, &e, NULL) == LOWBIT_OK);
    }
    lowbit_plan_options o = LOWBIT_PLAN_OPTIONS_INIT;
    lowbit_plan *plan = NULL;
    o.wisdom = w, o.threads = 1;
    CHECK(lowbit_plan_create(ctx, &p, &o, &plan, NULL) == LOWBIT_OK);
    static const struct {
        int64_t m;
        int which;
    } kCases[] = {{17, 0}, {32, 0}, {33, 1}, {64, 1}}; /* sqrt(17 * 64) = 32.98 */
    for (size_t i = 0; i < LB_COUNT(kCases); i++) {
        lowbit_plan_info info = {.struct_size = sizeof info};
        check_context("crossover, M = %lld", (long long)kCases[i].m);
        CHECK(lowbit_plan_describe(plan, kCases[i].m, &info, NULL) == LOWBIT_OK);
        CHECK(strcmp(info.kernel, names[kCases[i].which]) == 0 && strcmp(info.source, "wisdom") == 0);
    }
    lowbit_plan_destroy(ctx, plan);
}

static void check_refusals(const lowbit_ctx *ctx, lowbit_wisdom *w, const lowbit_pool *pool) {
    const lowbit_problem p = parse("i8a8:m1n16k16");
    const lowbit_plan_options good = {sizeof good, 0, LOWBIT_MEASURE, w, pool, 0.1, NULL, NULL, 0};
    lowbit_plan_options o = good;
    lowbit_plan *plan = NULL;
    check_context("refusals");
    CHECK(lowbit_tune(NULL, &p, 1, &o, NULL, NULL) == LOWBIT_INVALID_ARGUMENT);
    CHECK(lowbit_tune(ctx, NULL, 1, &o, NULL, NULL) == LOWBIT_INVALID_ARGUMENT);
    CHECK(lowbit_tune(ctx, &p, 0, &o, NULL, NULL) == LOWBIT_INVALID_ARGUMENT);
    CHECK(lowbit_tune(ctx, &p, 1, NULL, NULL, NULL) == LOWBIT_INVALID_ARGUMENT);
    lowbit_tune_result result = {.struct_size = 8};
    CHECK(lowbit_tune(ctx, &p, 1, &o, &result, NULL) == LOWBIT_INVALID_ARGUMENT);
#define REFUSED(change)                                                                                                \
    o = good;                                                                                                          \
    o.change;                                                                                                          \
    CHECK(lowbit_tune(ctx, &p, 1, &o, NULL, NULL) == LOWBIT_INVALID_ARGUMENT)
    REFUSED(struct_size = 8);
    REFUSED(effort = LOWBIT_ESTIMATE);
    REFUSED(effort = LOWBIT_WISDOM_ONLY);
    REFUSED(effort = 7);
    REFUSED(wisdom = NULL);
    REFUSED(budget_s = -1);
    REFUSED(threads = 3);
    REFUSED(buckets = 2);
#undef REFUSED
    lowbit_ctx_options masked = LOWBIT_CTX_OPTIONS_INIT;
    lowbit_ctx *other = NULL;
    masked.isa_mask = LOWBIT_ISA_SCALAR;
    CHECK(lowbit_ctx_create(&masked, &other, NULL) == LOWBIT_OK);
    o = good, o.effort = LOWBIT_ESTIMATE; /* wisdom may name kernels that the other context disables */
    const bool same = other->isa_enabled == ctx->isa_enabled;
    CHECK(same || lowbit_plan_create(other, &p, &o, &plan, NULL) == LOWBIT_INVALID_ARGUMENT);
    lowbit_ctx_destroy(other);
    o = good, o.effort = 7;
    CHECK(lowbit_plan_create(ctx, &p, &o, &plan, NULL) == LOWBIT_INVALID_ARGUMENT);
    o.effort = LOWBIT_WISDOM_ONLY, o.wisdom = NULL;
    CHECK(lowbit_plan_create(ctx, &p, &o, &plan, NULL) == LOWBIT_INVALID_ARGUMENT && !plan);
}

void subject_tuning(void) {
    lowbit_ctx *ctx = NULL;
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    lowbit_pool pool = LOWBIT_POOL_INIT;
    lowbit_pool_options pool_options = LOWBIT_POOL_OPTIONS_INIT;
    pool_options.threads = 2;
    CHECK(lowbit_pool_create(ctx, &pool_options, &pool, NULL) == LOWBIT_OK);
    lowbit_wisdom *w = new_wisdom(ctx);
    check_candidates(ctx);
    check_proof();
    check_search();
    check_tune(ctx, w, &pool);
    check_sources(ctx, w, &pool);
    check_only(ctx, w, &pool);
    check_plans(ctx, w, &pool);
    check_crossover(ctx, w);
    check_refusals(ctx, w, &pool);
    lowbit_wisdom_destroy(w);
    lowbit_pool_destroy(&pool);
    lowbit_ctx_destroy(ctx);
}
