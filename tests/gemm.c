/* SPDX-License-Identifier: Apache-2.0 */
/* The run call around the kernels: the same bits whoever runs the tasks, in whatever order and with however many rows;
 * rows that are shared; buffers of exactly their documented size. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kernels/base/base.h"
#include "kernels/base/pool.h"
#include "kernels/gemm.h"
#include "kernels/rows.h"
#include "kernels/ukernels.h"
#include "tests/check.h"
#include "tests/hostile.h"
#include "tests/problems.h"

/* Large enough that the plans of several threads do use them, and that the rows are prepared on the pool. */
static const char *const kProblems[] = {
    "i8a8:m150n180k450+bias",      "i4g32a8:m150n180k450+relu+res",  "i2zg16a8:m150n170k450+bias+relu",
    "t2a8:m150n200k450+bias+res",  "b1g64a8:m150n199k450",           "i4mg64a8:m150n180k450+bias+res",
    "i8za8:m150n180k450:s32",      "i4g32pa8:m150n180k450+bias",     "i2zg64pa8:m150n180k450:s32",
    "i4zg32a8s:m150n180k450+bias", "i8a8s:m150n180k450:s8+bias+res", "i4g32a8:m150n200k450:u8+bias+gelu"};

static lowbit_plan *make_plan(const lowbit_ctx *ctx, const lowbit_problem *problem, uint32_t threads) {
    lowbit_plan *plan = NULL;
    lowbit_plan_options options = LOWBIT_PLAN_OPTIONS_INIT;
    options.threads = threads;
    CHECK(lowbit_plan_create(ctx, problem, &options, &plan, NULL) == LOWBIT_OK);
    return plan;
}

/* Compares m contiguous rows; raw sums are bits, as floats are. */
static bool same_rows(const sample *s, int64_t m, const void *got, const void *want) {
    const int64_t n = s->problem.n;
    return CHECK(sample_out_bytes(s) == 1 ? check_same_bytes(got, want, m, n, n, n)
                                          : check_same_floats(got, want, m, n, n, n));
}

/* The rows of args in scratch and output of their exact sizes, both of random garbage, against `want`. */
static void run(const lowbit_plan *plan, const sample *s, lowbit_gemm_args args, const lowbit_pool *pool,
                const float *want, int side) {
    const int64_t m = args.rows ? args.rows->m : args.a.rows, n = s->problem.n;
    int64_t bytes = 0;
    CHECK(lowbit_workspace_size(plan, m, &bytes, NULL) == LOWBIT_OK && bytes % 64 == 0);
    void *workspace = check_guarded((size_t)bytes, side);
    args.out = check_guarded((size_t)(m * n * sample_out_bytes(s)), side);
    args.out_stride = n;
    memset(workspace, (int)check_random_in(0, 255), (size_t)bytes);
    CHECK(lowbit_gemm(plan, &args, workspace, bytes, pool, NULL) == LOWBIT_OK);
    same_rows(s, m, args.out, want);
}

/* ---- threads ---- */

static void run_threads(const lowbit_ctx *ctx, const sample *s, const float *want, uint32_t threads) {
    lowbit_pool_options options = LOWBIT_POOL_OPTIONS_INIT;
    lowbit_pool pool = LOWBIT_POOL_INIT;
    lowbit_plan_info info = {.struct_size = sizeof info};
    lowbit_plan *plan = make_plan(ctx, &s->problem, threads);
    options.threads = threads;
    CHECK(lowbit_pool_create(ctx, &options, &pool, NULL) == LOWBIT_OK);
    CHECK(lowbit_plan_describe(plan, s->problem.m, &info, NULL) == LOWBIT_OK);
    CHECK(info.threads <= threads && 4 * info.threads >= 3 * threads); /* whole tiles may leave fewer tasks */
    run(plan, s, sample_args(s, NULL, 0), &pool, want, CHECK_GUARD_AFTER);
    lowbit_pool_destroy(&pool);
    lowbit_plan_destroy(ctx, plan);
}

