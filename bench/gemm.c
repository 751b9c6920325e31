/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/gemm.h"

#include <math.h>
#include <string.h>

#include "bench/measure.h"
#include "bench/random.h"
#include "kernels/base/base.h"
#include "kernels/base/pool.h"
#include "kernels/formats/format.h"
#include "kernels/formats/scale.h"
#include "kernels/gemm.h"
#include "kernels/reference_float.h"
#include "kernels/weights.h"

/* Cold calls walk a ring of weights of this size: beyond the caches of a core's neighbours, as an LLM's layers are. */
static const int64_t kRingBytes = INT64_C(1) << 30;

static const int64_t kVerifiedProducts = INT64_C(1) << 28;

/* A step of A, whose elements are in -1 .. 1, and its zero point. */
static const float kScaleOfA = 1.0f / 128;
enum { ZERO_OF_A = 5 };

/* Everything that one cell of the bench owns, so that one function releases it however far the making came. */
typedef struct cell {
    const lb_gemm_bench *bench;
    lowbit_problem problem;
    lowbit_weights weights;
    uint8_t *ring;
    int64_t blob_bytes, step, copies, at; /* copies of the blob, `step` bytes apart; `at` = the next call's */
    lowbit_packed *packed;                /* [copies] */
    float *a, *bias, *residual, *out;
    int32_t *column_sums; /* of static activations */
    int64_t column_bytes;
    lowbit_requant requant; /* of outputs of 8 bits; in the integer form where that is legal, with these: */
    int32_t *columns;       /* [3][n]: multipliers, shifts, bias */
    uint8_t *codes;         /* [m][n]: residual */
    void *workspace;
    int64_t workspace_bytes;
    lowbit_plan *plan;
} cell;

static float *floats(cell *c, int64_t count, uint64_t seed) {
    float *x = lb_alloc(c->bench->ctx, (size_t)count * sizeof *x);
    if (x) lb_random_floats(x, count, seed);
    return x;
}

static void release_floats(cell *c, float *x, int64_t count) { lb_free(c->bench->ctx, x, (size_t)count * sizeof *x); }

static void release(cell *c) {
    const lowbit_ctx *ctx = c->bench->ctx;
    const lowbit_problem *p = &c->problem;
    lowbit_weights_free(ctx, &c->weights);
    lb_free(ctx, c->ring, (size_t)(c->copies * c->step));
    lb_free(ctx, c->packed, (size_t)c->copies * sizeof *c->packed);
    release_floats(c, c->a, p->m * p->k);
    release_floats(c, c->bias, p->n);
    release_floats(c, c->residual, p->m * p->n);
    release_floats(c, c->out, p->m * p->n);
    lb_free(ctx, c->column_sums, (size_t)c->column_bytes);
    lb_free(ctx, c->columns, (size_t)p->n * 3 * sizeof *c->columns);
    lb_free(ctx, c->codes, (size_t)(p->m * p->n));
    lb_free(ctx, c->workspace, (size_t)c->workspace_bytes);
    lowbit_plan_destroy(ctx, c->plan);
}

/* Weights that are floats themselves. */
static lowbit_status make_floats(const cell *c, lowbit_weights *w, lowbit_error *error) {
    const int64_t count = w->n * w->stride;
    float *x = lb_alloc(c->bench->ctx, (size_t)count * sizeof *x);
    LB_REQUIRE(x, error, LOWBIT_NO_MEMORY, "no memory for %lld weights", (long long)count);
    lb_random_floats(x, count, 1);
    void *elements = w->codes;
    for (int64_t i = 0; i < count; i++)
        if (lb_format_of(w->type.format)->coding == LB_CODING_BF16)
            ((uint16_t *)elements)[i] = lb_bf16_from_float(x[i]);
        else
            ((float *)elements)[i] = x[i];
    lb_free(c->bench->ctx, x, (size_t)count * sizeof *x);
    return LOWBIT_OK;
}

