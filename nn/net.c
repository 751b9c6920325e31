/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/net.h"

#include <string.h>

#include "kernels/formats/format.h"
#include "kernels/formats/scale.h"
#include "nn/types.h"

void lb_net_free(lb_net *net) {
    lb_safetensors_close(&net->file);
    lb_blocks_free(&net->memory);
    lb_graph_free(&net->graph);
    *net = (lb_net){0};
}

/* Bytes of scales, zero points, minima and multipliers of one matrix. */
static int64_t scale_bytes(const lowbit_packed *w) {
    const int64_t columns = lb_round_up(w->n, 16), one = lb_scale_bytes(w->type.scale_type);
    const int64_t scales = w->scales ? columns * (w->type.progressive ? 1 : w->groups) : 0;
    const int64_t each = columns * w->groups;
    return scales * one + (w->zeros ? each : 0) + (w->mins ? each * one : 0) + (w->multipliers ? each : 0);
}

int64_t lb_column_sum_count(const lowbit_packed *w) {
    int64_t bytes = 0;
    return lowbit_column_sums_size(w, &bytes, NULL) == LOWBIT_OK ? bytes / (int64_t)sizeof(int32_t) : 0;
}

static int64_t payload_bytes(const lowbit_packed *w) { return lb_div_up(w->n, 16) * w->panel_lines * 64; }

/* What a node keeps besides packed weights. */
static int64_t node_bytes(const lb_node *node) {
    const int64_t channels = node->shape.channels;
    switch (node->op) {
        case LB_OP_CONV: return node->bias ? channels * 4 : 0;
        case LB_OP_AFFINE:
        case LB_OP_LAYER_NORM: return 2 * channels * 4;
        case LB_OP_RMS_NORM:
        case LB_OP_CLASS_TOKEN: return channels * 4;
        case LB_OP_POSITIONS: return channels * node->count * 4;
        case LB_OP_STEPS: return (channels * node->count + node->count + 1) * 4;
        case LB_OP_SHIFT: return 2 * channels;
        default: return 0;
    }
}

static int64_t layer_bytes(const lb_layer *layer, const lb_node *node) {
    int64_t bytes = 0;
    const int64_t out = layer->conv.out_channels;
    for (int64_t i = 0; i < layer->matrices; i++) {
        const lowbit_packed *w = &layer->packed[i];
        const int64_t columns = lb_round_up(w->n, 16);
        bytes += w->bytes - payload_bytes(w) - scale_bytes(w);
        if (layer->column_sums) bytes += 4 * lb_column_sum_count(w);
        if (layer->tap_sums) bytes += 4 * columns * node->window.kernel_height * node->window.kernel_width;
    }
    return bytes + (layer->multipliers ? 3 * out * 4 : 0);
}

static void add_table(const lb_table *table, lb_net_sizes *sizes) {
    const int64_t row = lb_table_row_bytes(table->format, table->features);
    sizes->table_bytes += table->rows * row;
    if (table->scales) sizes->scale_bytes += table->rows * (int64_t)sizeof(float);
}

lb_net_sizes lb_net_size(const lb_net *net) {
    lb_net_sizes sizes = {0};
    for (int64_t v = 0; v < net->graph.count; v++) {
        const lb_node *node = &net->graph.nodes[v];
        sizes.rest_bytes += node_bytes(node);
        if (node->op == LB_OP_EMBED) add_table(&net->layers[v].table, &sizes);
        if (node->op != LB_OP_CONV) continue;
        const lb_layer *layer = &net->layers[v];
        sizes.rest_bytes += layer_bytes(layer, node);
        for (int64_t i = 0; i < layer->matrices; i++) {
            sizes.payload_bytes += payload_bytes(&layer->packed[i]);
            sizes.scale_bytes += scale_bytes(&layer->packed[i]);
        }
    }
    return sizes;
}

int64_t lb_node_macs(const lb_graph *graph, lb_value v) {
    const lb_node *node = &graph->nodes[v];
    return lb_shape_elements(node->shape) * lb_node_k(graph, node);
}

double lb_run_macs(const lb_net *net, int64_t sequences, double tokens) {
    double macs = 0;
    for (lb_value v = 0; v < net->graph.count; v++) {
        const lb_node *node = &net->graph.nodes[v];
        const double times = node->by_token ? tokens : (double)sequences;
        if (node->op == LB_OP_CONV) macs += times * (double)lb_node_macs(&net->graph, v);
    }
    return macs;
}

int64_t lb_net_macs(const lb_net *net) {
    int64_t macs = 0;
    for (lb_value v = 0; v < net->graph.count; v++)
        if (net->graph.nodes[v].op == LB_OP_CONV) macs += lb_node_macs(&net->graph, v);
    return macs;
}
