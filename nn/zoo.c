/* SPDX-License-Identifier: Apache-2.0 */
/* The table of networks, and which of them a file holds. */
#include "nn/zoo.h"

#include <stdio.h>
#include <string.h>

#include "kernels/base/base.h"
#include "nn/zoo/families.h"

/* What networks were trained with. */
static const lb_normalization kCifar = {255, {0.4914f, 0.4822f, 0.4465f}, {0.2023f, 0.1994f, 0.2010f}};
static const lb_normalization kApot = {255, {0.491f, 0.482f, 0.447f}, {0.247f, 0.243f, 0.262f}};
static const lb_normalization kPreNorm = {255, {0.4914f, 0.4822f, 0.4465f}, {0.247f, 0.2435f, 0.2616f}};
static const lb_normalization kHalf = {255, {0.5f, 0.5f, 0.5f}, {0.5f, 0.5f, 0.5f}};
static const lb_normalization kAsItIs = {1, {0, 0, 0}, {1, 1, 1}};
const lb_normalization lb_imagenet = {255, {0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}};

#define LIST(...)                                                                                                      \
    { __VA_ARGS__ }
#define CNN(called, what, which, how, enters, pixels, pixels_a_side, channels, outputs, stages, ...)                   \
    {                                                                                                                  \
        .name = called, .description = what, .marks = {__VA_ARGS__}, .is = which, .build = how, .side = pixels_a_side, \
        .width = channels, .classes = outputs, .blocks = LIST stages, .input = enters, .normalization = pixels         \
    }

/* Transformers of images, and of texts. */
#define TRANSFORMER(called, what, which, how, layers, features, of_heads, between, ...)                                \
    .name = called, .description = what, .is = which, .build = how, .marks = {__VA_ARGS__}, .blocks = {layers},        \
    .width = features, .heads = of_heads, .inner = between
#define VIT(called, what, which, how, layers, features, of_heads, between, pixels_a_side, pixels, ...)                 \
    {                                                                                                                  \
        TRANSFORMER(called, what, which, how, layers, features, of_heads, between, __VA_ARGS__),                       \
            .side = pixels_a_side, .classes = 1000, .normalization = pixels                                            \
    }
#define TIMM(called, layers, features, of_heads)                                                                       \
    VIT(called, "ViT, timm's names", lb_is_vit, lb_build_vit, layers, features, of_heads, 4 * (features), 224, &kHalf, \
        "blocks.0.attn.qkv.weight", "cls_token")
#define TEXT(called, what, which, how, layers, features, of_heads, between, outputs, ...)                              \
    {                                                                                                                  \
        TRANSFORMER(called, what, which, how, layers, features, of_heads, between, __VA_ARGS__),                       \
            .classes = outputs, .input = LB_INPUT_TEXT                                                                 \
    }
#define BERT(called, which, layers, features, of_heads, outputs)                                                       \
    TEXT(called, "BERT by Hugging Face's names: classes or embeddings", which, lb_build_bert, layers, features,        \
         of_heads, 4 * (features), outputs, "*encoder.layer.0.attention.self.query.weight",                            \
         "*embeddings.word_embeddings.weight")
#define GPT2(called, which, layers, features, of_heads)                                                                \
    TEXT(called, "GPT-2 by Hugging Face's names", which, lb_build_gpt2, layers, features, of_heads, 4 * (features),    \
         50257, "*h.0.attn.c_attn.weight", "*wte.weight")
#define LLAMA(called, what, which, layers, features, of_heads, between, outputs)                                       \
    TEXT(called, what, which, lb_build_llama, layers, features, of_heads, between, outputs,                            \
         "model.layers.0.self_attn.q_proj.weight", "model.layers.0.mlp.gate_proj.weight")

