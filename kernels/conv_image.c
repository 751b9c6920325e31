/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/conv_image.h"

#include <math.h>
#include <string.h>

#include "kernels/base/pool.h"
#include "kernels/bit_rows.h"
#include "kernels/conv_sums.h"
#include "kernels/formats/format.h"
#include "kernels/prepare.h"

/* Elements of a line that are quantized at once: the row quantizer is made for rows of a product. */
enum { PIECE = 1 << 16 };

static int64_t line_bytes(const lowbit_conv2d *conv) { return lb_round_up(conv->width * conv->channels, LB_LINE); }

/* Where a bit is all that is wanted of a code, and words of them are whole pixels. */
static bool packs_bits(const lowbit_conv2d *conv, const lb_conv_shape *shape, const lowbit_problem *product,
                       const lb_kernel *kernel) {
    return lb_takes_bits(kernel) && conv->channels % LB_WORD_K == 0 && lb_conv_sums_pixels(conv, shape, product);
}

bool lb_conv_in_pieces(const lowbit_conv2d *conv, const lb_conv_shape *shape, const lowbit_problem *product,
                       const lb_kernel *kernel) {
    const int64_t line_k = lb_line_k(lb_format_of(product->weights.format));
    return kernel->a_layout == LB_A_ROWS && lb_conv_sums_pixels(conv, shape, product) && shape->depth % line_k == 0;
}

static int64_t word_bytes(const lowbit_conv2d *conv) { return conv->width * conv->channels / 8; }

static int64_t scale_bytes(int64_t lines) { return lb_round_up(lines * (int64_t)sizeof(float), LB_LINE); }

int64_t lb_conv_image_bytes(const lowbit_conv2d *conv, const lb_conv_shape *shape, const lowbit_problem *product,
                            const lb_kernel *kernel, int64_t batch) {
    const int64_t lines = batch * conv->height;
    const int64_t words = packs_bits(conv, shape, product, kernel) ? lines * word_bytes(conv) : 0;
    const int64_t outside = lb_conv_in_pieces(conv, shape, product, kernel) ? shape->depth : 0;
    return lb_round_up(words, LB_LINE) + lb_round_up(outside, LB_LINE) + scale_bytes(lines) + lines * line_bytes(conv);
}

typedef struct lines {
    const lb_conv_call *call;
    const int8_t *codes;
    int64_t line;
    int8_t *quantized; /* NULL = codes are the caller's */
    float *scales;
    uint8_t *words; /* or NULL */
} lines;

/* Returns NaN where one of the elements is, else 0; fills whole lines of bytes. */
static float quantize(const lb_conv_call *call, const float *from, int64_t elements, int8_t *to) {
    float worst = 0;
    for (int64_t x = 0; x < elements; x += PIECE) {
        const int64_t count = lb_min(PIECE, elements - x);
        int32_t sum;
        float scale;
        call->config.unit->quantize_row(from + x, (size_t)count, 0, PIECE, &call->rule, to + x,
                                        (size_t)lb_round_up(count, LB_LINE), &sum, &scale);
        if (isnan(scale)) worst = scale;
    }
    return worst;
}

static void line_task(void *arg, size_t i, size_t worker) {
    (void)worker;
    const lines *q = arg;
    const int64_t width = q->call->conv->width, channels = q->call->conv->channels, line = (int64_t)i;
    if (q->quantized)
        q->scales[line] = quantize(q->call, q->call->args->a + line * width * channels, width * channels,
                                   q->quantized + line * q->line);
    const int8_t *codes = q->codes + line * q->line;
    if (q->words)
        lb_put_bit_codes((lb_bit_planes){1, LB_BITS_WHOLE}, codes, width * channels, 1, 0,
                         q->words + line * word_bytes(q->call->conv));
}

static bool any_nan(const float *scales, int64_t count) {
    bool number = true;
    for (int64_t i = 0; i < count; i++) number = number && !isnan(scales[i]);
    return !number;
}

