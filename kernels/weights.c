/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/weights.h"

#include "kernels/base/ctx.h"
#include "kernels/formats/format.h"
#include "kernels/formats/scale.h"
#include "kernels/layout.h"

/* Index of the first byte above `limit`; `count` if there is none. The largest of a block is found without a branch. */
static int64_t first_above(const uint8_t *bytes, int64_t count, int64_t limit) {
    enum { BLOCK = 256 };
    for (int64_t block = 0; block < count; block += BLOCK) {
        const int64_t end = lb_min(count, block + BLOCK);
        uint8_t largest = 0;
        for (int64_t i = block; i < end; i++) largest = bytes[i] > largest ? bytes[i] : largest;
        if (largest <= limit) continue;
        int64_t i = block;
        while (bytes[i] <= limit) i++;
        return i;
    }
    return count;
}

lowbit_status lb_check_multipliers(const lowbit_weight_type *type, const uint8_t *multipliers, const uint8_t *zeros,
                                   int64_t count, lowbit_status status, lowbit_error *error) {
    const int64_t limit = lb_multiplier_limit(type), codes = lb_format_of(type->format)->codes;
    const int64_t bad = first_above(multipliers, count, limit);
    LB_REQUIRE(bad == count, error, status, "multiplier %lld is %u, the type's are at most %lld", (long long)bad,
               multipliers[bad], (long long)limit);
    const int64_t bad_zero = zeros ? first_above(zeros, count, codes - 1) : count;
    LB_REQUIRE(bad_zero == count, error, status,
               "zero point %lld is %u: those of progressive groups are codes, at most %lld", (long long)bad_zero,
               zeros[bad_zero], (long long)codes - 1);
    return LOWBIT_OK;
}

/* Distances have one scale in all, however many entries hold it. */
static lowbit_status check_shared_scale(const lowbit_weights *w, lowbit_error *error) {
    const int64_t count = lb_scale_count(&w->type, w->n, w->k);
    for (int64_t i = 1; lb_format_of(w->type.format)->distance && i < count; i++)
        LB_REQUIRE(w->scales[i] == w->scales[0], error, LOWBIT_INVALID_ARGUMENT,
                   "weights: scale %lld is %g, scale 0 is %g: %s has one scale in all, which A shares", (long long)i,
                   (double)w->scales[i], (double)w->scales[0], lb_format_of(w->type.format)->name);
    return LOWBIT_OK;
}

lowbit_status lb_check_weights(const lowbit_weights *w, lowbit_error *error) {
    LB_REQUIRE(w && LB_HAS_FIELD(w, lowbit_weights, book), error, LOWBIT_INVALID_ARGUMENT,
               "weights is NULL or its struct_size is too small");
    LB_TRY(lb_check_weight_shape(&w->type, w->n, w->k, error));
    const bool scaled = !lb_is_float(lb_format_of(w->type.format));
    LB_REQUIRE(w->codes && (w->scales || !scaled), error, LOWBIT_INVALID_ARGUMENT, "weights: codes or scales is NULL");
    LB_TRY(check_shared_scale(w, error));
    LB_TRY(lb_check_stride("weights", w->n, w->k, w->stride, error));
    LB_REQUIRE(!w->zeros == (w->type.offset != LOWBIT_ZERO_POINT), error, LOWBIT_INVALID_ARGUMENT,
               "weights: zeros is %s, the type has %s", w->zeros ? "given" : "NULL",
               w->zeros ? "no zero points" : "zero points");
    LB_REQUIRE(!w->mins == (w->type.offset != LOWBIT_MINIMUM), error, LOWBIT_INVALID_ARGUMENT,
               "weights: mins is %s, the type has %s", w->mins ? "given" : "NULL", w->mins ? "no minima" : "minima");
    LB_REQUIRE(!w->multipliers == !w->type.progressive, error, LOWBIT_INVALID_ARGUMENT,
               "weights: multipliers is %s, the type is %sprogressive", w->multipliers ? "given" : "NULL",
               w->multipliers ? "not " : "");
    if (!w->multipliers) return LOWBIT_OK;
    return lb_check_multipliers(&w->type, w->multipliers, w->zeros, lb_group_count(&w->type, w->n, w->k),
                                LOWBIT_INVALID_ARGUMENT, error);
}

int64_t lb_scale_count(const lowbit_weight_type *type, int64_t n, int64_t k) {
    const int64_t groups = lb_scale_groups(type, k);
    return type->group == LOWBIT_GROUP_TENSOR ? lb_min(1, groups) : n * groups;
}

int64_t lb_scale_index(const lowbit_weights *w, int64_t n, int64_t g) {
    return w->type.progressive ? n : lb_group_index(w, n, g);
}

int64_t lb_group_count(const lowbit_weight_type *type, int64_t n, int64_t k) {
    return type->group == LOWBIT_GROUP_TENSOR ? 1 : n * lb_groups(k, type->group);
}

int64_t lb_group_index(const lowbit_weights *w, int64_t n, int64_t g) {
    return w->type.group == LOWBIT_GROUP_TENSOR ? 0 : n * lb_groups(w->k, w->type.group) + g;
}

