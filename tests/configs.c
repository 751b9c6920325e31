/* SPDX-License-Identifier: Apache-2.0 */
/* Any legal config gives the same bits: orders of tasks, K split over tasks, steps, threads. And which are illegal. */
#include <stdio.h>
#include <string.h>

#include "kernels/base/base.h"
#include "kernels/base/ctx.h"
#include "kernels/base/pool.h"
#include "kernels/rows.h"
#include "kernels/ukernels.h"
#include "tests/check.h"
#include "tests/hostile.h"
#include "tests/problems.h"
#include "tuner/plan.h"

/* The plan of a config in scratch and output of their exact sizes. The
 * result is guarded memory. */
static void *run_config(const lowbit_ctx *ctx, const sample *s, const lb_gemm_config *config, const lowbit_pool *pool) {
    const int64_t m = s->problem.m, n = s->problem.n;
    lowbit_plan *plan = NULL;
    int64_t bytes = 0;
    void *out = check_guarded((size_t)(m * n * sample_out_bytes(s)), CHECK_GUARD_AFTER);
    const lowbit_gemm_args args = sample_args(s, out, n);
    if (!CHECK(lb_plan_of_config(ctx, &s->problem, config, &plan, NULL) == LOWBIT_OK)) return out;
    CHECK(lowbit_workspace_size(plan, m, &bytes, NULL) == LOWBIT_OK && bytes % 64 == 0);
    void *workspace = check_guarded((size_t)bytes, CHECK_GUARD_AFTER);
    memset(workspace, (int)check_random_in(0, 255), (size_t)bytes);
    /* the first call finds garbage in its scratch, a second one what the first left */
    for (int64_t left = check_random_in(1, 2); left > 0; left--)
        CHECK(lowbit_gemm(plan, &args, workspace, bytes, pool, NULL) == LOWBIT_OK);
    lowbit_plan_destroy(ctx, plan);
    return out;
}

static lb_gemm_config plain_config(lb_kernel_ref kernel, const lowbit_problem *problem) {
    return (lb_gemm_config){.kernel = kernel.kernel,
                            .unit = kernel.unit,
                            .threads = 1,
                            .step_m = lb_round_up(problem->m, kernel.kernel->mr),
                            .step_n = lb_round_up(problem->n, lb_max(kernel.kernel->nr, LB_PANEL))};
}

static lb_gemm_config random_config(lb_kernel_ref kernel, const lowbit_problem *problem) {
    static const uint32_t kSplits[] = {0, 1, 2, 2, 3, 5, 8, 100000};
    lb_gemm_config c = plain_config(kernel, problem);
    c.threads = (uint32_t)check_random_in(1, 3);
    c.order = (uint32_t)check_random_in(LB_ORDER_ROWS, LB_ORDER_COLUMNS);
    if (check_random_in(0, 3)) c.step_m = kernel.kernel->mr * check_random_in(1, 3);
    if (check_random_in(0, 3)) c.step_n = lb_max(kernel.kernel->nr, LB_PANEL) * check_random_in(1, 2);
    if (check_random_in(0, 1)) c.step_k = check_random_in(1, 300);
    if (lb_split_legal(problem, kernel.kernel)) c.split_k = kSplits[check_random_in(0, (int)LB_COUNT(kSplits) - 1)];
    return c;
}

/* One kernel, against what it computes as one task, on any of the pools. */
static void check_kernel(const lowbit_ctx *ctx, const sample *s, lb_kernel_ref kernel, const char *name,
                         const lowbit_pool pools[3], const void *reference) {
    const int64_t m = s->problem.m, n = s->problem.n, row = n * sample_out_bytes(s);
    const lb_gemm_config plain = plain_config(kernel, &s->problem);
    const uint8_t *want = run_config(ctx, s, &plain, NULL);
    if (reference) sample_check(s, want, n, reference);
    for (int round = 0; round < 12; round++) {
        const lb_gemm_config c = random_config(kernel, &s->problem);
        check_context("%s order %u split %u steps %d x %d x %d threads %u", name, c.order, c.split_k, (int)c.step_m,
                      (int)c.step_n, (int)c.step_k, c.threads);
        const uint8_t *got = run_config(ctx, s, &c, &pools[check_random_in(0, 2)]);
        CHECK(check_same_bytes(got, want, m, row, row, row));
    }
}

/* Every enabled kernel that computes the problem. */
static void check_problem(const lowbit_ctx *ctx, const char *problem, const lowbit_pool pools[3]) {
    sample s = sample_make(ctx, problem, DATA_RANDOM);
    const void *reference = lb_is_float_kind(s.problem.activations) ? NULL : sample_reference(ctx, &s);
    lb_kernel_ref kernel;
    for (size_t i = 0; lb_kernel_at(i, &kernel); i++) {
        lowbit_kernel_info info = {.struct_size = sizeof info};
        lowbit_kernel_get(ctx, i, &info, NULL);
        if (!info.enabled || !lb_kernel_fits(kernel.kernel, &s.problem)) continue;
        char name[LB_KERNEL_NAME + 64];
        snprintf(name, sizeof name, "%s %s", problem, info.name);
        check_context("%s", name);
        check_kernel(ctx, &s, kernel, name, pools, reference);
    }
    sample_free(ctx, &s);
}

