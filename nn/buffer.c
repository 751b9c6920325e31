/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/buffer.h"

#include <math.h>
#include <string.h>

void lb_buffer_raw(const lb_buffer *buffer, int64_t first, int64_t count, float *out) {
    const int8_t *codes = (const int8_t *)buffer->data + first;
    const int32_t *sums = (const int32_t *)buffer->data + first;
    switch (buffer->type) {
        case LB_VALUE_S8:
            for (int64_t i = 0; i < count; i++) out[i] = codes[i];
            return;
        case LB_VALUE_S32:
            for (int64_t i = 0; i < count; i++) out[i] = (float)sums[i];
            return;
        default: memcpy(out, (const float *)buffer->data + first, (size_t)count * sizeof *out);
    }
}

void lb_buffer_load(const lb_buffer *buffer, int64_t first, int64_t count, float *out) {
    lb_buffer_raw(buffer, first, count, out);
    if (buffer->type != LB_VALUE_S8) return;
    const float scale = buffer->scale, zero = (float)buffer->zero;
    for (int64_t i = 0; i < count; i++) out[i] = scale * (out[i] - zero);
}

const float *lb_buffer_floats(const lb_buffer *buffer, int64_t first, int64_t count, float *scratch) {
    if (buffer->type == LB_VALUE_F32) return (const float *)buffer->data + first;
    lb_buffer_load(buffer, first, count, scratch);
    return scratch;
}

void lb_buffer_copy(const lb_buffer *to, int64_t to_first, const lb_buffer *from, int64_t first, int64_t count) {
    const int64_t bytes = lb_value_bytes(to->type);
    memcpy((uint8_t *)to->data + to_first * bytes, (const uint8_t *)from->data + first * bytes,
           (size_t)(count * bytes));
}

/* Adding it to a float of magnitude below 2^22 rounds to an integer, half to even, and subtracting it gives that back:
 * vectorized, where a call of rintf is not. */
static const float kRound = 12582912; /* 1.5 * 2^23 */

void lb_buffer_store(const lb_buffer *buffer, int64_t first, int64_t count, const float *x) {
    if (buffer->type == LB_VALUE_F32) {
        memcpy((float *)buffer->data + first, x, (size_t)count * sizeof *x);
        return;
    }
    int8_t *codes = (int8_t *)buffer->data + first;
    const float r = 1 / buffer->scale, zero = (float)buffer->zero;
    for (int64_t i = 0; i < count; i++) {
        float q = x[i] * r;
        q = q > -512 ? q : q != q ? 0 : -512; /* NaN: the zero */
        q = q < 512 ? q : 512;
        q = (q + kRound) - kRound + zero;
        q = q > -128 ? q : -128;
        codes[i] = (int8_t)(q < 127 ? q : 127);
    }
}