static lowbit_status make_weights(cell *c, lowbit_error *error) {
    lowbit_weights *w = &c->weights;
    *w = (lowbit_weights){.struct_size = sizeof *w, .type = c->problem.weights, .n = c->problem.n, .k = c->problem.k};
    LB_TRY(lb_weights_alloc(c->bench->ctx, w, error));
    const int64_t scales = lb_scale_count(&w->type, w->n, w->k), groups = lb_group_count(&w->type, w->n, w->k);
    const uint32_t codes = lb_format_of(w->type.format)->codes;
    if (codes == 0) return make_floats(c, w, error);
    lb_random_codes(w->codes, w->n * w->stride, codes, 1);
    lb_random_floats(w->scales, scales, 2);
    for (int64_t i = 0; i < scales && lb_format_of(w->type.format)->distance; i++) w->scales[i] = kScaleOfA;
    if (w->zeros) lb_random_codes(w->zeros, groups, codes, 3);
    if (w->mins) lb_random_floats(w->mins, groups, 4);
    if (w->multipliers) lb_random_codes(w->multipliers, groups, (uint32_t)lb_multiplier_limit(&w->type) + 1, 9);
    return LOWBIT_OK;
}

static lowbit_status make_ring(cell *c, lowbit_error *error) {
    LB_TRY(lowbit_packed_size(&c->problem.weights, c->problem.n, c->problem.k, &c->blob_bytes, error));
    c->step = lb_round_up(c->blob_bytes, 4096);
    c->copies = c->bench->cold ? lb_max(2, lb_div_up(kRingBytes, c->step)) : 1;
    c->ring = lb_alloc(c->bench->ctx, (size_t)(c->copies * c->step));
    c->packed = lb_alloc(c->bench->ctx, (size_t)c->copies * sizeof *c->packed);
    LB_REQUIRE(c->ring && c->packed, error, LOWBIT_NO_MEMORY, "no memory for %lld packed blobs of %lld bytes",
               (long long)c->copies, (long long)c->blob_bytes);
    LB_TRY(lowbit_pack(c->bench->ctx, &c->weights, c->ring, c->step, c->bench->pool, error));
    for (int64_t i = 0; i < c->copies; i++) {
        uint8_t *blob = c->ring + i * c->step;
        if (i > 0) memcpy(blob, c->ring, (size_t)c->blob_bytes);
        c->packed[i].struct_size = sizeof c->packed[i];
        LB_TRY(lowbit_packed_open(blob, c->blob_bytes, 0, &c->packed[i], error));
    }
    return LOWBIT_OK;
}

static lowbit_status make_column_sums(cell *c, lowbit_error *error) {
    LB_TRY(lowbit_column_sums_size(c->packed, &c->column_bytes, error));
    c->column_sums = lb_alloc(c->bench->ctx, (size_t)c->column_bytes);
    LB_REQUIRE(c->column_sums, error, LOWBIT_NO_MEMORY, "no memory for %lld bytes of column sums",
               (long long)c->column_bytes);
    return lowbit_column_sums(c->packed, c->column_sums, c->column_bytes, c->bench->pool, error);
}

static lowbit_status make_integer_form(cell *c, lowbit_error *error) {
    const lowbit_problem *p = &c->problem;
    lowbit_requant *q = &c->requant;
    c->columns = lb_alloc(c->bench->ctx, (size_t)p->n * 3 * sizeof *c->columns);
    if (p->residual) c->codes = lb_alloc(c->bench->ctx, (size_t)(p->m * p->n));
    LB_REQUIRE(c->columns && (c->codes || !p->residual), error, LOWBIT_NO_MEMORY,
               "no memory for multipliers or residual of %lld x %lld", (long long)p->m, (long long)p->n);
    int32_t *shifts = c->columns + p->n, *bias = shifts + p->n;
    LB_TRY(lowbit_requant_multipliers(kScaleOfA, c->weights.scales, p->n, q->scale, c->columns, shifts, error));
    for (int64_t n = 0; n < p->n; n++) bias[n] = (int32_t)(n % 1000 * p->k / 100);
    q->multipliers = c->columns;
    q->shifts = shifts;
    q->bias = p->bias ? bias : NULL;
    if (!p->residual) return LOWBIT_OK;
    lb_random_codes(c->codes, p->m * p->n, 256, 9);
    q->residual = c->codes;
    q->residual_stride = p->n;
    return lowbit_requant_multipliers(1, &(const float){0.7f}, 1, 1, &q->residual_multiplier, &q->residual_shift,
                                      error);
}