const lb_network lb_networks[] = {
    CNN("resnet8", "ResNet-8 of MLPerf Tiny", NULL, lb_build_resnet8, LB_INPUT_NORMALIZED, &kAsItIs, 32, 16, 10, (0),
        "conv8.weight", "bn6.weight", "fc.weight"),
    CNN("bnn-cnv", "CNV of FINN, weights and activations of 1 bit", NULL, lb_build_bnn_cnv, LB_INPUT_FIXED_POINT,
        &kAsItIs, 32, 64, 10, (0), "conv0.threshold", "fc8.weight"),
    CNN("ternary-cnv", "CNV of FINN, weights and activations -1, 0, 1", NULL, lb_build_ternary_cnv,
        LB_INPUT_FIXED_POINT, &kAsItIs, 32, 64, 10, (0), "conv0.thresholds", "fc8.weight"),
    CNN("alexnet", "AlexNet, torchvision's for 224 x 224", lb_is_alexnet, lb_build_alexnet, LB_INPUT_NORMALIZED,
        &lb_imagenet, 224, 64, 1000, (0), "features.10.weight", "classifier.1.weight", "classifier.6.weight"),
    CNN("alexnet-cifar", "AlexNet with kernels of 3 x 3 for 32 x 32", lb_is_alexnet_cifar, lb_build_alexnet_cifar,
        LB_INPUT_NORMALIZED, &kHalf, 32, 64, 10, (0), "features.10.weight", "classifier.1.weight",
        "classifier.6.weight"),
    CNN("alexnet-small", "four convolutions, batch normalization behind ReLU", NULL, lb_build_alexnet_small,
        LB_INPUT_NORMALIZED, &kCifar, 32, 32, 10, (0), "conv4.weight", "bn4.weight", "fc2.weight"),
    CNN("resnet18", "ResNet-18, torchvision's or kuangliu's names", lb_is_resnet, lb_build_resnet_projected,
        LB_INPUT_NORMALIZED, &kCifar, 32, 64, 10, (2, 2, 2, 2), "layer4.0.conv1.weight", "conv1.weight"),
    CNN("resnet34", "ResNet-34, the same", lb_is_resnet, lb_build_resnet_projected, LB_INPUT_NORMALIZED, &kCifar, 32,
        64, 10, (3, 4, 6, 3), "layer4.0.conv1.weight", "conv1.weight"),
    CNN("resnet20-apot", "ResNet-20 of additive powers of two", lb_is_apot, lb_build_apot, LB_INPUT_NORMALIZED, &kApot,
        32, 16, 10, (3, 3, 3), "layer3.0.conv1.weight", "conv1.weight"),
    CNN("resnet20", "ResNet-20 for CIFAR, akamaster's names", lb_is_resnet, lb_build_resnet, LB_INPUT_NORMALIZED,
        &lb_imagenet, 32, 16, 10, (3, 3, 3), "layer3.0.conv1.weight", "conv1.weight"),
    CNN("resnet32", "ResNet-32, the same", lb_is_resnet, lb_build_resnet, LB_INPUT_NORMALIZED, &lb_imagenet, 32, 16, 10,
        (5, 5, 5), "layer3.0.conv1.weight", "conv1.weight"),
    CNN("resnet44", "ResNet-44, the same", lb_is_resnet, lb_build_resnet, LB_INPUT_NORMALIZED, &lb_imagenet, 32, 16, 10,
        (7, 7, 7), "layer3.0.conv1.weight", "conv1.weight"),
    CNN("resnet56", "ResNet-56, the same", lb_is_resnet, lb_build_resnet, LB_INPUT_NORMALIZED, &lb_imagenet, 32, 16, 10,
        (9, 9, 9), "layer3.0.conv1.weight", "conv1.weight"),
    CNN("resnet110", "ResNet-110, the same", lb_is_resnet, lb_build_resnet, LB_INPUT_NORMALIZED, &lb_imagenet, 32, 16,
        10, (18, 18, 18), "layer3.0.conv1.weight", "conv1.weight"),
    CNN("resnet", "any other ResNet of basic blocks", lb_is_any_resnet, lb_build_resnet, LB_INPUT_NORMALIZED,
        &lb_imagenet, 32, 16, 10, (1, 1, 1), "layer1.0.conv2.weight", "conv1.weight"),
    TIMM("vit-tiny", 12, 192, 3),
    TIMM("vit-small", 12, 384, 6),
    TIMM("vit-base", 12, 768, 12),
    TIMM("vit-large", 24, 1024, 16),
    VIT("vit", "any other ViT by timm's names", NULL, lb_build_vit, 4, 192, 3, 768, 224, &kHalf,
        "blocks.0.attn.qkv.weight", "cls_token"),
    VIT("vit-hf", "ViT of any size by Hugging Face's names", NULL, lb_build_vit_hugging, 12, 768, 12, 3072, 224, &kHalf,
        "*embeddings.patch_embeddings.projection.weight", "*encoder.layer.0.layernorm_before.weight"),
    VIT("vit-prenorm", "a small ViT, norms in front", NULL, lb_build_vit_pre_norm, 4, 128, 4, 256, 32, &kPreNorm,
        "embedding.pos_embeddings", "encoder.layers.0.attn.out_proj.weight"),
    VIT("vit-postnorm", "a small ViT, norms behind", NULL, lb_build_vit_post_norm, 6, 128, 8, 256, 32, &kCifar,
        "transformer.layers.0.self_attn.in_proj_weight", "cls_token"),
    BERT("bert-tiny", lb_is_bert, 2, 128, 2, 2),
    BERT("bert-mini", lb_is_bert, 4, 256, 4, 2),
    BERT("bert-small", lb_is_bert, 4, 512, 8, 2),
    BERT("bert-medium", lb_is_bert, 8, 512, 8, 2),
    BERT("bert-base", lb_is_bert, 12, 768, 12, 2),
    BERT("bert-large", lb_is_bert, 24, 1024, 16, 2),
    BERT("minilm", lb_is_bert, 6, 384, 12, 0),
    BERT("bert", lb_is_any_bert, 3, 192, 3, 2),
    TEXT("distilbert", "DistilBERT: classes or embeddings", lb_is_distilbert, lb_build_distilbert, 6, 768, 12, 3072, 2,
         "*transformer.layer.0.attention.q_lin.weight"),
    TEXT("news", "the encoder of a study on AG_NEWS", NULL, lb_build_news, 2, 512, 8, 1024, 4,
         "sublayer_attention.0.multiheads.heads.0.weight"),
    GPT2("distilgpt2", lb_is_gpt2, 6, 768, 12),
    GPT2("gpt2", lb_is_gpt2, 12, 768, 12),
    GPT2("gpt2-medium", lb_is_gpt2, 24, 1024, 16),
    GPT2("gpt2-any", lb_is_any_gpt2, 2, 192, 3),
    LLAMA("llama-1b", "a Llama of 1.1 billion weights", lb_is_llama, 16, 2048, 32, 8192, 32000),
    LLAMA("llama", "Llama by Hugging Face's names, or a checkpoint of llama2.c", NULL, 2, 64, 4, 176, 512),
};
const size_t lb_network_count = LB_COUNT(lb_networks);