static void run_hostile(const lowbit_ctx *ctx, const sample *s, const float *want) {
    const lowbit_pool pools[] = {pool_reversed(), pool_shuffled()};
    lowbit_plan *plan = make_plan(ctx, &s->problem, 7);
    for (size_t i = 0; i < LB_COUNT(pools); i++)
        run(plan, s, sample_args(s, NULL, 0), &pools[i], want, CHECK_GUARD_BEFORE);
    run(plan, s, sample_args(s, NULL, 0), NULL, want, CHECK_GUARD_AFTER); /* a plan for seven, alone */
    lowbit_plan_destroy(ctx, plan);
}

/* The widest level of this machine for which the problems are large enough; for some of them also the portable one,
 * which is slow. */
void subject_gemm_threads(void) {
    static const uint32_t kMasks[] = {LOWBIT_ISA_ALL & ~LOWBIT_ISA_AMX, LOWBIT_ISA_SCALAR}, kThreads[] = {1, 2, 3, 7};
    for (size_t p = 0; p < LB_COUNT(kProblems); p++)
        for (size_t mask = 0; mask < (p % 3 ? 1 : LB_COUNT(kMasks)); mask++) {
            lowbit_ctx *ctx = context_with(kMasks[mask]);
            sample s = sample_make(ctx, kProblems[p], DATA_RANDOM);
            const float *want = sample_reference(ctx, &s);
            for (size_t t = 0; t < LB_COUNT(kThreads); t++) {
                check_context("%s mask %u threads %u", kProblems[p], kMasks[mask], kThreads[t]);
                run_threads(ctx, &s, want, kThreads[t]);
            }
            check_context("%s mask %u hostile pools", kProblems[p], kMasks[mask]);
            run_hostile(ctx, &s, want);
            sample_free(ctx, &s);
            lowbit_ctx_destroy(ctx);
        }
}

/* A product of few columns is cut by its rows, so that every thread has a task; and computes the same. */
static void check_few_columns(void) {
    lowbit_ctx *ctx = context_with(LOWBIT_ISA_SCALAR); /* so slow that threads pay */
    sample s = sample_make(ctx, "i8a8:m300n16k500+bias", DATA_RANDOM);
    const lowbit_pool pool = pool_reversed();
    const lb_gemm_config config = sample_config(ctx, &s.problem, s.problem.m, 4);
    lowbit_plan *plan = make_plan(ctx, &s.problem, 4);
    check_context("few columns");
    CHECK(config.threads == 4 && lb_div_up(s.problem.m, config.step_m) >= 4 && config.step_m % config.kernel->mr == 0);
    run(plan, &s, sample_args(&s, NULL, 0), &pool, sample_reference(ctx, &s), CHECK_GUARD_AFTER);
    lowbit_plan_destroy(ctx, plan);
    sample_free(ctx, &s);
    lowbit_ctx_destroy(ctx);
}

/* Threads are used where they pay: not for a product that is done before they have come, all of them for a large one.
 */
void subject_gemm_small(void) {
    static const struct {
        const char *problem;
        uint32_t least, most;
    } kCases[] = {{"i8a8:m1n64k64", 1, 1},
                  {"b1a8:m4n16k256", 1, 1},
                  {"i8a8:m1n4096k4096", 2, 8},
                  {"i4g32a8:m512n4096k4096", 8, 8}};
    lowbit_ctx *ctx = context_with(0);
    for (size_t i = 0; i < LB_COUNT(kCases); i++) {
        lowbit_problem problem = {.struct_size = sizeof problem};
        lowbit_plan_info info = {.struct_size = sizeof info};
        check_context("%s", kCases[i].problem);
        CHECK(lowbit_problem_parse(kCases[i].problem, &problem, NULL) == LOWBIT_OK);
        lowbit_plan *plan = make_plan(ctx, &problem, 8);
        CHECK(lowbit_plan_describe(plan, problem.m, &info, NULL) == LOWBIT_OK);
        CHECK(info.threads >= kCases[i].least && info.threads <= kCases[i].most);
        lowbit_plan_destroy(ctx, plan);
    }
    lowbit_ctx_destroy(ctx);
    check_few_columns();
}

