/* SPDX-License-Identifier: Apache-2.0 */
/* Activations by thresholds: what networks have that were trained with few levels. */
#include <math.h>

#include "kernels/base/base.h"
#include "nn/ops.h"

/* A step that only grows: how many of the thresholds lie below x. */
static int64_t steps_below(const float *thresholds, int64_t count, float x) {
    int64_t n = 0;
    for (int64_t i = 0; i < count; i++) n += thresholds[i] < x;
    return n;
}

static int64_t sums_below(const int32_t *thresholds, int64_t count, int32_t sum) {
    int64_t n = 0;
    for (int64_t i = 0; i < count; i++) n += thresholds[i] < sum;
    return n;
}

static void put(const lb_op *op, int64_t i, int64_t step) {
    const float value = op->node->bias[step]; /* an integer times the grid */
    if (op->y.type == LB_VALUE_S8)
        ((int8_t *)op->y.data)[i] = (int8_t)lrintf(value / op->node->grid);
    else
        ((float *)op->y.data)[i] = value;
}

enum { CHUNK = 256 };

static void float_pixel(const lb_op *op, int64_t pixel) {
    const int64_t channels = op->y.shape.channels, count = op->node->count;
    float x[CHUNK];
    for (int64_t c0 = 0; c0 < channels; c0 += CHUNK) {
        const int64_t n = lb_min(CHUNK, channels - c0), i = pixel * channels + c0;
        lb_buffer_load(&op->x, i, n, x);
        for (int64_t c = 0; c < n; c++) put(op, i + c, steps_below(op->node->weights + (c0 + c) * count, count, x[c]));
    }
}

static void sum_pixel(const lb_op *op, int64_t pixel) {
    const int64_t channels = op->y.shape.channels, count = op->node->count;
    const int32_t *sums = (const int32_t *)op->x.data + pixel * channels;
    for (int64_t c = 0; c < channels; c++)
        put(op, pixel * channels + c, sums_below(op->thresholds + c * count, count, sums[c]));
}

void lb_steps_pixels(const lb_op *op, int64_t first, int64_t end) {
    for (int64_t pixel = first; pixel < end; pixel++)
        if (op->x.type == LB_VALUE_S32)
            sum_pixel(op, pixel);
        else
            float_pixel(op, pixel);
}
