/* SPDX-License-Identifier: Apache-2.0 */
/* Depthwise convolution: tasks, tables of weights, tiles of woven columns. */
#include "kernels/depthwise.h"

#include <string.h>

#include "kernels/base/pool.h"
#include "kernels/depthwise_run.h"
#include "kernels/formats/format.h"
#include "kernels/formats/scale.h"
#include "kernels/rows.h"

bool lb_depthwise_is(const lowbit_conv2d *conv) { return conv->groups > 1 && conv->groups == conv->channels; }

/* ---- weights ---- */

/* Weights of a stack's four rows to a column of bytes. Sixteen at a time, which compilers turn into vectors. */
static void put_quads(const int16_t *const v[LB_STACK], int64_t block, void *column) {
    uint32_t *to = column;
    for (int64_t c = 0; c < block; c += LB_PANEL)
        for (int64_t i = c; i < c + LB_PANEL; i++)
            to[i] = (uint32_t)(uint8_t)v[0][i] | (uint32_t)(uint8_t)v[1][i] << 8 | (uint32_t)(uint8_t)v[2][i] << 16 |
                    (uint32_t)(uint8_t)v[3][i] << 24;
}

/* The same as pairs: rows 0 and 2 of a quarter of the block, then its rows 1 and 3. */
static void put_pairs(const int16_t *const v[LB_STACK], int64_t block, void *column) {
    uint32_t *to = column;
    const int64_t lanes = block / 4;
    for (int64_t c = 0; c < block; c++) {
        uint32_t *lane = to + c / lanes * lanes * 2 + c % lanes;
        lane[0] = (uint32_t)(uint16_t)v[0][c] | (uint32_t)(uint16_t)v[2][c] << 16;
        lane[lanes] = (uint32_t)(uint16_t)v[1][c] | (uint32_t)(uint16_t)v[3][c] << 16;
    }
}

/* Tables of one term: row ky of the kernel stands `r` rows lower in those of row r of the output. */
static void put_term(const lb_depth_task *task, const lb_depth_term *term, const int16_t *ones, const int16_t *zeros) {
    const lb_depth_run *run = task->run;
    const int64_t block = (int64_t)run->ops->block, height = run->conv->kernel_height, width = run->conv->kernel_width;
    const int64_t first = term->group * run->shape.group, end = first + run->shape.group;
    uint8_t *to = term->weights;
    for (int64_t r = 0; r < run->shape.together; r++)
        for (int64_t s = term->stack; s < term->stack + term->stacks; s++)
            for (int64_t x = term->x; x < term->x + term->width; x++, to += run->column_bytes) {
                const int16_t *rows[LB_STACK];
                for (int64_t t = 0; t < LB_STACK; t++) {
                    const int64_t ky = s * LB_STACK + t - r, k = ky * width + x;
                    const bool in = ky >= 0 && ky < height && k >= first && k < end;
                    rows[t] = !in ? zeros : term->ones ? ones : task->scratch.values + k * block;
                }
                (run->way == &run->ops->quads ? put_quads : put_pairs)(rows, block, to);
            }
}

/* What its sums start from: without the zero point of A, and what weaving adds to that. */
static void start_term(const lb_depth_task *task, const lb_depth_term *term, const int16_t *ones) {
    const lb_depth_run *run = task->run;
    const int64_t block = (int64_t)run->ops->block, first = term->group * run->shape.group;
    const int64_t end = lb_min(run->shape.taps, first + run->shape.group);
    const uint32_t bias = (uint32_t)(run->way->bias + run->rule.zero);
    uint32_t sums[LB_LINE] = {0};
    for (int64_t k = first; k < end; k++) {
        const int16_t *v = term->ones ? ones : task->scratch.values + k * block;
        for (int64_t c = 0; c < block; c++) sums[c] += (uint32_t)v[c];
    }
    for (int64_t c = 0; c < block; c++) term->start[c] = (int32_t)(0 - bias * sums[c]);
}

