/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/models.h"

#include <string.h>

#include "kernels/base/base.h"

#define LAYERS(name) static const lb_layer name[]

/* Encoders: width H, feed-forward F. */
#define ENCODER(h, f)                                                                                                  \
    {                                                                                                                  \
        {"attention", h, h, 0}, {"ffn-up", f, h, 0}, { "ffn-down", h, f, 0 }                                           \
    }
LAYERS(kTransformer512) = ENCODER(512, 1024);
LAYERS(kBertBase) = ENCODER(768, 3072);
LAYERS(kBertLarge) = ENCODER(1024, 4096);

LAYERS(kGpt2) = {
    {"qkv", 2304, 768, 0}, {"attention", 768, 768, 0}, {"ffn-up", 3072, 768, 0}, {"ffn-down", 768, 3072, 0}};

/* Vision transformers of 16 x 16 patches at 224 x 224: 196 patches and the class token. */
#define VIT(d, f)                                                                                                      \
    {                                                                                                                  \
        {"patch", d, 768, 196}, {"qkv", 3 * (d), d, 197}, {"proj", d, d, 197}, {"ffn-up", f, d, 197},                  \
            {"ffn-down", d, f, 197}, {"head", 1000, d, 1},                                                             \
    }
LAYERS(kVitTiny) = VIT(192, 768);
LAYERS(kVitSmall) = VIT(384, 1536);
LAYERS(kVitBase) = VIT(768, 3072);
LAYERS(kVitLarge) = VIT(1024, 4096);

LAYERS(kLlama7b) = {{"attention", 4096, 4096, 0}, {"ffn-up", 11008, 4096, 0}, {"ffn-down", 4096, 11008, 0}};

LAYERS(kLlama38b) = {
    {"attention", 4096, 4096, 0}, {"kv", 1024, 4096, 0}, {"ffn-up", 14336, 4096, 0}, {"ffn-down", 4096, 14336, 0}};

LAYERS(kBitnet2b) = {
    {"attention", 2560, 2560, 0}, {"kv", 640, 2560, 0}, {"ffn-up", 6912, 2560, 0}, {"ffn-down", 2560, 6912, 0}};

/* At 224 x 224. */
LAYERS(kResnet18) = {{"stem", 64, 147, 12544},  {"conv2", 64, 576, 3136},       {"conv3-first", 128, 576, 784},
                     {"conv3", 128, 1152, 784}, {"conv3-short", 128, 64, 784},  {"conv4-first", 256, 1152, 196},
                     {"conv4", 256, 2304, 196}, {"conv4-short", 256, 128, 196}, {"conv5-first", 512, 2304, 49},
                     {"conv5", 512, 4608, 49},  {"conv5-short", 512, 256, 49},  {"fc", 1000, 512, 1}};

/* At 224 x 224, the stride in the middle one of a block's three convolutions. */
LAYERS(kResnet50) = {
    {"stem", 64, 147, 12544},         {"conv2-first", 64, 64, 3136},   {"conv2-middle", 64, 576, 3136},
    {"conv2-up", 256, 64, 3136},      {"conv2-down", 64, 256, 3136},   {"conv3-first", 128, 256, 3136},
    {"conv3-middle", 128, 1152, 784}, {"conv3-up", 512, 128, 784},     {"conv3-short", 512, 256, 784},
    {"conv3-down", 128, 512, 784},    {"conv4-first", 256, 512, 784},  {"conv4-middle", 256, 2304, 196},
    {"conv4-up", 1024, 256, 196},     {"conv4-short", 1024, 512, 196}, {"conv4-down", 256, 1024, 196},
    {"conv5-first", 512, 1024, 196},  {"conv5-middle", 512, 4608, 49}, {"conv5-up", 2048, 512, 49},
    {"conv5-short", 2048, 1024, 49},  {"conv5-down", 512, 2048, 49},   {"fc", 1000, 2048, 1}};

/* Networks for images of 32 x 32: ResNet-18 with a stem of 3 x 3 and no pool behind it. */
LAYERS(kResnet18Cifar) = {{"stem", 64, 27, 1024},    {"conv2", 64, 576, 1024},      {"conv3-first", 128, 576, 256},
                          {"conv3", 128, 1152, 256}, {"conv3-short", 128, 64, 256}, {"conv4-first", 256, 1152, 64},
                          {"conv4", 256, 2304, 64},  {"conv4-short", 256, 128, 64}, {"conv5-first", 512, 2304, 16},
                          {"conv5", 512, 4608, 16},  {"conv5-short", 512, 256, 16}, {"fc", 10, 512, 1}};

