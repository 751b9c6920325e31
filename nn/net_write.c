/* SPDX-License-Identifier: Apache-2.0 */
/* Packed networks to files. */
#include <jansson.h>
#include <stdlib.h>

#include "kernels/base/base.h"
#include "kernels/formats/format.h"
#include "nn/net_file.h"
#include "nn/net_json.h"

/* Tensors in the making, and the names that nodes have in the file: those that compute something, counted through. */
typedef struct writing {
    const lb_net *net;
    lb_value *numbers; /* [count]; LB_NO_VALUE for nodes that are fused away */
    lb_tensor *tensors;
    char (*names)[LB_TENSOR_NAME];
    size_t count, room;
    lb_blocks memory;
} writing;

static void add_tensor(writing *w, const char *name, const char *dtype, const void *data, int64_t elements,
                       int64_t columns) {
    lb_tensor *t = &w->tensors[w->count];
    *t = (lb_tensor){.name = name, .dtype = lb_dtype_of(dtype), .rank = columns ? 2 : 1, .data = data};
    t->shape[0] = columns ? elements / columns : elements;
    t->shape[1] = columns;
    if (lb_tensor_size(t)) w->count++;
}

static void add_node_tensor(writing *w, lb_value v, const char *kind, int64_t part, const char *dtype, const void *data,
                            int64_t elements) {
    char *name = w->names[w->count];
    if (!data) return;
    lb_tensor_name(name, w->numbers[v], kind, part);
    add_tensor(w, name, dtype, data, elements, 0);
}

static void add_layer(writing *w, lb_value v) {
    const lb_layer *layer = &w->net->layers[v];
    const int64_t taps = layer->conv.kernel_height * layer->conv.kernel_width;
    for (int64_t i = 0; i < layer->matrices; i++) {
        const lowbit_packed *p = &layer->packed[i];
        const int64_t columns = lb_round_up(p->n, 16);
        add_node_tensor(w, v, "packed", i, "U8", layer->blobs[i], p->bytes);
        if (layer->column_sums)
            add_node_tensor(w, v, "column_sums", i, "I32", layer->column_sums[i], lb_column_sum_count(p));
        if (layer->tap_sums) add_node_tensor(w, v, "tap_sums", i, "I32", layer->tap_sums[i], columns * taps);
    }
}

static void add_table(writing *w, lb_value v) {
    const lb_table *t = &w->net->layers[v].table;
    add_node_tensor(w, v, "weights", -1, "F32", t->values, t->rows * t->features);
    add_node_tensor(w, v, "codes", -1, "U8", t->codes, t->rows * lb_table_row_bytes(t->format, t->features));
    add_node_tensor(w, v, "scales", -1, "F32", t->scales, t->rows);
}

static void add_tensors(writing *w) {
    for (lb_value v = 0; v < w->net->graph.count; v++) {
        lb_node node = w->net->graph.nodes[v];
        lb_node_array arrays[LB_NODE_ARRAYS];
        const size_t count = lb_node_arrays(&node, arrays);
        for (size_t i = 0; i < count; i++)
            add_node_tensor(w, v, arrays[i].kind, -1, "F32", *arrays[i].array, arrays[i].elements);
        if (node.op == LB_OP_SHIFT) add_node_tensor(w, v, "shifts", -1, "I8", node.shifts, 2 * node.shape.channels);
        if (node.op == LB_OP_CONV) add_layer(w, v);
        if (node.op == LB_OP_EMBED) add_table(w, v);
    }
}

/* ---- the graph ---- */

static json_t *window_json(const lb_window *w) {
    return json_pack("{s:[I,I], s:I, s:[I,I,I,I], s:I, s:I, s:b}", "kernel", (json_int_t)w->kernel_height,
                     (json_int_t)w->kernel_width, "stride", (json_int_t)w->stride, "pad", (json_int_t)w->pad_top,
                     (json_int_t)w->pad_left, (json_int_t)w->pad_bottom, (json_int_t)w->pad_right, "dilation",
                     (json_int_t)w->dilation, "groups", (json_int_t)w->groups, "count_padding", (int)w->count_padding);
}

static lowbit_status print_problem(const lb_net *net, lb_value v, char text[LB_NET_PROBLEM], lowbit_error *error) {
    const lb_layer *layer = &net->layers[v];
    lowbit_problem problem = layer->conv.product;
    problem.m = 1;
    problem.n = layer->packed[0].n;
    problem.k = layer->packed[0].k;
    return lowbit_problem_print(&problem, text, LB_NET_PROBLEM, error);
}

static json_t *attention_json(const lb_attention_shape *s, uint32_t kind) {
    return json_pack("{s:s, s:I, s:I, s:I, s:f, s:b, s:f, s:b}", "kind", lb_attention_names[kind], "heads",
                     (json_int_t)s->heads, "kv_heads", (json_int_t)s->kv_heads, "head", (json_int_t)s->head, "scale",
                     (double)s->scale, "causal", (int)s->causal, "rope_base", (double)s->rope_base, "rope_halves",
                     (int)s->rope_halves);
}

