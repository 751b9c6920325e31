/* SPDX-License-Identifier: Apache-2.0 */
/* A graph: its memory, its first failure, its nodes, and tensors as the nodes hold them. */
#include "nn/graph.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"

/* ---- memory, failure ---- */

void lb_graph_begin(lb_graph *graph, const lb_source *source) {
    *graph = (lb_graph){.source = source, .error = LOWBIT_ERROR_INIT};
}

lowbit_status lb_graph_end(lb_graph *graph, lowbit_error *error) {
    if (graph->count == 0) lb_graph_fail(graph, LOWBIT_INVALID_ARGUMENT, "a network of no layers");
    LB_REQUIRE(graph->error.status == LOWBIT_OK, error, graph->error.status, "%s", graph->error.message);
    return LOWBIT_OK;
}

void lb_graph_free(lb_graph *graph) {
    lb_blocks_free(&graph->memory);
    free(graph->nodes);
    *graph = (lb_graph){.count = 0};
}

void lb_graph_drop_weights(lb_graph *graph, lb_value v) {
    lb_node *node = &graph->nodes[v];
    lb_blocks_drop(&graph->memory, node->weights);
    lb_blocks_drop(&graph->memory, node->gain);
    node->weights = node->gain = NULL;
}

void lb_graph_fail(lb_graph *graph, lowbit_status status, const char *format, ...) {
    char text[sizeof graph->error.message];
    va_list args;
    if (graph->error.status != LOWBIT_OK) return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    lb_fail(&graph->error, status, "%s", text);
}

static bool failed(const lb_graph *graph) { return graph->error.status != LOWBIT_OK; }

void *lb_graph_keep(lb_graph *graph, size_t bytes) {
    void *memory = failed(graph) ? NULL : lb_blocks_take(&graph->memory, bytes);
    if (!memory) lb_graph_fail(graph, LOWBIT_NO_MEMORY, "no memory for %zu bytes of a network", bytes);
    return memory;
}

void *lb_graph_copy(lb_graph *graph, const void *from, size_t bytes) {
    void *copy = lb_graph_keep(graph, bytes);
    return copy ? memcpy(copy, from, bytes) : NULL;
}

/* ---- nodes ---- */

/* Room for twice as many whenever a power of two is full. */
static bool grow(lb_graph *graph) {
    if ((graph->count & (graph->count - 1)) != 0) return true;
    const size_t room = graph->count > 0 ? 2 * (size_t)graph->count : 1;
    lb_node *nodes = realloc(graph->nodes, room * sizeof *nodes);
    if (nodes) graph->nodes = nodes;
    return nodes != NULL;
}

static bool is_take(uint32_t op) { return op == LB_OP_TAKE_FIRST || op == LB_OP_TAKE_LAST || op == LB_OP_TAKE_MEAN; }

/* Whether a node's value is by token. */
static bool follows(lb_graph *graph, const lb_node *node) {
    const lb_value reads[] = {node->x, node->second, node->third};
    if (node->x == LB_NO_VALUE) return node->by_token;
    const bool by_token = graph->nodes[node->x].by_token;
    for (size_t i = 1; i < LB_COUNT(reads); i++)
        if (reads[i] != LB_NO_VALUE && graph->nodes[reads[i]].by_token != by_token)
            lb_graph_fail(graph, LOWBIT_BAD_FORMAT, "\"%.64s\" reads tokens and whole texts", node->name);
    return by_token && !is_take(node->op);
}

