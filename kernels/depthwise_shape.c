/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/depthwise_shape.h"

#include "kernels/formats/format.h"
#include "kernels/rows.h"

/* Bytes of a column at most, with blocks of 64; and what woven columns may take before tiles become smaller: a part of
 * the L2 cache. */
enum { MOST_COLUMN = 2 * LB_STACK * LB_LINE, MOST_WOVEN = 1 << 18 };

static int64_t extent(int64_t size, int64_t before, int64_t after, int64_t taps, int64_t dilation, int64_t stride) {
    return (size + before + after - dilation * (taps - 1) - 1) / stride + 1;
}

/* Columns that all taps of neighbouring pixels share, unless those that each tap has for itself are fewer. */
static void cut_columns(const lowbit_conv2d *c, lb_depth_shape *s) {
    const int64_t span = (s->pixels - 1) * c->stride_x + (c->kernel_width - 1) * c->dilation_x + 1;
    const bool shared = span <= s->pixels * c->kernel_width;
    s->shared = shared;
    s->runs = shared ? 1 : c->kernel_width;
    s->columns = shared ? span : s->pixels;
    s->stride = shared ? c->stride_x : 1;
    s->dilation = shared ? c->dilation_x : s->pixels;
}

lb_depth_shape lb_depth_shape_of(const lowbit_conv2d *c) {
    const lowbit_weight_type *type = &c->product.weights;
    const bool distance = lb_format_of(type->format)->distance;
    lb_depth_shape s = {.taps = c->kernel_height * c->kernel_width,
                        .repeat = c->out_channels / c->channels,
                        .floats = lb_is_float_kind(c->product.activations)};
    s.out_height = extent(c->height, c->pad_top, c->pad_bottom, c->kernel_height, c->dilation_y, c->stride_y);
    s.out_width = extent(c->width, c->pad_left, c->pad_right, c->kernel_width, c->dilation_x, c->stride_x);
    s.windows = distance || (!s.floats && lb_row_rule_is_scaled(c->product.activations) && !c->product.static_scale);
    s.minima = !s.floats && type->offset == LOWBIT_MINIMUM;
    s.groups = s.floats ? 1 : lb_scaled_sums(type, s.taps);
    s.group = s.groups > 1 ? type->group : s.taps;
    s.stack = s.floats ? 1 : LB_STACK;
    /* One row of the output more takes one row of the image more: no more stacks, if the last one has a place left. */
    const bool room = c->kernel_height % s.stack != 0 && c->stride_y == c->dilation_y;
    s.together = room && s.groups == 1 && s.out_height > 1 ? 2 : 1;
    s.stacks = lb_div_up(c->kernel_height, s.stack);
    s.pixels = lb_min(LB_TILE_ELEMENTS / LB_LINE, s.out_width);
    cut_columns(c, &s);
    while (s.pixels > 1 && s.stacks * s.runs * s.columns * MOST_COLUMN > MOST_WOVEN) {
        s.pixels /= 2;
        cut_columns(c, &s);
    }
    return s;
}

lb_depth_term lb_depth_term_at(const lb_depth_shape *s, const lowbit_conv2d *c, int64_t index) {
    lb_depth_term term = {.group = s->minima ? index / 2 : index, .ones = s->minima && index % 2};
    const int64_t width = c->kernel_width, first = term.group * s->group, last = lb_min(first + s->group, s->taps) - 1;
    const bool one_row = first / width == last / width;
    term.stack = first / width / s->stack;
    term.stacks = (last / width + s->together - 1) / s->stack - term.stack + 1;
    term.x = one_row ? first % width : 0;
    term.width = one_row ? last - first + 1 : width;
    return term;
}

/* Takes the next `count` elements of the memory, 64-byte aligned; NULL if there is none. */
static void *take(uint8_t *memory, int64_t *total, int64_t count, int64_t size) {
    uint8_t *at = memory ? memory + *total : NULL;
    *total += lb_round_up(count * size, LB_LINE);
    return at;
}

/* Each term, and the memory of its tables. */
static void place_terms(const lb_depth_shape *s, const lowbit_conv2d *c, int64_t block, int64_t column_bytes,
                        uint8_t *memory, int64_t *total, lb_depth_term *terms) {
    for (int64_t t = 0; t < lb_depth_terms(s); t++) {
        lb_depth_term term = lb_depth_term_at(s, c, t);
        term.weights = take(memory, total, s->together * lb_depth_table(&term), column_bytes);
        term.start = take(memory, total, block, sizeof *term.start);
        if (terms) terms[t] = term;
    }
}

static void place_windows(const lb_depth_shape *s, int64_t block, uint8_t *memory, int64_t *total,
                          lb_depth_scratch *scratch) {
    scratch->window = take(memory, total, s->taps, sizeof *scratch->window);
    scratch->codes = take(memory, total, lb_round_up(s->taps, LB_LINE), 1);
    scratch->sums = take(memory, total, s->groups, sizeof *scratch->sums);
    scratch->dots = take(memory, total, lb_depth_terms(s) * block, sizeof *scratch->dots);
}

int64_t lb_depth_place(const lb_depth_shape *s, const lowbit_conv2d *c, int64_t block, int64_t column_bytes,
                       bool windows, uint8_t *memory, lb_depth_scratch *scratch) {
    const int64_t rows = s->stacks * s->stack, element = s->floats ? (int64_t)sizeof(float) : 1;
    int64_t total = 0;
    scratch->values = take(memory, &total, s->taps * block, s->floats ? sizeof(float) : sizeof *scratch->values);
    if (windows) {
        place_windows(s, block, memory, &total, scratch);
        return total;
    }
    scratch->columns = take(memory, &total, s->stacks * s->runs * s->columns, column_bytes);
    scratch->spread = take(memory, &total, s->repeat > 1 ? rows * s->columns * block : 0, element);
    scratch->rows = take(memory, &total, rows, sizeof *scratch->rows);
    scratch->outside = take(memory, &total, rows, sizeof *scratch->outside);
    scratch->steps = take(memory, &total, rows, sizeof *scratch->steps);
    scratch->no_steps = take(memory, &total, rows, sizeof *scratch->no_steps);
    scratch->terms = take(memory, &total, lb_depth_terms(s), sizeof *scratch->terms);
    place_terms(s, c, block, column_bytes, memory, &total, scratch->terms);
    return total;
}
