/* SPDX-License-Identifier: Apache-2.0 */
/* Llama and those of its build (Touvron et al. 2023) by Hugging Face's names, which checkpoints of llama2.c get, too
 * (nn/llama2c.h): no biases, or those of q, k and v that Qwen 2 has.
 *
 *     x = words
 *     x = x + o(attention(q, k, v of norm1(x)))       rotated by positions, every token after those before it, several
 *                                                     heads of queries to one of keys
 *     x = x + down(silu(gate(norm2(x))) * up(norm2(x)))
 *     linear(norm(last token))                        by the table of words, where there is no other matrix */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kernels/base/base.h"
#include "lowbit/gemm.h"
#include "nn/zoo/families.h"

enum { MOST_LAYERS = 1 << 10, KEYS = 4 /* made up: heads of queries to one of keys, at most */ };

static const char kWords[] = "model.embed_tokens.weight", kOwn[] = "lm_head.weight", kLayer[] = "model.layers.%d.%s";

/* model_type of those that are built so. Others have the same names, and other layers. */
static const char *const kTypes[] = {"", "llama", "mistral", "qwen2"};

typedef struct llama {
    lb_graph *graph;
    int64_t words, width, inner, layers;
    lb_attention_shape attention;
    float epsilon;
} llama;

static const char *spell(char text[LB_LAYER_NAME], int64_t layer, const char *name) {
    snprintf(text, LB_LAYER_NAME, kLayer, (int)layer, name);
    return text;
}

/* ---- sizes ---- */

static int64_t count_layers(const lb_source *source) {
    char name[LB_LAYER_NAME];
    int64_t layers = 0;
    while (layers < MOST_LAYERS && lb_source_dimension(source, spell(name, layers, "input_layernorm.weight"), 0) > 0)
        layers++;
    return layers;
}

static int64_t dimension(const llama *l, const char *name, int64_t otherwise) {
    char text[LB_LAYER_NAME];
    return lb_graph_dimension(l->graph, spell(text, 0, name), 0, otherwise);
}

static void check_type(lb_graph *graph, const lb_config *config) {
    bool known = !config->act[0] || strcmp(config->act, "silu") == 0;
    if (!known)
        lb_graph_fail(graph, LOWBIT_UNSUPPORTED, "config.json has the activation function \"%s\", not \"silu\"",
                      config->act);
    known = false;
    for (size_t i = 0; i < LB_COUNT(kTypes); i++) known |= strcmp(config->type, kTypes[i]) == 0;
    if (!known)
        lb_graph_fail(graph, LOWBIT_UNSUPPORTED, "tensors as of Llama, but config.json says \"%s\"", config->type);
}

/* Of a file heads are as many as the configuration says; made up, as wide as those of the row. */
static void find_heads(llama *l, const lb_network *model, const lb_config *config) {
    lb_attention_shape *a = &l->attention;
    const bool made_up = !l->graph->source->file;
    const int64_t head = model->width / model->heads, usual = made_up ? lb_max(1, l->width / head) : 0;
    a->heads = lb_or(config->heads, usual);
    if (a->heads < 1 || a->heads > l->width) {
        lb_graph_fail(l->graph, LOWBIT_BAD_FORMAT, "%lld heads of %lld features: config.json says how many",
                      (long long)a->heads, (long long)l->width);
        return;
    }
    a->kv_heads = lb_or(config->kv_heads, made_up && a->heads % KEYS == 0 ? a->heads / KEYS : a->heads);
    a->head = dimension(l, "self_attn.q_proj.weight", l->width) / a->heads;
    a->scale = (float)(1 / sqrt((double)lb_max(a->head, 1)));
    a->causal = true;
    a->rope_base = config->rope_base > 0 ? (float)config->rope_base : 10000;
    a->rope_halves = !config->rope_pairs;
}

