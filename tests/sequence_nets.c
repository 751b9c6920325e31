/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sequence_nets.h"

#include <stdio.h>

#include "kernels/base/base.h"
#include "lowbit/gemm.h"

enum { WIDTH = 32, HEADS = 4, HEAD = 8, WIDE = 48, BLOCKS = 2, CLASSES = 10 };

/* "2.attn.q": of a ring of buffers, so that a call may have several. */
static const char *at(int block, const char *name) {
    static char texts[8][32];
    static int next;
    char *text = texts[next++ % 8];
    snprintf(text, sizeof texts[0], "%d.%s", block, name);
    return text;
}

static lb_attention_shape attention(bool causal) {
    return (lb_attention_shape){HEADS, HEADS, HEAD, 0.35f, causal, 0, false};
}

/* Queries, keys and values of one tensor, as rows or as columns. */
static lb_value fused(lb_graph *g, lb_value x, int block, bool columns, const lb_attention_shape *shape) {
    static const char *const kParts[] = {"attn.q", "attn.k", "attn.v"};
    lb_value parts[3];
    for (int i = 0; i < 3; i++)
        parts[i] = (columns ? lb_linear_columns : lb_linear_rows)(
            g, x, at(block, kParts[i]), at(block, "attn.qkv.weight"), at(block, "attn.qkv.bias"), i * WIDTH, WIDTH);
    return lb_attend(g, parts[0], parts[1], parts[2], at(block, "attn"), shape);
}

static lb_value separate(lb_graph *g, lb_value x, int block, const lb_attention_shape *shape) {
    const int64_t keys = shape->kv_heads * HEAD;
    const lb_value q = lb_linear_each(g, x, at(block, "q"), WIDTH, true),
                   k = lb_linear_each(g, x, at(block, "k"), keys, true);
    return lb_attend(g, q, k, lb_linear_each(g, x, at(block, "v"), keys, false), at(block, "attention"), shape);
}

static lb_value wide(lb_graph *g, lb_value x, int block, uint32_t act) {
    x = lb_act(g, lb_linear_each(g, x, at(block, "up"), WIDE, true), act);
    return lb_linear_each(g, x, at(block, "down"), WIDTH, true);
}

static void build_vit(lb_graph *g) {
    const lb_attention_shape shape = attention(false);
    lb_value x = lb_input(g, (lb_shape){SEQUENCE_SIDE, SEQUENCE_SIDE, 3});
    x = lb_conv(g, x, "patch", WIDTH, (lb_window){.kernel_height = 4, .kernel_width = 4, .stride = 4}, true);
    x = lb_positions(g, lb_class_token(g, lb_tokens(g, x), "cls_token"), "pos_embed", 17, 0);
    for (int i = 0; i < BLOCKS; i++) {
        lb_value y = fused(g, lb_layer_norm(g, x, at(i, "norm1"), NULL, NULL, 1e-6f, false), i, false, &shape);
        x = lb_add(g, x, lb_linear_each(g, y, at(i, "proj"), WIDTH, true));
        x = lb_add(g, x, wide(g, lb_layer_norm(g, x, at(i, "norm2"), NULL, NULL, 1e-6f, false), i, LOWBIT_ACT_GELU));
    }
    lb_linear(g, lb_first_token(g, lb_layer_norm(g, x, "norm", NULL, NULL, 1e-6f, false)), "head", CLASSES, true);
}

static lb_value words(lb_graph *g, bool positions) {
    const lb_value ids = lb_input_tokens(g);
    lb_value x = lb_embed(g, ids, "words.weight", SEQUENCE_VOCABULARY, WIDTH, 0);
    if (!positions) return x;
    x = lb_add(g, x, lb_embed(g, ids, "segments.weight", 2, WIDTH, 1));
    return lb_positions(g, x, "positions.weight", SEQUENCE_POSITIONS + 2, 2);
}

static lb_value post_norm(lb_graph *g, lb_value x, int block, const lb_attention_shape *shape) {
    lb_value y = lb_linear_each(g, separate(g, x, block, shape), at(block, "out"), WIDTH, true);
    x = lb_layer_norm(g, lb_add(g, y, x), at(block, "ln1"), NULL, NULL, 1e-12f, false);
    return lb_layer_norm(g, lb_add(g, wide(g, x, block, LOWBIT_ACT_GELU), x), at(block, "ln2"), NULL, NULL, 1e-12f,
                         false);
}