/* The block's weights, where its terms want them: those of floats as they are. */
static void expand(const lb_depth_task *task) {
    const lb_depth_run *run = task->run;
    const lowbit_packed *w = run->args->weights;
    if (run->shape.floats) {
        lb_depth_floats(w, task->n, (int64_t)run->ops->block, (float *)(void *)task->scratch.terms->weights);
        return;
    }
    const int16_t zeros[LB_LINE] = {0};
    int16_t ones[LB_LINE];
    for (int i = 0; i < LB_LINE; i++) ones[i] = 1;
    lb_depth_integers(w, task->n, (int64_t)run->ops->block, task->scratch.values);
    for (int64_t t = 0; t < lb_depth_terms(&run->shape); t++) {
        put_term(task, &task->scratch.terms[t], ones, zeros);
        start_term(task, &task->scratch.terms[t], ones);
    }
}

/* ---- columns ---- */

/* The rows of the image that rows oy .. of the output see, in the stacks, at pixel x. */
static void aim_rows(const lb_depth_task *task, int64_t b, int64_t oy, int64_t x) {
    const lb_depth_run *run = task->run;
    const lowbit_conv2d *c = run->conv;
    const int64_t element = run->codes ? 1 : (int64_t)sizeof(float), rows = run->shape.stacks * run->shape.stack;
    const uint8_t *image = run->codes ? (const uint8_t *)run->codes : (const uint8_t *)run->args->a;
    for (int64_t i = 0; i < rows; i++) {
        const int64_t y = oy * c->stride_y - c->pad_top + i * c->dilation_y;
        const bool inside = y >= 0 && y < c->height && i < c->kernel_height + run->shape.together - 1;
        const int64_t channel = task->n / run->shape.repeat;
        const int64_t at = ((b * c->height + y) * c->width + x) * c->channels + channel;
        task->scratch.rows[i] = inside ? image + at * element : task->pad;
        task->scratch.steps[i] = inside ? (size_t)(c->channels * element) : 0;
    }
}

/* Channels of the image for each of the output, side by side, so that what follows need not know. */
static void spread_rows(const lb_depth_task *task, int64_t pixels) {
    const lb_depth_run *run = task->run;
    const int64_t block = (int64_t)run->ops->block, rows = run->shape.stacks * run->shape.stack;
    const size_t element = run->codes ? 1 : sizeof(float);
    uint8_t *to = task->scratch.spread;
    for (int64_t i = 0; i < rows; i++) {
        const uint8_t *from = task->scratch.rows[i];
        if (!task->scratch.steps[i]) continue;
        task->scratch.rows[i] = to;
        for (int64_t x = 0; x < pixels; x++, from += task->scratch.steps[i], to += (size_t)block * element)
            for (int64_t c = 0; c < task->cols; c++) {
                const int64_t channel = (task->n + c) / run->shape.repeat - task->n / run->shape.repeat;
                memcpy(to + (size_t)c * element, from + (size_t)channel * element, element);
            }
        task->scratch.steps[i] = (size_t)block * element;
    }
}

/* How many of the pixels lie at least a block before the end of the image. */
static int64_t whole_pixels(const lb_depth_task *task, int64_t pixels) {
    const lb_depth_run *run = task->run;
    const lowbit_conv2d *c = run->conv;
    const int64_t element = run->codes ? 1 : (int64_t)sizeof(float);
    const uint8_t *image = run->codes ? (const uint8_t *)run->codes : (const uint8_t *)run->args->a;
    const uint8_t *end = image + run->args->batch * c->height * c->width * c->channels * element;
    const int64_t bytes = (int64_t)run->ops->block * element;
    int64_t whole = pixels;
    for (int64_t i = 0; i < run->shape.stacks * run->shape.stack; i++) {
        if (!task->scratch.steps[i]) continue;
        const int64_t left = end - task->scratch.rows[i] - bytes;
        whole = lb_min(whole, left < 0 ? 0 : left / (int64_t)task->scratch.steps[i] + 1);
    }
    return whole;
}

static void weave(const lb_depth_task *task, lb_weave woven, int64_t pixels, int64_t column) {
    const lb_depth_run *run = task->run;
    if (pixels <= 0) return;
    woven.stacks = (size_t)run->shape.stacks;
    woven.pixels = (size_t)pixels;
    woven.channels = (size_t)task->cols;
    woven.to = task->scratch.columns + column * run->column_bytes;
    woven.to_stack = (size_t)(run->shape.runs * run->shape.columns * run->column_bytes);
    run->way->weave(&woven);
}

