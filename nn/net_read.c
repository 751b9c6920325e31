/* SPDX-License-Identifier: Apache-2.0 */
/* Packed networks from files: foreign bytes. */
#include <jansson.h>
#include <stdint.h>
#include <string.h>

#include "kernels/formats/format.h"
#include "kernels/gemm.h"
#include "nn/net_fields.h"
#include "nn/net_file.h"
#include "nn/net_json.h"
#include "nn/net_pack.h"
#include "nn/ops.h"

/* A network in the making. */
typedef struct reading {
    lb_net *net;
    uint32_t flags;     /* for blobs */
    lb_choice *choices; /* [count] */
    lb_range *ranges;   /* [count] */
    uint32_t *kinds;    /* [count] of attentions, LB_ATTENTION_*; of embeddings their format */
    lb_blocks memory;   /* of the three */
} reading;

/* ---- tensors ---- */

static const lb_tensor *tensor_of(const reading *r, lb_value v, const char *kind, int64_t part) {
    char name[LB_TENSOR_NAME];
    lb_tensor_name(name, v, kind, part);
    return lb_safetensors_find(&r->net->file, name);
}

/* The elements of a tensor in place; they are where a file of ours has them, aligned. */
static lowbit_status get_tensor(const reading *r, lb_value v, const char *kind, int64_t part, const char *dtype,
                                int64_t elements, size_t align, const void **data, lowbit_error *error) {
    const lb_tensor *t = tensor_of(r, v, kind, part);
    LB_REQUIRE(t, error, LOWBIT_BAD_FORMAT, "node %d has no tensor \"%s\"", v, kind);
    LB_REQUIRE(t->dtype == lb_dtype_of(dtype) && t->elements == elements, error, LOWBIT_BAD_FORMAT,
               "tensor \"%s\" of node %d is not %lld elements of %s", kind, v, (long long)elements, dtype);
    LB_REQUIRE((uintptr_t)t->data % align == 0, error, LOWBIT_BAD_FORMAT,
               "tensor \"%s\" of node %d is not aligned to %zu bytes", kind, v, align);
    *data = t->data;
    return LOWBIT_OK;
}

static lowbit_status get_arrays(const reading *r, lb_value v, lb_node *node, lowbit_error *error) {
    lb_node_array arrays[LB_NODE_ARRAYS];
    const size_t count = lb_node_arrays(node, arrays);
    for (size_t i = 0; i < count; i++) {
        const void *data;
        if (node->op == LB_OP_CONV && !tensor_of(r, v, arrays[i].kind, -1)) continue; /* without a bias */
        LB_TRY(get_tensor(r, v, arrays[i].kind, -1, "F32", arrays[i].elements, sizeof(float), &data, error));
        *arrays[i].array = (float *)(uintptr_t)data;
    }
    const void *shifts = NULL;
    if (node->op == LB_OP_SHIFT)
        LB_TRY(get_tensor(r, v, "shifts", -1, "I8", 2 * node->shape.channels, 1, &shifts, error));
    node->shifts = shifts;
    return LOWBIT_OK;
}

/* ---- nodes ---- */

static lowbit_status read_choice(const json_t *json, lb_value v, lb_node *node, lb_choice *choice,
                                 lowbit_error *error) {
    const char *text = json_string_value(json_object_get(json, "problem"));
    lowbit_problem problem = {.struct_size = sizeof problem};
    LB_REQUIRE(text, error, LOWBIT_BAD_FORMAT, "node %d is a convolution without a problem", v);
    LB_TRY(lowbit_problem_parse(text, &problem, error));
    *choice = (lb_choice){
        .weights = problem.weights, .activations = problem.activations, .static_scale = problem.static_scale != 0};
    node->act = problem.act;
    return LOWBIT_OK;
}

static lowbit_status read_format(const json_t *json, lb_value v, uint32_t *format, lowbit_error *error) {
    const char *name = json_string_value(json_object_get(json, "format"));
    const lb_format *f = name ? lb_format_named(name, strlen(name)) : NULL;
    LB_REQUIRE(f, error, LOWBIT_BAD_FORMAT, "node %d is an embedding without a format", v);
    *format = f->id;
    lb_choice choice = lb_choice_floats();
    choice.weights.format = f->id;
    return lb_check_table(&choice, error);
}

static lowbit_status read_node(reading *r, const json_t *json, lb_value v, lowbit_error *error) {
    lb_node node = {0};
    LB_REQUIRE(lb_net_fields(json, v, &node, &r->kinds[v], &r->ranges[v]), error, LOWBIT_BAD_FORMAT,
               "node %d: a field is missing, unknown or out of its range", v);
    if (node.op == LB_OP_EMBED) LB_TRY(read_format(json, v, &r->kinds[v], error));
    if (node.op == LB_OP_CONV) LB_TRY(read_choice(json, v, &node, &r->choices[v], error));
    LB_TRY(get_arrays(r, v, &node, error));
    lb_graph_append(&r->net->graph, &node);
    return LOWBIT_OK;
}