/* Sums of one group, of progressive groups, of digits, of bits and distances; and products that are not split. */
void subject_configs(void) {
    static const char *const kProblems[] = {"i8a8:m5n70k700+bias",
                                            "i4a8:m3n40k2100+bias+relu+res",
                                            "i4za8:m40n33k515:s32",
                                            "i2ma8:m7n50k900+gelu",
                                            "t5a8:m6n40k1300",
                                            "nf4a8:m2n70k800",
                                            "b1a8:m1n40k3000+res",
                                            "b1a1:m5n70k2500",
                                            "b1u1:m17n40k2500+bias",
                                            "b1a2:m5n33k1700",
                                            "b1a4:m5n33k1700",
                                            "l1i8a8:m5n40k301",
                                            "i4g32pa8:m40n40k700+bias",
                                            "i4zg16pa8:m5n70k700:s32",
                                            "t2g96pa8:m3n40k1000+silu",
                                            "i4g64pa8:m3n40k70",
                                            "i8a8s:m5n70k700:s8+bias+res",
                                            "i4zg128pa8s:m5n33k1200:u8",
                                            "i4af:m3n40k900+bias",
                                            "i4mg4096af:m3n40k900",
                                            "i4g32paf:m5n40k900+res",
                                            "i4g32af:m5n40k300",
                                            "i8g32a8:m40n40k300",
                                            "f32af:m14n70k100"};
    lowbit_ctx *ctx = context_with(0);
    lowbit_pool_options options = LOWBIT_POOL_OPTIONS_INIT;
    lowbit_pool pools[] = {LOWBIT_POOL_INIT, pool_reversed(), pool_shuffled()};
    options.threads = 3;
    CHECK(lowbit_pool_create(ctx, &options, &pools[0], NULL) == LOWBIT_OK);
    for (size_t i = 0; i < LB_COUNT(kProblems); i++) check_problem(ctx, kProblems[i], pools);
    lowbit_pool_destroy(&pools[0]);
    lowbit_ctx_destroy(ctx);
}

/* ---- whose turn it is ---- */

/* The first one, which is portable. */
static lb_kernel_ref kernel_for(const lowbit_problem *problem) {
    lb_kernel_ref kernel;
    for (size_t i = 0; lb_kernel_at(i, &kernel) && !lb_kernel_fits(kernel.kernel, problem);) i++;
    return kernel;
}

static const lb_kernel *watched; /* the kernel whose tiles are watched */
static const uint8_t *before;    /* lines of the tile before */
static int calls, turns, finishes;

static void run_watched(const lb_tile *tile) {
    calls++;
    turns += tile->lines[0] != before;
    finishes += tile->finish != 0;
    before = tile->lines[0];
    watched->run(tile);
}

/* Runs the config on a kernel that counts: its calls, how often other lines came, and ends of tiles. */
static void watch(const lowbit_ctx *ctx, const sample *s, lb_gemm_config config) {
    lb_kernel kernel = *config.kernel;
    watched = config.kernel;
    before = NULL;
    calls = turns = finishes = 0;
    kernel.run = run_watched;
    config.kernel = &kernel;
    lb_gemm_call call = {.problem = &s->problem, .config = config, .m = s->problem.m};
    float *out = check_guarded((size_t)(call.m * s->problem.n) * sizeof *out, CHECK_GUARD_AFTER);
    const lowbit_gemm_args args = sample_args(s, out, s->problem.n);
    call.args = &args;
    call.rule = lb_row_rule_for(s->problem.activations);
    call.workspace = check_guarded((size_t)lb_gemm_workspace(&s->problem, &call.config, call.m), CHECK_GUARD_AFTER);
    lb_gemm_run(&call, NULL);
    sample_check(s, out, s->problem.n, sample_reference(ctx, s));
}

/* By rows other lines come with every task, by columns once for all rows. A split makes a call of each part, and one
 * more. */
void subject_configs_tasks(void) {
    lowbit_ctx *ctx = context_with(LOWBIT_ISA_SCALAR);
    sample s = sample_make(ctx, "i8a8:m20n64k300", DATA_RANDOM);
    const lb_kernel_ref kernel = kernel_for(&s.problem);
    lb_gemm_config config = plain_config(kernel, &s.problem);
    const int tiles = (int)lb_div_up(64, kernel.kernel->nr), blocks = (int)lb_div_up(20, kernel.kernel->mr);
    config.step_m = kernel.kernel->mr;
    config.step_n = LB_PANEL;
    watch(ctx, &s, config);
    CHECK(calls == tiles * blocks && turns == calls && finishes == calls);
    config.order = LB_ORDER_COLUMNS;
    watch(ctx, &s, config);
    CHECK(calls == tiles * blocks && turns == (int)lb_div_up(64, LB_PANEL) && finishes == calls);
    for (config.split_k = 2; config.split_k <= 5; config.split_k++) {
        watch(ctx, &s, config);
        CHECK(finishes == tiles * blocks && calls == finishes * ((int)config.split_k + 1));
    }
    sample_free(ctx, &s);
    lowbit_ctx_destroy(ctx);
}