/* ---- tiles ---- */

typedef struct tiling {
    const lowbit_plan *plan;
    const lowbit_gemm_args *args;
    const void *workspace;
    int64_t bytes, step_m, step_n, columns;
    _Atomic int failures;
} tiling;

static void run_tile(void *arg, size_t i, size_t worker) {
    (void)worker;
    tiling *t = arg;
    const int64_t m = t->args->a.rows, n = t->args->weights->n;
    const int64_t m0 = (int64_t)i / t->columns * t->step_m, n0 = (int64_t)i % t->columns * t->step_n;
    t->failures += lowbit_gemm_tile(t->plan, t->args, t->workspace, t->bytes, m0, lb_min(m, m0 + t->step_m), n0,
                                    lb_min(n, n0 + t->step_n), NULL) != LOWBIT_OK;
}

/* prepare, then every tile once on the pool, in steps that are multiples of the plan's. */
static void run_tiles(const lowbit_plan *plan, const sample *s, const float *want, const lowbit_pool *pool) {
    const int64_t m = s->problem.m, n = s->problem.n;
    tiling t = {.plan = plan};
    CHECK(lowbit_workspace_size(plan, m, &t.bytes, NULL) == LOWBIT_OK);
    CHECK(lowbit_gemm_steps(plan, m, &t.step_m, &t.step_n, NULL) == LOWBIT_OK);
    t.step_m *= check_random_in(1, 3), t.step_n *= check_random_in(1, 3);
    t.columns = lb_div_up(n, t.step_n);
    void *workspace = check_guarded((size_t)t.bytes, CHECK_GUARD_AFTER);
    void *out = check_guarded((size_t)(m * n * sample_out_bytes(s)), CHECK_GUARD_AFTER);
    const lowbit_gemm_args args = sample_args(s, out, n);
    t.args = &args;
    t.workspace = workspace;
    CHECK(lowbit_gemm_prepare(plan, &args, workspace, t.bytes, pool, NULL) == LOWBIT_OK);
    lb_parallel_for(pool, (size_t)(lb_div_up(m, t.step_m) * t.columns), run_tile, &t);
    CHECK(t.failures == 0);
    same_rows(s, m, out, want);
}

void subject_gemm_tiles(void) {
    lowbit_ctx *ctx = context_with(0);
    lowbit_pool_options options = LOWBIT_POOL_OPTIONS_INIT;
    lowbit_pool pools[] = {pool_reversed(), pool_shuffled(), LOWBIT_POOL_INIT};
    options.threads = 3;
    CHECK(lowbit_pool_create(ctx, &options, &pools[2], NULL) == LOWBIT_OK);
    for (size_t p = 0; p < LB_COUNT(kProblems); p++) {
        sample s = sample_make(ctx, kProblems[p], DATA_RANDOM);
        const float *want = sample_reference(ctx, &s);
        lowbit_plan *plan = make_plan(ctx, &s.problem, 3);
        for (size_t i = 0; i < LB_COUNT(pools); i++) {
            check_context("%s pool %zu", kProblems[p], i);
            run_tiles(plan, &s, want, &pools[i]);
        }
        lowbit_plan_destroy(ctx, plan);
        sample_free(ctx, &s);
    }
    lowbit_pool_destroy(&pools[2]);
    lowbit_ctx_destroy(ctx);
}

/* ---- the state of a task ---- */

static const lb_kernel *hooked; /* the kernel under the hooks */
static _Thread_local const lb_tile *entered;
static _Atomic int entries, mistakes;

