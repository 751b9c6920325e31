/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/zoo/transformer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"
#include "lowbit/gemm.h"

enum { MOST_BLOCKS = 1000, NAME = LB_LAYER_NAME };

/* ---- names ---- */

const char *lb_spell(char text[NAME], const char *prefix, const char *pattern, int64_t number, const char *end) {
    const char *hash = strchr(pattern, '#');
    const int before = (int)(hash ? (size_t)(hash - pattern) : strlen(pattern));
    char digits[16] = "";
    if (hash) snprintf(digits, sizeof digits, "%d", (int)number);
    snprintf(text, NAME, "%.24s%.*s%s%s%s", prefix, before, pattern, digits, hash ? hash + 1 : "", end);
    return text;
}

/* ---- what a file has ---- */

int64_t lb_count_blocks(const lb_source *source, const lb_block_names *names, const char *prefix) {
    char text[NAME];
    int64_t blocks = 0;
    while (blocks < MOST_BLOCKS &&
           lb_source_dimension(source, lb_spell(text, prefix, names->out, blocks, ".weight"), 0) > 0)
        blocks++;
    return blocks;
}

/* A file has no other block than those that are counted: one that lacks its output would be passed over. */
static void check_blocks(lb_graph *graph, const lb_transformer *t, const char *pattern) {
    char begin[NAME];
    const lb_safetensors *file = graph->source->file;
    const size_t length =
        (size_t)snprintf(begin, sizeof begin, "%.24s%.*s", t->prefix, (int)(strchr(pattern, '#') - pattern), pattern);
    for (size_t i = 0; file && i < file->count; i++) {
        const char *name = file->tensors[i].name, *digits = name + length;
        if (strncmp(name, begin, length) != 0 || *digits < '0' || *digits > '9') continue;
        if (strtoll(digits, NULL, 10) >= t->layers)
            lb_graph_fail(graph, LOWBIT_BAD_FORMAT, "\"%.64s\" belongs to a block without the layer \"%.48s\"", name,
                          t->names->out);
    }
}

static const struct {
    const char *name;
    uint32_t act;
} kActs[] = {{"gelu", LOWBIT_ACT_GELU}, {"gelu_new", LOWBIT_ACT_GELU_TANH}, {"gelu_pytorch_tanh", LOWBIT_ACT_GELU_TANH},
             {"relu", LOWBIT_ACT_RELU}, {"silu", LOWBIT_ACT_SILU},          {"swish", LOWBIT_ACT_SILU}};

static void choose_act(lb_graph *graph, const lb_config *config, lb_transformer *t) {
    if (!config->act[0]) return;
    for (size_t i = 0; i < LB_COUNT(kActs); i++)
        if (strcmp(kActs[i].name, config->act) == 0) {
            t->act = kActs[i].act;
            return;
        }
    lb_graph_fail(graph, LOWBIT_UNSUPPORTED, "config.json has the activation function \"%s\", which is not known",
                  config->act);
}

/* As many as the configuration says, or as wide as those of the row. */
static int64_t heads_of(const lb_network *model, const lb_config *config, int64_t width) {
    return config->heads > 0 ? config->heads : lb_max(1, width / (model->width / model->heads));
}

void lb_transformer_sizes(lb_graph *graph, const lb_network *model, const lb_model_options *options,
                          lb_transformer *t) {
    char text[NAME];
    const lb_block_names *n = t->names;
    const lb_config *config = options->config;
    const int64_t width = lb_or(options->width, model->width), inner = width * model->inner / model->width;
    t->layers = graph->source->file ? lb_count_blocks(graph->source, n, t->prefix) : model->blocks[0];
    t->width = lb_graph_dimension(graph, lb_spell(text, t->prefix, n->norm1, 0, n->gain), 0, width);
    t->inner = lb_graph_dimension(graph, lb_spell(text, t->prefix, n->fc1, 0, ".weight"), n->columns, inner);
    t->heads = heads_of(model, config, t->width);
    if (config->norm_epsilon > 0) t->epsilon = (float)config->norm_epsilon;
    choose_act(graph, config, t);
    if (t->width % t->heads != 0)
        lb_graph_fail(graph, LOWBIT_BAD_FORMAT, "%lld features do not divide into %lld heads", (long long)t->width,
                      (long long)t->heads);
    check_blocks(graph, t, n->out);
    check_blocks(graph, t, n->fc1);
}

/* ---- layers ---- */

