/* SPDX-License-Identifier: Apache-2.0 */
/* The layers that a model function is written in: each checks what it is given, finds its tensors, and adds a node. */
#include <math.h>
#include <stdio.h>

#include "kernels/base/base.h"
#include "nn/graph.h"

enum { LONGEST_NAME = 160 };

/* "layer.weight", of a name that is not too long. */
static const char *name_of(char text[LONGEST_NAME], const char *layer, const char *tensor) {
    snprintf(text, LONGEST_NAME, "%.128s.%s", layer, tensor);
    return text;
}

/* ---- windows ---- */

static int64_t or_one(int64_t x) { return x == 0 ? 1 : x; }

static lb_window normal(lb_window w) {
    w.kernel_height = or_one(w.kernel_height);
    w.kernel_width = or_one(w.kernel_width);
    w.stride = or_one(w.stride);
    w.dilation = or_one(w.dilation);
    w.groups = or_one(w.groups);
    return w;
}

static bool sensible(int64_t size, int64_t low) { return size >= low && size <= LB_VALUE_ELEMENTS; }

/* Outputs along one axis; 0 where no window fits, or padding alone would fill one. */
static int64_t outputs(int64_t size, int64_t kernel, int64_t stride, int64_t dilation, int64_t before, int64_t after) {
    if (!sensible(kernel, 1) || !sensible(stride, 1) || !sensible(dilation, 1) || !sensible(before, 0) ||
        !sensible(after, 0))
        return 0;
    const int64_t extent = dilation * (kernel - 1) + 1, room = size + before + after - extent;
    return before >= extent || after >= extent || room < 0 ? 0 : room / stride + 1;
}

/* The shape of a convolution or a pool, 0 x 0 if its window is impossible: lb_graph_node refuses that. */
static lb_shape slide(lb_shape x, const lb_window *w, int64_t channels) {
    return (lb_shape){
        outputs(x.height, w->kernel_height, w->stride, w->dilation, w->pad_top, w->pad_bottom),
        outputs(x.width, w->kernel_width, w->stride, w->dilation, w->pad_left, w->pad_right),
        channels,
    };
}

/* ---- convolutions ---- */

lb_value lb_input(lb_graph *graph, lb_shape shape) {
    return lb_graph_node(graph, (lb_node){.op = LB_OP_INPUT,
                                          .x = LB_NO_VALUE,
                                          .second = LB_NO_VALUE,
                                          .third = LB_NO_VALUE,
                                          .shape = shape,
                                          .name = "input"});
}

/* A convolution without its tensors; false, and the graph has failed, if windows or channels do not fit. */
static bool conv_node(lb_graph *graph, lb_value x, const char *name, int64_t out, lb_window window, lb_node *node) {
    const lb_node *from = lb_graph_at(graph, x);
    if (!from) return false;
    const lb_window w = normal(window);
    const int64_t inputs = from->shape.channels;
    *node = (lb_node){.op = LB_OP_CONV,
                      .x = x,
                      .second = LB_NO_VALUE,
                      .third = LB_NO_VALUE,
                      .shape = slide(from->shape, &w, out),
                      .name = name,
                      .window = w};
    if (w.groups < 1 || out < 1 || inputs % w.groups != 0 || out % w.groups != 0 || node->shape.height < 1 ||
        node->shape.width < 1)
        lb_graph_fail(graph, LOWBIT_BAD_FORMAT,
                      "\"%.64s\": kernels of %lld x %lld x %lld channels in %lld groups do not fit an image of %lld x "
                      "%lld x %lld",
                      name, (long long)w.kernel_height, (long long)w.kernel_width, (long long)out, (long long)w.groups,
                      (long long)from->shape.height, (long long)from->shape.width, (long long)inputs);
    return graph->error.status == LOWBIT_OK;
}

lb_value lb_conv_packed(lb_graph *graph, lb_value x, const char *name, int64_t out, lb_window window) {
    lb_node node;
    return conv_node(graph, x, name, out, window, &node) ? lb_graph_node(graph, node) : LB_NO_VALUE;
}

/* A convolution whose weights have `rank` dimensions in the file: 4, or 2 of a linear layer. */
static lb_value conv(lb_graph *graph, lb_value x, const char *name, const char *weights, int32_t rank, int64_t out,
                     lb_window window, bool bias) {
    char text[LONGEST_NAME];
    lb_node node;
    if (!conv_node(graph, x, name, out, window, &node)) return LB_NO_VALUE;
    const lb_window w = node.window;
    const int64_t channels = graph->nodes[x].shape.channels / w.groups, taps = w.kernel_height * w.kernel_width;
    const int64_t image[] = {out, channels, w.kernel_height, w.kernel_width}, flat[] = {out, channels * taps};
    node.weights = lb_graph_kernel(graph, weights, rank, rank == 2 ? flat : image, channels, taps);
    name_of(text, name, "bias");
    if (bias && (!graph->source->file || lb_graph_has(graph, text))) node.bias = lb_graph_tensor(graph, text, 1, &out);
    return lb_graph_node(graph, node);
}

