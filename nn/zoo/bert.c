/* SPDX-License-Identifier: Apache-2.0 */
/* Encoders of texts by Hugging Face's names: BERT (Devlin et al. 2018) of any size, and DistilBERT, which has neither
 * segments nor a pooler.
 *
 *     x = blocks(norm(words + segments + positions)), norms behind
 *     classes, where the file has them: linear(tanh(pooler(first token))), or linear(relu(pre_classifier(first token)))
 *     else the embedding of the sentence: the mean of all tokens, of length 1 */
#include "kernels/base/base.h"
#include "lowbit/gemm.h"
#include "nn/zoo/transformer.h"

enum { WORDS = 30522, POSITIONS = 512, SEGMENTS = 2 };

typedef struct family {
    lb_block_names blocks;
    const char *prefix; /* that some files have in front of all but the classifier */
    bool segments;
} family;

static const family kBert = {.prefix = "bert.",
                             .segments = true,
                             .blocks = {.attention = "encoder.layer.#.attention.self",
                                        .q = "encoder.layer.#.attention.self.query",
                                        .k = "encoder.layer.#.attention.self.key",
                                        .v = "encoder.layer.#.attention.self.value",
                                        .out = "encoder.layer.#.attention.output.dense",
                                        .fc1 = "encoder.layer.#.intermediate.dense",
                                        .fc2 = "encoder.layer.#.output.dense",
                                        .norm1 = "encoder.layer.#.attention.output.LayerNorm",
                                        .norm2 = "encoder.layer.#.output.LayerNorm",
                                        .gain = ".weight",
                                        .bias = ".bias"}};

static const family kDistil = {.prefix = "distilbert.",
                               .segments = false,
                               .blocks = {.attention = "transformer.layer.#.attention",
                                          .q = "transformer.layer.#.attention.q_lin",
                                          .k = "transformer.layer.#.attention.k_lin",
                                          .v = "transformer.layer.#.attention.v_lin",
                                          .out = "transformer.layer.#.attention.out_lin",
                                          .fc1 = "transformer.layer.#.ffn.lin1",
                                          .fc2 = "transformer.layer.#.ffn.lin2",
                                          .norm1 = "transformer.layer.#.sa_layer_norm",
                                          .norm2 = "transformer.layer.#.output_layer_norm",
                                          .gain = ".weight",
                                          .bias = ".bias"}};

static const char kWords[] = "embeddings.word_embeddings", kNorm[] = "embeddings.LayerNorm";

/* ---- which one a file holds ---- */

static const char *prefix_of(const lb_source *source, const family *f) {
    char name[LB_LAYER_NAME];
    const bool bare = source->file && lb_source_dimension(source, lb_spell(name, "", kWords, 0, ".weight"), 0) > 0;
    return bare ? "" : f->prefix;
}

static bool is_any(const lb_source *source, const family *f) {
    char name[LB_LAYER_NAME];
    const char *prefix = prefix_of(source, f);
    return lb_source_dimension(source, lb_spell(name, prefix, kWords, 0, ".weight"), 0) > 0 &&
           lb_count_blocks(source, &f->blocks, prefix) > 0;
}

bool lb_is_any_bert(const lb_network *model, const lb_source *source, const lb_config *config) {
    (void)model, (void)config;
    return is_any(source, &kBert);
}

bool lb_is_distilbert(const lb_network *model, const lb_source *source, const lb_config *config) {
    (void)model, (void)config;
    return is_any(source, &kDistil);
}

bool lb_is_bert(const lb_network *model, const lb_source *source, const lb_config *config) {
    char name[LB_LAYER_NAME];
    const char *prefix = prefix_of(source, &kBert);
    return lb_is_any_bert(model, source, config) &&
           lb_source_dimension(source, lb_spell(name, prefix, kWords, 0, ".weight"), 1) == model->width &&
           lb_count_blocks(source, &kBert.blocks, prefix) == model->blocks[0];
}

/* ---- building ---- */

static lb_value table(lb_graph *graph, lb_value input, const lb_transformer *t, const char *layer, int64_t rows,
                      int64_t column) {
    char name[LB_LAYER_NAME];
    lb_spell(name, t->prefix, layer, 0, ".weight");
    return lb_embed(graph, input, name, lb_graph_dimension(graph, name, 0, rows), t->width, column);
}

static lb_value embed(lb_graph *graph, const lb_transformer *t, bool segments) {
    char name[LB_LAYER_NAME];
    const lb_value input = lb_input_tokens(graph);
    lb_value x = table(graph, input, t, kWords, WORDS, 0);
    if (segments) x = lb_add(graph, x, table(graph, input, t, "embeddings.token_type_embeddings", SEGMENTS, 1));
    lb_spell(name, t->prefix, "embeddings.position_embeddings", 0, ".weight");
    return lb_transformer_norm(graph, lb_positions(graph, x, name, POSITIONS, 0), t, kNorm);
}

/* The layer in front of the classes. */
static lb_value pool(lb_graph *graph, lb_value x, const lb_transformer *t, bool segments) {
    char name[LB_LAYER_NAME];
    if (!segments)
        return lb_relu(graph, lb_play(graph, lb_linear_each(graph, x, "pre_classifier", t->width, true), LB_ROLE_POOL));
    lb_spell(name, t->prefix, "pooler.dense", 0, "");
    return lb_tanh(graph, lb_play(graph, lb_linear_each(graph, x, name, t->width, true), LB_ROLE_POOL));
}

static void build(lb_graph *graph, const lb_network *model, const lb_model_options *options, const family *f) {
    char name[LB_LAYER_NAME];
    lb_block_names names = f->blocks;
    lb_transformer t = {.names = &names,
                        .prefix = prefix_of(graph->source, f),
                        .epsilon = 1e-12f,
                        .act = LOWBIT_ACT_GELU,
                        .causal = false};
    /* as files from TensorFlow have them */
    if (lb_graph_has(graph, lb_spell(name, t.prefix, kNorm, 0, ".gamma"))) {
        names.gain = ".gamma";
        names.bias = ".beta";
    }
    lb_transformer_sizes(graph, model, options, &t);
    const lb_value x = lb_transformer_blocks(graph, embed(graph, &t, f->segments), &t);
    const bool classes = graph->source->file ? lb_graph_has(graph, "classifier.weight") : model->classes > 0;
    if (classes)
        lb_class_layer(graph, pool(graph, lb_first_token(graph, x), &t, f->segments), "classifier",
                       lb_or(options->classes, model->classes));
    else
        lb_normalize(graph, lb_mean_tokens(graph, x));
}

void lb_build_bert(lb_graph *graph, const lb_network *model, const lb_model_options *options) {
    build(graph, model, options, &kBert);
}

void lb_build_distilbert(lb_graph *graph, const lb_network *model, const lb_model_options *options) {
    build(graph, model, options, &kDistil);
}