static void build_bert(lb_graph *g) {
    const lb_attention_shape shape = attention(false);
    lb_value x = lb_layer_norm(g, words(g, true), "ln", NULL, NULL, 1e-12f, false);
    for (int i = 0; i < BLOCKS; i++) x = post_norm(g, x, i, &shape);
    x = lb_tanh(g, lb_linear(g, lb_first_token(g, x), "pooler", WIDTH, true));
    lb_linear(g, x, "classifier", CLASSES, true);
}

/* Also what hardly any network has: a norm by the unbiased deviation, an activation function behind a norm. */
static void build_mean(lb_graph *g) {
    lb_attention_shape shape = attention(false);
    shape.rope_base = 100;
    shape.rope_halves = true;
    lb_value x = lb_layer_norm(g, lb_scale(g, words(g, true), 3), "ln", NULL, NULL, 1e-6f, true);
    x = post_norm(g, lb_act(g, x, LOWBIT_ACT_SILU), 0, &shape);
    lb_normalize(g, lb_mean_tokens(g, x));
}

static void build_llama(lb_graph *g) {
    const lb_attention_shape shape = {HEADS, 2, HEAD, 0.35f, true, 10000, false};
    lb_value x = words(g, false);
    for (int i = 0; i < BLOCKS; i++) {
        lb_value y = separate(g, lb_rms_norm(g, x, at(i, "rms1"), NULL, 1e-5f), i, &shape);
        x = lb_add(g, x, lb_linear_each(g, y, at(i, "o"), WIDTH, false));
        y = lb_rms_norm(g, x, at(i, "rms2"), NULL, 1e-5f);
        const lb_value gate = lb_act(g, lb_linear_each(g, y, at(i, "w1"), WIDE, false), LOWBIT_ACT_SILU);
        y = lb_multiply(g, gate, lb_linear_each(g, y, at(i, "w3"), WIDE, false));
        x = lb_add(g, x, lb_linear_each(g, y, at(i, "w2"), WIDTH, false));
    }
    x = lb_last_token(g, lb_rms_norm(g, x, "rms", NULL, 1e-5f));
    lb_linear_rows(g, x, "logits", "words.weight", NULL, 0, SEQUENCE_VOCABULARY);
}

static void build_gpt(lb_graph *g) {
    const lb_attention_shape shape = attention(true);
    lb_value x = words(g, true);
    for (int i = 0; i < BLOCKS; i++) {
        lb_value y = fused(g, lb_layer_norm(g, x, at(i, "ln1"), NULL, NULL, 1e-5f, false), i, true, &shape);
        x = lb_add(g, x, lb_linear_each(g, y, at(i, "proj"), WIDTH, true));
        x = lb_add(g, x, wide(g, lb_layer_norm(g, x, at(i, "ln2"), NULL, NULL, 1e-5f, false), i, LOWBIT_ACT_GELU_TANH));
    }
    lb_linear_rows(g, x, "logits", "words.weight", NULL, 0, SEQUENCE_VOCABULARY);
}

const sequence_net sequence_nets[] = {
    {"vit", build_vit, false, false, CLASSES},
    {"bert", build_bert, true, false, CLASSES},
    {"mean", build_mean, true, false, WIDTH},
    {"llama", build_llama, true, true, SEQUENCE_VOCABULARY},
    {"gpt", build_gpt, true, true, SEQUENCE_VOCABULARY},
};
const size_t sequence_net_count = LB_COUNT(sequence_nets);

lowbit_status sequence_net_make(const sequence_net *net, bool fuse, lb_graph *graph, lowbit_error *error) {
    static const lb_source kSource = {.seed = 7};
    lb_graph_begin(graph, &kSource);
    net->build(graph);
    const lowbit_status status = lb_graph_end(graph, error);
    if (fuse && status == LOWBIT_OK) lb_graph_fuse(graph);
    if (status != LOWBIT_OK) lb_graph_free(graph);
    return status;
}