lb_value lb_conv_from(lb_graph *graph, lb_value x, const char *name, const char *weights, int64_t out, lb_window window,
                      bool bias) {
    return conv(graph, x, name, weights, 4, out, window, bias);
}

lb_value lb_conv(lb_graph *graph, lb_value x, const char *name, int64_t out, lb_window window, bool bias) {
    char text[LONGEST_NAME];
    return conv(graph, x, name, name_of(text, name, "weight"), 4, out, window, bias);
}

lb_value lb_linear(lb_graph *graph, lb_value x, const char *name, int64_t out, bool bias) {
    char text[LONGEST_NAME];
    const lb_node *from = lb_graph_at(graph, x);
    if (!from) return LB_NO_VALUE;
    const lb_window whole = {.kernel_height = from->shape.height, .kernel_width = from->shape.width};
    return conv(graph, x, name, name_of(text, name, "weight"), 2, out, whole, bias);
}

lb_value lb_affine(lb_graph *graph, lb_value x, const char *name, float *scale, float *shift) {
    const lb_node *from = lb_graph_at(graph, x);
    if (!from) return LB_NO_VALUE;
    return lb_graph_node(graph, (lb_node){.op = LB_OP_AFFINE,
                                          .x = x,
                                          .second = LB_NO_VALUE,
                                          .third = LB_NO_VALUE,
                                          .shape = from->shape,
                                          .name = name,
                                          .weights = scale,
                                          .bias = shift});
}

lb_value lb_batch_norm(lb_graph *graph, lb_value x, const char *name, float epsilon) {
    static const char *const kTensors[] = {"weight", "bias", "running_mean", "running_var"};
    char text[LONGEST_NAME];
    float *t[LB_COUNT(kTensors)];
    const lb_node *from = lb_graph_at(graph, x);
    if (!from) return LB_NO_VALUE;
    const lb_shape shape = from->shape;
    for (size_t i = 0; i < LB_COUNT(kTensors); i++)
        t[i] = lb_graph_tensor(graph, name_of(text, name, kTensors[i]), 1, &shape.channels);
    if (graph->error.status != LOWBIT_OK) return LB_NO_VALUE;
    float *scale = t[0], *shift = t[1];
    for (int64_t c = 0; c < shape.channels; c++) {
        const double variance = (double)t[3][c] + (double)epsilon, by = (double)scale[c] / sqrt(variance);
        if (!(variance > 0)) lb_graph_fail(graph, LOWBIT_BAD_FORMAT, "\"%.64s\" has a variance below 0", text);
        shift[c] = (float)((double)shift[c] - (double)t[2][c] * by);
        scale[c] = (float)by;
    }
    return lb_affine(graph, x, name, scale, shift);
}

/* ---- what has no tensors ---- */

/* A node of x's shape; `same` where its elements are some of x's, or 0. */
static lb_value map(lb_graph *graph, lb_value x, uint32_t op, bool same) {
    const lb_node *from = lb_graph_at(graph, x);
    if (!from) return LB_NO_VALUE;
    return lb_graph_node(graph, (lb_node){.op = op,
                                          .x = x,
                                          .second = LB_NO_VALUE,
                                          .third = LB_NO_VALUE,
                                          .shape = from->shape,
                                          .grid = same ? from->grid : 0});
}

lb_value lb_relu(lb_graph *graph, lb_value x) { return map(graph, x, LB_OP_RELU, true); }
lb_value lb_hardtanh(lb_graph *graph, lb_value x) { return map(graph, x, LB_OP_HARDTANH, false); }

lb_value lb_add(lb_graph *graph, lb_value x, lb_value second) {
    const lb_node *a = lb_graph_at(graph, x), *b = lb_graph_at(graph, second);
    if (!a || !b) return LB_NO_VALUE;
    if (!lb_same_shape(a->shape, b->shape))
        lb_graph_fail(graph, LOWBIT_BAD_FORMAT, "a sum of %lld x %lld x %lld and %lld x %lld x %lld elements",
                      (long long)a->shape.height, (long long)a->shape.width, (long long)a->shape.channels,
                      (long long)b->shape.height, (long long)b->shape.width, (long long)b->shape.channels);
    return lb_graph_node(graph,
                         (lb_node){.op = LB_OP_ADD, .x = x, .second = second, .third = LB_NO_VALUE, .shape = a->shape});
}

static lb_value pool(lb_graph *graph, lb_value x, uint32_t op, lb_window window) {
    const lb_node *from = lb_graph_at(graph, x);
    if (!from) return LB_NO_VALUE;
    const lb_window w = normal(window);
    if (w.dilation != 1 || w.groups != 1) lb_graph_fail(graph, LOWBIT_UNSUPPORTED, "a pool with dilation or groups");
    return lb_graph_node(graph, (lb_node){.op = op,
                                          .x = x,
                                          .second = LB_NO_VALUE,
                                          .third = LB_NO_VALUE,
                                          .name = "pool",
                                          .window = w,
                                          .shape = slide(from->shape, &w, from->shape.channels),
                                          .grid = op == LB_OP_MAX_POOL ? from->grid : 0});
}