static void enter(const lb_tile *tile) {
    mistakes += entered != NULL;
    entered = tile;
    entries++;
    if (hooked->enter) hooked->enter(tile);
}

static void leave(void) {
    mistakes += entered == NULL;
    entered = NULL;
    if (hooked->leave) hooked->leave();
}

static void run_entered(const lb_tile *tile) {
    mistakes += entered == NULL;
    hooked->run(tile);
}

/* Every task enters and leaves once, on the thread that runs its tiles, and leaves nothing behind. */
void subject_gemm_enter(void) {
    lowbit_ctx *ctx = context_with(0);
    lowbit_pool_options options = LOWBIT_POOL_OPTIONS_INIT;
    lowbit_pool pool = LOWBIT_POOL_INIT;
    options.threads = 3;
    CHECK(lowbit_pool_create(ctx, &options, &pool, NULL) == LOWBIT_OK);
    sample s = sample_make(ctx, kProblems[0], DATA_RANDOM);
    const int64_t m = s.problem.m, n = s.problem.n;
    float *out = check_guarded((size_t)(m * n) * sizeof *out, CHECK_GUARD_AFTER);
    const lowbit_gemm_args args = sample_args(&s, out, n);
    lb_gemm_call call = {.problem = &s.problem, .config = sample_config(ctx, &s.problem, m, 3), .args = &args, .m = m};
    call.rule = lb_row_rule_for(s.problem.activations);
    lb_kernel kernel = *call.config.kernel;
    hooked = call.config.kernel;
    kernel.run = run_entered, kernel.enter = enter, kernel.leave = leave;
    call.config.kernel = &kernel;
    call.workspace = check_guarded((size_t)lb_gemm_workspace(&s.problem, &call.config, m), CHECK_GUARD_AFTER);
    lb_gemm_run(&call, &pool);
    CHECK(entries == lb_div_up(m, call.config.step_m) * lb_div_up(n, call.config.step_n));
    CHECK(mistakes == 0 && !entered);
    CHECK(check_same_floats(out, sample_reference(ctx, &s), m, n, n, n));
    sample_free(ctx, &s);
    lowbit_pool_destroy(&pool);
    lowbit_ctx_destroy(ctx);
}

/* ---- rows ---- */

/* Q, K and V: rows quantized once, by themselves or by one scale, serve plans of different formats and widths. */
enum { SHARED = 5 };

static void check_shared_rows(const lowbit_ctx *ctx, const char *const problems[SHARED]) {
    sample first = sample_make(ctx, problems[0], DATA_RANDOM);
    lowbit_rows rows = {.struct_size = sizeof rows};
    const lowbit_matrix a = {first.a, 9, 200, first.a_stride};
    int64_t bytes = 0;
    CHECK(lowbit_rows_size(9, 200, 32, &bytes, NULL) == LOWBIT_OK);
    void *memory = check_guarded((size_t)bytes, CHECK_GUARD_AFTER);
    if (first.problem.static_scale)
        CHECK(lowbit_quantize_rows_static(ctx, &a, 32, first.a_scale, first.a_zero, memory, bytes, NULL, &rows, NULL) ==
              LOWBIT_OK);
    else
        CHECK(lowbit_quantize_rows(ctx, &a, 32, memory, bytes, NULL, &rows, NULL) == LOWBIT_OK);
    for (size_t i = 0; i < SHARED; i++) {
        sample s = sample_make(ctx, problems[i], DATA_RANDOM);
        check_context("%s from shared rows", problems[i]);
        s.a = first.a, s.a_stride = first.a_stride;
        s.a_scale = first.a_scale, s.a_zero = first.a_zero;
        const float *want = sample_reference(ctx, &s);
        lowbit_plan *plan = make_plan(ctx, &s.problem, 1);
        lowbit_gemm_args args = sample_args(&s, NULL, 0);
        args.a = (lowbit_matrix){0};
        args.rows = &rows;
        args.a_scale = NAN, args.a_zero = 1000; /* those of the rows count */
        run(plan, &s, args, NULL, want, CHECK_GUARD_AFTER);
        lowbit_plan_destroy(ctx, plan);
        lowbit_weights_free(ctx, &s.weights);
    }
    sample_free(ctx, &first);
}