/* The columns of `count` pixels, `step` apart, from x on, which may lie outside of the image, to `column` on. */
static void weave_columns(const lb_depth_task *task, int64_t b, int64_t oy, int64_t x, int64_t step, int64_t count,
                          int64_t column) {
    const lb_depth_scratch *s = &task->scratch;
    const int64_t width = task->run->conv->width;
    const int64_t before = x < 0 ? lb_min(count, lb_div_up(-x, step)) : 0;
    const int64_t end = x < width ? lb_max(before, lb_min(count, (width - 1 - x) / step + 1)) : before;
    const int64_t inside = end - before;
    const lb_weave outside = {.rows = s->outside, .steps = s->no_steps, .whole = (size_t)count};
    weave(task, outside, before, column);
    weave(task, outside, count - end, column + end);
    if (inside <= 0) return;
    aim_rows(task, b, oy, x + before * step);
    const int64_t rows = task->run->shape.stacks * task->run->shape.stack;
    for (int64_t i = 0; i < rows; i++) s->steps[i] *= (size_t)step;
    const bool spread = task->run->shape.repeat > 1;
    if (spread) spread_rows(task, inside);
    const lb_weave woven = {
        .rows = s->rows, .steps = s->steps, .whole = (size_t)(spread ? inside : whole_pixels(task, inside))};
    weave(task, woven, inside, column + before);
}

/* Those of a tile. */
static void weave_tile(const lb_depth_task *task, int64_t b, int64_t oy, int64_t ox, int64_t pixels) {
    const lb_depth_shape *shape = &task->run->shape;
    const lowbit_conv2d *c = task->run->conv;
    const int64_t x = ox * c->stride_x - c->pad_left;
    if (shape->shared) {
        weave_columns(task, b, oy, x, 1, (pixels - 1) * c->stride_x + (c->kernel_width - 1) * c->dilation_x + 1, 0);
        return;
    }
    for (int64_t run = 0; run < shape->runs; run++)
        weave_columns(task, b, oy, x + run * c->dilation_x, c->stride_x, pixels, run * shape->columns);
}

/* ---- sums ---- */

/* Where the tile's first panel has its scales for the term; panels beyond the last one have its. */
static void aim_scales(lb_depth_task *task, const lb_depth_term *term) {
    const lowbit_packed *w = task->run->args->weights;
    const int64_t last = lb_div_up(w->n, LB_PANEL) - 1;
    for (int64_t p = 0; p < (int64_t)task->run->ops->block / LB_PANEL; p++) {
        const int64_t panel = lb_min(task->n / LB_PANEL + p, last);
        task->tile.scale_at[p] = (size_t)((panel * task->run->shape.groups + term->group) * LB_PANEL);
    }
    task->tile.scale = term->ones ? w->mins : w->scales;
}

static void run_tile(lb_depth_task *task, lb_tile_fn end, int64_t m, int64_t pixels) {
    const lb_kernel kernel = {.mr = (uint16_t)pixels, .nr = (uint16_t)task->run->ops->block, .run = end};
    task->tile.rows = (size_t)pixels;
    lb_output_run(&task->output, &kernel, &task->tile, &task->edge, m, task->n, pixels, task->cols);
}

void lb_depth_end_term(lb_depth_task *task, const lb_depth_term *term, bool first, bool last, int64_t m,
                       int64_t pixels) {
    aim_scales(task, term);
    task->tile.start = first;
    task->tile.finish = last;
    run_tile(task, task->run->ops->end_sums, m, pixels);
}

void lb_depth_end_totals(lb_depth_task *task, int64_t m, int64_t pixels) {
    task->tile.finish = 1;
    run_tile(task, task->run->ops->end_totals, m, pixels);
}