int64_t lb_source_dimension(const lb_source *source, const char *name, int32_t axis) {
    const lb_tensor *tensor = source->file ? lb_safetensors_find(source->file, name) : NULL;
    return tensor && axis < tensor->rank ? tensor->shape[axis] : 0;
}

const lb_network *lb_network_named(const char *name) {
    for (size_t i = 0; i < lb_network_count; i++)
        if (strcmp(lb_networks[i].name, name) == 0) return &lb_networks[i];
    return NULL;
}

/* Whether a tensor of that name is there; "*" in front: with anything in front. */
static bool has_mark(const lb_source *source, const char *mark) {
    if (mark[0] != '*') return lb_source_dimension(source, mark, 0) > 0;
    const size_t length = strlen(++mark);
    for (size_t i = 0; i < source->file->count; i++) {
        const char *name = source->file->tensors[i].name;
        const size_t before = strlen(name) - length;
        if (strlen(name) >= length && strcmp(name + before, mark) == 0) return true;
    }
    return false;
}

static bool matches(const lb_network *model, const lb_source *source, const lb_config *config) {
    bool all = true;
    for (int i = 0; i < LB_MARKS && model->marks[i]; i++) all &= has_mark(source, model->marks[i]);
    return all && (!model->is || model->is(model, source, config));
}

/* "conv8.weight, conv0.threshold, ...": the first mark of every row, once. */
static void print_marks(char *text, size_t size) {
    size_t at = 0;
    for (size_t i = 0; i < lb_network_count && at < size; i++)
        if (i == 0 || strcmp(lb_networks[i].marks[0], lb_networks[i - 1].marks[0]) != 0)
            at += (size_t)snprintf(text + at, size - at, "%s%s", i > 0 ? ", " : "", lb_networks[i].marks[0]);
}

lowbit_status lb_network_find(const lb_source *source, const lb_config *config, const lb_network **model,
                              lowbit_error *error) {
    char marks[176];
    for (size_t i = 0; i < lb_network_count; i++)
        if (matches(&lb_networks[i], source, config)) {
            *model = &lb_networks[i];
            return LOWBIT_OK;
        }
    print_marks(marks, sizeof marks);
    return lb_fail(error, LOWBIT_UNSUPPORTED, "tensors of no known network: looked for %s", marks);
}
