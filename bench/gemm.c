/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/gemm.h"

#include <math.h>
#include <string.h>

#include "bench/limit_kernel.h"
#include "bench/measure.h"
#include "bench/peer_numbers.h"
#include "kernels/base/base.h"
#include "kernels/base/pool.h"
#include "kernels/formats/format.h"
#include "kernels/gemm.h"

/* Cold calls walk a ring of weights of this size: beyond the caches of a core's neighbours, as an LLM's layers are. */
static const int64_t kRingBytes = INT64_C(1) << 30;

static const int64_t kVerifiedProducts = INT64_C(1) << 28;

/* Everything that one cell of the bench owns, so that one function releases it however far the making came. */
typedef struct cell {
    const lb_gemm_bench *bench;
    lowbit_problem problem;
    void *ballast; /* shifts what is allocated after it */
    size_t ballast_bytes;
    lb_operands operands;
    lowbit_replicas **replicas; /* [operands.copies], or NULL */
    void *workspace;
    int64_t workspace_bytes;
    lowbit_plan *plan;
    lb_conv_bench conv;      /* in place of workspace and plan, where the bench has a convolution */
    const lowbit_pool *pool; /* that the calls run on: the bench's, or, in a process for a contest, this: */
    lowbit_pool own_pool;
} cell;

/* NOLINTNEXTLINE(bugprone-sizeof-expression): the size of a pointer is meant */
static size_t replicas_bytes(const cell *c) { return (size_t)c->operands.copies * sizeof *c->replicas; }

static lowbit_status make_replicas(cell *c, lowbit_error *error) {
    if (!c->bench->replicas) return LOWBIT_OK;
    c->replicas = lb_alloc(c->bench->ctx, replicas_bytes(c));
    LB_REQUIRE(c->replicas, error, LOWBIT_NO_MEMORY, "no memory for replicas of %lld copies",
               (long long)c->operands.copies);
    memset(c->replicas, 0, replicas_bytes(c));
    for (int64_t i = 0; i < c->operands.copies; i++)
        LB_TRY(lowbit_replicate(c->bench->ctx, &c->operands.packed[i], &c->replicas[i], error));
    return LOWBIT_OK;
}

static void release(cell *c) {
    for (int64_t i = 0; c->replicas && i < c->operands.copies; i++)
        lowbit_replicas_destroy(c->bench->ctx, c->replicas[i]);
    if (c->conv.ctx) lb_conv_bench_release(&c->conv);
    lb_free(c->bench->ctx, c->replicas, replicas_bytes(c));
    lb_operands_release(&c->operands);
    lb_free(c->bench->ctx, c->workspace, (size_t)c->workspace_bytes);
    lowbit_plan_destroy(c->bench->ctx, c->plan);
    lb_free(c->bench->ctx, c->ballast, c->ballast_bytes);
}

static lowbit_status make_plan(cell *c, lowbit_error *error) {
    const lb_gemm_bench *b = c->bench;
    const uint32_t threads = (uint32_t)lb_pool_threads(b->pool);
    lowbit_plan_options options = LOWBIT_PLAN_OPTIONS_INIT;
    options.threads = threads;
    options.wisdom = b->wisdom;
    if (b->conv) return lb_conv_bench_make(&c->operands, b->conv, &options, b->kernel, &c->conv, error);
    if (b->kernel)
        LB_TRY(lowbit_plan_force(b->ctx, &c->problem, b->kernel, threads, &c->plan, error));
    else
        LB_TRY(lowbit_plan_create(b->ctx, &c->problem, &options, &c->plan, error));
    LB_TRY(lowbit_workspace_size(c->plan, c->problem.m, &c->workspace_bytes, error));
    c->workspace = lb_alloc(b->ctx, (size_t)c->workspace_bytes);
    LB_REQUIRE(c->workspace, error, LOWBIT_NO_MEMORY, "no memory for a workspace of %lld bytes",
               (long long)c->workspace_bytes);
    return LOWBIT_OK;
}

