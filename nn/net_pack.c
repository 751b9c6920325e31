/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/net_pack.h"

#include <string.h>

#include "kernels/conv.h"
#include "kernels/formats/format.h"
#include "kernels/weights.h"
#include "nn/ops.h"
#include "nn/recipe.h"
#include "nn/types.h"

lowbit_status lb_net_take(lb_net *net, int64_t bytes, void **memory, lowbit_error *error) {
    return lb_blocks_need(&net->memory, bytes, "a network", memory, error);
}

/* ---- codes of values ---- */

/* Whether somebody must say what a step of a value's codes is worth: where they are neither the network's own nor those
 * of what the value is made from. */
static bool needs_range(const lb_graph *graph, const lb_choice *choices, const uint32_t *types, lb_value v) {
    const lb_node *node = &graph->nodes[v];
    if (node->op == LB_OP_NONE || node->grid > 0) return false;
    if (types[v] == LB_VALUE_S8) return !lb_op_keeps_codes(node->op);
    for (lb_value reader = v + 1; reader < graph->count; reader++)
        if (graph->nodes[reader].op == LB_OP_CONV && graph->nodes[reader].x == v &&
            lb_needs_range(graph, &graph->nodes[reader], &choices[reader]))
            return true;
    return false;
}

lowbit_status lb_net_needs(const lb_graph *graph, const lb_choice *choices, bool *needs, lowbit_error *error) {
    lb_blocks memory = NULL;
    uint32_t *types = lb_blocks_take(&memory, (size_t)graph->count * sizeof *types);
    LB_REQUIRE(types, error, LOWBIT_NO_MEMORY, "no memory for the types of %lld values", (long long)graph->count);
    lb_value_types(graph, choices, types);
    for (lb_value v = 0; v < graph->count; v++) needs[v] = needs_range(graph, choices, types, v);
    lb_blocks_free(&memory);
    return LOWBIT_OK;
}

static lowbit_status settle_ranges(lb_net *net, const lb_choice *choices, const lb_range *ranges, lowbit_error *error) {
    for (lb_value v = 0; v < net->graph.count; v++) {
        const lb_node *node = &net->graph.nodes[v];
        if (node->grid > 0) {
            net->ranges[v] = (lb_range){node->grid, 0};
        } else if (needs_range(&net->graph, choices, net->types, v)) {
            LB_REQUIRE(ranges && ranges[v].scale > 0, error, LOWBIT_INVALID_ARGUMENT,
                       "the range of value %d (%s) is not known", v, node->name);
            net->ranges[v] = ranges[v];
        } else if (lb_op_keeps_codes(node->op)) {
            net->ranges[v] = net->ranges[node->x];
        }
    }
    return LOWBIT_OK;
}

/* ---- weights ---- */

lowbit_conv2d lb_net_conv(const lb_net *net, lb_value v, const lb_choice *choice) {
    static const uint32_t kOut[LB_VALUE_TYPES] = {
        [LB_VALUE_F32] = LOWBIT_OUT_F32, [LB_VALUE_S32] = LOWBIT_OUT_S32, [LB_VALUE_S8] = LOWBIT_OUT_S8};
    const lb_node *node = &net->graph.nodes[v];
    const lb_shape in = net->graph.nodes[node->x].shape;
    const lb_window *w = &node->window;
    const bool sums = net->types[v] == LB_VALUE_S32;
    return (lowbit_conv2d){.struct_size = sizeof(lowbit_conv2d),
                           .batch = 1,
                           .height = in.height,
                           .width = in.width,
                           .channels = in.channels,
                           .out_channels = node->shape.channels,
                           .kernel_height = w->kernel_height,
                           .kernel_width = w->kernel_width,
                           .stride_y = w->stride,
                           .stride_x = w->stride,
                           .pad_top = w->pad_top,
                           .pad_bottom = w->pad_bottom,
                           .pad_left = w->pad_left,
                           .pad_right = w->pad_right,
                           .dilation_y = w->dilation,
                           .dilation_x = w->dilation,
                           .groups = w->groups,
                           .product = {.struct_size = sizeof(lowbit_problem),
                                       .weights = choice->weights,
                                       .activations = choice->activations,
                                       .static_scale = choice->static_scale,
                                       .out = kOut[net->types[v]],
                                       .bias = !sums && node->bias,
                                       .act = node->act,
                                       .residual = node->second != LB_NO_VALUE}};
}

/* Scales or minima times the gain of their row, in memory of the net; one of the tensor becomes one of each row. */
static lowbit_status gain_floats(lb_net *net, const lowbit_weights *w, const float *gain, int64_t groups,
                                 float **values, lowbit_error *error) {
    const bool tensor = w->type.group == LOWBIT_GROUP_TENSOR;
    void *memory;
    if (!*values) return LOWBIT_OK;
    LB_TRY(lb_net_take(net, w->n * groups * (int64_t)sizeof(float), &memory, error));
    float *made = memory;
    for (int64_t n = 0; n < w->n; n++)
        for (int64_t g = 0; g < groups; g++) made[n * groups + g] = (*values)[tensor ? 0 : n * groups + g] * gain[n];
    *values = made;
    return LOWBIT_OK;
}

