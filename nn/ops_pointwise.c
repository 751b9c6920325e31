/* SPDX-License-Identifier: Apache-2.0 */
/* Layers that make an element of y from that of x, or of two: read as floats, computed, stored, a chunk at a time. */
#include "kernels/base/base.h"
#include "nn/ops.h"

enum { CHUNK = 1024 };

/* Floats of `pixels` times `channels` from channel `c` on. */
typedef struct chunk {
    int64_t c, channels, pixels;
    float x[CHUNK], second[CHUNK];
} chunk;

static void affine(const lb_node *node, chunk *at) {
    const float *scale = node->weights + at->c, *shift = node->bias + at->c;
    for (int64_t p = 0; p < at->pixels; p++) {
        float *x = at->x + p * at->channels;
        for (int64_t c = 0; c < at->channels; c++) x[c] = x[c] * scale[c] + shift[c];
    }
}

static void apply(const lb_node *node, chunk *at) {
    const int64_t count = at->pixels * at->channels;
    float *x = at->x;
    switch (node->op) {
        case LB_OP_AFFINE: affine(node, at); return;
        case LB_OP_RELU:
            for (int64_t i = 0; i < count; i++) x[i] = x[i] > 0 ? x[i] : 0;
            return;
        case LB_OP_HARDTANH:
            for (int64_t i = 0; i < count; i++) x[i] = x[i] < -1 ? -1 : x[i] > 1 ? 1 : x[i];
            return;
        case LB_OP_ADD:
            for (int64_t i = 0; i < count; i++) x[i] += at->second[i];
            return;
        default: return; /* another type of the same value */
    }
}

void lb_pointwise_rows(const lb_op *op, int64_t first, int64_t end) {
    const int64_t channels = op->y.shape.channels, width = op->y.shape.width;
    chunk at = {.channels = lb_min(channels, CHUNK)};
    const int64_t most = CHUNK / at.channels;
    for (int64_t pixel = first * width; pixel < end * width; pixel += at.pixels) {
        at.pixels = lb_min(most, end * width - pixel);
        for (at.c = 0; at.c < channels; at.c += CHUNK) {
            if (channels > CHUNK) at.channels = lb_min(CHUNK, channels - at.c);
            const int64_t i = pixel * channels + at.c, count = at.pixels * at.channels;
            lb_buffer_load(&op->x, i, count, at.x);
            if (op->second.data) lb_buffer_load(&op->second, i, count, at.second);
            apply(op->node, &at);
            lb_buffer_store(&op->y, i, count, at.x);
        }
    }
}