static void run_cell(void *arg, size_t reps) {
    cell *c = arg;
    for (; reps > 0; reps--) {
        const lowbit_packed *packed = lb_operands_next(&c->operands);
        if (c->bench->conv) {
            lb_conv_bench_run(&c->conv, packed, c->pool);
            continue;
        }
        lowbit_gemm_args args = lb_operands_args(&c->operands, packed, c->problem.m);
        if (c->replicas) args.replicas = c->replicas[packed - c->operands.packed];
        lowbit_gemm(c->plan, &args, c->workspace, c->workspace_bytes, c->pool, NULL);
    }
}

static uint32_t kernel_factors(const char *kernel) {
    lb_kernel_ref found;
    return lb_kernel_find(kernel, &found) ? lb_algorithm_of(found.kernel)->factors : LB_FACTORS_FLOAT;
}

static lowbit_status verify(const cell *c, lb_gemm_result *r, lowbit_error *error) {
    const lowbit_problem *p = &c->problem;
    const int64_t wanted = c->bench->verified_products ? c->bench->verified_products : kVerifiedProducts;
    const int64_t affordable = lb_max(1, wanted / (p->n * p->k));
    const int64_t rows = c->bench->verify_all ? p->m : lb_min(p->m, affordable);
    const uint32_t factors = kernel_factors(r->plan.kernel);
    if (c->bench->conv) return lb_conv_bench_verify(&c->conv, rows, factors, &r->verdict, error);
    return lb_verify(&c->operands, p->m, rows, factors, &r->verdict, error);
}

/* ---- limits ---- */

/* The limit that would take longest is the one that binds. Its median stands next to the kernel's median, since what
 * slows a busy machine slows both; its best sample is what the machine can do undisturbed. */
static void keep_slower(lb_gemm_result *r, const char *name, double work, lb_limit limit) {
    if (limit.median <= 0 || work / limit.median * 1e6 <= r->limit_us) return;
    r->limit = name;
    r->limit_us = work / limit.median * 1e6;
    r->limit_best_us = work / limit.best * 1e6;
}

/* Whether it takes fields of codes out of lines, to multiply them. */
static bool takes_fields(const lb_kernel *kernel, const lowbit_problem *p) {
    return !lb_kernel_planes(kernel) && kernel->algorithm != LB_ALGORITHM_LUT && !lb_is_float_kind(p->activations);
}

/* How fast an output of that size is written, by plain stores or around the caches. Nothing where the threads' L2
 * caches can hold it, and with one row, whose output is small against the weights. */
static lb_limit limit_of_writes(const cell *c, size_t bytes, const lowbit_pool *pool) {
    const lb_gemm_bench *b = c->bench;
    lb_limit stores = {0}, around = {0};
    if (c->problem.m == 1 || bytes <= (size_t)b->ctx->machine.l2_bytes * lb_pool_threads(pool)) return stores;
    lb_limit_write(b->limits, LB_PROBE_WRITE, bytes, pool, &stores, NULL);
    lb_limit_write(b->limits, LB_PROBE_WRITE_AROUND, bytes, pool, &around, NULL);
    return around.median > stores.median ? around : stores;
}

/* The slowest of: all products at the best rate of the kernel's multiplication; codes decoded once from L1; the
 * weights read once from where they lie; the output written once where it leaves the L2 cache. */