lb_value lb_max_pool(lb_graph *graph, lb_value x, lb_window window) { return pool(graph, x, LB_OP_MAX_POOL, window); }

lb_value lb_average_pool(lb_graph *graph, lb_value x, lb_window window) {
    return pool(graph, x, LB_OP_AVERAGE_POOL, window);
}

lb_value lb_adaptive_average_pool(lb_graph *graph, lb_value x, int64_t height, int64_t width) {
    const lb_node *from = lb_graph_at(graph, x);
    if (!from) return LB_NO_VALUE;
    return lb_graph_node(graph, (lb_node){.op = LB_OP_ADAPTIVE_AVERAGE_POOL,
                                          .x = x,
                                          .second = LB_NO_VALUE,
                                          .third = LB_NO_VALUE,
                                          .name = "pool",
                                          .shape = {height, width, from->shape.channels}});
}

lb_value lb_subsample(lb_graph *graph, lb_value x, int64_t stride, int64_t channels, int64_t zeros_before) {
    const lb_node *from = lb_graph_at(graph, x);
    if (!from) return LB_NO_VALUE;
    if (!sensible(stride, 1) || !sensible(channels, 1) || !sensible(zeros_before, 0) ||
        channels < zeros_before + from->shape.channels) {
        lb_graph_fail(graph, LOWBIT_BAD_FORMAT, "%lld channels of a shortcut do not fit %lld behind %lld zeros",
                      (long long)from->shape.channels, (long long)channels, (long long)zeros_before);
        return LB_NO_VALUE;
    }
    const lb_shape shape = {lb_div_up(from->shape.height, stride), lb_div_up(from->shape.width, stride), channels};
    return lb_graph_node(graph, (lb_node){.op = LB_OP_SUBSAMPLE,
                                          .x = x,
                                          .second = LB_NO_VALUE,
                                          .third = LB_NO_VALUE,
                                          .shape = shape,
                                          .window = normal((lb_window){.stride = stride}),
                                          .zeros_before = zeros_before,
                                          .grid = from->grid});
}

lb_value lb_channel_shift(lb_graph *graph, lb_value x, const int8_t *shifts) {
    const lb_node *from = lb_graph_at(graph, x);
    if (!from) return LB_NO_VALUE;
    return lb_graph_node(graph, (lb_node){.op = LB_OP_SHIFT,
                                          .x = x,
                                          .second = LB_NO_VALUE,
                                          .third = LB_NO_VALUE,
                                          .shape = from->shape,
                                          .grid = from->grid,
                                          .shifts = lb_graph_copy(graph, shifts, 2 * (size_t)from->shape.channels)});
}

/* ---- codes ---- */

static bool ascend(const float *thresholds, int64_t count) {
    bool ascending = count > 0 && !isnan(thresholds[0]);
    for (int64_t i = 1; i < count; i++) ascending &= thresholds[i - 1] <= thresholds[i];
    return ascending;
}

lb_value lb_steps(lb_graph *graph, lb_value x, const char *name, const float *thresholds, int64_t count,
                  const float *book, float grid) {
    const lb_node *from = lb_graph_at(graph, x);
    if (!from) return LB_NO_VALUE;
    if (count < 1 || count > LB_STEPS || !(grid > 0 && isfinite(grid))) {
        lb_graph_fail(graph, LOWBIT_BAD_FORMAT, "\"%.64s\" has %lld steps of %g", name, (long long)count, (double)grid);
        return LB_NO_VALUE;
    }
    const int64_t channels = from->shape.channels;
    float *values = lb_graph_keep(graph, ((size_t)count + 1) * sizeof *values);
    for (int64_t c = 0; c < channels; c++)
        if (!ascend(thresholds + c * count, count))
            lb_graph_fail(graph, LOWBIT_BAD_FORMAT, "the thresholds of \"%.64s\" do not ascend", name);
    for (int64_t i = 0; values && i <= count; i++) {
        if (!(book[i] >= -128 && book[i] <= 127 && book[i] == floorf(book[i])))
            lb_graph_fail(graph, LOWBIT_BAD_FORMAT, "step %lld of \"%.64s\" is %g times its grid, and no code",
                          (long long)i, name, (double)book[i]);
        values[i] = book[i] * grid;
    }
    float *own = lb_graph_copy(graph, thresholds, (size_t)(channels * count) * sizeof *own);
    return lb_graph_node(graph, (lb_node){.op = LB_OP_STEPS,
                                          .x = x,
                                          .second = LB_NO_VALUE,
                                          .third = LB_NO_VALUE,
                                          .shape = from->shape,
                                          .name = name,
                                          .weights = own,
                                          .bias = values,
                                          .count = count,
                                          .grid = grid});
}

lb_value lb_play(lb_graph *graph, lb_value x, uint32_t role) {
    if (lb_graph_at(graph, x)) graph->nodes[x].role = role;
    return x;
}

void lb_on_grid(lb_graph *graph, lb_value x, float grid) {
    if (lb_graph_at(graph, x)) graph->nodes[x].grid = grid;
}
