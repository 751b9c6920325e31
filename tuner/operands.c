/* SPDX-License-Identifier: Apache-2.0 */
#include "tuner/operands.h"

#include <math.h>
#include <string.h>

#include "kernels/base/ctx.h"
#include "kernels/formats/format.h"
#include "kernels/formats/scale.h"
#include "kernels/gemm.h"
#include "kernels/weights.h"
#include "tuner/random.h"

/* A step of A, whose elements are in -1 .. 1, and its zero point, which two bits have too. */
static const float kScaleOfA = 1.0f / 128;
enum { ZERO_OF_A = 1 };

static float *floats(const lb_operands *o, int64_t count, uint64_t seed) {
    float *x = lb_alloc(o->ctx, (size_t)count * sizeof *x);
    if (x) lb_random_floats(x, count, seed);
    return x;
}

static void release_floats(const lb_operands *o, float *x, int64_t count) {
    lb_free(o->ctx, x, (size_t)count * sizeof *x);
}

void lb_operands_release(lb_operands *o) {
    const lowbit_ctx *ctx = o->ctx;
    const lowbit_problem *p = &o->problem;
    lowbit_weights_free(ctx, &o->weights);
    lb_free(ctx, o->ring, (size_t)(o->copies * o->step));
    lb_free(ctx, o->packed, (size_t)o->copies * sizeof *o->packed);
    release_floats(o, o->a, p->m * p->k);
    release_floats(o, o->bias, p->n);
    release_floats(o, o->residual, p->m * p->n);
    release_floats(o, o->out, p->m * p->n);
    lb_free(ctx, o->column_sums, (size_t)o->column_bytes);
    lb_free(ctx, o->columns, (size_t)p->n * 3 * sizeof *o->columns);
    lb_free(ctx, o->codes, (size_t)(p->m * p->n));
}

/* Weights that are floats themselves. */
static lowbit_status make_floats(const lb_operands *o, lowbit_weights *w, lowbit_error *error) {
    const int64_t count = w->n * w->stride;
    float *x = lb_alloc(o->ctx, (size_t)count * sizeof *x);
    LB_REQUIRE(x, error, LOWBIT_NO_MEMORY, "no memory for %lld weights", (long long)count);
    lb_random_floats(x, count, 1);
    void *elements = w->codes;
    for (int64_t i = 0; i < count; i++)
        if (lb_format_of(w->type.format)->coding == LB_CODING_BF16)
            ((uint16_t *)elements)[i] = lb_bf16_from_float(x[i]);
        else
            ((float *)elements)[i] = x[i];
    lb_free(o->ctx, x, (size_t)count * sizeof *x);
    return LOWBIT_OK;
}

static lowbit_status make_weights(lb_operands *o, lowbit_error *error) {
    lowbit_weights *w = &o->weights;
    *w = (lowbit_weights){.struct_size = sizeof *w, .type = o->problem.weights, .n = o->problem.n, .k = o->problem.k};
    LB_TRY(lb_weights_alloc(o->ctx, w, error));
    const int64_t scales = lb_scale_count(&w->type, w->n, w->k), groups = lb_group_count(&w->type, w->n, w->k);
    const uint32_t codes = lb_format_of(w->type.format)->codes;
    if (codes == 0) return make_floats(o, w, error);
    lb_random_codes(w->codes, w->n * w->stride, codes, 1);
    lb_random_floats(w->scales, scales, 2);
    for (int64_t i = 0; i < scales && lb_format_of(w->type.format)->distance; i++) w->scales[i] = kScaleOfA;
    if (w->zeros) lb_random_codes(w->zeros, groups, codes, 3);
    if (w->mins) lb_random_floats(w->mins, groups, 4);
    if (w->multipliers) lb_random_codes(w->multipliers, groups, (uint32_t)lb_multiplier_limit(&w->type) + 1, 9);
    return LOWBIT_OK;
}

static lowbit_status make_ring(lb_operands *o, int64_t ring_bytes, const lowbit_pool *pool, lowbit_error *error) {
    LB_TRY(lowbit_packed_size(&o->problem.weights, o->problem.n, o->problem.k, &o->blob_bytes, error));
    o->step = lb_round_up(o->blob_bytes, 4096);
    o->copies = ring_bytes ? lb_max(2, lb_div_up(ring_bytes, o->step)) : 1;
    o->ring = lb_alloc(o->ctx, (size_t)(o->copies * o->step));
    o->packed = lb_alloc(o->ctx, (size_t)o->copies * sizeof *o->packed);
    LB_REQUIRE(o->ring && o->packed, error, LOWBIT_NO_MEMORY, "no memory for %lld packed blobs of %lld bytes",
               (long long)o->copies, (long long)o->blob_bytes);
    LB_TRY(lowbit_pack(o->ctx, &o->weights, o->ring, o->step, pool, error));
    for (int64_t i = 0; i < o->copies; i++) {
        uint8_t *blob = o->ring + i * o->step;
        if (i > 0) memcpy(blob, o->ring, (size_t)o->blob_bytes);
        o->packed[i].struct_size = sizeof o->packed[i];
        LB_TRY(lowbit_packed_open(blob, o->blob_bytes, 0, &o->packed[i], error));
    }
    return LOWBIT_OK;
}

