/* SPDX-License-Identifier: Apache-2.0 */
/* Layers of sequences. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kernels/base/base.h"
#include "lowbit/gemm.h"
#include "nn/graph.h"

enum { LONGEST_NAME = 160 };

/* A layer that makes a value of x's shape. */
static lb_node node_of(const lb_node *from, lb_value x, uint32_t op, const char *name) {
    return (lb_node){.op = op, .x = x, .second = LB_NO_VALUE, .third = LB_NO_VALUE, .shape = from->shape, .name = name};
}

static lb_value map(lb_graph *graph, lb_value x, uint32_t op, const char *name) {
    const lb_node *from = lb_graph_at(graph, x);
    return from ? lb_graph_node(graph, node_of(from, x, op, name)) : LB_NO_VALUE;
}

/* Whether a value has rows of features: the tokens of an image, or those of texts. */
static bool is_sequence(const lb_node *node) { return node->shape.height == 1; }

static void fail_shape(lb_graph *graph, const char *what, const lb_node *node) {
    lb_graph_fail(graph, LOWBIT_BAD_FORMAT, "%s of %lld x %lld x %lld elements%s", what, (long long)node->shape.height,
                  (long long)node->shape.width, (long long)node->shape.channels, node->by_token ? " a token" : "");
}

/* ---- input, images as sequences ---- */

lb_value lb_input_tokens(lb_graph *graph) {
    return lb_graph_node(graph, (lb_node){.op = LB_OP_INPUT,
                                          .x = LB_NO_VALUE,
                                          .second = LB_NO_VALUE,
                                          .third = LB_NO_VALUE,
                                          .shape = {1, 1, 2},
                                          .by_token = true,
                                          .name = "input"});
}

lb_value lb_tokens(lb_graph *graph, lb_value x) {
    const lb_node *from = lb_graph_at(graph, x);
    if (!from) return LB_NO_VALUE;
    lb_node node = node_of(from, x, LB_OP_TOKENS, "");
    node.shape = (lb_shape){1, from->shape.height * from->shape.width, from->shape.channels};
    node.grid = from->grid;
    return lb_graph_node(graph, node);
}

/* ---- tables ---- */

/* A tensor [rows][features], in the file perhaps with ones in front, or of one row as a vector. */
static float *table_of(lb_graph *graph, const char *tensor, int64_t rows, int64_t features) {
    const int64_t shape[] = {1, rows, features};
    const lb_tensor *found = graph->source->file ? lb_safetensors_find(graph->source->file, tensor) : NULL;
    int32_t rank = found ? found->rank : 2;
    if (rank > 3 || rank < (rows == 1 ? 1 : 2)) rank = 2; /* whose refusal says what belongs there */
    return lb_graph_tensor(graph, tensor, rank, shape + 3 - rank);
}

/* "layer" of "layer.weight", or the tensor's own name. */
static const char *layer_of(const char *tensor, char text[LONGEST_NAME]) {
    static const char kEnd[] = ".weight";
    snprintf(text, LONGEST_NAME, "%.128s", tensor);
    const size_t length = strlen(text), tail = strlen(kEnd);
    if (length > tail && strcmp(text + length - tail, kEnd) == 0) text[length - tail] = 0;
    return text;
}

lb_value lb_class_token(lb_graph *graph, lb_value x, const char *tensor) {
    const lb_node *from = lb_graph_at(graph, x);
    if (!from) return LB_NO_VALUE;
    return lb_class_token_from(graph, x, tensor, table_of(graph, tensor, 1, from->shape.channels));
}

lb_value lb_class_token_from(lb_graph *graph, lb_value x, const char *name, float *token) {
    const lb_node *from = lb_graph_at(graph, x);
    if (!from) return LB_NO_VALUE;
    if (!is_sequence(from) || from->by_token) fail_shape(graph, "a class token in front", from);
    lb_node node = node_of(from, x, LB_OP_CLASS_TOKEN, name);
    node.weights = token;
    node.shape.width++;
    return lb_graph_node(graph, node);
}

lb_value lb_positions_from(lb_graph *graph, lb_value x, const char *name, float *table, int64_t rows,
                           int64_t first_row) {
    const lb_node *from = lb_graph_at(graph, x);
    if (!from) return LB_NO_VALUE;
    lb_node node = node_of(from, x, LB_OP_POSITIONS, name);
    if (!is_sequence(from)) fail_shape(graph, "positions", from);
    if (rows < 1 || rows > LB_VALUE_ELEMENTS || first_row < 0 || first_row > rows - node.shape.width)
        lb_graph_fail(graph, LOWBIT_BAD_FORMAT, "\"%.64s\": %lld positions, from %lld on, for %lld tokens", name,
                      (long long)rows, (long long)first_row, (long long)node.shape.width);
    node.weights = table;
    node.count = rows;
    node.first = first_row;
    return lb_graph_node(graph, node);
}

