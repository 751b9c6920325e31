/* SPDX-License-Identifier: Apache-2.0 */
/* Layers that know tokens: tables, a token in front, what is taken of a sequence. */
#include "kernels/base/base.h"
#include "nn/ops.h"

/* Elements `from` .. of x as those from `to` on of y. */
static void move(const lb_op *op, int64_t to, int64_t from, int64_t count) {
    float scratch[LB_OP_CHUNK];
    for (int64_t c = 0, n; c < count; c += n) {
        n = lb_min(LB_OP_CHUNK, count - c);
        lb_buffer_store(&op->y, to + c, n, lb_buffer_floats(&op->x, from + c, n, scratch));
    }
}

void lb_class_token_pixels(const lb_op *op, int64_t first, int64_t end) {
    const int64_t tokens = op->y.shape.width, channels = op->y.shape.channels;
    for (int64_t pixel = first; pixel < end; pixel++) {
        const int64_t image = pixel / tokens, token = pixel % tokens;
        if (token > 0)
            move(op, pixel * channels, (image * (tokens - 1) + token - 1) * channels, channels);
        else
            lb_buffer_store(&op->y, pixel * channels, channels, op->node->weights);
    }
}

void lb_positions_pixels(const lb_op *op, int64_t first, int64_t end) {
    const int64_t channels = op->y.shape.channels;
    float x[LB_OP_CHUNK];
    for (int64_t pixel = first; pixel < end; pixel++) {
        const int64_t token = op->node->by_token ? op->texts->positions[pixel] : pixel % op->y.shape.width;
        const float *row = op->node->weights + (op->node->first + token) * channels;
        for (int64_t c = 0, n; c < channels; c += n) {
            n = lb_min(LB_OP_CHUNK, channels - c);
            lb_buffer_load(&op->x, pixel * channels + c, n, x);
            for (int64_t i = 0; i < n; i++) x[i] += row[c + i];
            lb_buffer_store(&op->y, pixel * channels + c, n, x);
        }
    }
}

void lb_embed_pixels(const lb_op *op, int64_t first, int64_t end) {
    const int64_t features = op->y.shape.channels, columns = op->x.shape.channels;
    const float *ids = (const float *)op->x.data + op->node->first;
    float row[LB_OP_CHUNK];
    for (int64_t pixel = first; pixel < end; pixel++)
        for (int64_t c = 0, n; c < features; c += n) {
            n = lb_min(LB_OP_CHUNK, features - c);
            lb_table_row(op->table, (int64_t)ids[pixel * columns], c, n, row);
            lb_buffer_store(&op->y, pixel * features + c, n, row);
        }
}

/* ---- of whole sequences ---- */

/* Pixels of x that are sequence i. */
typedef struct span {
    int64_t first, end;
} span;

static span sequence(const lb_op *op, int64_t i) {
    const int64_t pixels = op->x.shape.height * op->x.shape.width;
    return op->texts ? (span){op->texts->starts[i], op->texts->starts[i + 1]} : (span){i * pixels, (i + 1) * pixels};
}

void lb_take_rows(const lb_op *op, int64_t first, int64_t end) {
    const int64_t channels = op->y.shape.channels;
    for (int64_t i = first; i < end; i++) {
        const span s = sequence(op, i);
        const int64_t token = op->node->op == LB_OP_TAKE_FIRST ? s.first : s.end - 1;
        lb_buffer_copy(&op->y, i * channels, &op->x, token * channels, channels);
    }
}

void lb_take_mean_rows(const lb_op *op, int64_t first, int64_t end) {
    const int64_t channels = op->y.shape.channels;
    float sum[LB_OP_CHUNK], scratch[LB_OP_CHUNK];
    for (int64_t i = first; i < end; i++) {
        const span s = sequence(op, i);
        for (int64_t c = 0, n; c < channels; c += n) {
            n = lb_min(LB_OP_CHUNK, channels - c);
            lb_buffer_load(&op->x, s.first * channels + c, n, sum);
            for (int64_t token = s.first + 1; token < s.end; token++) {
                const float *x = lb_buffer_floats(&op->x, token * channels + c, n, scratch);
                for (int64_t j = 0; j < n; j++) sum[j] += x[j];
            }
            for (int64_t j = 0; j < n; j++) sum[j] /= (float)(s.end - s.first);
            lb_buffer_store(&op->y, i * channels + c, n, sum);
        }
    }
}