/* The zero point of a tensor becomes one of each row. */
static lowbit_status spread_zeros(lb_net *net, lowbit_weights *w, lowbit_error *error) {
    void *memory;
    if (!w->zeros) return LOWBIT_OK;
    LB_TRY(lb_net_take(net, w->n, &memory, error));
    w->zeros = memset(memory, w->zeros[0], (size_t)w->n);
    return LOWBIT_OK;
}

/* What a code is worth, times the gain of its row. */
static lowbit_status gain_rows(lb_net *net, const float *gain, lowbit_weights *w, lowbit_error *error) {
    LB_TRY(gain_floats(net, w, gain, lb_scale_groups(&w->type, w->k), &w->scales, error));
    LB_TRY(gain_floats(net, w, gain, lb_groups(w->k, w->type.group), &w->mins, error));
    if (w->type.group != LOWBIT_GROUP_TENSOR) return LOWBIT_OK;
    w->type.group = LOWBIT_GROUP_ROW;
    return spread_zeros(net, w, error);
}

static lowbit_status pack_matrix(const lowbit_ctx *ctx, lb_net *net, lb_layer *layer, int64_t i,
                                 const lowbit_weights *w, const lowbit_pool *pool, lowbit_error *error) {
    int64_t bytes;
    void *blob;
    LB_TRY(lowbit_packed_size(&w->type, w->n, w->k, &bytes, error));
    LB_TRY(lb_net_take(net, bytes, &blob, error));
    LB_TRY(lowbit_pack(ctx, w, blob, bytes, pool, error));
    layer->blobs[i] = blob;
    layer->packed[i].struct_size = sizeof layer->packed[i];
    return lowbit_packed_open(blob, bytes, 0, &layer->packed[i], error);
}

lowbit_status lb_net_take_matrices(lb_net *net, lb_layer *layer, lowbit_error *error) {
    void *packed, *blobs;
    LB_TRY(lowbit_conv2d_matrices(&layer->conv, &layer->matrices, error));
    LB_TRY(lb_net_take(net, layer->matrices * (int64_t)sizeof *layer->packed, &packed, error));
    LB_TRY(lb_net_take(net, layer->matrices * (int64_t)sizeof *layer->blobs, &blobs, error));
    layer->packed = packed;
    layer->blobs = blobs;
    return LOWBIT_OK;
}

static lowbit_status pack_matrices(const lowbit_ctx *ctx, lb_net *net, lb_layer *layer, lowbit_weights *w,
                                   const float *gain, const lowbit_pool *pool, lowbit_error *error) {
    if (gain && w->scales) LB_TRY(gain_rows(net, gain, w, error));
    LB_TRY(lb_net_take_matrices(net, layer, error));
    const int64_t rows = w->n / layer->matrices;
    for (int64_t i = 0; i < layer->matrices; i++) {
        const lowbit_weights part = lb_weights_rows(w, i * rows, rows);
        LB_TRY(pack_matrix(ctx, net, layer, i, &part, pool, error));
    }
    return LOWBIT_OK;
}

/* Formats that are floats take the gain into their weights: no scale could. */
static void gain_weights(const lb_node *node, int64_t k) {
    for (int64_t n = 0; node->gain && n < node->shape.channels; n++)
        for (int64_t i = 0; i < k; i++) node->weights[n * k + i] *= node->gain[n];
}

static lowbit_status pack_weights(const lowbit_ctx *ctx, lb_net *net, lb_value v, const lb_choice *choice,
                                  const lowbit_pool *pool, lowbit_error *error) {
    lb_node *node = &net->graph.nodes[v];
    lb_layer *layer = &net->layers[v];
    const int64_t k = lb_node_k(&net->graph, node);
    const bool floats = lb_is_float(lb_format_of(choice->weights.format));
    if (floats) gain_weights(node, k);
    const lowbit_matrix matrix = {node->weights, node->shape.channels, k, k};
    lowbit_weights w = {.struct_size = sizeof w};
    memcpy(w.book, choice->book, sizeof w.book);
    LB_TRY(lowbit_quantize(ctx, &matrix, &choice->weights, choice->rule, pool, &w, error));
    lowbit_weights owned = w; /* packing may put other scales in their place */
    const lowbit_status status = pack_matrices(ctx, net, layer, &w, node->gain, pool, error);
    lowbit_weights_free(ctx, &owned);
    layer->conv.product.weights = w.type;
    return status;
}

/* Sums of weights by which a run takes zero points, and taps outside of the image, out again. */
static lowbit_status sum_columns(lb_net *net, lb_layer *layer, const lowbit_pool *pool, lowbit_error *error) {
    void *pointers;
    LB_TRY(lb_net_take(net, layer->matrices * (int64_t)sizeof(int32_t *), &pointers, error));
    layer->column_sums = pointers;
    for (int64_t i = 0; i < layer->matrices; i++) {
        int64_t bytes;
        void *sums;
        LB_TRY(lowbit_column_sums_size(&layer->packed[i], &bytes, error));
        LB_TRY(lb_net_take(net, bytes, &sums, error));
        LB_TRY(lowbit_column_sums(&layer->packed[i], sums, bytes, pool, error));
        layer->column_sums[i] = sums;
    }
    return LOWBIT_OK;
}