lb_value lb_positions(lb_graph *graph, lb_value x, const char *tensor, int64_t rows, int64_t first_row) {
    char name[LONGEST_NAME];
    const lb_node *from = lb_graph_at(graph, x);
    if (!from) return LB_NO_VALUE;
    const lb_tensor *found = graph->source->file ? lb_safetensors_find(graph->source->file, tensor) : NULL;
    rows = lb_graph_dimension(graph, tensor, found && found->rank == 3, rows);
    float *table = table_of(graph, tensor, rows, from->shape.channels);
    return lb_positions_from(graph, x, layer_of(tensor, name), table, rows, first_row);
}

lb_value lb_embed(lb_graph *graph, lb_value x, const char *tensor, int64_t rows, int64_t features, int64_t column) {
    char name[LONGEST_NAME];
    const lb_node *from = lb_graph_at(graph, x);
    if (!from) return LB_NO_VALUE;
    if (from->op != LB_OP_INPUT || !from->by_token || column < 0 || column >= from->shape.channels || features < 1 ||
        rows < 1 || rows > LB_EMBED_ROWS)
        lb_graph_fail(graph, LOWBIT_BAD_FORMAT, "\"%.64s\": %lld rows of %lld, by column %lld of %s", tensor,
                      (long long)rows, (long long)features, (long long)column,
                      from->by_token ? "what is no input" : "no texts");
    lb_node node = node_of(from, x, LB_OP_EMBED, layer_of(tensor, name));
    node.shape.channels = features;
    node.count = rows;
    node.first = column;
    node.weights = graph->source ? table_of(graph, tensor, rows, features) : NULL;
    return lb_graph_node(graph, node);
}

/* ---- norms ---- */

/* NAME.end, or the tensor that is given. */
static float *vector_of(lb_graph *graph, const char *name, const char *end, const char *tensor, int64_t channels) {
    char text[LONGEST_NAME];
    snprintf(text, sizeof text, "%.128s.%s", name, end);
    return lb_graph_tensor(graph, tensor ? tensor : text, 1, &channels);
}

static bool check_epsilon(lb_graph *graph, const char *name, float epsilon) {
    if (!(epsilon >= 0 && epsilon < 1))
        lb_graph_fail(graph, LOWBIT_BAD_FORMAT, "\"%.64s\" has the epsilon %g", name, (double)epsilon);
    return graph->error.status == LOWBIT_OK;
}

lb_value lb_layer_norm(lb_graph *graph, lb_value x, const char *name, const char *gain, const char *bias, float epsilon,
                       bool unbiased) {
    const lb_node *from = lb_graph_at(graph, x);
    if (!from) return LB_NO_VALUE;
    const int64_t channels = from->shape.channels;
    float *weights = vector_of(graph, name, "weight", gain, channels);
    return lb_layer_norm_from(graph, x, name, weights, vector_of(graph, name, "bias", bias, channels), epsilon,
                              unbiased);
}

lb_value lb_layer_norm_from(lb_graph *graph, lb_value x, const char *name, float *gain, float *bias, float epsilon,
                            bool unbiased) {
    const lb_node *from = lb_graph_at(graph, x);
    if (!from || !check_epsilon(graph, name, epsilon)) return LB_NO_VALUE;
    if (unbiased && from->shape.channels < 2) fail_shape(graph, "an unbiased deviation", from);
    lb_node node = node_of(from, x, LB_OP_LAYER_NORM, name);
    node.weights = gain;
    node.bias = bias;
    node.epsilon = epsilon;
    node.unbiased = unbiased;
    return lb_graph_node(graph, node);
}

lb_value lb_rms_norm(lb_graph *graph, lb_value x, const char *name, const char *gain, float epsilon) {
    const lb_node *from = lb_graph_at(graph, x);
    if (!from) return LB_NO_VALUE;
    return lb_rms_norm_from(graph, x, name, vector_of(graph, name, "weight", gain, from->shape.channels), epsilon);
}

lb_value lb_rms_norm_from(lb_graph *graph, lb_value x, const char *name, float *gain, float epsilon) {
    const lb_node *from = lb_graph_at(graph, x);
    if (!from || !check_epsilon(graph, name, epsilon)) return LB_NO_VALUE;
    lb_node node = node_of(from, x, LB_OP_RMS_NORM, name);
    node.weights = gain;
    node.epsilon = epsilon;
    return lb_graph_node(graph, node);
}