void subject_gemm_rows(void) {
    static const char *const kShared[][SHARED] = {
        {"i4g32a8:m9n77k200+bias", "i2zg32a8:m9n33k200+relu", "b1g32a8:m9n16k200", "i8g32a8:m9n50k200+res",
         "i4zg32pa8:m9n50k200+res"},
        {"i4g32a8s:m9n77k200+bias", "i2zg32a8s:m9n33k200+relu", "b1g32a8s:m9n16k200", "i8mg32a8s:m9n50k200+res",
         "t2g32pa8s:m9n50k200+bias"}};
    lowbit_ctx *ctx = context_with(0);
    for (size_t i = 0; i < LB_COUNT(kShared); i++) check_shared_rows(ctx, kShared[i]);
    lowbit_ctx_destroy(ctx);
}

/* Fewer rows than the plan was made for are another bucket's decision, in scratch of their own size; and every row is
 * what it is alone. */
void subject_gemm_buckets(void) {
    static const int64_t kRows[] = {1, 2, 3, 4, 5, 16, 17, 63, 64, 65, 100};
    static const char *const kPlans[] = {"i4g32a8:m100n70k130+bias+res", "i8a8:m100n70k130", "b1a8:m100n70k130+relu",
                                         "t2g32pa8:m100n70k130+bias"};
    lowbit_ctx *ctx = context_with(0);
    for (size_t p = 0; p < LB_COUNT(kPlans); p++) {
        sample s = sample_make(ctx, kPlans[p], DATA_RANDOM);
        const float *want = sample_reference(ctx, &s);
        lowbit_plan *plan = make_plan(ctx, &s.problem, 1);
        int64_t before = 0, bytes = 0;
        for (size_t i = 0; i < LB_COUNT(kRows); i++) {
            lowbit_gemm_args args = sample_args(&s, NULL, 0);
            check_context("%s with %d rows", kPlans[p], (int)kRows[i]);
            args.a.rows = kRows[i];
            run(plan, &s, args, NULL, want, (int)(i & 1));
            CHECK(lowbit_workspace_size(plan, kRows[i], &bytes, NULL) == LOWBIT_OK && bytes >= before);
            before = bytes; /* "or fewer": scratch for more rows serves fewer */
        }
        lowbit_plan_destroy(ctx, plan);
        sample_free(ctx, &s);
    }
    lowbit_ctx_destroy(ctx);
}

/* ---- the output over the residual ---- */

/* Floats, then codes in the integer form. */
static void check_over_residual(const lowbit_ctx *ctx, const char *problem) {
    sample s = sample_make(ctx, problem, DATA_RANDOM);
    const bool codes = s.problem.out >= LOWBIT_OUT_S8;
    if (codes && !s.requant.multipliers) sample_integer_form(&s);
    const void *want = sample_reference(ctx, &s);
    const int64_t stride = codes ? s.requant.residual_stride : s.residual_stride;
    void *residual = codes ? (void *)(uintptr_t)s.requant.residual : s.residual;
    lowbit_plan *plan = make_plan(ctx, &s.problem, 1);
    lowbit_gemm_args args = sample_args(&s, residual, stride);
    int64_t bytes = 0;
    check_context("%s over its residual", problem);
    CHECK(lowbit_workspace_size(plan, s.problem.m, &bytes, NULL) == LOWBIT_OK);
    void *workspace = check_guarded((size_t)bytes, CHECK_GUARD_AFTER);
    CHECK(lowbit_gemm(plan, &args, workspace, bytes, NULL, NULL) == LOWBIT_OK);
    sample_check(&s, residual, stride, want);
    lowbit_plan_destroy(ctx, plan);
    sample_free(ctx, &s);
}

