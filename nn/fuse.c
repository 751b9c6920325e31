/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions take in what follows them. A node and the convolution that it reads become one node in the later place,
 * so that whatever either of them read is known by then, and no value gets another number. */
#include "lowbit/gemm.h"
#include "nn/graph.h"

/* How often a value is read; the output is read once more by whoever runs the network. */
static int64_t reads(const lb_graph *graph, lb_value value) {
    int64_t count = value == graph->count - 1;
    for (int64_t i = 0; i < graph->count; i++) {
        const lb_node *node = &graph->nodes[i];
        count += (node->x == value) + (node->second == value) + (node->third == value);
    }
    return count;
}

/* Whether the value is a convolution that nobody else reads and that ends without an activation function. */
static bool is_open(const lb_graph *graph, lb_value value) {
    if (value == LB_NO_VALUE) return false;
    const lb_node *node = &graph->nodes[value];
    return node->op == LB_OP_CONV && node->act == LOWBIT_ACT_NONE && reads(graph, value) == 1;
}

/* The convolution at `from` moves to `to`, as `fused`. */
static void move(lb_graph *graph, lb_value from, lb_value to, lb_node fused) {
    fused.grid = graph->nodes[to].grid;
    graph->nodes[to] = fused;
    graph->nodes[from] = (lb_node){.op = LB_OP_NONE,
                                   .x = LB_NO_VALUE,
                                   .second = LB_NO_VALUE,
                                   .third = LB_NO_VALUE,
                                   .name = "",
                                   .shape = fused.shape,
                                   .by_token = fused.by_token};
}

/* scale (gain (w * x) + b) + shift = (scale gain) (w * x) + (scale b + shift), every number rounded once. Gain and bias
 * take the memory of scale and shift. */
static void take_affine(lb_graph *graph, lb_value at) {
    const lb_node affine = graph->nodes[at];
    if (!is_open(graph, affine.x) || graph->nodes[affine.x].second != LB_NO_VALUE) return;
    lb_node conv = graph->nodes[affine.x];
    for (int64_t n = 0; n < conv.shape.channels; n++) {
        const double scale = (double)affine.weights[n], bias = conv.bias ? (double)conv.bias[n] : 0;
        affine.bias[n] = (float)(scale * bias + (double)affine.bias[n]);
        if (conv.gain) affine.weights[n] = (float)(scale * (double)conv.gain[n]);
    }
    conv.gain = affine.weights;
    conv.bias = affine.bias;
    move(graph, affine.x, at, conv);
}

static void take_act(lb_graph *graph, lb_value at) {
    const lb_node act = graph->nodes[at];
    if (!is_open(graph, act.x)) return;
    lb_node conv = graph->nodes[act.x];
    conv.act = act.op == LB_OP_RELU ? LOWBIT_ACT_RELU : act.act;
    move(graph, act.x, at, conv);
}

static bool can_add(const lb_graph *graph, lb_value value) {
    return is_open(graph, value) && graph->nodes[value].second == LB_NO_VALUE;
}

/* Of two convolutions the later one takes the sum: the other one is then often done before this one begins. */
static void take_add(lb_graph *graph, lb_value at) {
    const lb_node add = graph->nodes[at];
    const lb_value late = add.x > add.second ? add.x : add.second, early = add.x > add.second ? add.second : add.x;
    const lb_value taker = can_add(graph, late) ? late : early;
    if (!can_add(graph, taker)) return;
    lb_node conv = graph->nodes[taker];
    conv.second = taker == late ? early : late;
    move(graph, taker, at, conv);
}

void lb_graph_fuse(lb_graph *graph) {
    static void (*const kTake[LB_OPS])(lb_graph *, lb_value) = {
        [LB_OP_AFFINE] = take_affine, [LB_OP_RELU] = take_act, [LB_OP_ACT] = take_act, [LB_OP_ADD] = take_add};
    for (lb_value i = 0; graph->error.status == LOWBIT_OK && i < graph->count; i++)
        if (kTake[graph->nodes[i].op]) kTake[graph->nodes[i].op](graph, i);
}
