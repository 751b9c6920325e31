/* SPDX-License-Identifier: Apache-2.0 */
/* Linear layers for each token, whose weights are a part of a tensor: of fused ones, tied ones, transposed ones. */
#include <stdio.h>
#include <string.h>

#include "kernels/base/base.h"
#include "nn/graph.h"

enum { LONGEST_NAME = 160 };

/* What is taken of a tensor [rows][columns]: `count` rows from `first` on, as they are, or as many columns, as rows. */
typedef struct part {
    int64_t first, count;
    bool columns;
} part;

/* Refuses what no tensor has, or not this one of so many. */
static bool check_part(lb_graph *graph, const char *tensor, const part *p, int64_t all) {
    if (p->first < 0 || p->first > LB_VALUE_ELEMENTS || p->count < 1 || p->count > all - p->first)
        lb_graph_fail(graph, LOWBIT_BAD_FORMAT, "\"%.64s\" has no %lld rows from %lld on, but %lld", tensor,
                      (long long)p->count, (long long)p->first, (long long)all);
    return graph->error.status == LOWBIT_OK;
}

/* Of a tensor [...] or [...][channels] whose length along `axis` is the file's own. A whole tensor is not copied. */
static float *take(lb_graph *graph, const char *tensor, const part *p, int32_t rank, int64_t channels) {
    const int32_t axis = p->columns && rank == 2;
    const int64_t all = lb_graph_dimension(graph, tensor, axis, p->first + p->count);
    const int64_t shape[] = {axis ? channels : all, axis ? all : channels};
    if (!check_part(graph, tensor, p, all)) return NULL;
    float *whole = lb_graph_tensor(graph, tensor, rank, shape);
    if (!whole || (!axis && p->count == all)) return whole;
    float *out = lb_graph_keep(graph, (size_t)(p->count * channels) * sizeof *out);
    for (int64_t n = 0; out && n < p->count; n++)
        for (int64_t c = 0; c < channels; c++)
            out[n * channels + c] = axis ? whole[c * all + p->first + n] : whole[(p->first + n) * channels + c];
    lb_blocks_drop(&graph->memory, whole);
    return out;
}

static lb_value linear(lb_graph *graph, lb_value x, const char *name, const char *weights, const char *bias,
                       const part *p) {
    const lb_node *from = lb_graph_at(graph, x);
    if (!from) return LB_NO_VALUE;
    const int64_t channels = from->shape.channels;
    float *w = take(graph, weights, p, 2, channels), *b = bias ? take(graph, bias, p, 1, 1) : NULL;
    const lb_value v = lb_conv_packed(graph, x, name, p->count, (lb_window){.stride = 1});
    if (v == LB_NO_VALUE) return v;
    graph->nodes[v].weights = w;
    graph->nodes[v].bias = b;
    return v;
}

lb_value lb_linear_rows(lb_graph *graph, lb_value x, const char *name, const char *weights, const char *bias,
                        int64_t first_row, int64_t out) {
    return linear(graph, x, name, weights, bias, &(part){first_row, out, false});
}

lb_value lb_linear_columns(lb_graph *graph, lb_value x, const char *name, const char *weights, const char *bias,
                           int64_t first_column, int64_t out) {
    return linear(graph, x, name, weights, bias, &(part){first_column, out, true});
}

lb_value lb_linear_each(lb_graph *graph, lb_value x, const char *name, int64_t out, bool bias) {
    char weights[LONGEST_NAME], shift[LONGEST_NAME];
    snprintf(weights, sizeof weights, "%.128s.weight", name);
    snprintf(shift, sizeof shift, "%.128s.bias", name);
    const int64_t rows = lb_graph_dimension(graph, weights, 0, out);
    if (rows != out)
        lb_graph_fail(graph, LOWBIT_BAD_FORMAT, "\"%.64s\" has %lld rows, where %lld belong", weights, (long long)rows,
                      (long long)out);
    const bool has = bias && (!graph->source->file || lb_graph_has(graph, shift));
    return lb_linear_rows(graph, x, name, weights, has ? shift : NULL, 0, out);
}