lb_value lb_transformer_norm(lb_graph *graph, lb_value x, const lb_transformer *t, const char *layer) {
    char name[NAME], gain[NAME], bias[NAME];
    return lb_layer_norm(graph, x, lb_spell(name, t->prefix, layer, 0, ""),
                         lb_spell(gain, t->prefix, layer, 0, t->names->gain),
                         lb_spell(bias, t->prefix, layer, 0, t->names->bias), t->epsilon, t->names->unbiased);
}

static lb_value norm(lb_graph *graph, lb_value x, const lb_transformer *t, const char *pattern, int64_t block) {
    char layer[NAME];
    return lb_transformer_norm(graph, x, t, lb_spell(layer, "", pattern, block, ""));
}

/* A linear layer of a block, with its own tensors. */
static lb_value linear(lb_graph *graph, lb_value x, const lb_transformer *t, const char *pattern, int64_t block,
                       int64_t out, uint32_t role) {
    char name[NAME], weights[NAME], bias[NAME];
    lb_spell(name, t->prefix, pattern, block, "");
    if (!t->names->columns || !graph->source->file)
        return lb_play(graph, lb_linear_each(graph, x, name, out, true), role);
    x = lb_linear_columns(graph, x, name, lb_spell(weights, t->prefix, pattern, block, ".weight"),
                          lb_spell(bias, t->prefix, pattern, block, ".bias"), 0, out);
    return lb_play(graph, x, role);
}

/* q, k or v, of the tensor that has all three in files. */
static lb_value projection(lb_graph *graph, lb_value x, const lb_transformer *t, int64_t block, int64_t which) {
    const lb_block_names *n = t->names;
    const struct {
        const char *layer;
        uint32_t role;
    } kWhich[] = {{n->q, LB_ROLE_Q}, {n->k, LB_ROLE_K}, {n->v, LB_ROLE_V}};
    char name[NAME], weights[NAME], bias[NAME];
    if (!n->qkv || !graph->source->file)
        return linear(graph, x, t, kWhich[which].layer, block, t->width, kWhich[which].role);
    lb_spell(name, t->prefix, kWhich[which].layer, block, "");
    lb_spell(weights, t->prefix, n->qkv, block, "");
    lb_spell(bias, t->prefix, n->qkv_bias, block, "");
    const char *shift = lb_graph_has(graph, bias) ? bias : NULL;
    x = n->columns ? lb_linear_columns(graph, x, name, weights, shift, which * t->width, t->width)
                   : lb_linear_rows(graph, x, name, weights, shift, which * t->width, t->width);
    return lb_play(graph, x, kWhich[which].role);
}

static lb_value attend(lb_graph *graph, lb_value x, const lb_transformer *t, int64_t block) {
    char name[NAME];
    const int64_t head = t->width / t->heads;
    const lb_attention_shape shape = {.heads = t->heads,
                                      .kv_heads = t->heads,
                                      .head = head,
                                      .scale = (float)(1 / sqrt((double)head)),
                                      .causal = t->causal};
    const lb_value q = projection(graph, x, t, block, 0), k = projection(graph, x, t, block, 1);
    const lb_value v = projection(graph, x, t, block, 2);
    x = lb_attend(graph, q, k, v, lb_spell(name, t->prefix, t->names->attention, block, ""), &shape);
    return linear(graph, x, t, t->names->out, block, t->width, LB_ROLE_OUT);
}

static lb_value feed_forward(lb_graph *graph, lb_value x, const lb_transformer *t, int64_t block) {
    x = lb_act(graph, linear(graph, x, t, t->names->fc1, block, t->inner, LB_ROLE_FFN), t->act);
    return linear(graph, x, t, t->names->fc2, block, t->width, LB_ROLE_FFN);
}

lb_value lb_transformer_blocks(lb_graph *graph, lb_value x, const lb_transformer *t) {
    const lb_block_names *n = t->names;
    for (int64_t i = 0; i < t->layers; i++)
        if (n->norm_first) {
            x = lb_add(graph, x, attend(graph, norm(graph, x, t, n->norm1, i), t, i));
            x = lb_add(graph, x, feed_forward(graph, norm(graph, x, t, n->norm2, i), t, i));
        } else {
            x = norm(graph, lb_add(graph, x, attend(graph, x, t, i)), t, n->norm1, i);
            x = norm(graph, lb_add(graph, x, feed_forward(graph, x, t, i)), t, n->norm2, i);
        }
    return x;
}

lb_value lb_class_layer(lb_graph *graph, lb_value x, const char *name, int64_t otherwise) {
    char weights[NAME];
    const int64_t classes = lb_graph_dimension(graph, lb_spell(weights, "", name, 0, ".weight"), 0, otherwise);
    return lb_play(graph, lb_linear(graph, x, name, classes, true), LB_ROLE_CLASS);
}
