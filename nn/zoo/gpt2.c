/* SPDX-License-Identifier: Apache-2.0 */
/* GPT-2 by Hugging Face's names (Radford et al. 2019): every matrix is [inputs][outputs], and the table of words is
 * that of the outputs, too, where there is no other.
 *
 *     x = norm(blocks(words + positions)), norms in front, every token after those before it
 *     linear(last token) */
#include "kernels/base/base.h"
#include "lowbit/gemm.h"
#include "nn/zoo/transformer.h"

enum { WORDS = 50257, POSITIONS = 1024 };

static const lb_block_names kNames = {.norm_first = true,
                                      .columns = true,
                                      .attention = "h.#.attn",
                                      .q = "h.#.attn.q",
                                      .k = "h.#.attn.k",
                                      .v = "h.#.attn.v",
                                      .qkv = "h.#.attn.c_attn.weight",
                                      .qkv_bias = "h.#.attn.c_attn.bias",
                                      .out = "h.#.attn.c_proj",
                                      .fc1 = "h.#.mlp.c_fc",
                                      .fc2 = "h.#.mlp.c_proj",
                                      .norm1 = "h.#.ln_1",
                                      .norm2 = "h.#.ln_2",
                                      .gain = ".weight",
                                      .bias = ".bias"};

static const char kWords[] = "wte.weight";

static const char *prefix_of(const lb_source *source) {
    return source->file && lb_source_dimension(source, kWords, 0) > 0 ? "" : "transformer.";
}

bool lb_is_any_gpt2(const lb_network *model, const lb_source *source, const lb_config *config) {
    char name[LB_LAYER_NAME];
    const char *prefix = prefix_of(source);
    (void)model, (void)config;
    return lb_source_dimension(source, lb_spell(name, prefix, kWords, 0, ""), 0) > 0 &&
           lb_count_blocks(source, &kNames, prefix) > 0;
}

bool lb_is_gpt2(const lb_network *model, const lb_source *source, const lb_config *config) {
    char name[LB_LAYER_NAME];
    const char *prefix = prefix_of(source);
    return lb_is_any_gpt2(model, source, config) && lb_count_blocks(source, &kNames, prefix) == model->blocks[0] &&
           lb_source_dimension(source, lb_spell(name, prefix, kWords, 0, ""), 1) == model->width;
}

void lb_build_gpt2(lb_graph *graph, const lb_network *model, const lb_model_options *options) {
    char words[LB_LAYER_NAME], positions[LB_LAYER_NAME];
    static const char kOwn[] = "lm_head.weight";
    lb_transformer t = {.names = &kNames,
                        .prefix = prefix_of(graph->source),
                        .epsilon = 1e-5f,
                        .act = LOWBIT_ACT_GELU_TANH,
                        .causal = true};
    lb_transformer_sizes(graph, model, options, &t);
    lb_spell(words, t.prefix, kWords, 0, "");
    lb_spell(positions, t.prefix, "wpe", 0, ".weight");
    const int64_t count = lb_graph_dimension(graph, words, 0, lb_or(options->classes, model->classes));
    lb_value x = lb_embed(graph, lb_input_tokens(graph), words, count, t.width, 0);
    x = lb_transformer_blocks(graph, lb_positions(graph, x, positions, POSITIONS, 0), &t);
    x = lb_transformer_norm(graph, lb_last_token(graph, x), &t, "ln_f");
    x = lb_linear_rows(graph, x, "lm_head", lb_graph_has(graph, kOwn) ? kOwn : words, NULL, 0, count);
    lb_play(graph, x, LB_ROLE_CLASS);
}
