/* SPDX-License-Identifier: Apache-2.0 */
/* Norms over the channels of a pixel: y = (x - shift) * factor [* weights [+ bias]], what they differ in being the
 * shift and the factor. Sums are of floats in lanes, a chunk at a time, and of chunks in doubles. */
#include <math.h>
#include <string.h>

#include "kernels/base/base.h"
#include "nn/ops.h"

enum { LANES = 16, FOUR = 4, FOURS = LANES / FOUR };

/* Vectors of any compiler for any CPU: what a table of instruction sets would gain, memory takes. */
typedef float four __attribute__((vector_size(4 * sizeof(float))));

static inline four load(const float *x) {
    four v;
    memcpy(&v, x, sizeof v);
    return v;
}

static inline four all(float x) { return (four){x, x, x, x}; }

/* The elements less `shift`, or the squares of that, added up in lanes. */
static inline void add_lanes(const float *x, float shift, bool square, four sum[FOURS]) {
    for (int i = 0; i < FOURS; i++) {
        const four d = load(x + i * FOUR) - all(shift);
        sum[i] += square ? d * d : d;
    }
}

static inline double sum_of(const float *x, int64_t count, float shift, bool square) {
    four sum[FOURS] = {all(0), all(0), all(0), all(0)};
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) add_lanes(x + i, shift, square, sum);
    double total = 0;
    for (; i < count; i++) {
        const float d = x[i] - shift;
        total += (double)(square ? d * d : d);
    }
    for (i = 0; i < LANES; i++) total += (double)sum[i / FOUR][i % FOUR];
    return total;
}

static double mean_at(const lb_op *op, int64_t first, int64_t channels) {
    float scratch[LB_OP_CHUNK];
    double sum = 0;
    for (int64_t c = 0, n; c < channels; c += n) {
        n = lb_min(LB_OP_CHUNK, channels - c);
        sum += sum_of(lb_buffer_floats(&op->x, first + c, n, scratch), n, 0, false);
    }
    return sum / (double)channels;
}

static double squares_at(const lb_op *op, int64_t first, int64_t channels, float shift) {
    float scratch[LB_OP_CHUNK];
    double sum = 0;
    for (int64_t c = 0, n; c < channels; c += n) {
        n = lb_min(LB_OP_CHUNK, channels - c);
        sum += sum_of(lb_buffer_floats(&op->x, first + c, n, scratch), n, shift, true);
    }
    return sum;
}

static double factor_of(const lb_node *node, double squares) {
    const double channels = (double)node->shape.channels, epsilon = (double)node->epsilon;
    if (node->op == LB_OP_NORMALIZE) return 1 / fmax(sqrt(squares), 1e-12);
    if (node->unbiased) return 1 / (sqrt(squares / (channels - 1)) + epsilon);
    return 1 / sqrt(squares / channels + epsilon);
}

/* Four elements; weights and bias as those of the node, each or both missing. */
static inline four norm_four(four x, float shift, float factor, const float *weights, const float *bias) {
    four y = (x - all(shift)) * all(factor);
    if (weights) y *= load(weights);
    return bias ? y + load(bias) : y;
}

static inline void norm_run(const float *x, int64_t count, float shift, float factor, const float *weights,
                            const float *bias, float *y) {
    int64_t i = 0;
    for (; i + FOUR <= count; i += FOUR) {
        const four out = norm_four(load(x + i), shift, factor, weights ? weights + i : NULL, bias ? bias + i : NULL);
        memcpy(y + i, &out, sizeof out);
    }
    for (; i < count; i++) {
        y[i] = (x[i] - shift) * factor;
        if (weights) y[i] *= weights[i];
        if (bias) y[i] += bias[i];
    }
}

static void norm_chunk(const lb_node *node, int64_t c, int64_t count, float shift, float factor, const float *x,
                       float *y) {
    const float *weights = node->weights ? node->weights + c : NULL, *bias = node->bias ? node->bias + c : NULL;
    if (weights && bias)
        norm_run(x, count, shift, factor, weights, bias, y);
    else
        norm_run(x, count, shift, factor, weights, NULL, y);
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