/* What some kinds of layers have. */
static void add_fields(const writing *w, lb_value v, json_t *o) {
    const lb_node *node = &w->net->graph.nodes[v];
    const lb_layer *layer = &w->net->layers[v];
    if (node->window.stride) json_object_set_new(o, "window", window_json(&node->window));
    if (node->count) json_object_set_new(o, "count", json_integer(node->count));
    if (node->first) json_object_set_new(o, "first", json_integer(node->first));
    if (node->zeros_before) json_object_set_new(o, "zeros_before", json_integer(node->zeros_before));
    if (node->grid > 0) json_object_set_new(o, "grid", json_real((double)node->grid));
    if (node->epsilon > 0) json_object_set_new(o, "epsilon", json_real((double)node->epsilon));
    if (node->unbiased) json_object_set_new(o, "unbiased", json_true());
    if (node->op == LB_OP_INPUT && node->by_token) json_object_set_new(o, "by_token", json_true());
    if (node->op == LB_OP_ACT) json_object_set_new(o, "act", json_integer(node->act));
    if (node->op == LB_OP_EMBED) json_object_set_new(o, "format", json_string(lb_format_of(layer->table.format)->name));
    if (node->op == LB_OP_ATTENTION)
        json_object_set_new(o, "attention", attention_json(&node->attention, layer->attention));
}

static lowbit_status node_json(const writing *w, lb_value v, json_t **json, lowbit_error *error) {
    const lb_node *node = &w->net->graph.nodes[v];
    const lb_shape s = node->shape;
    const lb_range range = w->net->ranges[v];
    json_t *o = json_pack("{s:s, s:s, s:[I,I,I]}", "op", lb_op_names[node->op], "name", node->name, "shape",
                          (json_int_t)s.height, (json_int_t)s.width, (json_int_t)s.channels);
    *json = o;
    add_fields(w, v, o);
    if (node->x != LB_NO_VALUE) json_object_set_new(o, "x", json_integer(w->numbers[node->x]));
    if (node->second != LB_NO_VALUE) json_object_set_new(o, "second", json_integer(w->numbers[node->second]));
    if (node->third != LB_NO_VALUE) json_object_set_new(o, "third", json_integer(w->numbers[node->third]));
    if (range.scale > 0) {
        json_object_set_new(o, "scale", json_real((double)range.scale));
        json_object_set_new(o, "zero", json_integer(range.zero));
    }
    if (node->op != LB_OP_CONV) return LOWBIT_OK;
    char problem[LB_NET_PROBLEM];
    LB_TRY(print_problem(w->net, v, problem, error));
    json_object_set_new(o, "problem", json_string(problem));
    return LOWBIT_OK;
}

static lowbit_status graph_json(const writing *w, json_t *nodes, lowbit_error *error) {
    for (lb_value v = 0; v < w->net->graph.count; v++) {
        json_t *node = NULL;
        if (w->numbers[v] == LB_NO_VALUE) continue;
        const lowbit_status status = node_json(w, v, &node, error);
        json_array_append_new(nodes, node);
        if (status != LOWBIT_OK) return status;
    }
    return LOWBIT_OK;
}

static lowbit_status graph_text(const writing *w, char **text, lowbit_error *error) {
    json_t *nodes = json_array(), *graph = json_pack("{s:i, s:O}", "version", LB_NET_VERSION, "nodes", nodes);
    const lowbit_status status = graph_json(w, nodes, error);
    *text = status == LOWBIT_OK ? json_dumps(graph, JSON_COMPACT) : NULL;
    json_decref(nodes);
    json_decref(graph);
    LB_TRY(status);
    LB_REQUIRE(*text, error, LOWBIT_NO_MEMORY, "no memory for the text of a network");
    return LOWBIT_OK;
}

/* ---- the file ---- */

static size_t most_tensors(const lb_net *net) {
    size_t most = 2;
    for (int64_t v = 0; v < net->graph.count; v++) most += 3 * (1 + (size_t)net->layers[v].matrices);
    return most;
}

static lowbit_status begin(writing *w, lowbit_error *error) {
    const size_t most = most_tensors(w->net), count = (size_t)w->net->graph.count;
    w->numbers = lb_blocks_take(&w->memory, count * sizeof *w->numbers);
    w->tensors = lb_blocks_take(&w->memory, most * sizeof *w->tensors);
    w->names = lb_blocks_take(&w->memory, most * sizeof *w->names);
    LB_REQUIRE(w->numbers && w->tensors && w->names, error, LOWBIT_NO_MEMORY, "no memory for %zu tensors", most);
    lb_value number = 0;
    for (size_t v = 0; v < count; v++) w->numbers[v] = w->net->graph.nodes[v].op == LB_OP_NONE ? LB_NO_VALUE : number++;
    return LOWBIT_OK;
}

lowbit_status lb_net_save(const lb_net *net, const lb_net_about *about, const char *path, lowbit_error *error) {
    writing w = {.net = net};
    char *text = NULL;
    lowbit_status status = begin(&w, error);
    if (status == LOWBIT_OK) status = graph_text(&w, &text, error);
    if (status == LOWBIT_OK) {
        char check[LB_NET_CHECK] = "";
        const lb_text pieces = about->pieces.text;
        const lb_text_pair metadata[] = {{LB_NET_KEY, text},
                                         {LB_NET_MODEL_KEY, about->model},
                                         {LB_NET_RECIPE_KEY, about->recipe},
                                         {LB_NET_CHECK_KEY, check},
                                         {LB_NET_TOKENIZER_KEY, lb_net_tokenizers[about->pieces.cased]}};
        const size_t count = LB_COUNT(metadata) - (pieces.length == 0); /* the last one is of texts */
        add_tensor(&w, LB_NET_PIXELS, "F32", about->pixels.value, LB_CHANNELS * 256, 256);
        if (pieces.length > 0) add_tensor(&w, LB_NET_VOCABULARY, "U8", pieces.bytes, (int64_t)pieces.length, 0);
        add_tensors(&w);
        lb_net_check(w.tensors, w.count, metadata, count, check);
        status = lb_safetensors_write(path, w.tensors, w.count, metadata, count, error);
    }
    free(text);
    lb_blocks_free(&w.memory);
    return status;
}
