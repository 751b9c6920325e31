/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/conv_image.h"

#include <math.h>

#include "kernels/base/pool.h"
#include "kernels/prepare.h"

/* Elements of a line that are quantized at once: the row quantizer is made for rows of a product. */
enum { PIECE = 1 << 16 };

static int64_t line_bytes(const lowbit_conv2d *conv) { return lb_round_up(conv->width * conv->channels, LB_LINE); }

int64_t lb_conv_image_bytes(const lowbit_conv2d *conv, int64_t batch) {
    const int64_t lines = batch * conv->height;
    return lines * line_bytes(conv) + lb_round_up(lines * (int64_t)sizeof(float), LB_LINE);
}

typedef struct quantizing {
    const lb_conv_call *call;
    int8_t *codes;
    float *scales;
} quantizing;

static void line_task(void *arg, size_t i, size_t worker) {
    (void)worker;
    const quantizing *q = arg;
    const lb_conv_call *call = q->call;
    const int64_t elements = call->conv->width * call->conv->channels, bytes = line_bytes(call->conv);
    const float *from = call->args->a + (int64_t)i * elements;
    int8_t *to = q->codes + (int64_t)i * bytes;
    q->scales[i] = 0;
    for (int64_t x = 0; x < elements; x += PIECE) {
        const int64_t count = lb_min(PIECE, elements - x);
        int32_t sum;
        float scale;
        call->config.unit->quantize_row(from + x, (size_t)count, 0, PIECE, &call->rule, to + x,
                                        (size_t)lb_round_up(count, LB_LINE), &sum, &scale);
        if (isnan(scale)) q->scales[i] = scale;
    }
}

void lb_conv_image_make(const lb_conv_call *call, void *memory, const lowbit_pool *pool, lb_conv_image *image) {
    const lowbit_conv2d *c = call->conv;
    const int64_t lines = call->args->batch * c->height, elements = c->width * c->channels;
    *image = (lb_conv_image){.scale = call->rule.kind == LB_ROWS_FIXED ? call->rule.scale : 1};
    if (call->args->codes) {
        image->codes = call->args->codes;
        image->line = elements;
        return;
    }
    quantizing q = {call, memory, (float *)(void *)((uint8_t *)memory + lines * line_bytes(c))};
    lb_parallel_for(lines * elements < LB_PREPARE_ALONE ? NULL : pool, (size_t)lines, line_task, &q);
    image->codes = q.codes;
    image->line = line_bytes(c);
    image->scales = q.scales;
}

/* Whether the taps of a window in one line have a NaN. */
static bool has_nan(const lb_conv_call *call, int64_t group, const lb_window *window, int64_t line) {
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

float lb_conv_image_scale(const lb_conv_image *image, const lb_conv_call *call, int64_t group,
                          const lb_window *window) {
    const lowbit_conv2d *c = call->conv;
    for (int64_t ky = window->ky[0]; image->scales && ky < window->ky[1]; ky++) {
        const int64_t line = window->image * c->height + window->y + ky * c->dilation_y;
        if (isnan(image->scales[line]) && has_nan(call, group, window, line)) return image->scales[line];
    }
    return image->scale;
}