/* A scale of the output by which about two in three codes lie within 50 steps of 0. A term of a distance is 2/3, so
 * that these lie 50 steps below. */
static float output_step(const lowbit_problem *p) {
    const lb_format *f = lb_format_of(p->weights.format);
    if (f->distance) return (float)p->k / 75;
    return sqrtf((float)p->k) * (lb_is_float(f) ? 5 : f->codes) * 1e-3f;
}

static lowbit_status make_requant(cell *c, lowbit_error *error) {
    const lowbit_problem *p = &c->problem;
    const int32_t least = p->out == LOWBIT_OUT_S8 ? -128 : 0;
    const char *reason;
    c->requant = (lowbit_requant){.struct_size = sizeof c->requant,
                                  .zero = least + 100,
                                  .low = least,
                                  .high = least + 255,
                                  .residual_zero = least + 128,
                                  .scale = output_step(p)};
    return lb_integer_form(p, &reason) ? make_integer_form(c, error) : LOWBIT_OK;
}

static lowbit_status make_inputs(cell *c, lowbit_error *error) {
    const lowbit_problem *p = &c->problem;
    c->a = floats(c, p->m * p->k, 5);
    c->out = floats(c, p->m * p->n, 6);
    if (p->bias) c->bias = floats(c, p->n, 7);
    if (p->residual) c->residual = floats(c, p->m * p->n, 8);
    LB_REQUIRE(c->a && c->out && (c->bias || !p->bias) && (c->residual || !p->residual), error, LOWBIT_NO_MEMORY,
               "no memory for activations of %lld x %lld", (long long)p->m, (long long)p->k);
    if (p->static_scale) LB_TRY(make_column_sums(c, error));
    return p->out >= LOWBIT_OUT_S8 ? make_requant(c, error) : LOWBIT_OK;
}

