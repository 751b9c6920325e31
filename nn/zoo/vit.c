/* SPDX-License-Identifier: Apache-2.0 */
/* Vision transformers (Dosovitskiy et al. 2020), by four sets of names. All sizes are the file's own.
 *
 *     x = linear(patches of p x p pixels)        {side / p, side / p, width}, read as tokens
 *     x = norm(blocks((class token, x) + positions))
 *     linear(class token) */
#include "kernels/base/base.h"
#include "lowbit/gemm.h"
#include "nn/zoo/transformer.h"

typedef struct family {
    lb_block_names blocks;
    const char *prefix; /* that some files have in front of all but the head */
    const char *class_token, *positions, *patch, *norm, *head;
    float epsilon;
    uint32_t act;
} family;

static const family kTimm = {.prefix = "",
                             .class_token = "cls_token",
                             .positions = "pos_embed",
                             .patch = "patch_embed.proj",
                             .norm = "norm",
                             .head = "head",
                             .epsilon = 1e-6f,
                             .act = LOWBIT_ACT_GELU,
                             .blocks = {.norm_first = true,
                                        .attention = "blocks.#.attn",
                                        .q = "blocks.#.attn.q",
                                        .k = "blocks.#.attn.k",
                                        .v = "blocks.#.attn.v",
                                        .qkv = "blocks.#.attn.qkv.weight",
                                        .qkv_bias = "blocks.#.attn.qkv.bias",
                                        .out = "blocks.#.attn.proj",
                                        .fc1 = "blocks.#.mlp.fc1",
                                        .fc2 = "blocks.#.mlp.fc2",
                                        .norm1 = "blocks.#.norm1",
                                        .norm2 = "blocks.#.norm2",
                                        .gain = ".weight",
                                        .bias = ".bias"}};

static const family kHugging = {.prefix = "vit.",
                                .class_token = "embeddings.cls_token",
                                .positions = "embeddings.position_embeddings",
                                .patch = "embeddings.patch_embeddings.projection",
                                .norm = "layernorm",
                                .head = "classifier",
                                .epsilon = 1e-12f,
                                .act = LOWBIT_ACT_GELU,
                                .blocks = {.norm_first = true,
                                           .attention = "encoder.layer.#.attention.attention",
                                           .q = "encoder.layer.#.attention.attention.query",
                                           .k = "encoder.layer.#.attention.attention.key",
                                           .v = "encoder.layer.#.attention.attention.value",
                                           .out = "encoder.layer.#.attention.output.dense",
                                           .fc1 = "encoder.layer.#.intermediate.dense",
                                           .fc2 = "encoder.layer.#.output.dense",
                                           .norm1 = "encoder.layer.#.layernorm_before",
                                           .norm2 = "encoder.layer.#.layernorm_after",
                                           .gain = ".weight",
                                           .bias = ".bias"}};

static const family kPreNorm = {.prefix = "",
                                .class_token = "embedding.cls_token",
                                .positions = "embedding.pos_embeddings",
                                .patch = "embedding.patch_embeddings.conv",
                                .norm = "norm",
                                .head = "mlp_head",
                                .epsilon = 1e-6f,
                                .act = LOWBIT_ACT_GELU,
                                .blocks = {.norm_first = true,
                                           .attention = "encoder.layers.#.attn",
                                           .q = "encoder.layers.#.attn.query",
                                           .k = "encoder.layers.#.attn.key",
                                           .v = "encoder.layers.#.attn.value",
                                           .out = "encoder.layers.#.attn.out_proj",
                                           .fc1 = "encoder.layers.#.ffn.fc1",
                                           .fc2 = "encoder.layers.#.ffn.fc2",
                                           .norm1 = "encoder.layers.#.norm1",
                                           .norm2 = "encoder.layers.#.norm2",
                                           .gain = ".alpha",
                                           .bias = ".beta"}};

/* torch.nn.TransformerEncoderLayer as it is by default. The norm behind the blocks is the head's. */
static const family kPostNorm = {.prefix = "",
                                 .class_token = "cls_token",
                                 .positions = "pos_embed",
                                 .patch = "patch_embed.proj",
                                 .norm = "mlp_head.0",
                                 .head = "mlp_head.1",
                                 .epsilon = 1e-5f,
                                 .act = LOWBIT_ACT_RELU,
                                 .blocks = {.norm_first = false,
                                            .attention = "transformer.layers.#.self_attn",
                                            .q = "transformer.layers.#.self_attn.q",
                                            .k = "transformer.layers.#.self_attn.k",
                                            .v = "transformer.layers.#.self_attn.v",
                                            .qkv = "transformer.layers.#.self_attn.in_proj_weight",
                                            .qkv_bias = "transformer.layers.#.self_attn.in_proj_bias",
                                            .out = "transformer.layers.#.self_attn.out_proj",
                                            .fc1 = "transformer.layers.#.linear1",
                                            .fc2 = "transformer.layers.#.linear2",
                                            .norm1 = "transformer.layers.#.norm1",
                                            .norm2 = "transformer.layers.#.norm2",
                                            .gain = ".weight",
                                            .bias = ".bias"}};

