/* SPDX-License-Identifier: Apache-2.0 */
/* The encoder of a study of quantized transformers on AG_NEWS (github.com/Alexstrasza98/Transformer-Quantization), as
 * its state dict has it. It adds positions twice, once learned and once as sines, and the words with them:
 *
 *     e = sqrt(width) (words + learned positions), x = e + (e + sines)
 *     x = blocks(x), norms in front, whose deviation is that over count - 1
 *     linear(relu(linear(first token))) */
#include <math.h>

#include "kernels/base/base.h"
#include "lowbit/gemm.h"
#include "nn/zoo/transformer.h"

enum { WORDS = 30522, POSITIONS = 512 };

static const lb_block_names kNames = {.norm_first = true,
                                      .unbiased = true,
                                      .attention = "sublayer_attention.#.multiheads",
                                      .q = "sublayer_attention.#.multiheads.heads.0",
                                      .k = "sublayer_attention.#.multiheads.heads.1",
                                      .v = "sublayer_attention.#.multiheads.heads.2",
                                      .out = "sublayer_attention.#.multiheads.output",
                                      .fc1 = "sublayer_ffn.#.ffn.w_1",
                                      .fc2 = "sublayer_ffn.#.ffn.w_2",
                                      .norm1 = "sublayer_attention.#.layernorm",
                                      .norm2 = "sublayer_ffn.#.layernorm",
                                      .gain = ".a_2",
                                      .bias = ".b_2"};

static lb_value embed(lb_graph *graph, const lb_transformer *t) {
    static const char kWords[] = "input_embeddings.token_embedding.weight";
    lb_value x =
        lb_embed(graph, lb_input_tokens(graph), kWords, lb_graph_dimension(graph, kWords, 0, WORDS), t->width, 0);
    x = lb_positions(graph, x, "input_embeddings.pos_embedding.weight", POSITIONS, 0);
    x = lb_scale(graph, x, (float)(2 * sqrt((double)t->width)));
    return lb_positions(graph, x, "input_encodings.pe", POSITIONS, 0);
}

void lb_build_news(lb_graph *graph, const lb_network *model, const lb_model_options *options) {
    lb_transformer t = {.names = &kNames, .prefix = "", .epsilon = 1e-6f, .act = LOWBIT_ACT_RELU, .causal = false};
    lb_transformer_sizes(graph, model, options, &t);
    lb_value x = lb_first_token(graph, lb_transformer_blocks(graph, embed(graph, &t), &t));
    const int64_t hidden = lb_graph_dimension(graph, "classifier.hidden.weight", 0, 2 * t.width);
    x = lb_relu(graph, lb_play(graph, lb_linear_each(graph, x, "classifier.hidden", hidden, true), LB_ROLE_CLASS));
    lb_class_layer(graph, x, "classifier.classifier", lb_or(options->classes, model->classes));
}
