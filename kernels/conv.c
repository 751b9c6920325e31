/* SPDX-License-Identifier: Apache-2.0 */
/* The tasks of a convolution: gather the windows of some outputs, and multiply them by the weights of a group. */
#include "kernels/conv.h"

#include <string.h>

#include "kernels/base/pool.h"
#include "kernels/conv_image.h"
#include "kernels/conv_pieces.h"
#include "kernels/conv_sums.h"
#include "kernels/conv_taps.h"
#include "kernels/conv_windows.h"
#include "kernels/depthwise.h"
#include "kernels/formats/format.h"
#include "kernels/formats/scale.h"
#include "kernels/prepare.h"
#include "kernels/rows.h"

/* One worker's scratch: windows of floats, where it gathers those; sums of pixels; what sums start from; pointers to
 * taps; and what a product of so many rows needs. */
typedef struct scratch {
    int64_t floats, sums, start, pieces, product, bytes;
} scratch;

/* Bits are counted, and some stand for nothing. */
static bool has_start(const lb_conv_shape *shape, const lb_gemm_config *config) {
    return config->kernel->algorithm == LB_ALGORITHM_XOR && shape->padded;
}

static scratch scratch_of(const lowbit_conv2d *conv, const lb_conv_shape *shape, const lowbit_problem *product,
                          const lb_gemm_config *config, int64_t rows) {
    const bool codes = lb_conv_takes_codes(product), floats = !codes && !shape->pixels;
    const bool pieces = codes && lb_conv_in_pieces(conv, shape, product, config->kernel);
    const bool sums = codes && lb_conv_sums_pixels(conv, shape, product);
    scratch each = {.product = lb_prepared_bytes(product, config->kernel, rows)};
    each.floats = floats ? rows * lb_rows_stride(shape->k * (int64_t)sizeof(float)) : 0;
    each.sums = sums ? lb_conv_sums_bytes(conv, shape, rows) : 0;
    each.start = has_start(shape, config) ? lb_conv_start_bytes(shape, rows) : 0;
    each.pieces = pieces ? lb_conv_pieces_bytes(shape, config->kernel->mr, rows) : 0;
    each.bytes = each.floats + each.sums + each.start + each.pieces + each.product;
    return each;
}

static int64_t depthwise_bytes(const lowbit_conv2d *conv, uint32_t workers) {
    return lb_round_up(lb_depthwise_workspace(conv, workers), LB_LINE);
}

int64_t lb_conv_workspace(const lowbit_conv2d *conv, const lb_conv_shape *shape, const lowbit_problem *product,
                          const lb_gemm_config *config, int64_t rows, int64_t batch, uint32_t workers) {
    const bool codes = lb_conv_takes_codes(product);
    if (shape->depthwise) return depthwise_bytes(conv, workers) + (codes ? lb_conv_dense_bytes(conv, batch) : 0);
    const scratch each = scratch_of(conv, shape, product, config, rows);
    return each.bytes * (int64_t)workers +
           (codes ? lb_conv_image_bytes(conv, shape, product, config->kernel, batch) : 0);
}

/* What the tasks of a run share. */
typedef struct run {
    const lb_conv_call *call;
    lb_gemm_config config; /* of a task's product */
    lb_conv_image image;
    int64_t m, groups, cuts; /* rows in all; groups; and tasks that the columns of one are cut into */
    scratch each;
} run;

/* Some rows of one group, and the worker's scratch. */
typedef struct task {
    int64_t m, rows, group;
    uint8_t *floats, *sums, *start, *pieces;
    void *product;
} task;

/* ---- rows of A ---- */

/* Floats have no zero point in their rule: outside of them are zeros, too. */
static lb_conv_windows windows_of(const run *r, lb_conv_plane plane, int64_t group) {
    const lowbit_conv2d *c = r->call->conv;
    const int64_t tap = plane.pixel / c->groups;
    return (lb_conv_windows){.conv = c,
                             .shape = r->call->shape,
                             .image = plane.at + group * tap,
                             .pixel = plane.pixel,
                             .line = plane.line,
                             .tap = tap,
                             .outside = r->call->rule.zero};
}

/* Sums of the codes of each group of scales. */
static void sum_groups(const lb_isa_unit *unit, const int8_t *codes, int64_t k, int64_t group, int32_t *sums) {
    const int64_t whole = k / group;
    unit->sum_codes(codes, (size_t)group, (size_t)whole, sums);
    if (whole * group < k) unit->sum_codes(codes + whole * group, (size_t)(k - whole * group), 1, sums + whole);
}

/* Codes of a row as a product reads it. */
static int64_t whole_lines(const lb_conv_call *call) {
    const lb_format *f = lb_format_of(call->product->weights.format);
    return lb_round_up(lb_round_up(call->shape->k, lb_line_k(f)), LB_LINE);
}

/* Whether rows of codes lie in the image as they are. */
static bool codes_in_place(const run *r) {
    return r->call->shape->pixels && !r->image.words.at && whole_lines(r->call) == r->call->conv->channels;
}

