/* SPDX-License-Identifier: Apache-2.0 */
/* Norms over the channels of a pixel: y = (x - shift) * factor [* weights [+ bias]], what they differ in being the
 * shift and the factor. Sums are of floats in lanes, a chunk at a time, and of chunks in doubles. */
#include <math.h>

#include "kernels/base/base.h"
#include "nn/ops.h"

enum { LANES = 16 };

static double add_lanes(const float sum[LANES]) {
    double all = 0;
    for (int i = 0; i < LANES; i++) all += (double)sum[i];
    return all;
}

static double sum_of(const float *x, int64_t count) {
    float sum[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int j = 0; j < LANES; j++) sum[j] += x[i + j];
    for (int j = 0; i < count; i++, j++) sum[j] += x[i];
    return add_lanes(sum);
}

static double squares_of(const float *x, int64_t count, float shift) {
    float sum[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int j = 0; j < LANES; j++) sum[j] += (x[i + j] - shift) * (x[i + j] - shift);
    for (int j = 0; i < count; i++, j++) sum[j] += (x[i] - shift) * (x[i] - shift);
    return add_lanes(sum);
}

static double mean_at(const lb_op *op, int64_t first, int64_t channels) {
    float scratch[LB_OP_CHUNK];
    double sum = 0;
    for (int64_t c = 0, n; c < channels; c += n) {
        n = lb_min(LB_OP_CHUNK, channels - c);
        sum += sum_of(lb_buffer_floats(&op->x, first + c, n, scratch), n);
    }
    return sum / (double)channels;
}

static double squares_at(const lb_op *op, int64_t first, int64_t channels, float shift) {
    float scratch[LB_OP_CHUNK];
    double sum = 0;
    for (int64_t c = 0, n; c < channels; c += n) {
        n = lb_min(LB_OP_CHUNK, channels - c);
        sum += squares_of(lb_buffer_floats(&op->x, first + c, n, scratch), n, shift);
    }
    return sum;
}

static double factor_of(const lb_node *node, double squares) {
    const double channels = (double)node->shape.channels, epsilon = (double)node->epsilon;
    if (node->op == LB_OP_NORMALIZE) return 1 / fmax(sqrt(squares), 1e-12);
    if (node->unbiased) return 1 / (sqrt(squares / (channels - 1)) + epsilon);
    return 1 / sqrt(squares / channels + epsilon);
}

static void norm_chunk(const lb_node *node, int64_t c, int64_t count, float shift, float factor, const float *x,
                       float *y) {
    const float *weights = node->weights ? node->weights + c : NULL, *bias = node->bias ? node->bias + c : NULL;
    if (!weights)
        for (int64_t i = 0; i < count; i++) y[i] = (x[i] - shift) * factor;
    else if (!bias)
        for (int64_t i = 0; i < count; i++) y[i] = (x[i] - shift) * factor * weights[i];
    else
        for (int64_t i = 0; i < count; i++) y[i] = (x[i] - shift) * factor * weights[i] + bias[i];
}

/* Where floats of y come to stand: there, or in scratch, from which they become codes. */
static float *place(const lb_buffer *y, int64_t first, float *scratch) {
    return y->type == LB_VALUE_F32 ? (float *)y->data + first : scratch;
}

void lb_norm_pixels(const lb_op *op, int64_t first, int64_t end) {
    const int64_t channels = op->y.shape.channels;
    float x[LB_OP_CHUNK], y[LB_OP_CHUNK];
    for (int64_t pixel = first; pixel < end; pixel++) {
        const int64_t at = pixel * channels;
        const float shift = op->node->op == LB_OP_LAYER_NORM ? (float)mean_at(op, at, channels) : 0;
        const float factor = (float)factor_of(op->node, squares_at(op, at, channels, shift));
        for (int64_t c = 0, n; c < channels; c += n) {
            n = lb_min(LB_OP_CHUNK, channels - c);
            float *out = place(&op->y, at + c, y);
            norm_chunk(op->node, c, n, shift, factor, lb_buffer_floats(&op->x, at + c, n, x), out);
            if (out == y) lb_buffer_store(&op->y, at + c, n, y);
        }
    }
}
