/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/buffer.h"

#include <string.h>

#include "kernels/base/base.h"

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

enum { LINE = 64, CHUNK = 1024 };

/* Whole lines of codes where they stand; what is not, in a line of its own and from there. */
static void store_codes(const lb_buffer *buffer, const lb_row_rule *rule, int8_t *codes, int64_t count,
                        const float *x) {
    _Alignas(LINE) int8_t own[CHUNK];
    int32_t sum;
    float scale;
    const bool in_place = (uintptr_t)codes % LINE == 0 && count % LINE == 0;
    for (int64_t i = 0, n; i < count; i += n) {
        n = lb_min(CHUNK, count - i);
        buffer->quantize(x + i, (size_t)n, 0, CHUNK, rule, in_place ? codes + i : own, (size_t)lb_round_up(n, LINE),
                         &sum, &scale);
        if (!in_place) memcpy(codes + i, own, (size_t)n);
    }
}

void lb_buffer_store(const lb_buffer *buffer, int64_t first, int64_t count, const float *x) {
    if (buffer->type == LB_VALUE_F32) {
        memcpy((float *)buffer->data + first, x, (size_t)count * sizeof *x);
        return;
    }
    const lb_row_rule rule = {
        .kind = LB_ROWS_FIXED, .low = INT8_MIN, .high = INT8_MAX, .scale = buffer->scale, .zero = buffer->zero};
    store_codes(buffer, &rule, (int8_t *)buffer->data + first, count, x);
}