lb_value lb_normalize(lb_graph *graph, lb_value x) { return map(graph, x, LB_OP_NORMALIZE, ""); }

/* ---- functions ---- */

lb_value lb_act(lb_graph *graph, lb_value x, uint32_t act) {
    const lb_node *from = lb_graph_at(graph, x);
    if (!from || act == LOWBIT_ACT_RELU) return lb_relu(graph, x);
    if (act == LOWBIT_ACT_NONE || act > LOWBIT_ACT_SILU)
        lb_graph_fail(graph, LOWBIT_UNSUPPORTED, "there is no activation function %u", act);
    lb_node node = node_of(from, x, LB_OP_ACT, "");
    node.act = act;
    return lb_graph_node(graph, node);
}

lb_value lb_tanh(lb_graph *graph, lb_value x) { return map(graph, x, LB_OP_TANH, ""); }

lb_value lb_multiply(lb_graph *graph, lb_value x, lb_value second) {
    const lb_node *a = lb_graph_at(graph, x), *b = lb_graph_at(graph, second);
    if (!a || !b) return LB_NO_VALUE;
    if (!lb_same_shape(a->shape, b->shape)) fail_shape(graph, "a product with another value", a);
    lb_node node = node_of(a, x, LB_OP_MULTIPLY, "");
    node.second = second;
    return lb_graph_node(graph, node);
}

lb_value lb_scale(lb_graph *graph, lb_value x, float factor) {
    const lb_node *from = lb_graph_at(graph, x);
    if (!from) return LB_NO_VALUE;
    const int64_t channels = from->shape.channels;
    float *scale = lb_graph_keep(graph, (size_t)channels * sizeof *scale);
    float *shift = lb_graph_keep(graph, (size_t)channels * sizeof *shift);
    for (int64_t c = 0; scale && c < channels; c++) scale[c] = factor;
    return lb_affine(graph, x, "scale", scale, shift);
}

/* ---- attention ---- */

static bool fits(const lb_attention_shape *s, const lb_node *q, const lb_node *k, const lb_node *v) {
    enum { MOST = 1 << 20 };
    return s->heads > 0 && s->heads < MOST && s->kv_heads > 0 && s->heads % s->kv_heads == 0 && s->head > 0 &&
           s->head < MOST && q->shape.channels == s->heads * s->head && k->shape.channels == s->kv_heads * s->head &&
           lb_same_shape(k->shape, v->shape) && is_sequence(q) && is_sequence(k) && q->shape.width == k->shape.width &&
           s->scale > 0 && isfinite(s->scale) && s->rope_base >= 0 && isfinite(s->rope_base) &&
           (s->rope_base == 0 || s->head % 2 == 0);
}

lb_value lb_attend(lb_graph *graph, lb_value q, lb_value k, lb_value v, const char *name,
                   const lb_attention_shape *shape) {
    const lb_node *a = lb_graph_at(graph, q), *b = lb_graph_at(graph, k), *c = lb_graph_at(graph, v);
    if (!a || !b || !c) return LB_NO_VALUE;
    if (!fits(shape, a, b, c))
        lb_graph_fail(graph, LOWBIT_BAD_FORMAT,
                      "\"%.64s\": %lld heads of %lld, %lld of keys, scale %g, do not fit %lld, %lld and %lld channels",
                      name, (long long)shape->heads, (long long)shape->head, (long long)shape->kv_heads,
                      (double)shape->scale, (long long)a->shape.channels, (long long)b->shape.channels,
                      (long long)c->shape.channels);
    lb_node node = node_of(a, q, LB_OP_ATTENTION, name);
    node.second = k;
    node.third = v;
    node.attention = *shape;
    return lb_graph_node(graph, node);
}

/* ---- of a whole sequence ---- */

static lb_value take(lb_graph *graph, lb_value x, uint32_t op, bool same) {
    const lb_node *from = lb_graph_at(graph, x);
    if (!from) return LB_NO_VALUE;
    lb_node node = node_of(from, x, op, "");
    node.shape = (lb_shape){1, 1, from->shape.channels};
    node.grid = same ? from->grid : 0;
    return lb_graph_node(graph, node);
}

lb_value lb_first_token(lb_graph *graph, lb_value x) { return take(graph, x, LB_OP_TAKE_FIRST, true); }
lb_value lb_last_token(lb_graph *graph, lb_value x) { return take(graph, x, LB_OP_TAKE_LAST, true); }
lb_value lb_mean_tokens(lb_graph *graph, lb_value x) { return take(graph, x, LB_OP_TAKE_MEAN, false); }
