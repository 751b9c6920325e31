/* SPDX-License-Identifier: Apache-2.0 */
/* Layers that make an element of y from that of x, or of two: read as floats, computed, stored, a chunk at a time. */
#include <math.h>

#include "kernels/base/base.h"
#include "kernels/simd/activations.h"
#include "nn/ops.h"

/* Floats of `pixels` times `channels` from channel `c` on. */
typedef struct chunk {
    int64_t c, channels, pixels;
    float x[LB_OP_CHUNK], second[LB_OP_CHUNK];
} chunk;

static void affine(const lb_node *node, chunk *at) {
    const float *scale = node->weights + at->c, *shift = node->bias + at->c;
    for (int64_t p = 0; p < at->pixels; p++) {
        float *x = at->x + p * at->channels;
        for (int64_t c = 0; c < at->channels; c++) x[c] = x[c] * scale[c] + shift[c];
    }
}

static int64_t count_of(const chunk *at) { return at->pixels * at->channels; }

static void relu(const lb_node *node, chunk *at) {
    (void)node;
    for (int64_t i = 0; i < count_of(at); i++) at->x[i] = at->x[i] > 0 ? at->x[i] : 0;
}

static void hardtanh(const lb_node *node, chunk *at) {
    (void)node;
    for (int64_t i = 0; i < count_of(at); i++) at->x[i] = at->x[i] < -1 ? -1 : at->x[i] > 1 ? 1 : at->x[i];
}

static void add(const lb_node *node, chunk *at) {
    (void)node;
    for (int64_t i = 0; i < count_of(at); i++) at->x[i] += at->second[i];
}

static void multiply(const lb_node *node, chunk *at) {
    (void)node;
    for (int64_t i = 0; i < count_of(at); i++) at->x[i] *= at->second[i];
}

static void activate(const lb_node *node, chunk *at) {
    for (int64_t i = 0; i < count_of(at); i++) at->x[i] = lb_activate(node->act, at->x[i]);
}

static void hyperbolic(const lb_node *node, chunk *at) {
    (void)node;
    for (int64_t i = 0; i < count_of(at); i++) at->x[i] = tanhf(at->x[i]);
}

/* NULL for another type of the same value. */
static void (*const kApply[LB_OPS])(const lb_node *, chunk *) = {
    [LB_OP_AFFINE] = affine, [LB_OP_RELU] = relu,       [LB_OP_HARDTANH] = hardtanh, [LB_OP_ADD] = add,
    [LB_OP_ACT] = activate,  [LB_OP_TANH] = hyperbolic, [LB_OP_MULTIPLY] = multiply,
};

void lb_pointwise_pixels(const lb_op *op, int64_t first, int64_t end) {
    const int64_t channels = op->y.shape.channels;
    chunk at = {.channels = lb_min(channels, LB_OP_CHUNK)};
    const int64_t most = LB_OP_CHUNK / at.channels;
    void (*apply)(const lb_node *, chunk *) = kApply[op->node->op];
    for (int64_t pixel = first; pixel < end; pixel += at.pixels) {
        at.pixels = lb_min(most, end - pixel);
        for (at.c = 0; at.c < channels; at.c += LB_OP_CHUNK) {
            if (channels > LB_OP_CHUNK) at.channels = lb_min(LB_OP_CHUNK, channels - at.c);
            const int64_t i = pixel * channels + at.c, count = count_of(&at);
            lb_buffer_load(&op->x, i, count, at.x);
            if (op->second.data) lb_buffer_load(&op->second, i, count, at.second);
            if (apply) apply(op->node, &at);
            lb_buffer_store(&op->y, i, count, at.x);
        }
    }
}
