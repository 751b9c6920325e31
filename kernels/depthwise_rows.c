/* SPDX-License-Identifier: Apache-2.0 */
/* Depthwise convolution whose windows are quantized one by one, each in a channel of its own, or whose terms are no
 * products: one window after the other, in plain C. */
#include <math.h>
#include <string.h>

#include "kernels/depthwise_run.h"
#include "kernels/formats/format.h"

/* The window of channel n of the output at (b, oy, ox), 0 outside; `codes` where the image comes so. */
typedef struct window {
    const lb_depth_task *task;
    int64_t b, oy, ox, channel;
} window;

/* The element of tap k in the image, or -1. */
static int64_t element_at(const window *w, int64_t k) {
    const lowbit_conv2d *c = w->task->run->conv;
    const int64_t y = w->oy * c->stride_y - c->pad_top + k / c->kernel_width * c->dilation_y;
    const int64_t x = w->ox * c->stride_x - c->pad_left + k % c->kernel_width * c->dilation_x;
    if (y < 0 || y >= c->height || x < 0 || x >= c->width) return -1;
    return ((w->b * c->height + y) * c->width + x) * c->channels + w->channel;
}

/* Gathers the window, and quantizes it if activations do not stay floats: task's codes, their sums and the scale. */
static float gather(const window *w) {
    const lb_depth_run *run = w->task->run;
    const lb_depth_scratch *s = &w->task->scratch;
    const int64_t taps = run->shape.taps;
    for (int64_t k = 0; k < taps; k++) {
        const int64_t at = element_at(w, k);
        s->window[k] = at < 0 ? 0 : run->args->a[at];
    }
    if (run->shape.floats) return 1;
    float scale;
    run->unit->quantize_row(s->window, (size_t)taps, 0, (size_t)run->shape.group, &run->rule, s->codes,
                            (size_t)lb_round_up(taps, LB_LINE), s->sums, &scale);
    for (int64_t k = 0; run->rule.kind == LB_ROWS_SIGN && k < taps; k++) {
        if (element_at(w, k) >= 0) continue;
        s->sums[k / run->shape.group] -= s->codes[k]; /* signs have no zero */
        s->codes[k] = 0;
    }
    return scale;
}

/* The sums of column c's terms to the scratch. */
static void sum_terms(const lb_depth_task *task, int64_t c, bool distance) {
    const lb_depth_run *run = task->run;
    const lb_depth_scratch *s = &task->scratch;
    const int64_t block = (int64_t)run->ops->block, each = run->shape.minima ? 2 : 1;
    for (int64_t g = 0; g < run->shape.groups; g++) {
        const int64_t first = g * run->shape.group, end = lb_min(run->shape.taps, first + run->shape.group);
        uint32_t dot = 0;
        for (int64_t k = first; k < end; k++) {
            const int32_t a = s->codes[k] - run->rule.zero, v = s->values[k * block + c];
            dot += (uint32_t)(distance ? -(a > v ? a - v : v - a) : a * v);
        }
        s->dots[g * each * block + c] = (int32_t)dot;
        if (each > 1) s->dots[(g * each + 1) * block + c] = s->sums[g] - run->rule.zero * (int32_t)(end - first);
    }
}

/* -sum |a - w| of column c. */
static float sum_distances(const lb_depth_task *task, int64_t c) {
    const lb_depth_scratch *s = &task->scratch;
    const float *values = (const float *)(const void *)s->values;
    float sum = 0;
    for (int64_t k = 0; k < task->run->shape.taps; k++)
        sum -= fabsf(s->window[k] - values[k * (int64_t)task->run->ops->block + c]);
    return sum;
}

/* Terms to the output of row m. An output that is made of the one integer sum needs no scale of A. */
static void end_pixel(lb_depth_task *task, const float *scales, int64_t m) {
    const lb_depth_run *run = task->run;
    const int64_t block = (int64_t)run->ops->block, terms = run->shape.floats ? 0 : lb_depth_terms(&run->shape);
    const bool raw = run->problem.out == LOWBIT_OUT_S32 || task->output.multipliers;
    for (int64_t t = 0; t < terms; t++) {
        const lb_depth_term term = lb_depth_term_at(&run->shape, run->conv, t);
        memcpy(task->sums, task->scratch.dots + t * block, (size_t)block * sizeof *task->sums);
        lb_depth_end_term(task, &term, t == 0, raw, m, 1);
    }
    if (raw) return;
    for (int64_t c = 0; c < task->cols; c++) task->totals[c] *= scales[c];
    lb_depth_end_totals(task, m, 1);
}

void lb_depth_windows(lb_depth_task *task, int64_t b, int64_t first, int64_t end) {
    const lb_depth_run *run = task->run;
    const lb_depth_shape *shape = &run->shape;
    const int64_t block = (int64_t)run->ops->block;
    const bool distance = lb_format_of(run->conv->product.weights.format)->distance;
    memset(task->scratch.dots, 0, (size_t)(lb_depth_terms(shape) * block) * sizeof *task->scratch.dots);
    if (shape->floats)
        lb_depth_floats(run->args->weights, task->n, block, (float *)(void *)task->scratch.values);
    else
        lb_depth_integers(run->args->weights, task->n, block, task->scratch.values);
    for (int64_t oy = first; oy < end; oy++)
        for (int64_t ox = 0; ox < shape->out_width; ox++) {
            float scales[LB_LINE] = {0};
            for (int64_t c = 0; c < task->cols; c++) {
                const window at = {task, b, oy, ox, (task->n + c) / shape->repeat};
                scales[c] = gather(&at);
                if (distance && !isnan(scales[c])) scales[c] = 1; /* that of the weights is shared */
                if (shape->floats)
                    task->totals[c] = sum_distances(task, c);
                else
                    sum_terms(task, c, distance);
            }
            end_pixel(task, scales, (b * shape->out_height + oy) * shape->out_width + ox);
        }
}