static void find_limit(const cell *c, lb_gemm_result *r) {
    const lb_gemm_bench *b = c->bench;
    const lowbit_problem *p = &c->problem;
    const lowbit_pool *pool = r->plan.threads > 1 ? b->pool : NULL;
    const double bytes = (double)c->operands.blob_bytes, operations = 2.0 * (double)p->m * (double)p->n * (double)p->k;
    const size_t working_set = (size_t)(b->cold ? c->operands.copies * c->operands.step : c->operands.blob_bytes);
    lb_kernel_ref kernel;
    r->limit = "none";
    if (!lb_kernel_find(r->plan.kernel, &kernel)) return;
    const size_t out_bytes = (size_t)(p->m * p->n * lb_out_bytes(p));
    lb_limit decode = {0}, read = {0};
    if (takes_fields(kernel.kernel, p) &&
        kernel.kernel->coding <= LB_CODING_W8) /* no probe decodes books, trits or floats */
        lb_limit_compute(b->limits, kernel.unit, LB_PROBE_DECODE, lb_codings[kernel.kernel->coding].bits, pool, &decode,
                         NULL);
    lb_limit_read(b->limits, working_set, pool, &read, NULL);
    keep_slower(r, "compute", operations, lb_limit_of_kernel(b->limits, kernel, pool));
    keep_slower(r, "decode", bytes, decode);
    keep_slower(r, "read", bytes, read);
    keep_slower(r, "write", (double)out_bytes, limit_of_writes(c, out_bytes, pool));
    r->share = r->limit_us * 1e-6 / r->time.median_s;
}

/* ---- peers ---- */

/* Ours in a process for a contest: workers are not copied, and pages that it writes to would be copied one by one. */
static bool begin_home(void *arg) {
    cell *c = arg;
    const lb_gemm_bench *b = c->bench;
    if (c->pool) {
        lowbit_pool_options options = *b->pool_options;
        options.threads = (uint32_t)lb_pool_threads(c->pool);
        c->own_pool = (lowbit_pool)LOWBIT_POOL_INIT;
        if (lowbit_pool_create(b->ctx, &options, &c->own_pool, NULL) != LOWBIT_OK) return false;
        c->pool = &c->own_pool;
    }
    c->workspace = lb_alloc(b->ctx, (size_t)c->workspace_bytes);
    c->operands.out = lb_alloc(b->ctx, (size_t)(c->problem.m * c->problem.n) * sizeof(float));
    return c->workspace && c->operands.out;
}

static lowbit_status compare_peers(cell *c, const lb_gemm_result *r, lowbit_error *error) {
    /* Workers of other libraries spin for more work before they sleep, longer than ours: of OpenBLAS up to 20 ms, of
     * ONNX Runtime for 2^20 turns of a loop with a pause in it. */
    static const double kSpinning = 0.06;
    const lb_gemm_bench *b = c->bench;
    const bool comparable = lb_peer_comparable(&c->problem);
    lb_peer_numbers numbers = {.ctx = NULL};
    lb_contest contest = {.home = {begin_home, {run_cell, c}}, .timing = LB_ABBA_DEFAULTS(b->budget_s)};
    lowbit_status status = LOWBIT_OK;
    if (comparable) status = lb_peer_numbers_make(&c->operands, r->threads, &numbers, error);
    contest.work = numbers.work;
    contest.timing.settle_s = r->threads > 1 ? kSpinning : 0;
    contest.timeout_s = contest.timing.limit_s + 60;
    if (status == LOWBIT_OK)
        lb_compare_peers(b->peers, &contest, comparable, b->cold ? kRingBytes : 0, b->ctx->machine.memory_bytes,
                         b->peer_list);
    lb_peer_numbers_release(&numbers);
    return status;
}

static size_t random_below(size_t limit) {
    const uint64_t state = (uint64_t)lb_monotonic_clock.now_ns(NULL) * UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(state >> 32) % limit;
}

/* What is freed comes back at the next visit, the same pages at the same addresses, and what these do to caches is then
 * taken for a property of the kernel. Memory of a random size before the operands gives them others. */
static lowbit_status make_ballast(cell *c, lowbit_error *error) {
    c->ballast_bytes = random_below(1 << 21) + 1;
    c->ballast = lb_alloc(c->bench->ctx, c->ballast_bytes);
    LB_REQUIRE(c->ballast, error, LOWBIT_NO_MEMORY, "no memory for %zu bytes", c->ballast_bytes);
    memset(c->ballast, 1, c->ballast_bytes);
    return LOWBIT_OK;
}