LAYERS(kResnet20Cifar) = {{"stem", 16, 27, 1024},  {"conv2", 16, 144, 1024},     {"conv3-first", 32, 144, 256},
                          {"conv3", 32, 288, 256}, {"conv4-first", 64, 288, 64}, {"conv4", 64, 576, 64},
                          {"fc", 10, 64, 1}};

LAYERS(kAlexnetCifar) = {{"conv1", 64, 27, 1024},  {"conv2", 192, 576, 256}, {"conv3", 384, 1728, 64},
                         {"conv4", 256, 3456, 64}, {"conv5", 256, 2304, 64}, {"fc1", 4096, 9216, 1},
                         {"fc2", 4096, 4096, 1},   {"fc3", 10, 4096, 1}};

LAYERS(kVggSmall) = {{"conv1", 128, 27, 1024},  {"conv2", 128, 1152, 1024}, {"conv3", 256, 1152, 256},
                     {"conv4", 256, 2304, 256}, {"conv5", 512, 2304, 64},   {"conv6", 512, 4608, 64},
                     {"fc", 10, 8192, 1}};

/* At 224 x 224. */
LAYERS(kVgg16) = {{"conv1-1", 64, 27, 50176},    {"conv1-2", 64, 576, 50176},  {"conv2-1", 128, 576, 12544},
                  {"conv2-2", 128, 1152, 12544}, {"conv3-1", 256, 1152, 3136}, {"conv3-2", 256, 2304, 3136},
                  {"conv4-1", 512, 2304, 784},   {"conv4-2", 512, 4608, 784},  {"conv5", 512, 4608, 196},
                  {"fc1", 4096, 25088, 1},       {"fc2", 4096, 4096, 1},       {"fc3", 1000, 4096, 1}};

#define MODEL(name, formats, rows, layers)                                                                             \
    { name, formats, rows, layers, LB_COUNT(layers) }
static const lb_known_model kModels[] = {
    MODEL("bert-base", "i8", "16,128", kBertBase),
    MODEL("bert-large", "i8", "16,128", kBertLarge),
    MODEL("transformer-512", "i8", "16,128", kTransformer512), /* d_ff 1024, of text classifiers */
    MODEL("gpt2", "i8", "1,8,128", kGpt2),
    MODEL("llama-7b", "i4g32", "1,8,128", kLlama7b),
    MODEL("llama3-8b", "i4g32", "1,8,128", kLlama38b),
    MODEL("bitnet-2b", "t2", "1,8,128", kBitnet2b),
    MODEL("vit-ti", "i8", "1", kVitTiny), /* DeiT-Ti, -S and -B have the same shapes */
    MODEL("vit-s", "i8", "1", kVitSmall),
    MODEL("vit-b", "i8", "1", kVitBase),
    MODEL("vit-l", "i8", "1", kVitLarge),
    MODEL("resnet18", "i8", "1", kResnet18),
    MODEL("resnet50", "i8", "1", kResnet50),
    MODEL("vgg16", "i8", "1", kVgg16),
    MODEL("resnet18-cifar", "i8", "1", kResnet18Cifar),
    MODEL("resnet20-cifar", "i8", "1", kResnet20Cifar),
    MODEL("alexnet-cifar", "i8", "1", kAlexnetCifar),
    MODEL("vgg-small", "i8", "1", kVggSmall),
};

const lb_known_model *lb_known_model_at(size_t index) { return index < LB_COUNT(kModels) ? &kModels[index] : NULL; }

const lb_known_model *lb_known_model_named(const char *name) {
    for (size_t i = 0; i < LB_COUNT(kModels); i++)
        if (strcmp(kModels[i].name, name) == 0) return &kModels[i];
    return NULL;
}

const lb_layer *lb_layer_named(const lb_known_model *model, const char *name) {
    for (size_t i = 0; i < model->count; i++)
        if (strcmp(model->layers[i].name, name) == 0) return &model->layers[i];
    return NULL;
}