lb_value lb_graph_node(lb_graph *graph, lb_node node) {
    const lb_shape s = node.shape;
    int64_t elements = 0;
    const char *name = node.name ? node.name : "";
    if (failed(graph)) return LB_NO_VALUE;
    if (node.op == LB_OP_INPUT && graph->count > 0)
        lb_graph_fail(graph, LOWBIT_BAD_FORMAT, "a network of several inputs, or one behind a layer");
    node.name = name;
    node.by_token = follows(graph, &node);
    if (s.height < 1 || s.width < 1 || s.channels < 1 || __builtin_mul_overflow(s.height, s.width, &elements) ||
        __builtin_mul_overflow(elements, s.channels, &elements) || elements > LB_VALUE_ELEMENTS)
        lb_graph_fail(graph, LOWBIT_BAD_FORMAT, "\"%.64s\" makes %lld x %lld x %lld elements: too many, or none", name,
                      (long long)s.height, (long long)s.width, (long long)s.channels);
    node.name = name[0] ? lb_graph_copy(graph, name, strlen(name) + 1) : "";
    if (!failed(graph) && !grow(graph)) lb_graph_fail(graph, LOWBIT_NO_MEMORY, "no memory for another layer");
    if (failed(graph)) return LB_NO_VALUE;
    graph->nodes[graph->count++] = node;
    return (lb_value)(graph->count - 1);
}

const lb_node *lb_graph_at(lb_graph *graph, lb_value x) {
    if (failed(graph)) return NULL;
    if (x >= 0 && x < graph->count) return &graph->nodes[x];
    lb_graph_fail(graph, LOWBIT_INVALID_ARGUMENT, "there is no value %d", (int)x);
    return NULL;
}

int64_t lb_node_k(const lb_graph *graph, const lb_node *node) {
    const lb_window *w = &node->window;
    return w->kernel_height * w->kernel_width * (graph->nodes[node->x].shape.channels / w->groups);
}

/* ---- tensors ---- */

bool lb_graph_has(const lb_graph *graph, const char *name) {
    return graph->source->file && lb_safetensors_find(graph->source->file, name);
}

int64_t lb_graph_dimension(lb_graph *graph, const char *name, int32_t axis, int64_t otherwise) {
    if (!graph->source->file || failed(graph)) return otherwise;
    const lb_tensor *tensor = lb_safetensors_find(graph->source->file, name);
    if (!tensor) {
        lb_graph_fail(graph, LOWBIT_NOT_FOUND, "there is no tensor \"%.64s\"", name);
        return otherwise;
    }
    if (axis >= tensor->rank || tensor->shape[axis] < 1 || tensor->shape[axis] > LB_VALUE_ELEMENTS)
        lb_graph_fail(graph, LOWBIT_BAD_FORMAT, "\"%.64s\" has %d dimensions, and number %d is missing or out of range",
                      name, (int)tensor->rank, (int)axis);
    return failed(graph) ? otherwise : tensor->shape[axis];
}

float *lb_graph_tensor(lb_graph *graph, const char *name, int32_t rank, const int64_t *shape) {
    lowbit_error why = LOWBIT_ERROR_INIT;
    int64_t elements;
    if (failed(graph)) return NULL;
    lowbit_status status = lb_source_check(graph->source, name, rank, shape, &elements, &why);
    float *out = status == LOWBIT_OK ? lb_graph_keep(graph, (size_t)elements * sizeof *out) : NULL;
    if (out) status = lb_source_floats(graph->source, name, rank, shape, out, &why);
    if (status != LOWBIT_OK) lb_graph_fail(graph, status, "%s", why.message);
    return failed(graph) ? NULL : out;
}

/* Files have [out][channels][taps], or a linear layer behind an image [out][channels * taps]: the same bytes. */
float *lb_graph_kernel(lb_graph *graph, const char *name, int32_t rank, const int64_t *shape, int64_t channels,
                       int64_t taps) {
    float *from = lb_graph_tensor(graph, name, rank, shape);
    if (!from || taps == 1 || channels == 1) return from;
    const int64_t out = shape[0], size = channels * taps;
    float *row = malloc((size_t)size * sizeof *row);
    if (!row) {
        lb_graph_fail(graph, LOWBIT_NO_MEMORY, "no memory for a row of \"%.64s\"", name);
        return NULL;
    }
    for (int64_t n = 0; n < out; n++) {
        memcpy(row, from + n * size, (size_t)size * sizeof *row);
        for (int64_t t = 0; t < taps; t++)
            for (int64_t c = 0; c < channels; c++) from[n * size + t * channels + c] = row[c * taps + t];
    }
    free(row);
    return from;
}