/* Zeros behind the codes, before these come: a line of them is a few stores, where their number would ask for a call.
 */
static void clear_tail(int8_t *codes, int64_t bytes, int64_t whole) {
    if (whole - bytes > LB_LINE)
        memset(codes + bytes, 0, (size_t)(whole - bytes));
    else if (whole > bytes)
        memset(codes + whole - LB_LINE, 0, LB_LINE);
}

/* Codes of the task's windows, gathered where they do not lie in the image as they are. */
static void gather_codes(const run *r, const task *t, const lb_conv_windows *windows, lowbit_rows *rows) {
    const bool bits = r->image.words.at != NULL;
    const int64_t bytes = bits ? rows->k / 8 : rows->k, whole = bits ? bytes : whole_lines(r->call);
    if (codes_in_place(r)) {
        rows->stride = rows->k;
        rows->codes = (const int8_t *)r->image.codes.at + t->m * rows->k;
        return;
    }
    if (bits) rows->stride = bytes;
    int8_t *codes = (int8_t *)(uintptr_t)rows->codes;
    lb_conv_window window = lb_conv_window_at(windows, t->m);
    for (int64_t i = 0; i < t->rows; i++, codes += rows->stride, lb_conv_window_next(windows, &window)) {
        clear_tail(codes, bytes, whole);
        lb_conv_window_gather(windows, &window, (uint8_t *)codes);
    }
}

/* The task's windows as a product takes them; `rows` has places for codes, sums and scales. */
static void make_rows(const run *r, const task *t, const lb_conv_windows *windows, lowbit_rows *rows) {
    const int64_t k = rows->k, group = rows->groups > 1 ? rows->group : k;
    int32_t *sums = (int32_t *)(uintptr_t)rows->sums;
    if (!r->image.outside) gather_codes(r, t, windows, rows);
    if (r->each.sums) {
        const lb_conv_windows codes = windows_of(r, r->image.codes, t->group);
        lb_conv_sums(r->config.unit, &codes, t->m, t->rows, (uint32_t *)(void *)t->sums, sums);
    } else {
        for (int64_t i = 0; i < t->rows; i++)
            sum_groups(r->config.unit, rows->codes + i * rows->stride, k, group, sums + i * rows->groups);
    }
    lb_conv_image_scales(&r->image, r->call, t->group, windows, t->m, t->rows, (float *)(uintptr_t)rows->scales);
}

/* The task's windows as floats: in the image, or gathered. */
static lowbit_matrix gather_floats(const run *r, const task *t) {
    const lb_conv_shape *shape = r->call->shape;
    if (shape->pixels)
        return (lowbit_matrix){r->call->args->a + t->m * shape->k, t->rows, shape->k, r->call->conv->channels};
    const int64_t pixel = r->call->conv->channels * (int64_t)sizeof(float);
    const lb_conv_plane image = {(const void *)r->call->args->a, pixel, r->call->conv->width * pixel};
    const lb_conv_windows windows = windows_of(r, image, t->group);
    const int64_t stride = lb_rows_stride(shape->k * (int64_t)sizeof(float));
    lb_conv_window window = lb_conv_window_at(&windows, t->m);
    for (int64_t i = 0; i < t->rows; i++, lb_conv_window_next(&windows, &window))
        lb_conv_window_gather(&windows, &window, t->floats + i * stride);
    return (lowbit_matrix){(const float *)(const void *)t->floats, t->rows, shape->k, stride / (int64_t)sizeof(float)};
}

/* ---- the product of a task ---- */

/* The columns from `at` on in an array with an element for each of them; NULL stays NULL. */
static const void *columns(const void *array, int64_t at, int64_t bytes) {
    return array ? (const uint8_t *)array + at * bytes : NULL;
}

/* Output, bias and residual from the task's first row and the output channel `n` on. */
static void aim_output(const lb_conv_call *call, const task *t, int64_t n, lowbit_gemm_args *args,
                       lowbit_requant *requant) {
    const lowbit_conv2d_args *from = call->args;
    args->bias = columns(from->bias, n, sizeof(float));
    args->residual = columns(from->residual, t->m * call->conv->out_channels + n, sizeof(float));
    args->residual_stride = call->conv->out_channels;
    args->out = (uint8_t *)from->out + (t->m * from->out_stride + n) * lb_out_bytes(call->product);
    args->out_stride = from->out_stride;
    if (call->product->out < LOWBIT_OUT_S8) return;
    *requant = *from->requant;
    requant->multipliers = columns(requant->multipliers, n, sizeof(int32_t));
    requant->shifts = columns(requant->shifts, n, sizeof(int32_t));
    requant->bias = columns(requant->bias, n, sizeof(int32_t));
    requant->residual = columns(requant->residual, t->m * requant->residual_stride + n, 1);
    args->requant = requant;
}

