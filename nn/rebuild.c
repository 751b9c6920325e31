/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes as a file describes them, made again by the functions that make them: so every rule of theirs is checked. */
#include <math.h>

#include "kernels/base/base.h"
#include "nn/graph.h"

static lb_value rebuild_conv(lb_graph *graph, const lb_node *node) {
    const lb_value x = lb_conv_packed(graph, node->x, node->name, node->shape.channels, node->window);
    if (x == LB_NO_VALUE) return x;
    lb_node *made = &graph->nodes[x];
    made->second = node->second;
    made->act = node->act;
    made->bias = node->bias;
    if (node->second == LB_NO_VALUE) return x;
    const lb_node *second = lb_graph_at(graph, node->second);
    if (second && (!lb_same_shape(second->shape, made->shape) || second->by_token != made->by_token))
        lb_graph_fail(graph, LOWBIT_BAD_FORMAT, "\"%.64s\" adds a value of another shape", node->name);
    return x;
}

static lb_value rebuild_steps(lb_graph *graph, const lb_node *node) {
    float book[LB_STEPS + 1];
    if (node->count < 1 || node->count > LB_STEPS || !(node->grid > 0)) {
        lb_graph_fail(graph, LOWBIT_BAD_FORMAT, "\"%.64s\" has no steps, or no grid", node->name);
        return LB_NO_VALUE;
    }
    for (int64_t i = 0; i <= node->count; i++) book[i] = rintf(node->bias[i] / node->grid);
    return lb_steps(graph, node->x, node->name, node->weights, node->count, book, node->grid);
}

static lb_value rebuild_sequence(lb_graph *graph, const lb_node *n) {
    switch (n->op) {
        case LB_OP_TOKENS: return lb_tokens(graph, n->x);
        case LB_OP_CLASS_TOKEN: return lb_class_token_from(graph, n->x, n->name, n->weights);
        case LB_OP_POSITIONS: return lb_positions_from(graph, n->x, n->name, n->weights, n->count, n->first);
        case LB_OP_EMBED: return lb_embed(graph, n->x, n->name, n->count, n->shape.channels, n->first);
        case LB_OP_LAYER_NORM:
            return lb_layer_norm_from(graph, n->x, n->name, n->weights, n->bias, n->epsilon, n->unbiased);
        case LB_OP_RMS_NORM: return lb_rms_norm_from(graph, n->x, n->name, n->weights, n->epsilon);
        case LB_OP_NORMALIZE: return lb_normalize(graph, n->x);
        case LB_OP_ACT: return lb_act(graph, n->x, n->act);
        case LB_OP_TANH: return lb_tanh(graph, n->x);
        case LB_OP_MULTIPLY: return lb_multiply(graph, n->x, n->second);
        case LB_OP_ATTENTION: return lb_attend(graph, n->x, n->second, n->third, n->name, &n->attention);
        case LB_OP_TAKE_FIRST: return lb_first_token(graph, n->x);
        case LB_OP_TAKE_LAST: return lb_last_token(graph, n->x);
        case LB_OP_TAKE_MEAN: return lb_mean_tokens(graph, n->x);
        default: lb_graph_fail(graph, LOWBIT_UNSUPPORTED, "there is no layer of kind %u", n->op); return LB_NO_VALUE;
    }
}

static lb_value rebuild(lb_graph *graph, const lb_node *node) {
    switch (node->op) {
        case LB_OP_INPUT: return node->by_token ? lb_input_tokens(graph) : lb_input(graph, node->shape);
        case LB_OP_CONV: return rebuild_conv(graph, node);
        case LB_OP_AFFINE: return lb_affine(graph, node->x, node->name, node->weights, node->bias);
        case LB_OP_RELU: return lb_relu(graph, node->x);
        case LB_OP_HARDTANH: return lb_hardtanh(graph, node->x);
        case LB_OP_ADD: return lb_add(graph, node->x, node->second);
        case LB_OP_MAX_POOL: return lb_max_pool(graph, node->x, node->window);
        case LB_OP_AVERAGE_POOL: return lb_average_pool(graph, node->x, node->window);
        case LB_OP_ADAPTIVE_AVERAGE_POOL:
            return lb_adaptive_average_pool(graph, node->x, node->shape.height, node->shape.width);
        case LB_OP_SUBSAMPLE:
            return lb_subsample(graph, node->x, node->window.stride, node->shape.channels, node->zeros_before);
        case LB_OP_SHIFT: return lb_channel_shift(graph, node->x, node->shifts);
        case LB_OP_STEPS: return rebuild_steps(graph, node);
        default: return rebuild_sequence(graph, node);
    }
}

lb_value lb_graph_append(lb_graph *graph, const lb_node *node) {
    const lb_value x = rebuild(graph, node);
    if (x == LB_NO_VALUE) return x;
    if (!lb_same_shape(graph->nodes[x].shape, node->shape))
        lb_graph_fail(graph, LOWBIT_BAD_FORMAT, "layer %d (\"%.64s\") does not make values of its shape", (int)x,
                      node->name);
    lb_on_grid(graph, x, node->grid);
    return x;
}