static lowbit_status sum_taps(lb_net *net, lb_layer *layer, lowbit_error *error) {
    void *pointers;
    LB_TRY(lb_net_take(net, layer->matrices * (int64_t)sizeof(int32_t *), &pointers, error));
    layer->tap_sums = pointers;
    for (int64_t i = 0; i < layer->matrices; i++) {
        int64_t bytes;
        void *sums;
        LB_TRY(lowbit_conv2d_tap_sums_size(&layer->conv, &bytes, error));
        LB_TRY(lb_net_take(net, bytes, &sums, error));
        LB_TRY(lowbit_conv2d_tap_sums(&layer->conv, &layer->packed[i], sums, bytes, error));
        layer->tap_sums[i] = sums;
    }
    return LOWBIT_OK;
}

static lowbit_status pack_layer(const lowbit_ctx *ctx, lb_net *net, lb_value v, const lb_choice *choice,
                                const lowbit_pool *pool, lowbit_error *error) {
    lb_layer *layer = &net->layers[v];
    lb_conv_shape shape;
    layer->conv = lb_net_conv(net, v, choice);
    LB_TRY(lb_conv_shape_of(&layer->conv, &shape, error));
    layer->rule = choice->rule;
    LB_TRY(pack_weights(ctx, net, v, choice, pool, error));
    if (choice->static_scale && net->ranges[net->graph.nodes[v].x].zero) LB_TRY(sum_columns(net, layer, pool, error));
    if (lb_conv_needs_tap_sums(&layer->conv.product, &shape)) LB_TRY(sum_taps(net, layer, error));
    return lb_net_output(net, v, error);
}

lowbit_status lb_net_settle(lb_net *net, const lb_choice *choices, const lb_range *ranges, lowbit_error *error) {
    const int64_t count = net->graph.count;
    void *layers, *types, *settled, *activations;
    LB_TRY(lb_net_take(net, count * (int64_t)sizeof *net->layers, &layers, error));
    LB_TRY(lb_net_take(net, count * (int64_t)sizeof *net->types, &types, error));
    LB_TRY(lb_net_take(net, count * (int64_t)sizeof *net->ranges, &settled, error));
    LB_TRY(lb_net_take(net, count * (int64_t)sizeof *net->activations, &activations, error));
    net->layers = layers;
    net->types = types;
    net->ranges = settled;
    net->activations = activations;
    lb_value_types(&net->graph, choices, net->types);
    lb_value_activations(&net->graph, choices, net->activations);
    return settle_ranges(net, choices, ranges, error);
}

static lowbit_status pack_table(const lowbit_ctx *ctx, lb_net *net, lb_value v, const lb_choice *choice,
                                const lowbit_pool *pool, lowbit_error *error) {
    lb_node *node = &net->graph.nodes[v];
    lb_table *table = &net->layers[v].table;
    LB_TRY(
        lb_table_make(ctx, node->weights, node->count, node->shape.channels, choice, pool, &net->memory, table, error));
    if (!table->values) lb_blocks_drop(&net->graph.memory, node->weights);
    node->weights = NULL;
    return LOWBIT_OK;
}

static lowbit_status pack_node(const lowbit_ctx *ctx, lb_net *net, lb_value v, const lb_choice *choice,
                               const lowbit_pool *pool, lowbit_error *error) {
    switch (net->graph.nodes[v].op) {
        case LB_OP_CONV:
            LB_TRY(pack_layer(ctx, net, v, choice, pool, error));
            lb_graph_drop_weights(&net->graph, v);
            return LOWBIT_OK;
        case LB_OP_EMBED: return pack_table(ctx, net, v, choice, pool, error);
        case LB_OP_ATTENTION: return lb_choose_attention(choice, &net->layers[v].attention, error);
        default: return LOWBIT_OK;
    }
}

static lowbit_status pack_all(const lowbit_ctx *ctx, const lb_choice *choices, const lb_range *ranges,
                              const lowbit_pool *pool, lb_net *net, lowbit_error *error) {
    LB_TRY(lb_net_settle(net, choices, ranges, error));
    for (lb_value v = 0; v < net->graph.count; v++) LB_TRY(pack_node(ctx, net, v, &choices[v], pool, error));
    return LOWBIT_OK;
}

lowbit_status lb_net_pack(const lowbit_ctx *ctx, lb_graph *graph, const lb_choice *choices, const lb_range *ranges,
                          const lowbit_pool *pool, lb_net *net, lowbit_error *error) {
    *net = (lb_net){.graph = *graph};
    *graph = (lb_graph){0};
    const lowbit_status status = pack_all(ctx, choices, ranges, pool, net, error);
    if (status != LOWBIT_OK) lb_net_free(net);
    return status;
}