/* Row r of the rows that share the stacks, at output row m. */
static void sum_tile(lb_depth_task *task, int64_t r, int64_t m, int64_t pixels) {
    const lb_depth_run *run = task->run;
    const lb_depth_shape *shape = &run->shape;
    const int64_t terms = lb_depth_terms(shape), stack_columns = shape->runs * shape->columns;
    for (int64_t t = 0; t < terms; t++) {
        const lb_depth_term *term = &task->scratch.terms[t];
        const int64_t column = term->stack * stack_columns + term->x * shape->dilation;
        const lb_windows windows = {.columns = task->scratch.columns + column * run->column_bytes,
                                    .to_stack = (size_t)(stack_columns * run->column_bytes),
                                    .stride = (size_t)shape->stride,
                                    .dilation = (size_t)shape->dilation,
                                    .weights = term->weights + r * lb_depth_table(term) * run->column_bytes,
                                    .stacks = (size_t)term->stacks,
                                    .width = (size_t)term->width,
                                    .start = term->start,
                                    .pixels = (size_t)pixels,
                                    .channels = (size_t)task->cols,
                                    .sums = shape->floats ? (void *)task->totals : task->sums};
        run->way->sums(&windows);
        if (!shape->floats) lb_depth_end_term(task, term, t == 0, t + 1 == terms, m, pixels);
    }
    if (shape->floats) lb_depth_end_totals(task, m, pixels);
}

/* Rows [first, end) of the output of image b. */
static void sum_rows(lb_depth_task *task, int64_t b, int64_t first, int64_t end) {
    const lb_depth_shape *shape = &task->run->shape;
    expand(task);
    for (int64_t oy = first; oy < end; oy += shape->together)
        for (int64_t ox = 0; ox < shape->out_width; ox += shape->pixels) {
            const int64_t pixels = lb_min(shape->pixels, shape->out_width - ox);
            weave_tile(task, b, oy, ox, pixels);
            for (int64_t r = 0; r < lb_min(shape->together, end - oy); r++)
                sum_tile(task, r, (b * shape->out_height + oy + r) * shape->out_width + ox, pixels);
        }
}

/* ---- tasks ---- */

static void begin_task(lb_depth_task *task, const lb_depth_run *run, int64_t block, size_t worker) {
    task->run = run;
    task->n = block * (int64_t)run->ops->block;
    task->cols = lb_min((int64_t)run->ops->block, run->conv->out_channels - task->n);
    memset(task->pad, run->shape.floats ? 0 : (uint8_t)run->rule.zero, sizeof task->pad);
    memset(task->zeros, 0, sizeof task->zeros);
    memset(task->sums, 0, sizeof task->sums);
    memset(task->totals, 0, sizeof task->totals);
    for (size_t i = 0; i < LB_COUNT(task->a_scales); i++) task->a_scales[i] = run->a_scale;
    task->tile = (lb_tile){.groups = 1,
                           .scale_type = run->conv->product.weights.scale_type,
                           .corr = task->zeros,
                           .asum = task->zeros,
                           .ascale = task->a_scales,
                           .sums = task->sums,
                           .totals = task->totals};
    lb_output_begin(&run->call, &task->output, &task->tile);
    lb_depth_place(&run->shape, run->conv, (int64_t)run->ops->block, run->column_bytes, run->windows,
                   run->workspace + (int64_t)worker * run->worker_bytes, &task->scratch);
    if (run->windows) return;
    for (int64_t i = 0; i < run->shape.stacks * run->shape.stack; i++) {
        task->scratch.outside[i] = task->pad;
        task->scratch.no_steps[i] = 0;
    }
}

/* All blocks of some rows before the next rows: what one reads of the image lies beside what the next does. */
static void depth_task(void *arg, size_t i, size_t worker) {
    const lb_depth_run *run = arg;
    const int64_t block = (int64_t)i % run->blocks, rows = (int64_t)i / run->blocks;
    const int64_t b = rows / run->chunks, first = rows % run->chunks * run->chunk;
    lb_depth_task task;
    begin_task(&task, run, block, worker);
    (run->windows ? lb_depth_windows : sum_rows)(&task, b, first, lb_min(first + run->chunk, run->shape.out_height));
}

