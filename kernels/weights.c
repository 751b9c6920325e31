/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/weights.h"

#include "kernels/base/ctx.h"
#include "kernels/formats/format.h"
#include "kernels/formats/scale.h"

lowbit_status lb_check_weights(const lowbit_weights *w, lowbit_error *error) {
    LB_REQUIRE(w && LB_HAS_FIELD(w, lowbit_weights, memory_bytes), error, LOWBIT_INVALID_ARGUMENT,
               "weights is NULL or its struct_size is too small");
    LB_TRY(lb_check_weight_shape(&w->type, w->n, w->k, error));
    LB_REQUIRE(w->codes && w->scales, error, LOWBIT_INVALID_ARGUMENT, "weights: codes or scales is NULL");
    LB_TRY(lb_check_stride("weights", w->n, w->k, w->stride, error));
    LB_REQUIRE(!w->zeros == (w->type.offset != LOWBIT_ZERO_POINT), error, LOWBIT_INVALID_ARGUMENT,
               "weights: zeros is %s, the type has %s", w->zeros ? "given" : "NULL",
               w->zeros ? "no zero points" : "zero points");
    LB_REQUIRE(!w->mins == (w->type.offset != LOWBIT_MINIMUM), error, LOWBIT_INVALID_ARGUMENT,
               "weights: mins is %s, the type has %s", w->mins ? "given" : "NULL", w->mins ? "no minima" : "minima");
    return LOWBIT_OK;
}

int64_t lb_scale_count(const lowbit_weight_type *type, int64_t n, int64_t k) {
    return type->group == LOWBIT_GROUP_TENSOR ? 1 : n * lb_groups(k, type->group);
}

int64_t lb_scale_index(const lowbit_weights *w, int64_t n, int64_t g) {
    return w->type.group == LOWBIT_GROUP_TENSOR ? 0 : n * lb_groups(w->k, w->type.group) + g;
}

lowbit_status lb_weights_alloc(const lowbit_ctx *ctx, lowbit_weights *w, lowbit_error *error) {
    const int64_t count = lb_scale_count(&w->type, w->n, w->k);
    const bool zeros = w->type.offset == LOWBIT_ZERO_POINT, mins = w->type.offset == LOWBIT_MINIMUM;
    w->stride = w->k;
    w->memory_bytes = count * (4 + (mins ? 4 : 0) + zeros) + w->n * w->k; /* n < 2^31, k < 2^17 */
    uint8_t *memory = lb_alloc(ctx, (size_t)w->memory_bytes);
    LB_REQUIRE(memory, error, LOWBIT_NO_MEMORY, "no memory for %lld x %lld codes and their scales", (long long)w->n,
               (long long)w->k);
    w->memory = memory;
    w->scales = (float *)(void *)memory;
    w->mins = mins ? w->scales + count : NULL;
    memory += count * (mins ? 8 : 4);
    w->zeros = zeros ? memory : NULL;
    w->codes = memory + (zeros ? count : 0);
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
}

lowbit_status lowbit_dequantize(const lowbit_weights *w, float *values, int64_t stride, lowbit_error *error) {
    LB_TRY(lb_check_weights(w, error));
    LB_REQUIRE(values, error, LOWBIT_INVALID_ARGUMENT, "values is NULL");
    LB_TRY(lb_check_stride("values", w->n, w->k, stride, error));
    const lb_format *f = lb_format_of(w->type.format);
    const uint32_t type = w->type.scale_type;
    for (int64_t n = 0; n < w->n; n++)
        for (int64_t k = 0; k < w->k; k++) {
            const int64_t at = lb_scale_index(w, n, w->type.group > 0 ? k / w->type.group : 0);
            const int32_t code = w->codes[n * w->stride + k];
            const int32_t value = w->zeros  ? code - w->zeros[at]
                                  : w->mins ? code
                                            : f->value_scale * code - f->value_offset;
            const float scaled = (float)value * lb_scale_round(type, w->scales[at]);
            values[n * stride + k] = w->mins ? scaled + lb_scale_round(type, w->mins[at]) : scaled;
        }
    return LOWBIT_OK;
}
