/* SPDX-License-Identifier: Apache-2.0 */
#include "tuner/calibrate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kernels/base/ctx.h"
#include "kernels/base/pool.h"
#include "kernels/formats/format.h"
#include "kernels/prepare.h"
#include "kernels/simd/probe.h"
#include "tuner/operands.h"
#include "tuner/tune.h"
#include "tuner/wisdom.h"

enum {
    BEST_OF = 5,
    BATCH_NS = 12000,  /* a sample of a kernel lasts about so long */
    READ_NS = 2000000, /* one of reading */
    FORKS = 200,
    LINES_BYTES = 12 << 10, /* packed lines of a kernel's columns, at most */
    ROWS_BYTES = 12 << 10,  /* its rows of A */
    LEAST_K = 256,
    MOST_K = 4096,
    GROUP = 32
};

/* ---- timing ---- */

typedef void (*work)(void *arg, int64_t reps);

/* Seconds of a repetition: the best of a few batches, since what is asked for is what the machine can do. */
static double best_of(const lb_clock *clock, work fn, void *arg, int64_t batch_ns) {
    double best = INFINITY;
    int64_t reps = 1;
    for (int i = 0; i < BEST_OF;) {
        const int64_t start = clock->now_ns(clock->user);
        fn(arg, reps);
        const int64_t took = lb_max(clock->now_ns(clock->user) - start, 1);
        if (took < batch_ns / 2 && reps < 1 << 20) {
            reps = lb_min(reps * lb_min(lb_max(batch_ns / took, 2), 100), 1 << 20);
            continue;
        }
        best = fmin(best, 1e-9 * (double)took / (double)reps);
        i++;
    }
    return best;
}

/* ---- kernels ---- */

/* A kernel alone: tiles of one column of tiles. */
typedef struct bench {
    lb_operands operands;
    lb_gemm_call call;
    lowbit_gemm_args args;
    lb_gemm_config config;
} bench;

static void run_tiles(void *arg, int64_t reps) {
    const bench *b = arg;
    for (; reps > 0; reps--) lb_gemm_tile(&b->call, 0, b->call.m, 0, b->operands.problem.n);
}

static void run_prepare(void *arg, int64_t reps) {
    const bench *b = arg;
    for (; reps > 0; reps--) lb_gemm_prepare(&b->call, NULL);
}

/* The first format and activations that the kernel takes, with groups of so many k (0 = rows); false if none. */
static bool find_problem(const lb_kernel *kernel, int32_t group, lowbit_problem *p) {
    const lb_format *f;
    for (size_t i = 0; (f = lb_format_at(i)); i++)
        for (uint32_t a = LOWBIT_A8; a <= LOWBIT_AF32; a++) {
            *p = (lowbit_problem){.struct_size = sizeof *p, .activations = a, .m = 1, .n = LB_PANEL, .k = LEAST_K};
            p->weights = (lowbit_weight_type){.struct_size = sizeof p->weights, .format = f->id, .group = group};
            if (group) p->weights.scale_type = LOWBIT_SCALE_F16;
            if (lb_check_problem(p, NULL) == LOWBIT_OK && lb_kernel_fits(kernel, p)) return true;
        }
    return false;
}

/* K such that lines and rows stay in the L1 cache. */
static int64_t suitable_k(const lb_kernel *kernel, int64_t rows) {
    const int64_t panels = lb_div_up(kernel->nr, LB_PANEL), line_k = lb_codings[kernel->coding].line_k;
    const int64_t by_lines = LINES_BYTES / (panels * LB_LINE) * line_k;
    const int64_t by_rows = 8 * ROWS_BYTES / (rows * lb_panel_bits(kernel));
    return lb_max(lb_min(lb_min(by_lines, by_rows), MOST_K) / LEAST_K, 2) * LEAST_K;
}

static lowbit_status begin(const lowbit_ctx *ctx, lb_kernel_ref ref, lowbit_problem *p, bench *b, lowbit_error *error) {
    LB_TRY(lb_operands_make(ctx, p, 0, NULL, &b->operands, error));
    b->config = lb_configure(ctx, p, p->m, ref, 1, 1);
    b->config.step_k = 0;
    b->args = lb_operands_args(&b->operands, b->operands.packed, p->m);
    b->call = (lb_gemm_call){.problem = &b->operands.problem, .config = b->config, .args = &b->args, .m = p->m};
    if (!lb_is_float_kind(p->activations)) LB_TRY(lb_row_rule_of(p, &b->args, 1, &b->call.rule, error));
    const int64_t bytes = lb_gemm_workspace(p, &b->config, p->m);
    b->call.workspace = lb_alloc(ctx, (size_t)bytes);
    LB_REQUIRE(b->call.workspace, error, LOWBIT_NO_MEMORY, "no memory for a workspace of %lld bytes", (long long)bytes);
    lb_gemm_prepare(&b->call, NULL);
    return LOWBIT_OK;
}

