/* SPDX-License-Identifier: Apache-2.0 */
/* Layers that only move elements: of any type, zeros being what stands for 0 in it. */
#include <string.h>

#include "nn/ops.h"

static void put_zeros(const lb_buffer *y, int64_t first, int64_t count) {
    const int64_t bytes = lb_value_bytes(y->type);
    memset((uint8_t *)y->data + first * bytes, y->type == LB_VALUE_S8 ? (uint8_t)y->zero : 0, (size_t)(count * bytes));
}

void lb_subsample_rows(const lb_op *op, int64_t first, int64_t end) {
    const lb_shape in = op->x.shape, out = op->y.shape;
    const int64_t stride = op->node->window.stride, before = op->node->zeros_before;
    const int64_t after = out.channels - in.channels - before;
    for (int64_t row = first; row < end; row++)
        for (int64_t x = 0; x < out.width; x++) {
            const int64_t y = row % out.height * stride, image = row / out.height;
            const int64_t to = (row * out.width + x) * out.channels;
            put_zeros(&op->y, to, before);
            lb_buffer_copy(&op->y, to + before, &op->x, ((image * in.height + y) * in.width + x * stride) * in.channels,
                           in.channels);
            put_zeros(&op->y, to + before + in.channels, after);
        }
}

void lb_shift_rows(const lb_op *op, int64_t first, int64_t end) {
    const lb_shape s = op->x.shape;
    const int8_t *shifts = op->node->shifts;
    for (int64_t row = first; row < end; row++)
        for (int64_t x = 0; x < s.width; x++)
            for (int64_t c = 0; c < s.channels; c++) {
                const int64_t to = (row * s.width + x) * s.channels + c, image = row / s.height;
                const int64_t y = row % s.height + shifts[2 * c], from_x = x + shifts[2 * c + 1];
                const bool inside = y >= 0 && y < s.height && from_x >= 0 && from_x < s.width;
                if (inside)
                    lb_buffer_copy(&op->y, to, &op->x, ((image * s.height + y) * s.width + from_x) * s.channels + c, 1);
                else
                    put_zeros(&op->y, to, 1);
            }
}