static lowbit_status make(cell *c, lowbit_error *error) {
    LB_TRY(make_ballast(c, error));
    const int64_t ring = c->bench->cold ? kRingBytes : 0;
    LB_TRY(lb_operands_make(c->bench->ctx, &c->problem, ring, c->bench->pool, &c->operands, error));
    LB_TRY(make_replicas(c, error));
    LB_TRY(make_plan(c, error));
    run_cell(c, 1);
    return LOWBIT_OK;
}

/* Times it for the part of a visit, and sums up what all visits have said. */
static void visit(cell *c, lb_gemm_result *r) {
    const lb_gemm_bench *b = c->bench;
    const lowbit_problem *p = &c->problem;
    const lb_visiting how = {.budget_s = b->budget_s, .visits = b->passes ? b->passes : 1, .sentinel = b->sentinel};
    lb_series_visit(&r->series, &how, run_cell, c);
    lb_series_summarize(&r->series, &r->time);
    r->gops = 2e-9 * (double)p->m * (double)p->n * (double)p->k / r->time.median_s;
    r->weight_gbs = 1e-9 * (double)r->weight_bytes / r->time.median_s;
    r->share = r->limit_us * 1e-6 / r->time.median_s;
}

/* On another place of the stack, for the same reason: ten products of microseconds then differed by 0.45 % from process
 * to process, and not by 0.7 %. */
static void visit_elsewhere(cell *c, lb_gemm_result *r) {
    enum { PAGE = 4096, STEP = 16 };
    volatile char *gap = __builtin_alloca((random_below(PAGE / STEP) + 1) * STEP);
    gap[0] = 0;
    visit(c, r);
    gap[0] = 1; /* it is there until now */
}

/* Apart from the samples: reading the counters takes its time. */
static void count(cell *c, lb_gemm_result *r) {
    static const double kCounted_s = 0.02, kMostReps = 1e9;
    const double reps = fmin(kCounted_s / r->time.median_s, kMostReps);
    if (c->bench->counters)
        r->counted = lb_counters_count(c->bench->counters, run_cell, c, reps > 1 ? (size_t)reps : 1, &r->counts);
}

static lowbit_status describe(const cell *c, lowbit_plan_info *info, lowbit_error *error) {
    info->struct_size = sizeof *info;
    if (c->bench->conv) return lowbit_conv2d_plan_describe(c->conv.plan, c->bench->conv->batch, info, error);
    return lowbit_plan_describe(c->plan, c->problem.m, info, error);
}

static lowbit_status run_bench(cell *c, lb_gemm_result *r, lowbit_error *error) {
    LB_TRY(make(c, error));
    LB_TRY(describe(c, &r->plan, error));
    LB_TRY(verify(c, r, error));
    r->weight_bytes = c->operands.blob_bytes;
    r->replica_bytes = c->replicas ? lowbit_replicas_bytes(c->replicas[0]) : 0;
    visit_elsewhere(c, r);
    count(c, r);
    find_limit(c, r);
    return c->bench->peers ? compare_peers(c, r, error) : LOWBIT_OK;
}

static cell cell_of(const lb_gemm_bench *bench, const lowbit_problem *problem) {
    return (cell){.bench = bench, .problem = *problem, .operands = {.ctx = bench->ctx}, .pool = bench->pool};
}

lowbit_status lb_bench_gemm(const lb_gemm_bench *bench, const lowbit_problem *problem, lb_gemm_result *result,
                            lowbit_error *error) {
    LB_TRY(lowbit_supported(bench->ctx, problem, error));
    cell c = cell_of(bench, problem);
    *result = (lb_gemm_result){.threads = (uint32_t)lb_pool_threads(bench->pool)};
    const lowbit_status status = run_bench(&c, result, error);
    release(&c);
    return status;
}

lowbit_status lb_bench_gemm_again(const lb_gemm_bench *bench, const lowbit_problem *problem, lb_gemm_result *result,
                                  lowbit_error *error) {
    cell c = cell_of(bench, problem);
    const lowbit_status status = make(&c, error);
    if (status == LOWBIT_OK) visit_elsewhere(&c, result);
    release(&c);
    return status;
}