static void end(const lowbit_ctx *ctx, bench *b) {
    if (b->call.workspace)
        lb_free(ctx, b->call.workspace, (size_t)lb_gemm_workspace(&b->operands.problem, &b->config, b->call.m));
    lb_operands_release(&b->operands);
}

/* Seconds of one pass over K, and what the first one takes beyond; of preparing an element of A, if asked. */
typedef struct passes {
    double pass_s, first_s, row_s;
} passes;

static lowbit_status time_passes(const lowbit_ctx *ctx, const lb_clock *clock, lb_kernel_ref ref, lowbit_problem *p,
                                 int64_t k, passes *out, lowbit_error *error) {
    const int64_t mr = ref.kernel->mr;
    p->n = lb_max(ref.kernel->nr, LB_PANEL);
    p->m = 2 * mr;
    p->k = k;
    bench b = {.operands = {.ctx = ctx}};
    const lowbit_status status = begin(ctx, ref, p, &b, error);
    if (status == LOWBIT_OK) {
        const double two = best_of(clock, run_tiles, &b, BATCH_NS);
        out->row_s = best_of(clock, run_prepare, &b, BATCH_NS / 2) / (double)(p->m * k);
        b.call.m = mr;
        const double one = best_of(clock, run_tiles, &b, BATCH_NS);
        b.call.m = p->m;
        out->pass_s = fmax(two - one, 0.3 * two);
        out->first_s = fmax(two - 2 * out->pass_s, 0);
    }
    end(ctx, &b);
    return status;
}

/* The difference of two lengths of K is what lines take; the rest of the shorter one is the tile's. */
static lowbit_status measure_kernel(const lowbit_ctx *ctx, const lb_clock *clock, lb_kernel_ref ref,
                                    lb_kernel_rate *rate, lowbit_error *error) {
    lowbit_problem p;
    *rate = (lb_kernel_rate){0};
    if (!find_problem(ref.kernel, 0, &p)) return LOWBIT_OK;
    const int64_t k = suitable_k(ref.kernel, 2 * ref.kernel->mr), line_k = lb_codings[ref.kernel->coding].line_k;
    const double panels = (double)lb_div_up(ref.kernel->nr, LB_PANEL);
    const double lines = panels * (double)(k / line_k), short_lines = panels * (double)(k / 2 / line_k);
    const double tiles = (double)lb_max(LB_PANEL / ref.kernel->nr, 1);
    passes full, half, groups;
    LB_TRY(time_passes(ctx, clock, ref, &p, k, &full, error));
    LB_TRY(time_passes(ctx, clock, ref, &p, k / 2, &half, error));
    rate->line_s = fmax((full.pass_s - half.pass_s) / (lines - short_lines), 0.5 * full.pass_s / lines);
    rate->tile_s = fmax(full.pass_s - lines * rate->line_s, 0) / tiles;
    rate->first_s = fmax((full.first_s - half.first_s) / (lines - short_lines), 0);
    rate->row_s = full.row_s;
    if (!find_problem(ref.kernel, GROUP, &p)) return LOWBIT_OK;
    LB_TRY(time_passes(ctx, clock, ref, &p, k, &groups, error));
    rate->group_s = fmax(groups.pass_s - full.pass_s, 0) / (panels * (double)(k / GROUP));
    return LOWBIT_OK;
}

static lowbit_status measure_kernels(const lowbit_ctx *ctx, const lb_clock *clock, lowbit_wisdom *wisdom,
                                     lowbit_error *error) {
    lb_kernel_ref ref;
    for (size_t i = 0; lb_kernel_at(i, &ref); i++) {
        char name[LB_KERNEL_NAME];
        double known[LB_FACT_VALUES];
        if (!(ref.unit->isa & ctx->isa_enabled) || ref.unit->isa == LOWBIT_ISA_SCALAR) continue;
        lb_kernel_name(ref, name, sizeof name);
        if (lb_wisdom_fact(wisdom, name, known)) continue;
        lb_kernel_rate r;
        LB_TRY(measure_kernel(ctx, clock, ref, &r, error));
        const double values[] = {r.line_s, r.first_s, r.tile_s, r.group_s, r.row_s};
        if (r.line_s > 0) LB_TRY(lb_wisdom_put_fact(wisdom, name, values, LB_COUNT(values), lb_today(), error));
    }
    return LOWBIT_OK;
}

