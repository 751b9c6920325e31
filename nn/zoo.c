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
static const lb_normalization kHalf = {255, {0.5f, 0.5f, 0.5f}, {0.5f, 0.5f, 0.5f}};
static const lb_normalization kAsItIs = {1, {0, 0, 0}, {1, 1, 1}};
const lb_normalization lb_imagenet = {255, {0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}};

#define LLAMA(name, what, is, layers, width, heads, inner, words)                                                      \
    {                                                                                                                  \
        name, what, {"model.layers.0.self_attn.q_proj.weight", "model.layers.0.mlp.gate_proj.weight"}, is,             \
            lb_build_llama, 0, width, words, {layers}, LB_INPUT_TEXT, NULL, heads, inner                               \
    }

const lb_network lb_networks[] = {
    {"resnet8",
     "ResNet-8 of MLPerf Tiny",
     {"conv8.weight", "bn6.weight", "fc.weight"},
     NULL,
     lb_build_resnet8,
     32,
     16,
     10,
     {0},
     LB_INPUT_NORMALIZED,
     &kAsItIs,
     0,
     0},
    {"bnn-cnv",
     "CNV of FINN, weights and activations of 1 bit",
     {"conv0.threshold", "fc8.weight"},
     NULL,
     lb_build_bnn_cnv,
     32,
     64,
     10,
     {0},
     LB_INPUT_FIXED_POINT,
     &kAsItIs,
     0,
     0},
    {"ternary-cnv",
     "CNV of FINN, weights and activations -1, 0, 1",
     {"conv0.thresholds", "fc8.weight"},
     NULL,
     lb_build_ternary_cnv,
     32,
     64,
     10,
     {0},
     LB_INPUT_FIXED_POINT,
     &kAsItIs,
     0,
     0},
    {"alexnet",
     "AlexNet, torchvision's for 224 x 224",
     {"features.10.weight", "classifier.1.weight", "classifier.6.weight"},
     lb_is_alexnet,
     lb_build_alexnet,
     224,
     64,
     1000,
     {0},
     LB_INPUT_NORMALIZED,
     &lb_imagenet,
     0,
     0},
    {"alexnet-cifar",
     "AlexNet with kernels of 3 x 3 for 32 x 32",
     {"features.10.weight", "classifier.1.weight", "classifier.6.weight"},
     lb_is_alexnet_cifar,
     lb_build_alexnet_cifar,
     32,
     64,
     10,
     {0},
     LB_INPUT_NORMALIZED,
     &kHalf,
     0,
     0},
    {"alexnet-small",
     "four convolutions, batch normalization behind ReLU",
     {"conv4.weight", "bn4.weight", "fc2.weight"},
     NULL,
     lb_build_alexnet_small,
     32,
     32,
     10,
     {0},
     LB_INPUT_NORMALIZED,
     &kCifar,
     0,
     0},
    {"resnet18",
     "ResNet-18, torchvision's or kuangliu's names",
     {"layer4.0.conv1.weight", "conv1.weight"},
     lb_is_resnet,
     lb_build_resnet_projected,
     32,
     64,
     10,
     {2, 2, 2, 2},
     LB_INPUT_NORMALIZED,
     &kCifar,
     0,
     0},
    {"resnet34",
     "ResNet-34, the same",
     {"layer4.0.conv1.weight", "conv1.weight"},
     lb_is_resnet,
     lb_build_resnet_projected,
     32,
     64,
     10,
     {3, 4, 6, 3},
     LB_INPUT_NORMALIZED,
     &kCifar,
     0,
     0},
    {"resnet20-apot",
     "ResNet-20 of additive powers of two",
     {"layer3.0.conv1.weight", "conv1.weight"},
     lb_is_apot,
     lb_build_apot,
     32,
     16,
     10,
     {3, 3, 3},
     LB_INPUT_NORMALIZED,
     &kApot,
     0,
     0},
    {"resnet20",
     "ResNet-20 for CIFAR, akamaster's names",
     {"layer3.0.conv1.weight", "conv1.weight"},
     lb_is_resnet,
     lb_build_resnet,
     32,
     16,
     10,
     {3, 3, 3},
     LB_INPUT_NORMALIZED,
     &lb_imagenet,
     0,
     0},
    {"resnet32",
     "ResNet-32, the same",
     {"layer3.0.conv1.weight", "conv1.weight"},
     lb_is_resnet,
     lb_build_resnet,
     32,
     16,
     10,
     {5, 5, 5},
     LB_INPUT_NORMALIZED,
     &lb_imagenet,
     0,
     0},
    {"resnet44",
     "ResNet-44, the same",
     {"layer3.0.conv1.weight", "conv1.weight"},
     lb_is_resnet,
     lb_build_resnet,
     32,
     16,
     10,
     {7, 7, 7},
     LB_INPUT_NORMALIZED,
     &lb_imagenet,
     0,
     0},
    {"resnet56",
     "ResNet-56, the same",
     {"layer3.0.conv1.weight", "conv1.weight"},
     lb_is_resnet,
     lb_build_resnet,
     32,
     16,
     10,
     {9, 9, 9},
     LB_INPUT_NORMALIZED,
     &lb_imagenet,
     0,
     0},
    {"resnet110",
     "ResNet-110, the same",
     {"layer3.0.conv1.weight", "conv1.weight"},
     lb_is_resnet,
     lb_build_resnet,
     32,
     16,
     10,
     {18, 18, 18},
     LB_INPUT_NORMALIZED,
     &lb_imagenet,
     0,
     0},
    {"resnet",
     "any other ResNet of basic blocks",
     {"layer1.0.conv2.weight", "conv1.weight"},
     lb_is_any_resnet,
     lb_build_resnet,
     32,
     16,
     10,
     {1, 1, 1},
     LB_INPUT_NORMALIZED,
     &lb_imagenet,
     0,
     0},
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

static bool matches(const lb_network *model, const lb_source *source, const lb_config *config) {
    bool all = true;
    for (int i = 0; i < LB_MARKS && model->marks[i]; i++) all &= lb_source_dimension(source, model->marks[i], 0) > 0;
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