static lowbit_status read_nodes(reading *r, const json_t *graph, lowbit_error *error) {
    int64_t version;
    const json_t *nodes = json_object_get(graph, "nodes");
    const size_t count = json_array_size(nodes);
    LB_REQUIRE(lb_json_integer(graph, "version", LB_NET_VERSION, LB_NET_VERSION, 0, &version) && version, error,
               LOWBIT_UNSUPPORTED, "the network has another version than %d", LB_NET_VERSION);
    LB_REQUIRE(count > 0 && count <= LB_NET_NODES, error, LOWBIT_BAD_FORMAT, "a network of %zu nodes", count);
    r->choices = lb_blocks_take(&r->memory, count * sizeof *r->choices);
    r->ranges = lb_blocks_take(&r->memory, count * sizeof *r->ranges);
    r->kinds = lb_blocks_take(&r->memory, count * sizeof *r->kinds);
    LB_REQUIRE(r->choices && r->ranges && r->kinds, error, LOWBIT_NO_MEMORY, "no memory for %zu nodes", count);
    for (size_t i = 0; i < count; i++) LB_TRY(read_node(r, json_array_get(nodes, i), (lb_value)i, error));
    return lb_graph_end(&r->net->graph, error);
}

/* ---- layers ---- */

static lowbit_status read_matrix(const reading *r, lb_value v, int64_t i, const lowbit_problem *product,
                                 lowbit_error *error) {
    lb_layer *layer = &r->net->layers[v];
    const lb_tensor *t = tensor_of(r, v, "packed", i);
    LB_REQUIRE(t && (uintptr_t)t->data % 64 == 0, error, LOWBIT_BAD_FORMAT,
               "node %d has no matrix %lld, or it is not aligned to 64 bytes", v, (long long)i);
    layer->blobs[i] = t->data;
    layer->packed[i].struct_size = sizeof layer->packed[i];
    LB_TRY(lowbit_packed_open(t->data, t->bytes, r->flags, &layer->packed[i], error));
    return lb_check_same_weights(product, &layer->packed[i].type, layer->packed[i].n, layer->packed[i].k, error);
}

static int64_t column_sums(const lb_layer *layer, int64_t i) { return lb_column_sum_count(&layer->packed[i]); }

static int64_t tap_sums(const lb_layer *layer, int64_t i) {
    return layer->conv.kernel_height * layer->conv.kernel_width * lb_round_up(layer->packed[i].n, 16);
}

/* Sums of every matrix, if the first has them. */
static lowbit_status read_sums(const reading *r, lb_value v, const char *kind,
                               int64_t (*count)(const lb_layer *, int64_t), const int32_t ***sums,
                               lowbit_error *error) {
    const lb_layer *layer = &r->net->layers[v];
    void *pointers;
    if (!tensor_of(r, v, kind, 0)) return LOWBIT_OK;
    LB_TRY(lb_net_take(r->net, layer->matrices * (int64_t)sizeof(int32_t *), &pointers, error));
    *sums = pointers;
    for (int64_t i = 0; i < layer->matrices; i++) {
        const void *data;
        LB_TRY(get_tensor(r, v, kind, i, "I32", count(layer, i), sizeof(int32_t), &data, error));
        (*sums)[i] = data;
    }
    return LOWBIT_OK;
}

static lowbit_status read_layer(const reading *r, lb_value v, lowbit_error *error) {
    lb_net *net = r->net;
    lb_layer *layer = &net->layers[v];
    lowbit_problem product = {.struct_size = sizeof product};
    layer->conv = lb_net_conv(net, v, &r->choices[v]);
    LB_TRY(lowbit_conv2d_product(&layer->conv, NULL, NULL, &product, error));
    LB_TRY(lb_net_take_matrices(net, layer, error));
    for (int64_t i = 0; i < layer->matrices; i++) LB_TRY(read_matrix(r, v, i, &product, error));
    LB_TRY(read_sums(r, v, "column_sums", column_sums, &layer->column_sums, error));
    LB_TRY(read_sums(r, v, "tap_sums", tap_sums, &layer->tap_sums, error));
    LB_REQUIRE(layer->column_sums || !layer->conv.product.static_scale || !net->ranges[net->graph.nodes[v].x].zero,
               error, LOWBIT_BAD_FORMAT, "node %d reads a zero point and has no sums of columns", v);
    return lb_net_output(net, v, error);
}

static lowbit_status read_table(const reading *r, lb_value v, lowbit_error *error) {
    const lb_node *node = &r->net->graph.nodes[v];
    const void *values = NULL, *codes = NULL, *scales = NULL;
    lb_table t = {.format = r->kinds[v], .rows = node->count, .features = node->shape.channels};
    const int64_t bytes = t.rows * lb_table_row_bytes(t.format, t.features);
    if (t.format == LOWBIT_F32) {
        LB_TRY(get_tensor(r, v, "weights", -1, "F32", t.rows * t.features, sizeof(float), &values, error));
    } else {
        LB_TRY(get_tensor(r, v, "codes", -1, "U8", bytes, 1, &codes, error));
        LB_TRY(get_tensor(r, v, "scales", -1, "F32", t.rows, sizeof(float), &scales, error));
    }
    t.values = values;
    t.codes = codes;
    t.scales = scales;
    r->net->layers[v].table = t;
    return LOWBIT_OK;
}