void subject_gemm_residual(void) {
    static const char *const kPlans[] = {"i4a8:m33n100k64+bias+relu+res", "i8g32a8:m33n65k70+res",
                                         "i8a8s:m33n65k70:s8+res", "i4a8s:m33n100k64:u8+bias+relu+res"};
    lowbit_ctx *ctx = context_with(0);
    for (size_t p = 0; p < LB_COUNT(kPlans); p++) check_over_residual(ctx, kPlans[p]);
    lowbit_ctx_destroy(ctx);
}

/* ---- outputs that no cache holds ---- */

/* Large enough to be stored past the caches, by every kernel, with rows that allow it and rows that do not. */
void subject_gemm_stream(void) {
    lowbit_ctx *ctx = context_with(0);
    lowbit_machine machine = {.struct_size = sizeof machine};
    CHECK(lowbit_machine_info(ctx, &machine, NULL) == LOWBIT_OK);
    const int64_t l2 = machine.l2_bytes > 0 ? machine.l2_bytes : 1 << 20, n = 1024, m = l2 / (4 * n) + 5;
    static const char *const kFormats[] = {"i8a8", "i4g32a8", "b1a8"};
    for (size_t p = 0; p < 2 * LB_COUNT(kFormats); p++) {
        char problem[96];
        snprintf(problem, sizeof problem, "%s:m%dn%dk40%s", kFormats[p / 2], (int)m, (int)n,
                 p % 2 == 0 ? "+bias+gelu"
                 : p == 1   ? ":s32"
                            : "+relu");
        sample s = sample_make(ctx, problem, DATA_RANDOM);
        sample_check_kernels(ctx, &s, problem);
        s.out_gap = 0;
        sample_check_kernels(ctx, &s, problem);
        sample_free(ctx, &s);
    }
    lowbit_ctx_destroy(ctx);
}

/* ---- nothing is allocated ---- */

void subject_gemm_allocations(void) {
    ledger book;
    const lowbit_allocator allocator = ledger_allocator(&book);
    lowbit_ctx_options options = LOWBIT_CTX_OPTIONS_INIT;
    lowbit_pool_options threads = LOWBIT_POOL_OPTIONS_INIT;
    lowbit_pool pools[] = {LOWBIT_POOL_INIT, pool_shuffled()};
    lowbit_ctx *ctx = NULL;
    options.allocator = &allocator;
    threads.threads = 3;
    CHECK(lowbit_ctx_create(&options, &ctx, NULL) == LOWBIT_OK);
    CHECK(lowbit_pool_create(ctx, &threads, &pools[0], NULL) == LOWBIT_OK);
    for (size_t p = 0; p < LB_COUNT(kProblems); p++) {
        sample s = sample_make(ctx, kProblems[p], DATA_RANDOM);
        lowbit_plan *plan = make_plan(ctx, &s.problem, 3);
        const int64_t m = s.problem.m, n = s.problem.n;
        int64_t bytes = 0, rows_bytes = 0;
        lowbit_rows rows = {.struct_size = sizeof rows};
        CHECK(lowbit_workspace_size(plan, m, &bytes, NULL) == LOWBIT_OK);
        CHECK(lowbit_rows_size(m, s.problem.k, 0, &rows_bytes, NULL) == LOWBIT_OK);
        void *workspace = check_guarded((size_t)bytes, CHECK_GUARD_AFTER);
        void *memory = check_guarded((size_t)rows_bytes, CHECK_GUARD_AFTER);
        const lowbit_gemm_args args = sample_args(&s, check_guarded((size_t)(m * n) * 4, CHECK_GUARD_AFTER), n);
        check_context("%s", kProblems[p]);
        const int64_t before = book.allocations;
        const long heap = heap_calls();
        CHECK(lowbit_gemm(plan, &args, workspace, bytes, NULL, NULL) == LOWBIT_OK);
        for (size_t i = 0; i < LB_COUNT(pools); i++) {
            CHECK(lowbit_gemm(plan, &args, workspace, bytes, &pools[i], NULL) == LOWBIT_OK);
            CHECK(lowbit_gemm_prepare(plan, &args, workspace, bytes, &pools[i], NULL) == LOWBIT_OK);
        }
        CHECK(lowbit_gemm_tile(plan, &args, workspace, bytes, 0, m, 0, n, NULL) == LOWBIT_OK);
        CHECK(lowbit_quantize_rows(ctx, &args.a, 0, memory, rows_bytes, &pools[0], &rows, NULL) == LOWBIT_OK);
        CHECK(book.allocations == before && heap_calls() == heap);
        lowbit_plan_destroy(ctx, plan);
        sample_free(ctx, &s);
    }
    lowbit_pool_destroy(&pools[0]);
    lowbit_ctx_destroy(ctx);
    CHECK(book.live == 0 && book.wrong == 0 && book.allocations > 0 && heap_calls() > 0);
}