static lowbit_status make_plan(cell *c, lowbit_error *error) {
    const lb_gemm_bench *b = c->bench;
    const uint32_t threads = (uint32_t)lb_pool_threads(b->pool);
    lowbit_plan_options options = LOWBIT_PLAN_OPTIONS_INIT;
    options.threads = threads;
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

static lowbit_gemm_args arguments(const cell *c, const lowbit_packed *packed) {
    const lowbit_problem *p = &c->problem;
    const bool integer = c->requant.multipliers != NULL;
    return (lowbit_gemm_args){.struct_size = sizeof(lowbit_gemm_args),
                              .weights = packed,
                              .a = {c->a, p->m, p->k, p->k},
                              .bias = integer ? NULL : c->bias,
                              .residual = integer ? NULL : c->residual,
                              .residual_stride = p->n,
                              .out = c->out,
                              .out_stride = p->n,
                              .a_scale = kScaleOfA,
                              .a_zero = ZERO_OF_A,
                              .column_sums = c->column_sums,
                              .requant = &c->requant};
}

static void run_cell(void *arg, size_t reps) {
    cell *c = arg;
    for (; reps > 0; reps--) {
        const lowbit_gemm_args args = arguments(c, &c->packed[c->at]);
        lowbit_gemm(c->plan, &args, c->workspace, c->workspace_bytes, c->bench->pool, NULL);
        c->at = (c->at + 1) % c->copies;
    }
}

/* ---- checking ---- */

static double element(uint32_t out, const void *row, int64_t n) {
    switch (out) {
        case LOWBIT_OUT_F32: return (double)((const float *)row)[n];
        case LOWBIT_OUT_S32: return ((const int32_t *)row)[n];
        case LOWBIT_OUT_S8: return ((const int8_t *)row)[n];
        default: return ((const uint8_t *)row)[n];
    }
}

static void compare(const lowbit_problem *p, const uint8_t *got, const uint8_t *want, lb_gemm_result *r) {
    const int64_t bytes = lb_out_bytes(p);
    for (int64_t n = 0; n < p->n; n++) {
        if (memcmp(got + n * bytes, want + n * bytes, (size_t)bytes) == 0) continue;
        r->exact = r->within = false;
        r->max_abs_err = fmax(r->max_abs_err, fabs(element(p->out, got, n) - element(p->out, want, n)));
    }
}

/* A row of float activations against its bounds, those of what becomes of its factors. */
static void compare_floats(const cell *c, const lowbit_gemm_args *args, const void *got, uint32_t factors,
                           lb_gemm_result *r) {
    const lowbit_problem *p = &c->problem;
    const int64_t bytes = lb_out_bytes(p);
    r->exact = false;
    for (int64_t n = 0; n < p->n; n++) {
        const lb_float_result want = lb_reference_float(p, &c->weights, args, 0, n, factors);
        const void *at = (const uint8_t *)got + n * bytes;
        r->within = r->within && lb_float_within(p, args->requant, want, at);
        if (p->out == LOWBIT_OUT_F32) r->max_abs_err = fmax(r->max_abs_err, fabs(element(p->out, got, n) - want.y));
    }
}

static uint32_t kernel_factors(const char *kernel) {
    lb_kernel_ref found;
    return lb_kernel_find(kernel, &found) ? lb_algorithm_of(found.kernel)->factors : LB_FACTORS_FLOAT;
}

/* One row at a time, spread over the matrix, so that a sample needs no second product of the whole. */
static lowbit_status verify(cell *c, lb_gemm_result *r, lowbit_error *error) {
    const lowbit_problem *p = &c->problem;
    const int64_t wanted = c->bench->verified_products ? c->bench->verified_products : kVerifiedProducts;
    const int64_t affordable = lb_max(1, wanted / (p->n * p->k));
    const int64_t rows = c->bench->verify_all ? p->m : lb_min(p->m, affordable);
    const int64_t row_bytes = p->n * lb_out_bytes(p);
    uint8_t *want = lb_alloc(c->bench->ctx, (size_t)row_bytes);
    LB_REQUIRE(want, error, LOWBIT_NO_MEMORY, "no memory for a row of %lld results", (long long)p->n);
    lowbit_status status = LOWBIT_OK;
    const bool floats = lb_is_float_kind(p->activations);
    r->exact = r->within = true;
    for (int64_t i = 0; i < rows && status == LOWBIT_OK; i++) {
        const int64_t m = rows == 1 ? 0 : i * (p->m - 1) / (rows - 1);
        lowbit_gemm_args args = arguments(c, NULL);
        args.a = (lowbit_matrix){c->a + m * p->k, 1, p->k, p->k};
        lowbit_requant requant = c->requant;
        if (args.residual) args.residual += m * p->n;
        if (requant.residual) requant.residual = c->codes + m * p->n;
        args.requant = &requant;
        args.out = want;
        const uint8_t *got = (const uint8_t *)c->out + m * row_bytes;
        if (floats)
            compare_floats(c, &args, got, kernel_factors(r->plan.kernel), r);
        else
            status = lowbit_gemm_reference(c->bench->ctx, p, &c->weights, &args, error);
        if (!floats && status == LOWBIT_OK) compare(p, got, want, r);
        r->verified_rows++;
    }
    lb_free(c->bench->ctx, want, (size_t)row_bytes);
    return status;
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

/* What the kernel's level multiplies with. */
static int probe_of(const lb_kernel_ref *kernel) {
    static const uint8_t kProbes[LB_ALGORITHMS] = {[LB_ALGORITHM_FMA] = LB_PROBE_FMA,
                                                   [LB_ALGORITHM_FMA_BF16] = LB_PROBE_FMA_BF16,
                                                   [LB_ALGORITHM_L1] = LB_PROBE_L1,
                                                   [LB_ALGORITHM_L1F] = LB_PROBE_L1F};
    if (kProbes[kernel->kernel->algorithm]) return kProbes[kernel->kernel->algorithm];
    for (size_t i = 0; i < kernel->unit->probe_count; i++)
        if (kernel->unit->probes[i].kind == LB_PROBE_DOT) return LB_PROBE_DOT;
    const uint8_t coding = kernel->kernel->coding;
    return coding == LB_CODING_W8 || coding == LB_CODING_C4 ? LB_PROBE_MADD : LB_PROBE_MADDUBS;
}

/* Bits of a code of A that a kernel counts one by one; 0 = it multiplies. */
static int planes_of(const lb_kernel *kernel) {
    static const uint8_t kPlanes[LB_ALGORITHMS] = {
        [LB_ALGORITHM_XOR] = 1, [LB_ALGORITHM_AND] = 1, [LB_ALGORITHM_AND2] = 2, [LB_ALGORITHM_AND4] = 4};
    return kPlanes[kernel->algorithm];
}

/* The probe of kernels that multiply tiles, -1 = others. */
static int tiles_of(const lb_kernel *kernel) {
    return kernel->algorithm == LB_ALGORITHM_TILE        ? LB_PROBE_TILES
           : kernel->algorithm == LB_ALGORITHM_TILE_BF16 ? LB_PROBE_TILES_BF16
                                                         : -1;
}

/* Whether it takes fields of codes out of lines, to multiply them. */
static bool takes_fields(const lb_kernel *kernel, const lowbit_problem *p) {
    return !planes_of(kernel) && kernel->algorithm != LB_ALGORITHM_LUT && !lb_is_float_kind(p->activations);
}

/* What the kernel could multiply at best: bits in registers, plane by plane; tiles with operands from L1, or else the
 * level's multiplication of vectors in registers. */
static lb_limit limit_of_products(const cell *c, const lb_kernel_ref *kernel, const lowbit_pool *pool) {
    lb_limit products = {0};
    if (kernel->kernel->algorithm == LB_ALGORITHM_LUT) return products; /* no probe looks up */
    const int planes = planes_of(kernel->kernel);
    if (planes) {
        lb_limit_compute(c->bench->limits, kernel->unit, LB_PROBE_BITS, 0, pool, &products, NULL);
        return (lb_limit){products.best / planes, products.median / planes, products.probe};
    }
    const int tiles = tiles_of(kernel->kernel);
    if (tiles < 0)
        lb_limit_compute(c->bench->limits, kernel->unit, probe_of(kernel), 0, pool, &products, NULL);
    else
        lb_limit_tiles(c->bench->limits, kernel->unit, tiles, 0, LB_TILES_L1, pool, &products, NULL);
    const double rows = (double)lb_panel_rows(kernel->kernel) / kernel->kernel->mr; /* of digits three for each */
    return (lb_limit){products.best / rows, products.median / rows, products.probe};
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
    const double bytes = (double)c->blob_bytes, operations = 2.0 * (double)p->m * (double)p->n * (double)p->k;
    const size_t working_set = (size_t)(b->cold ? c->copies * c->step : c->blob_bytes);
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
    keep_slower(r, "compute", operations, limit_of_products(c, &kernel, pool));
    keep_slower(r, "decode", bytes, decode);
    keep_slower(r, "read", bytes, read);
    keep_slower(r, "write", (double)out_bytes, limit_of_writes(c, out_bytes, pool));
    r->share = r->limit_us * 1e-6 / r->time.median_s;
}

/* ---- peers ---- */

static bool is_listed(const char *list, const char *name) {
    const size_t length = strlen(name);
    for (const char *at = list; at && *at; at += strcspn(at, ","), at += *at == ',')
        if (strcspn(at, ",") == length && memcmp(at, name, length) == 0) return true;
    return false;
}

typedef struct peer_cell {
    const lb_peer *peer;
    lb_peer_work work;
    void *state;
} peer_cell;

static void run_peer(void *arg, size_t reps) {
    const peer_cell *c = arg;
    for (; reps > 0; reps--) c->peer->run(&c->work, c->state);
}

/* The first row against the same bound as ours. */
static bool check_peer(const cell *c, const peer_cell *peer) {
    lb_gemm_result r = {.within = true};
    const lowbit_gemm_args args = arguments(c, NULL);
    compare_floats(c, &args, peer->work.out, peer->work.bf16 ? LB_FACTORS_BF16 : LB_FACTORS_FLOAT, &r);
    return r.within;
}

enum { ROUNDS = 7 };

/* Ours and the peer's samples in turn, so that what disturbs the machine disturbs both: medians of their medians. */
static void time_peer(cell *c, const peer_cell *peer, lb_gemm_result *r, lb_peer_result *to) {
    double ours[ROUNDS], theirs[ROUNDS];
    lb_sample sample;
    for (int i = 0; i < ROUNDS; i++) {
        lb_measure(run_cell, c, c->bench->budget_s / ROUNDS, &sample);
        ours[i] = sample.median_s;
        lb_measure(run_peer, (void *)(uintptr_t)peer, c->bench->budget_s / ROUNDS, &sample);
        theirs[i] = sample.median_s;
    }
    lb_summarize(theirs, ROUNDS, &sample);
    to->median_s = sample.median_s;
    lb_summarize(ours, ROUNDS, &sample);
    r->time = sample;
}

static lowbit_status time_peers(cell *c, lb_gemm_result *r, lowbit_error *error) {
    const lowbit_problem *p = &c->problem;
    const lowbit_ctx *ctx = c->bench->ctx;
    const size_t weights = (size_t)(p->n * p->k) * sizeof(float), out = (size_t)(p->m * p->n) * sizeof(float);
    lb_peer_work work = {.a = c->a, .m = p->m, .n = p->n, .k = p->k, .threads = r->threads};
    work.bf16 = p->weights.format == LOWBIT_BF16;
    float *w = lb_alloc(ctx, weights);
    work.w = w;
    work.out = lb_alloc(ctx, out);
    lowbit_status status = LOWBIT_NO_MEMORY;
    if (w && work.out) status = lowbit_dequantize(&c->weights, w, p->k, error);
    const lb_peer *peer;
    for (size_t i = 0; status == LOWBIT_OK && r->peer_count < LB_BENCH_PEERS && (peer = lb_peer_at(i)); i++) {
        if (!is_listed(c->bench->peers, peer->name) || !peer->takes(p)) continue;
        const peer_cell each = {peer, work, peer->create(&work)};
        if (!each.state) continue;
        lb_peer_result *to = &r->peers[r->peer_count++];
        to->name = peer->name;
        peer->run(&each.work, each.state);
        to->within = check_peer(c, &each);
        time_peer(c, &each, r, to);
        to->gops = 2e-9 * (double)p->m * (double)p->n * (double)p->k / to->median_s;
        peer->destroy(each.state);
    }
    lb_free(ctx, w, weights);
    lb_free(ctx, work.out, out);
    return status;
}

static lowbit_status run_bench(cell *c, lb_gemm_result *r, lowbit_error *error) {
    LB_TRY(make_weights(c, error));
    LB_TRY(make_ring(c, error));
    LB_TRY(make_inputs(c, error));
    LB_TRY(make_plan(c, error));
    r->plan.struct_size = sizeof r->plan;
    LB_TRY(lowbit_plan_describe(c->plan, c->problem.m, &r->plan, error));
    run_cell(c, 1);
    LB_TRY(verify(c, r, error));
    if (c->bench->peers && !c->bench->cold) LB_TRY(time_peers(c, r, error));
    if (r->peer_count == 0) lb_measure(run_cell, c, c->bench->budget_s, &r->time);
    const lowbit_problem *p = &c->problem;
    r->weight_bytes = c->blob_bytes;
    r->gops = 2e-9 * (double)p->m * (double)p->n * (double)p->k / r->time.median_s;
    r->weight_gbs = 1e-9 * (double)c->blob_bytes / r->time.median_s;
    find_limit(c, r);
    return LOWBIT_OK;
}

lowbit_status lb_bench_gemm(const lb_gemm_bench *bench, const lowbit_problem *problem, lb_gemm_result *result,
                            lowbit_error *error) {
    LB_TRY(lowbit_supported(bench->ctx, problem, error));
    cell c = {.bench = bench, .problem = *problem};
    *result = (lb_gemm_result){.threads = (uint32_t)lb_pool_threads(bench->pool)};
    const lowbit_status status = run_bench(&c, result, error);
    release(&c);
    return status;
}