static void find_sizes(llama *l, const lb_network *model, const lb_model_options *options) {
    lb_graph *graph = l->graph;
    const lb_config *config = options->config;
    const int64_t width = lb_or(options->width, model->width);
    l->words = lb_graph_dimension(graph, kWords, 0, lb_or(options->classes, model->classes));
    l->width = lb_graph_dimension(graph, kWords, 1, width);
    l->inner = dimension(l, "mlp.gate_proj.weight", width * model->inner / model->width);
    l->layers = graph->source->file ? count_layers(graph->source) : model->blocks[0];
    l->epsilon = config->norm_epsilon > 0 ? (float)config->norm_epsilon : 1e-6f;
    check_type(graph, config);
    find_heads(l, model, config);
}

bool lb_is_llama(const lb_network *model, const lb_source *source, const lb_config *config) {
    (void)config;
    return count_layers(source) == model->blocks[0] && lb_source_dimension(source, kWords, 1) == model->width;
}

/* ---- layers ---- */

static lb_value norm(const llama *l, lb_value x, int64_t layer, const char *name) {
    char text[LB_LAYER_NAME];
    return lb_rms_norm(l->graph, x, spell(text, layer, name), NULL, l->epsilon);
}

static lb_value linear(const llama *l, lb_value x, int64_t layer, const char *name, int64_t out, uint32_t role) {
    char text[LB_LAYER_NAME], bias[LB_LAYER_NAME];
    snprintf(bias, sizeof bias, "%.100s.bias", spell(text, layer, name));
    return lb_play(l->graph, lb_linear_each(l->graph, x, text, out, lb_graph_has(l->graph, bias)), role);
}

static lb_value attend(const llama *l, lb_value x, int64_t layer) {
    char name[LB_LAYER_NAME];
    const lb_attention_shape *a = &l->attention;
    const lb_value q = linear(l, x, layer, "self_attn.q_proj", a->heads * a->head, LB_ROLE_Q);
    const lb_value k = linear(l, x, layer, "self_attn.k_proj", a->kv_heads * a->head, LB_ROLE_K);
    const lb_value v = linear(l, x, layer, "self_attn.v_proj", a->kv_heads * a->head, LB_ROLE_V);
    x = lb_attend(l->graph, q, k, v, spell(name, layer, "self_attn"), a);
    return linear(l, x, layer, "self_attn.o_proj", l->width, LB_ROLE_OUT);
}

static lb_value feed_forward(const llama *l, lb_value x, int64_t layer) {
    const lb_value gate = linear(l, x, layer, "mlp.gate_proj", l->inner, LB_ROLE_FFN);
    const lb_value up = linear(l, x, layer, "mlp.up_proj", l->inner, LB_ROLE_FFN);
    return linear(l, lb_multiply(l->graph, lb_act(l->graph, gate, LOWBIT_ACT_SILU), up), layer, "mlp.down_proj",
                  l->width, LB_ROLE_FFN);
}

void lb_build_llama(lb_graph *graph, const lb_network *model, const lb_model_options *options) {
    llama l = {.graph = graph};
    find_sizes(&l, model, options);
    lb_value x = lb_embed(graph, lb_input_tokens(graph), kWords, l.words, l.width, 0);
    for (int64_t i = 0; i < l.layers && graph->error.status == LOWBIT_OK; i++) {
        x = lb_add(graph, x, attend(&l, norm(&l, x, i, "input_layernorm"), i));
        x = lb_add(graph, x, feed_forward(&l, norm(&l, x, i, "post_attention_layernorm"), i));
    }
    x = lb_rms_norm(graph, lb_last_token(graph, x), "model.norm", NULL, l.epsilon);
    const bool shared = graph->source->file && !lb_graph_has(graph, kOwn);
    x = lb_linear_rows(graph, x, "lm_head", shared ? kWords : kOwn, NULL, 0, l.words);
    lb_play(graph, x, LB_ROLE_CLASS);
}