/* ---- what is not a number ---- */

/* A NaN or an infinity anywhere in a row of A makes that row of the output NaN, or 0 behind a ReLU, and no other. With
 * static activations a NaN does; an infinity is the nearest code. */
static void check_spoiled(const lowbit_ctx *ctx, const char *problem, float bad) {
    sample s = sample_make(ctx, problem, DATA_RANDOM);
    lowbit_plan *plan = make_plan(ctx, &s.problem, 1);
    const int64_t m = s.problem.m, n = s.problem.n, row = check_random_in(0, m - 1);
    float *want = sample_reference(ctx, &s);
    float *spoiled = &s.a[row * s.a_stride + check_random_in(0, s.problem.k - 1)];
    *spoiled = copysignf(1000, bad);
    if (s.problem.static_scale && isinf(bad)) want = sample_reference(ctx, &s);
    for (int64_t c = 0; c < n && !(s.problem.static_scale && isinf(bad)); c++)
        want[row * n + c] = s.problem.act == LOWBIT_ACT_RELU ? 0.0f : NAN;
    *spoiled = bad;
    check_context("%s with %g in row %d", problem, (double)bad, (int)row);
    const float *reference = sample_reference(ctx, &s);
    CHECK(check_same_floats(reference, want, m, n, n, n));
    run(plan, &s, sample_args(&s, NULL, 0), NULL, want, CHECK_GUARD_AFTER);
    lowbit_plan_destroy(ctx, plan);
    sample_free(ctx, &s);
}

void subject_gemm_nan(void) {
    static const char *const kSpoiled[] = {"i8a8:m5n40k70",
                                           "i4g32a8:m13n70k100+bias+res",
                                           "i2ma8:m1n33k65+relu",
                                           "b1g64a8:m7n20k129+bias+relu+res",
                                           "t2a8:m2n130k300+bias",
                                           "i8a8:m5n40k70+gelu",
                                           "i8a8s:m5n40k70",
                                           "i4ma8s:m5n40k70+relu",
                                           "i4g32a8:m3n70k100+bias+gelu_tanh",
                                           "b1a8:m5n40k70+silu",
                                           "i4g32pa8:m3n40k100+res"};
    static const float kBad[] = {NAN, INFINITY, -INFINITY};
    static const uint32_t kMasks[] = {0, LOWBIT_ISA_SCALAR};
    for (size_t mask = 0; mask < LB_COUNT(kMasks); mask++) {
        lowbit_ctx *ctx = context_with(kMasks[mask]);
        for (size_t p = 0; p < LB_COUNT(kSpoiled); p++)
            for (size_t b = 0; b < LB_COUNT(kBad); b++) check_spoiled(ctx, kSpoiled[p], kBad[b]);
        lowbit_ctx_destroy(ctx);
    }
}