/* The rule for rows of floats: that of their kind, or, of distances, with the scale of the group's weights. */
static lb_row_rule float_rule(const lb_conv_call *call, const lowbit_packed *w) {
    const bool floats = lb_is_float_kind(call->product->activations);
    lb_row_rule rule = floats ? (lb_row_rule){0} : lb_row_rule_for(call->product->activations);
    if (floats || !lb_format_of(w->type.format)->distance) return rule;
    rule.kind = LB_ROWS_FIXED;
    rule.scale = lb_scale_load(w->type.scale_type, w->scales, 0);
    return rule;
}

/* Gathers and multiplies: columns n0 .. n1 - 1 of the weights. */
static void multiply(const run *r, const task *t, lowbit_gemm_args args, int64_t n0, int64_t n1) {
    const lowbit_problem *problem = r->call->product;
    const bool codes = lb_conv_takes_codes(problem);
    lb_gemm_call product = {
        .problem = problem, .config = r->config, .args = &args, .m = t->rows, .workspace = t->product};
    lowbit_rows rows;
    lb_gemm_start start;
    lb_gemm_pieces pieces;
    if (codes) {
        const lb_conv_windows windows = windows_of(r, r->image.words.at ? r->image.words : r->image.codes, t->group);
        rows = lb_prepared_of(&product).rows;
        make_rows(r, t, &windows, &rows);
        if (r->each.pieces) {
            pieces = lb_conv_pieces(&windows, r->image.outside, r->config.kernel->mr, t->m, t->rows, t->pieces);
            product.pieces = &pieces;
        }
        if (r->each.start) {
            start = lb_conv_start(&windows, r->call->args->tap_sums[t->group], t->m, t->rows, t->start);
            product.start = &start;
        }
        args.rows = &rows;
        product.bits = r->image.words.at != NULL;
        product.rule = r->call->rule;
    } else {
        args.a = gather_floats(r, t);
        product.rule = float_rule(r->call, args.weights);
    }
    lb_gemm_prepare(&product, NULL);
    lb_gemm_tile(&product, 0, t->rows, n0, n1);
}

static void run_group(const run *r, const task *t, int64_t n0, int64_t n1) {
    const lb_conv_call *call = r->call;
    lowbit_requant requant;
    lowbit_gemm_args args = {.struct_size = sizeof args, .weights = &call->args->weights[t->group]};
    args.column_sums = call->args->column_sums ? call->args->column_sums[t->group] : NULL;
    aim_output(call, t, t->group * call->shape->n, &args, &requant);
    multiply(r, t, args, n0, n1);
}

/* Rows after rows; for each, group after group, and its columns. */
static void conv_task(void *arg, size_t i, size_t worker) {
    const run *r = arg;
    const lb_conv_call *call = r->call;
    const int64_t n = call->shape->n, cut = (int64_t)i % r->cuts, rest = (int64_t)i / r->cuts;
    uint8_t *own = (uint8_t *)call->workspace + (int64_t)worker * r->each.bytes;
    task t = {.m = rest / r->groups * call->step_m, .group = rest % r->groups};
    t.rows = lb_min(call->step_m, r->m - t.m);
    t.floats = own;
    t.sums = own + r->each.floats;
    t.start = t.sums + r->each.sums;
    t.pieces = t.start + r->each.start;
    t.product = t.pieces + r->each.pieces;
    run_group(r, &t, cut * call->step_n, lb_min(n, (cut + 1) * call->step_n));
}

static void run_groups(const lb_conv_call *call, const lowbit_pool *pool) {
    const lb_conv_shape *shape = call->shape;
    run r = {.call = call, .config = call->config, .groups = call->conv->groups};
    r.m = call->args->batch * shape->out_height * shape->out_width;
    r.cuts = lb_div_up(shape->n, call->step_n);
    r.each = scratch_of(call->conv, shape, call->product, &call->config, lb_min(call->step_m, r.m));
    r.config.threads = 1;
    r.config.split_k = 0;
    /* Whether caches would hold the output is a matter of all tasks together. */
    const int64_t bytes = r.m * call->conv->out_channels * lb_out_bytes(call->product);
    r.config.stream_bytes = call->config.stream_bytes > 0 && bytes > call->config.stream_bytes ? 1 : 0;
    uint8_t *image = (uint8_t *)call->workspace + r.each.bytes * (int64_t)call->workers;
    if (lb_conv_takes_codes(call->product)) lb_conv_image_make(call, image, pool, &r.image);
    lb_parallel_for(pool, (size_t)(lb_div_up(r.m, call->step_m) * r.groups * r.cuts), conv_task, &r);
}

static void run_depthwise(const lb_conv_call *call, const lowbit_pool *pool) {
    const lowbit_conv2d_args *args = call->args;
    const int8_t *codes = args->codes;
    uint8_t *image = (uint8_t *)call->workspace + depthwise_bytes(call->conv, call->workers);
    if (!codes && lb_conv_takes_codes(call->product)) codes = lb_conv_dense_codes(call, image, pool);
    lb_depthwise_run(call->config.unit, call->conv, args, codes, call->workspace, call->config.threads, pool);
}

void lb_conv_run(const lb_conv_call *call, const lowbit_pool *pool) {
    (call->shape->depthwise ? run_depthwise : run_groups)(call, call->config.threads <= 1 ? NULL : pool);
}