void lb_conv_image_make(const lb_conv_call *call, void *memory, const lowbit_pool *pool, lb_conv_image *image) {
    const lowbit_conv2d *c = call->conv;
    const int64_t count = call->args->batch * c->height, elements = c->width * c->channels;
    lines q = {.call = call, .codes = call->args->codes, .line = elements};
    uint8_t *at = memory;
    if (packs_bits(c, call->shape, call->product, call->config.kernel)) {
        q.words = at;
        at += lb_round_up(count * word_bytes(c), LB_LINE);
    }
    uint8_t *outside = NULL;
    if (lb_conv_in_pieces(c, call->shape, call->product, call->config.kernel)) {
        outside = at;
        memset(outside, call->rule.zero, (size_t)call->shape->depth);
        at += lb_round_up(call->shape->depth, LB_LINE);
    }
    if (!q.codes) {
        q.scales = (float *)(void *)at;
        q.quantized = (int8_t *)(at + scale_bytes(count));
        q.codes = q.quantized;
        q.line = line_bytes(c);
    }
    if (q.quantized || q.words)
        lb_parallel_for(count * elements < LB_PREPARE_ALONE ? NULL : pool, (size_t)count, line_task, &q);
    *image = (lb_conv_image){.codes = {.at = (const uint8_t *)q.codes, .pixel = c->channels, .line = q.line},
                             .words = {.at = q.words, .pixel = c->channels / 8, .line = word_bytes(c)},
                             .scale = call->rule.kind == LB_ROWS_FIXED ? call->rule.scale : 1,
                             .scales = q.scales && any_nan(q.scales, count) ? q.scales : NULL,
                             .outside = outside};
}

/* ---- dense ---- */

static int64_t elements_of(const lowbit_conv2d *conv, int64_t batch) {
    return batch * conv->height * conv->width * conv->channels;
}

int64_t lb_conv_dense_bytes(const lowbit_conv2d *conv, int64_t batch) {
    const int64_t elements = elements_of(conv, batch);
    return lb_round_up(elements, LB_LINE) + scale_bytes(lb_div_up(elements, PIECE));
}

static void piece_task(void *arg, size_t i, size_t worker) {
    (void)worker;
    const lines *q = arg;
    const int64_t at = (int64_t)i * PIECE, left = elements_of(q->call->conv, q->call->args->batch) - at;
    q->scales[i] = quantize(q->call, q->call->args->a + at, lb_min(PIECE, left), q->quantized + at);
}

const int8_t *lb_conv_dense_codes(const lb_conv_call *call, void *memory, const lowbit_pool *pool) {
    const int64_t elements = elements_of(call->conv, call->args->batch), pieces = lb_div_up(elements, PIECE);
    lines q = {.call = call, .quantized = memory};
    q.scales = (float *)(void *)((uint8_t *)memory + lb_round_up(elements, LB_LINE));
    lb_parallel_for(pool, (size_t)pieces, piece_task, &q);
    return any_nan(q.scales, pieces) ? NULL : q.quantized;
}

/* ---- scales of windows ---- */

/* Whether the taps of a window in one line have a NaN. */
static bool has_nan(const lb_conv_call *call, int64_t group, const lb_conv_window *window, int64_t line) {
    const lowbit_conv2d *c = call->conv;
    const int64_t depth = call->shape->depth;
    for (int64_t kx = window->kx[0]; kx < window->kx[1]; kx++) {
        const int64_t pixel = line * c->width + window->x + kx * c->dilation_x;
        const float *x = call->args->a + pixel * c->channels + group * depth;
        for (int64_t i = 0; i < depth; i++)
            if (isnan(x[i])) return true;
    }
    return false;
}

static float scale_of(const lb_conv_image *image, const lb_conv_call *call, int64_t group,
                      const lb_conv_window *window) {
    const lowbit_conv2d *c = call->conv;
    for (int64_t ky = window->ky[0]; ky < window->ky[1]; ky++) {
        const int64_t line = window->image * c->height + window->y + ky * c->dilation_y;
        if (isnan(image->scales[line]) && has_nan(call, group, window, line)) return image->scales[line];
    }
    return image->scale;
}

void lb_conv_image_scales(const lb_conv_image *image, const lb_conv_call *call, int64_t group,
                          const lb_conv_windows *windows, int64_t m, int64_t rows, float *scales) {
    if (!image->scales) {
        for (int64_t i = 0; i < rows; i++) scales[i] = image->scale;
        return;
    }
    lb_conv_window at = lb_conv_window_at(windows, m);
    for (int64_t i = 0; i < rows; i++, lb_conv_window_next(windows, &at)) scales[i] = scale_of(image, call, group, &at);
}