/* ---- which one a file holds ---- */

/* Of the row's size, by timm's names. */
bool lb_is_vit(const lb_network *model, const lb_source *source, const lb_config *config) {
    (void)config;
    return lb_source_dimension(source, kTimm.class_token, 2) == model->width &&
           lb_count_blocks(source, &kTimm.blocks, kTimm.prefix) == model->blocks[0];
}

static const char *prefix_of(const lb_graph *graph, const family *f) {
    char name[LB_LAYER_NAME];
    const bool bare = graph->source->file && !lb_graph_has(graph, lb_spell(name, f->prefix, f->class_token, 0, ""));
    return bare ? "" : f->prefix;
}

/* What this library has no layer for, where such files may have it. */
static void refuse_others(lb_graph *graph, const char *prefix) {
    static const char *const kOthers[] = {"dist_token",
                                          "embeddings.distillation_token",
                                          "fc_norm.weight",
                                          "norm_pre.weight",
                                          "blocks.0.ls1.gamma",
                                          "pre_logits.fc.weight",
                                          "blocks.0.attn.q_norm.weight"};
    char name[LB_LAYER_NAME];
    for (size_t i = 0; i < LB_COUNT(kOthers); i++)
        if (lb_graph_has(graph, lb_spell(name, prefix, kOthers[i], 0, "")))
            lb_graph_fail(graph, LOWBIT_UNSUPPORTED, "a vision transformer with \"%s\"", name);
}

/* ---- building ---- */

/* The largest root of a square that is not larger. */
static int64_t root(int64_t square) {
    int64_t r = 0;
    while ((r + 1) * (r + 1) <= square) r++;
    return r;
}

/* Pixels along a side. A file's positions are for one size: as many patches, and the class token. */
static int64_t side_of(lb_graph *graph, const lb_model_options *options, int64_t side, int64_t patch, int64_t rows) {
    const int64_t grid = root(rows - 1), pixels = lb_min(grid, LB_VALUE_ELEMENTS / patch) * patch;
    if (!graph->source->file) return side;
    if (grid * grid != rows - 1 || pixels != grid * patch || (options->side > 0 && options->side != pixels))
        lb_graph_fail(graph, LOWBIT_BAD_FORMAT,
                      "%lld positions and patches of %lld pixels are for images of %lld x %lld, not of %lld",
                      (long long)rows, (long long)patch, (long long)pixels, (long long)pixels,
                      (long long)options->side);
    return pixels;
}

/* Patches behind a class token, with their positions. side: where made up. */
static lb_value embed(lb_graph *graph, const lb_model_options *options, int64_t side, const family *f,
                      const lb_transformer *t) {
    char patches[LB_LAYER_NAME], name[LB_LAYER_NAME];
    const int64_t usual = side > 64 ? 16 : 4, grid = side / usual;
    const int64_t patch = lb_graph_dimension(graph, lb_spell(name, t->prefix, f->patch, 0, ".weight"), 2, usual);
    lb_spell(name, t->prefix, f->positions, 0, "");
    const int64_t rows = lb_graph_dimension(graph, name, 1, grid * grid + 1);
    const int64_t pixels = side_of(graph, options, side, patch, rows);
    lb_value x = lb_input(graph, (lb_shape){pixels, pixels, LB_CHANNELS});
    lb_spell(patches, t->prefix, f->patch, 0, "");
    x = lb_tokens(graph, lb_conv(graph, x, patches, t->width, lb_square(patch, patch, 0), true));
    x = lb_class_token(graph, x, lb_spell(patches, t->prefix, f->class_token, 0, ""));
    return lb_positions(graph, x, name, rows, 0);
}

static void build(lb_graph *graph, const lb_network *model, const lb_model_options *options, const family *f) {
    lb_transformer t = {
        .names = &f->blocks, .prefix = prefix_of(graph, f), .epsilon = f->epsilon, .act = f->act, .causal = false};
    const int64_t side = lb_or(options->side, model->side);
    refuse_others(graph, t.prefix);
    lb_transformer_sizes(graph, model, options, &t);
    lb_value x = lb_transformer_blocks(graph, embed(graph, options, side, f, &t), &t);
    x = lb_first_token(graph, lb_transformer_norm(graph, x, &t, f->norm));
    lb_class_layer(graph, x, f->head, lb_or(options->classes, side > 64 ? model->classes : 10));
}

void lb_build_vit(lb_graph *graph, const lb_network *model, const lb_model_options *options) {
    build(graph, model, options, &kTimm);
}

void lb_build_vit_hugging(lb_graph *graph, const lb_network *model, const lb_model_options *options) {
    build(graph, model, options, &kHugging);
}

void lb_build_vit_pre_norm(lb_graph *graph, const lb_network *model, const lb_model_options *options) {
    build(graph, model, options, &kPreNorm);
}

void lb_build_vit_post_norm(lb_graph *graph, const lb_network *model, const lb_model_options *options) {
    build(graph, model, options, &kPostNorm);
}