/* ---- engines that schedule themselves ---- */

/* Tiles ignore the split. */
void subject_configs_tiles(void) {
    lowbit_ctx *ctx = context_with(0);
    sample s = sample_make(ctx, "i4a8:m5n70k900+bias", DATA_RANDOM);
    lb_kernel_ref kernel;
    for (size_t i = 0; lb_kernel_at(i, &kernel); i++) {
        if (!(kernel.unit->isa & ctx->isa_enabled) || !lb_kernel_fits(kernel.kernel, &s.problem)) continue;
        lb_gemm_config config = plain_config(kernel, &s.problem);
        lowbit_plan *plan = NULL;
        int64_t bytes = 0, step_m = 0, step_n = 0;
        config.split_k = 3;
        CHECK(lb_plan_of_config(ctx, &s.problem, &config, &plan, NULL) == LOWBIT_OK);
        CHECK(lowbit_workspace_size(plan, 5, &bytes, NULL) == LOWBIT_OK);
        CHECK(lowbit_gemm_steps(plan, 5, &step_m, &step_n, NULL) == LOWBIT_OK);
        void *workspace = check_guarded((size_t)bytes, CHECK_GUARD_AFTER);
        float *out = check_guarded((size_t)5 * 70 * sizeof *out, CHECK_GUARD_AFTER);
        const lowbit_gemm_args args = sample_args(&s, out, 70);
        CHECK(lowbit_gemm_prepare(plan, &args, workspace, bytes, NULL, NULL) == LOWBIT_OK);
        for (int64_t n = 0; n < 70; n += step_n)
            for (int64_t m = 0; m < 5; m += step_m)
                CHECK(lowbit_gemm_tile(plan, &args, workspace, bytes, m, lb_min(m + step_m, 5), n,
                                       lb_min(n + step_n, 70), NULL) == LOWBIT_OK);
        sample_check(&s, out, 70, sample_reference(ctx, &s));
        lowbit_plan_destroy(ctx, plan);
    }
    sample_free(ctx, &s);
    lowbit_ctx_destroy(ctx);
}

/* ---- refusals ---- */

static void check_refused(const lowbit_ctx *ctx, const lowbit_problem *problem, lb_gemm_config config,
                          lowbit_status status, const char *reason) {
    lowbit_plan *plan = NULL;
    lowbit_error error = LOWBIT_ERROR_INIT;
    check_context("%s", reason);
    CHECK(lb_plan_of_config(ctx, problem, &config, &plan, &error) == status && !plan);
    CHECK(strstr(error.message, reason) != NULL);
}

static lowbit_problem problem_of(const char *text) {
    lowbit_problem problem = {.struct_size = sizeof problem};
    CHECK(lowbit_problem_parse(text, &problem, NULL) == LOWBIT_OK);
    return problem;
}

void subject_configs_refusals(void) {
    static const char *const kWhole[] = {"i4g32a8:m1n64k4096", "f32af:m1n64k4096"};
    lowbit_ctx *ctx = context_with(LOWBIT_ISA_SCALAR);
    const lowbit_problem problem = problem_of("i8a8:m4n64k4096"), other = problem_of("i4a8:m4n64k4096");
    const lb_gemm_config legal = plain_config(kernel_for(&problem), &problem);
    lb_gemm_config c = legal;
    check_refused(ctx, &other, c, LOWBIT_UNSUPPORTED, "does not compute");
    c.step_m = 0;
    check_refused(ctx, &problem, c, LOWBIT_INVALID_ARGUMENT, "steps are 0 x");
    c = legal, c.step_n += 8;
    check_refused(ctx, &problem, c, LOWBIT_INVALID_ARGUMENT, "needs multiples");
    c = legal, c.step_k = -1;
    check_refused(ctx, &problem, c, LOWBIT_INVALID_ARGUMENT, "x -1,");
    c = legal, c.order = 2;
    check_refused(ctx, &problem, c, LOWBIT_INVALID_ARGUMENT, "order is 2");
    c = legal, c.split_k = INT32_MAX / 255;
    check_refused(ctx, &problem, c, LOWBIT_UNSUPPORTED, "too many");
    for (size_t i = 0; i < LB_COUNT(kWhole); i++) {
        const lowbit_problem whole = problem_of(kWhole[i]);
        c = plain_config(kernel_for(&whole), &whole);
        c.split_k = 2;
        check_refused(ctx, &whole, c, LOWBIT_UNSUPPORTED, "one integer sum");
    }
    lb_isa_unit absent = *legal.unit;
    absent.isa = LOWBIT_ISA_AMX;
    c = legal, c.unit = &absent;
    check_refused(ctx, &problem, c, LOWBIT_ISA_MISSING, "which this context does not enable");
    lowbit_ctx_destroy(ctx);
}