static lowbit_status make_column_sums(lb_operands *o, const lowbit_pool *pool, lowbit_error *error) {
    LB_TRY(lowbit_column_sums_size(o->packed, &o->column_bytes, error));
    o->column_sums = lb_alloc(o->ctx, (size_t)o->column_bytes);
    LB_REQUIRE(o->column_sums, error, LOWBIT_NO_MEMORY, "no memory for %lld bytes of column sums",
               (long long)o->column_bytes);
    return lowbit_column_sums(o->packed, o->column_sums, o->column_bytes, pool, error);
}

static lowbit_status make_integer_form(lb_operands *o, lowbit_error *error) {
    const lowbit_problem *p = &o->problem;
    lowbit_requant *q = &o->requant;
    o->columns = lb_alloc(o->ctx, (size_t)p->n * 3 * sizeof *o->columns);
    if (p->residual) o->codes = lb_alloc(o->ctx, (size_t)(p->m * p->n));
    LB_REQUIRE(o->columns && (o->codes || !p->residual), error, LOWBIT_NO_MEMORY,
               "no memory for multipliers or residual of %lld x %lld", (long long)p->m, (long long)p->n);
    int32_t *shifts = o->columns + p->n, *bias = shifts + p->n;
    LB_TRY(lowbit_requant_multipliers(kScaleOfA, o->weights.scales, p->n, q->scale, o->columns, shifts, error));
    for (int64_t n = 0; n < p->n; n++) bias[n] = (int32_t)(n % 1000 * p->k / 100);
    q->rounding = LOWBIT_ROUND_FLOAT; /* the networks' */
    q->multipliers = o->columns;
    q->shifts = shifts;
    q->bias = p->bias ? bias : NULL;
    if (!p->residual) return LOWBIT_OK;
    lb_random_codes(o->codes, p->m * p->n, 256, 9);
    q->residual = o->codes;
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

static lowbit_status make_requant(lb_operands *o, lowbit_error *error) {
    const lowbit_problem *p = &o->problem;
    const int32_t least = p->out == LOWBIT_OUT_S8 ? -128 : 0;
    const char *reason;
    o->requant = (lowbit_requant){.struct_size = sizeof o->requant,
                                  .zero = least + 100,
                                  .low = least,
                                  .high = least + 255,
                                  .residual_zero = least + 128,
                                  .scale = output_step(p)};
    return lb_integer_form(p, &reason) ? make_integer_form(o, error) : LOWBIT_OK;
}

static lowbit_status make_inputs(lb_operands *o, const lowbit_pool *pool, lowbit_error *error) {
    const lowbit_problem *p = &o->problem;
    o->a = floats(o, p->m * p->k, 5);
    o->out = floats(o, p->m * p->n, 6);
    if (p->bias) o->bias = floats(o, p->n, 7);
    if (p->residual) o->residual = floats(o, p->m * p->n, 8);
    LB_REQUIRE(o->a && o->out && (o->bias || !p->bias) && (o->residual || !p->residual), error, LOWBIT_NO_MEMORY,
               "no memory for activations of %lld x %lld", (long long)p->m, (long long)p->k);
    if (p->static_scale) LB_TRY(make_column_sums(o, pool, error));
    return p->out >= LOWBIT_OUT_S8 ? make_requant(o, error) : LOWBIT_OK;
}

lowbit_status lb_operands_make(const lowbit_ctx *ctx, const lowbit_problem *problem, int64_t ring_bytes,
                               const lowbit_pool *pool, lb_operands *operands, lowbit_error *error) {
    *operands = (lb_operands){.ctx = ctx, .problem = *problem};
    LB_TRY(make_weights(operands, error));
    LB_TRY(make_ring(operands, ring_bytes, pool, error));
    return make_inputs(operands, pool, error);
}

lowbit_gemm_args lb_operands_args(const lb_operands *o, const lowbit_packed *packed, int64_t m) {
    const lowbit_problem *p = &o->problem;
    const bool integer = o->requant.multipliers != NULL;
    return (lowbit_gemm_args){.struct_size = sizeof(lowbit_gemm_args),
                              .weights = packed,
                              .a = {o->a, m, p->k, p->k},
                              .bias = integer ? NULL : o->bias,
                              .residual = integer ? NULL : o->residual,
                              .residual_stride = p->n,
                              .out = o->out,
                              .out_stride = p->n,
                              .a_scale = kScaleOfA,
                              .a_zero = ZERO_OF_A,
                              .column_sums = o->column_sums,
                              .requant = &o->requant};
}

const lowbit_packed *lb_operands_next(lb_operands *o) {
    const lowbit_packed *next = &o->packed[o->at];
    o->at = o->at + 1 < o->copies ? o->at + 1 : 0;
    return next;
}