/* ---- memory and forks ---- */

typedef struct reading {
    const lowbit_pool *pool;
    const lb_probe *probe;
    uint8_t *data;
    size_t slice, threads;
} reading;

static void read_slice(void *arg, size_t i, size_t worker) {
    (void)worker;
    const reading *r = arg;
    r->probe->run(r->data + i * r->slice, r->slice, 1, NULL);
}

static void run_reads(void *arg, int64_t reps) {
    const reading *r = arg;
    for (; reps > 0; reps--) lb_parallel_for(r->pool, r->threads, read_slice, arg);
}

/* Seconds of a byte, by the fastest loop there is. */
static double read_rate(const lowbit_ctx *ctx, const lb_clock *clock, const lowbit_pool *pool, uint8_t *data,
                        int64_t bytes) {
    const lb_isa_unit *unit = lb_unit_best(ctx);
    double best = INFINITY;
    reading r = {.pool = pool, .data = data, .threads = lb_pool_threads(pool)};
    r.slice = (size_t)bytes / r.threads / 4096 * 4096;
    for (size_t i = 0; i < unit->probe_count; i++) {
        if (unit->probes[i].kind != LB_PROBE_READ) continue;
        r.probe = &unit->probes[i];
        best = fmin(best, best_of(clock, run_reads, &r, READ_NS) / (double)(r.slice * r.threads));
    }
    return best;
}

static void do_nothing(void *arg, size_t i, size_t worker) { (void)arg, (void)i, (void)worker; }

static void run_forks(void *arg, int64_t reps) {
    const reading *r = arg;
    for (; reps > 0; reps--) lb_parallel_for(r->pool, r->threads, do_nothing, NULL);
}

/* Rates of reading with the threads of the pool, and what a parallel loop costs. */
static lowbit_status measure_pool(const lowbit_ctx *ctx, const lb_clock *clock, const lowbit_pool *pool,
                                  lowbit_wisdom *wisdom, lowbit_error *error) {
    const int64_t threads = (int64_t)lb_pool_threads(pool), l2 = lb_max(ctx->machine.l2_bytes, 256 << 10);
    const int64_t ring = lb_ring_bytes(ctx), l3 = lb_min(lb_max(ctx->machine.l3_trusted_bytes / 2, 3 * l2), ring / 4);
    const int64_t sizes[LB_SOURCES] = {l2 * threads / 2, lb_max(l3, 2 * l2 * threads), ring};
    double values[LB_SOURCES + 1], known[LB_FACT_VALUES];
    char name[LB_FACT_NAME];
    lb_model_threads_name(threads, name);
    if (lb_wisdom_fact(wisdom, name, known)) return LOWBIT_OK;
    uint8_t *data = lb_alloc(ctx, (size_t)ring);
    LB_REQUIRE(data, error, LOWBIT_NO_MEMORY, "no memory for %lld bytes to read", (long long)ring);
    memset(data, 1, (size_t)ring);
    for (int i = 0; i < LB_SOURCES; i++) values[i] = read_rate(ctx, clock, pool, data, sizes[i]);
    lb_free(ctx, data, (size_t)ring);
    reading forks = {.pool = pool, .threads = (size_t)threads};
    values[LB_SOURCES] = threads > 1 ? best_of(clock, run_forks, &forks, READ_NS) : 0;
    return lb_wisdom_put_fact(wisdom, name, values, LB_COUNT(values), lb_today(), error);
}

lowbit_status lb_calibrate(const lowbit_ctx *ctx, const lowbit_pool *pool, const lb_clock *clock, lowbit_wisdom *wisdom,
                           lowbit_error *error) {
    LB_TRY(measure_pool(ctx, clock, NULL, wisdom, error));
    if (lb_pool_threads(pool) > 1) LB_TRY(measure_pool(ctx, clock, pool, wisdom, error));
    return measure_kernels(ctx, clock, wisdom, error);
}