/* Weights that are bytes take the quads, where the unit has them. */
static void choose_way(lb_depth_run *run) {
    const lowbit_weight_type *type = &run->conv->product.weights;
    const bool wide = (type->offset == LOWBIT_ZERO_POINT && !type->progressive) ||
                      (type->offset == LOWBIT_MINIMUM && lb_bits(lb_format_of(type->format)) == 8);
    const bool bytes = !wide && run->ops->quads.sums;
    run->way = run->shape.floats ? &run->ops->floats : bytes ? &run->ops->quads : &run->ops->pairs;
    run->column_bytes = (int64_t)run->ops->block * (run->way == &run->ops->pairs ? 2 * LB_STACK : 4);
}

/* Four tasks for each thread, if the blocks are fewer, so that none waits long for the last one. */
static void cut_rows(lb_depth_run *run, uint32_t threads) {
    const int64_t images = run->blocks * run->args->batch, height = run->shape.out_height;
    const int64_t wanted = threads > 1 ? lb_div_up(4 * (int64_t)threads, images) : 1;
    run->chunk = lb_round_up(lb_div_up(height, lb_min(wanted, height)), run->shape.together);
    run->chunks = lb_div_up(height, run->chunk);
}

static lb_row_rule rule_of(const lowbit_conv2d *conv, const lowbit_conv2d_args *args) {
    lb_row_rule rule = {0};
    if (lb_is_float_kind(conv->product.activations)) return rule;
    const lb_format *f = lb_format_of(conv->product.weights.format);
    rule = lb_row_rule_for(conv->product.activations);
    if (f->distance)
        lb_fix_row_rule(&rule, lb_scale_load(args->weights->type.scale_type, args->weights->scales, 0), 0, NULL);
    else if (conv->product.static_scale)
        lb_fix_row_rule(&rule, args->a_scale, args->a_zero, NULL);
    return rule;
}

static void aim_product(lb_depth_run *run) {
    const lowbit_conv2d_args *a = run->args;
    run->problem = run->conv->product;
    run->problem.m = a->batch * run->shape.out_height * run->shape.out_width;
    run->problem.n = run->conv->out_channels;
    run->problem.k = run->shape.taps;
    run->product = (lowbit_gemm_args){.struct_size = sizeof run->product,
                                      .bias = a->bias,
                                      .residual = a->residual,
                                      .residual_stride = run->conv->out_channels,
                                      .out = a->out,
                                      .out_stride = a->out_stride,
                                      .requant = a->requant};
    run->call = (lb_gemm_call){.problem = &run->problem, .args = &run->product, .m = run->problem.m};
}

int64_t lb_depthwise_workspace(const lowbit_conv2d *conv, uint32_t workers) {
    const lb_depth_shape shape = lb_depth_shape_of(conv);
    lb_depth_scratch ignored;
    const int64_t column = LB_LINE * (shape.floats ? 4 : 2 * LB_STACK);
    const int64_t windows =
        shape.floats && !shape.windows ? 0 : lb_depth_place(&shape, conv, LB_LINE, column, true, NULL, &ignored);
    const int64_t woven = shape.windows ? 0 : lb_depth_place(&shape, conv, LB_LINE, column, false, NULL, &ignored);
    return lb_max(1, workers) * lb_max(windows, woven);
}

void lb_depthwise_run(const lb_isa_unit *unit, const lowbit_conv2d *conv, const lowbit_conv2d_args *args,
                      const int8_t *codes, void *workspace, uint32_t threads, const lowbit_pool *pool) {
    lb_depth_run run = {.unit = unit, .ops = unit->depthwise, .conv = conv, .args = args, .codes = codes};
    run.shape = lb_depth_shape_of(conv);
    run.windows = run.shape.windows || (!run.shape.floats && !codes);
    run.rule = rule_of(conv, args);
    run.a_scale = run.rule.kind == LB_ROWS_FIXED && !run.windows ? run.rule.scale : 1;
    run.blocks = lb_div_up(conv->out_channels, (int64_t)run.ops->block);
    run.workspace = workspace;
    run.worker_bytes = lb_depthwise_workspace(conv, 1);
    choose_way(&run);
    cut_rows(&run, threads);
    aim_product(&run);
    lb_parallel_for(threads > 1 ? pool : NULL, (size_t)(run.blocks * args->batch * run.chunks), depth_task, &run);
}