static lowbit_status read_kept(const reading *r, lb_value v, lowbit_error *error) {
    r->net->layers[v].attention = r->kinds[v];
    switch (r->net->graph.nodes[v].op) {
        case LB_OP_CONV: return read_layer(r, v, error);
        case LB_OP_EMBED: return read_table(r, v, error);
        default: return LOWBIT_OK;
    }
}

static lowbit_status read_pixels(const lb_net *net, lb_pixels *pixels, lowbit_error *error) {
    const lb_tensor *t = lb_safetensors_find(&net->file, LB_NET_PIXELS);
    LB_REQUIRE(t && t->elements == LB_CHANNELS * 256, error, LOWBIT_BAD_FORMAT, "the network has no table of pixels");
    return lb_tensor_floats(t, &pixels->value[0][0], error);
}

static lowbit_status read_pieces(const lb_net *net, lb_pieces *pieces, lowbit_error *error) {
    const lb_tensor *t = lb_safetensors_find(&net->file, LB_NET_VOCABULARY);
    const char *tokenizer = lb_safetensors_text(&net->file, LB_NET_TOKENIZER_KEY);
    uint32_t number;
    *pieces = (lb_pieces){.cased = false};
    if (!t) return LOWBIT_OK;
    LB_REQUIRE(strcmp(t->dtype->name, "U8") == 0 && t->elements > 0, error, LOWBIT_BAD_FORMAT,
               "the network's vocabulary is no text");
    LB_REQUIRE(lb_named(lb_net_tokenizers, LB_COUNT(lb_net_tokenizers), tokenizer, &number), error, LOWBIT_UNSUPPORTED,
               "the network has the tokenizer \"%.32s\", which is not known", tokenizer ? tokenizer : "");
    *pieces = (lb_pieces){.text = {t->data, (size_t)t->elements}, .cased = number == 1};
    return LOWBIT_OK;
}

static lowbit_status check_sum(const lb_safetensors *file, lowbit_error *error) {
    char sum[LB_NET_CHECK];
    const char *told = lb_safetensors_text(file, LB_NET_CHECK_KEY);
    lb_net_check(file->tensors, file->count, file->metadata, file->metadata_count, sum);
    LB_REQUIRE(told && strcmp(told, sum) == 0, error, LOWBIT_BAD_FORMAT,
               "the file's sum is %s, and it says %.32s: it is damaged", sum, told ? told : "nothing");
    return LOWBIT_OK;
}

static lowbit_status read_all(reading *r, const json_t *graph, lb_net_about *about, lowbit_error *error) {
    lb_net *net = r->net;
    LB_TRY(check_sum(&net->file, error));
    lb_graph_begin(&net->graph, NULL);
    LB_TRY(read_nodes(r, graph, error));
    LB_TRY(lb_net_settle(net, r->choices, r->ranges, error));
    for (lb_value v = 0; v < net->graph.count; v++) LB_TRY(read_kept(r, v, error));
    about->model = lb_safetensors_text(&net->file, LB_NET_MODEL_KEY);
    about->recipe = lb_safetensors_text(&net->file, LB_NET_RECIPE_KEY);
    LB_REQUIRE(about->model && about->recipe, error, LOWBIT_BAD_FORMAT, "the file does not name its model and recipe");
    LB_TRY(read_pieces(net, &about->pieces, error));
    return read_pixels(net, &about->pixels, error);
}

bool lb_net_is_packed(const lb_safetensors *file) { return lb_safetensors_text(file, LB_NET_KEY) != NULL; }

lowbit_status lb_net_read(lb_safetensors *file, uint32_t flags, lb_net *net, lb_net_about *about, lowbit_error *error) {
    *net = (lb_net){.file = *file};
    *file = (lb_safetensors){.count = 0};
    reading r = {.net = net, .flags = flags};
    const char *text = lb_safetensors_text(&net->file, LB_NET_KEY);
    json_error_t where;
    json_t *graph = text ? json_loads(text, JSON_REJECT_DUPLICATES, &where) : NULL;
    lowbit_status status = LOWBIT_BAD_FORMAT;
    if (graph)
        status = read_all(&r, graph, about, error);
    else
        lb_fail(error, status, "the file holds no packed network: %s", text ? where.text : "no " LB_NET_KEY);
    json_decref(graph);
    lb_blocks_free(&r.memory);
    if (status != LOWBIT_OK) lb_net_free(net);
    return status;
}

lowbit_status lb_net_open(const char *path, uint32_t flags, lb_net *net, lb_net_about *about, lowbit_error *error) {
    lb_safetensors file;
    LB_TRY(lb_safetensors_open(path, &file, error));
    return lb_net_read(&file, flags, net, about, error);
}
