/* SPDX-License-Identifier: Apache-2.0 */
/* The maximum and the mean over windows. */
#include <math.h>
#include <string.h>

#include "kernels/base/base.h"
#include "nn/ops.h"

/* Rows and columns of x that one output reads. */
typedef struct span {
    int64_t first, end;
} span;

/* Of a window that begins at `start`, what lies inside of 0 .. size - 1. */
static span clip(int64_t start, int64_t kernel, int64_t size) {
    return (span){lb_max(start, 0), lb_min(start + kernel, size)};
}

/* Element of channel 0 of a pixel of x, of the image that row `row` of y is of. */
static int64_t pixel_at(const lb_op *op, int64_t row, int64_t y, int64_t x) {
    const lb_shape in = op->x.shape;
    return ((row / op->y.shape.height * in.height + y) * in.width + x) * in.channels;
}

static void most_floats(const lb_op *op, int64_t row, span ys, span xs, int64_t out) {
    const int64_t channels = op->y.shape.channels;
    float *to = (float *)op->y.data + out;
    for (int64_t c = 0; c < channels; c++) to[c] = -INFINITY;
    for (int64_t y = ys.first; y < ys.end; y++)
        for (int64_t x = xs.first; x < xs.end; x++) {
            const float *from = (const float *)op->x.data + pixel_at(op, row, y, x);
            for (int64_t c = 0; c < channels; c++) to[c] = from[c] > to[c] ? from[c] : to[c];
        }
}

static void most_codes(const lb_op *op, int64_t row, span ys, span xs, int64_t out) {
    const int64_t channels = op->y.shape.channels;
    int8_t *to = (int8_t *)op->y.data + out;
    memset(to, INT8_MIN, (size_t)channels);
    for (int64_t y = ys.first; y < ys.end; y++)
        for (int64_t x = xs.first; x < xs.end; x++) {
            const int8_t *from = (const int8_t *)op->x.data + pixel_at(op, row, y, x);
            for (int64_t c = 0; c < channels; c++) to[c] = from[c] > to[c] ? from[c] : to[c];
        }
}

void lb_max_pool_rows(const lb_op *op, int64_t first, int64_t end) {
    const lb_window *w = &op->node->window;
    const lb_shape in = op->x.shape, shape = op->y.shape;
    void (*most)(const lb_op *, int64_t, span, span, int64_t) = op->x.type == LB_VALUE_S8 ? most_codes : most_floats;
    for (int64_t row = first; row < end; row++) {
        const span ys = clip(row % shape.height * w->stride - w->pad_top, w->kernel_height, in.height);
        for (int64_t x = 0; x < shape.width; x++)
            most(op, row, ys, clip(x * w->stride - w->pad_left, w->kernel_width, in.width),
                 (row * shape.width + x) * shape.channels);
    }
}

/* Rows (or columns) that output i of `out` takes the mean of. */
static span bin(int64_t i, int64_t size, int64_t out) {
    return (span){i * size / out, ((i + 1) * size + out - 1) / out};
}

enum { CHUNK = 256 };

/* The sum of codes is exact up to 2^24; scale and zero point come last. */
static void mean_pixel(const lb_op *op, int64_t row, span ys, span xs, int64_t counted, int64_t out) {
    const int64_t channels = op->y.shape.channels;
    const bool codes = op->x.type == LB_VALUE_S8;
    const float inside = (float)((ys.end - ys.first) * (xs.end - xs.first)), zero = codes ? (float)op->x.zero : 0;
    const float factor = codes ? op->x.scale : 1;
    float sum[CHUNK], from[CHUNK];
    for (int64_t c0 = 0; c0 < channels; c0 += CHUNK) {
        const int64_t n = lb_min(CHUNK, channels - c0);
        for (int64_t c = 0; c < n; c++) sum[c] = 0;
        for (int64_t y = ys.first; y < ys.end; y++)
            for (int64_t x = xs.first; x < xs.end; x++) {
                lb_buffer_raw(&op->x, pixel_at(op, row, y, x) + c0, n, from);
                for (int64_t c = 0; c < n; c++) sum[c] += from[c];
            }
        for (int64_t c = 0; c < n; c++) sum[c] = (sum[c] - inside * zero) * factor / (float)counted;
        lb_buffer_store(&op->y, out + c0, n, sum);
    }
}

void lb_average_pool_rows(const lb_op *op, int64_t first, int64_t end) {
    const lb_window *w = &op->node->window;
    const lb_shape in = op->x.shape, shape = op->y.shape;
    const bool adaptive = op->node->op == LB_OP_ADAPTIVE_AVERAGE_POOL;
    for (int64_t row = first; row < end; row++) {
        const int64_t y = row % shape.height;
        const span ys =
            adaptive ? bin(y, in.height, shape.height) : clip(y * w->stride - w->pad_top, w->kernel_height, in.height);
        for (int64_t x = 0; x < shape.width; x++) {
            const span xs =
                adaptive ? bin(x, in.width, shape.width) : clip(x * w->stride - w->pad_left, w->kernel_width, in.width);
            const int64_t counted = !adaptive && w->count_padding ? w->kernel_height * w->kernel_width
                                                                  : (ys.end - ys.first) * (xs.end - xs.first);
            mean_pixel(op, row, ys, xs, counted, (row * shape.width + x) * shape.channels);
        }
    }
}