lowbit_weights lb_weights_rows(const lowbit_weights *w, int64_t first, int64_t n) {
    const int64_t groups = lb_group_index(w, first, 0);
    lowbit_weights rows = *w;
    rows.n = n;
    rows.memory = NULL;
    rows.codes += first * w->stride * lb_codings[lb_format_of(w->type.format)->coding].element_bytes;
    if (rows.scales) rows.scales += lb_scale_index(w, first, 0);
    if (rows.zeros) rows.zeros += groups;
    if (rows.mins) rows.mins += groups;
    if (rows.multipliers) rows.multipliers += groups;
    return rows;
}

lowbit_status lb_weights_alloc(const lowbit_ctx *ctx, lowbit_weights *w, lowbit_error *error) {
    const int64_t scales = lb_scale_count(&w->type, w->n, w->k), groups = lb_group_count(&w->type, w->n, w->k);
    const int64_t mins = w->type.offset == LOWBIT_MINIMUM ? groups : 0; /* how many of each */
    const int64_t zeros = w->type.offset == LOWBIT_ZERO_POINT ? groups : 0;
    const int64_t multipliers = w->type.progressive ? groups : 0;
    w->stride = w->k;
    const int64_t elements = w->n * w->k * lb_codings[lb_format_of(w->type.format)->coding].element_bytes;
    w->memory_bytes = 4 * (scales + mins) + zeros + multipliers + elements; /* n < 2^31, k < 2^17 */
    uint8_t *memory = lb_alloc(ctx, (size_t)w->memory_bytes);
    LB_REQUIRE(memory, error, LOWBIT_NO_MEMORY, "no memory for %lld x %lld codes and their scales", (long long)w->n,
               (long long)w->k);
    w->memory = memory;
    w->scales = scales ? (float *)(void *)memory : NULL;
    w->mins = mins ? w->scales + scales : NULL;
    memory += 4 * (scales + mins);
    w->zeros = zeros ? memory : NULL;
    w->multipliers = multipliers ? memory + zeros : NULL;
    w->codes = memory + zeros + multipliers;
    return LOWBIT_OK;
}

void lowbit_weights_free(const lowbit_ctx *ctx, lowbit_weights *weights) {
    if (!ctx || !weights || !weights->memory) return;
    lb_free(ctx, weights->memory, (size_t)weights->memory_bytes);
    weights->memory = NULL;
    weights->codes = NULL;
    weights->scales = NULL;
    weights->zeros = NULL;
    weights->mins = NULL;
    weights->multipliers = NULL;
}

const int8_t *lb_book_of(const lowbit_weights *w) {
    const lb_format *f = lb_format_of(w->type.format);
    return !lb_has_book(f) ? NULL : f->book ? f->book : w->book;
}

lb_integers lb_integers_of(const lowbit_weights *w, int64_t n, int64_t g) {
    const lb_format *f = lb_format_of(w->type.format);
    switch (w->type.offset) {
        case LOWBIT_ZERO_POINT: return (lb_integers){NULL, 1, w->zeros[lb_group_index(w, n, g)]};
        case LOWBIT_MINIMUM: return (lb_integers){NULL, 1, 0};
        default: return (lb_integers){lb_book_of(w), f->value_scale, f->value_offset};
    }
}

int32_t lb_integer_at(const lowbit_weights *w, int64_t n, int64_t k) {
    return lb_integer(lb_integers_of(w, n, w->type.group > 0 ? k / w->type.group : 0), w->codes[n * w->stride + k]);
}

float lb_float_at(const lowbit_weights *w, int64_t n, int64_t k) {
    const int64_t at = n * w->stride + k;
    const void *elements = w->codes;
    return lb_format_of(w->type.format)->coding == LB_CODING_BF16 ? lb_bf16_to_float(((const uint16_t *)elements)[at])
                                                                  : ((const float *)elements)[at];
}

static float value_at(const lowbit_weights *w, int64_t n, int64_t k) {
    const uint32_t type = w->type.scale_type;
    const int64_t g = w->type.group > 0 ? k / w->type.group : 0, at = lb_group_index(w, n, g);
    if (lb_is_float(lb_format_of(w->type.format))) return lb_float_at(w, n, k);
    const int32_t value = lb_integer_at(w, n, k), multiplied = w->multipliers ? w->multipliers[at] * value : value;
    const float scaled = (float)multiplied * lb_scale_round(type, w->scales[lb_scale_index(w, n, g)]);
    return w->mins ? scaled + lb_scale_round(type, w->mins[at]) : scaled;
}

lowbit_status lowbit_dequantize(const lowbit_weights *w, float *values, int64_t stride, lowbit_error *error) {
    LB_TRY(lb_check_weights(w, error));
    LB_REQUIRE(values, error, LOWBIT_INVALID_ARGUMENT, "values is NULL");
    LB_TRY(lb_check_stride("values", w->n, w->k, stride, error));
    for (int64_t n = 0; n < w->n; n++)
        for (int64_t k = 0; k < w->k; k++) values[n * stride + k] = value_at(w, n, k);
    return LOWBIT_OK;
}
