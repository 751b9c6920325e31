/* SPDX-License-Identifier: Apache-2.0 */
/* ResNets of basic blocks (He et al. 2015), for CIFAR and for ImageNet. What can be read off a file is: stages, blocks,
 * widths, the first kernel, and whether a shortcut has weights; so the names of torchvision ("downsample", "fc"), of
 * kuangliu ("shortcut", "linear") and of akamaster (no weights in shortcuts) are all read by one function.
 *
 *     x = relu(bn1(conv1(image))), and a pool if the stem has one
 *     block: x = relu(bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x))
 *     linear(mean of the image) */
#include <stdio.h>

#include "nn/zoo/families.h"

enum { MOST_BLOCKS = 1000 };

static const float kEpsilon = 1e-5f;

static const char *text(char out[LB_LAYER_NAME], int stage, int64_t block, const char *layer) {
    snprintf(out, LB_LAYER_NAME, "layer%d.%d.%s", stage + 1, (int)block, layer);
    return out;
}

/* ---- what a file has ---- */

/* Blocks of a stage; 0 if there is no such stage. */
static int64_t count_blocks(const lb_source *source, int stage) {
    char name[LB_LAYER_NAME];
    int64_t blocks = 0;
    while (blocks < MOST_BLOCKS && lb_source_dimension(source, text(name, stage, blocks, "conv1.weight"), 0) > 0)
        blocks++;
    return blocks;
}

bool lb_is_any_resnet(const lb_network *model, const lb_source *source, const lb_config *config) {
    (void)model, (void)config;
    return lb_source_dimension(source, "layer1.0.conv3.weight", 0) == 0; /* that would be a bottleneck block */
}

bool lb_is_resnet(const lb_network *model, const lb_source *source, const lb_config *config) {
    bool same = lb_is_any_resnet(model, source, config);
    for (int stage = 0; stage < LB_STAGES; stage++) same &= count_blocks(source, stage) == model->blocks[stage];
    return same;
}

/* A file has no other block than those that are counted: one that lacks its first tensor would be passed over. */
static void check_blocks(lb_graph *graph) {
    int64_t blocks[LB_STAGES];
    const lb_safetensors *file = graph->source->file;
    for (int stage = 0; stage < LB_STAGES; stage++) blocks[stage] = count_blocks(graph->source, stage);
    for (size_t i = 0; file && i < file->count; i++) {
        int stage, number;
        const char *name = file->tensors[i].name;
        if (sscanf(name, "layer%4d.%4d.", &stage, &number) != 2) continue;
        if (stage < 1 || stage > LB_STAGES || number >= blocks[stage - 1])
            lb_graph_fail(graph, LOWBIT_BAD_FORMAT, "\"%.64s\" belongs to a block that lacks its conv1.weight", name);
    }
}

/* ---- layers ---- */

static lb_value stem(lb_graph *graph, const lb_network *model, const lb_model_options *options,
                     const lb_resnet_layers *layers) {
    const bool large = options->stem == LB_STEM_IMAGENET || (options->stem == LB_STEM_UNSAID && options->side > 64);
    const int64_t kernel = lb_graph_dimension(graph, "conv1.weight", 2, large ? 7 : 3);
    const int64_t out = lb_graph_dimension(graph, "conv1.weight", 0, lb_or(options->width, model->width));
    const bool imagenet = kernel == 7;
    const bool pools =
        imagenet || options->stem == LB_STEM_CIFAR_POOL || (options->stem == LB_STEM_UNSAID && options->side > 64);
    if (kernel != 3 && kernel != 7)
        lb_graph_fail(graph, LOWBIT_UNSUPPORTED, "\"conv1.weight\" has kernels of %lld, and not of 3 or 7",
                      (long long)kernel);
    if (options->stem != LB_STEM_UNSAID && (options->stem == LB_STEM_IMAGENET) != imagenet)
        lb_graph_fail(graph, LOWBIT_INVALID_ARGUMENT, "the stem is said to be another one than \"conv1.weight\" has");
    lb_value x = lb_image_input(graph, options, imagenet ? 224 : model->side);
    x = lb_conv(graph, x, "conv1", out, lb_square(kernel, imagenet ? 2 : 1, kernel / 2), false);
    if (layers->end) layers->end(graph, x);
    x = lb_relu(graph, lb_batch_norm(graph, x, "bn1", kEpsilon));
    return pools ? lb_max_pool(graph, x, lb_square(3, 2, 1)) : x;
}

static lb_value plain_conv(lb_graph *graph, lb_value x, const char *name, int64_t out, lb_window window) {
    return lb_conv(graph, x, name, out, window, false);
}

/* x itself, a convolution of 1 x 1, or every stride'th pixel between zero channels (option A). */
static lb_value shortcut(lb_graph *graph, lb_value x, int stage, int64_t block, int64_t out, int64_t stride,
                         const lb_resnet_layers *layers) {
    static const char *const kNames[] = {"downsample", "shortcut"};
    char layer[LB_LAYER_NAME], name[2 * LB_LAYER_NAME];
    const lb_node *node = lb_graph_at(graph, x);
    if (!node) return LB_NO_VALUE;
    const int64_t inputs = node->shape.channels;
    const bool changes = stride != 1 || inputs != out;
    for (int i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "%s.0.weight", text(layer, stage, block, kNames[i]));
        const bool made_up = !graph->source->file && i == 0 && changes && layers->projects;
        if (!made_up && !lb_graph_has(graph, name)) continue;
        snprintf(name, sizeof name, "%s.0", layer);
        x = layers->conv(graph, x, name, out, lb_square(1, stride, 0));
        snprintf(name, sizeof name, "%s.1", layer);
        return lb_batch_norm(graph, x, name, kEpsilon);
    }
    return changes ? lb_subsample(graph, x, stride, out, (out - inputs) / 2) : x;
}

static lb_value block(lb_graph *graph, lb_value x, int stage, int64_t number, int64_t width, int64_t stride,
                      const lb_resnet_layers *layers) {
    char name[LB_LAYER_NAME];
    const int64_t inner = lb_graph_dimension(graph, text(name, stage, number, "conv1.weight"), 0, width);
    const int64_t out = lb_graph_dimension(graph, text(name, stage, number, "conv2.weight"), 0, width);
    const lb_value around = shortcut(graph, x, stage, number, out, stride, layers);
    x = layers->conv(graph, x, text(name, stage, number, "conv1"), inner, lb_square(3, stride, 1));
    x = lb_relu(graph, lb_batch_norm(graph, x, text(name, stage, number, "bn1"), kEpsilon));
    x = layers->conv(graph, x, text(name, stage, number, "conv2"), out, lb_square(3, 1, 1));
    x = lb_batch_norm(graph, x, text(name, stage, number, "bn2"), kEpsilon);
    return lb_relu(graph, lb_add(graph, x, around));
}

void lb_build_resnet_of(lb_graph *graph, const lb_network *model, const lb_model_options *options,
                        const lb_resnet_layers *layers) {
    check_blocks(graph);
    lb_value x = stem(graph, model, options, layers);
    int64_t width = lb_or(options->width, model->width);
    for (int stage = 0; stage < LB_STAGES; stage++, width *= 2) {
        const int64_t blocks = graph->source->file ? count_blocks(graph->source, stage) : model->blocks[stage];
        for (int64_t i = 0; i < blocks; i++) x = block(graph, x, stage, i, width, i == 0 && stage > 0 ? 2 : 1, layers);
    }
    x = lb_adaptive_average_pool(graph, x, 1, 1);
    const bool linear = lb_graph_has(graph, "linear.weight");
    const int64_t classes = lb_or(options->classes, options->side > 64 ? 1000 : model->classes);
    const int64_t out = lb_graph_dimension(graph, linear ? "linear.weight" : "fc.weight", 0, classes);
    x = lb_linear(graph, x, linear ? "linear" : "fc", out, true);
    if (layers->end) layers->end(graph, x);
}

void lb_build_resnet(lb_graph *graph, const lb_network *model, const lb_model_options *options) {
    static const lb_resnet_layers kLayers = {plain_conv, NULL, false};
    lb_build_resnet_of(graph, model, options, &kLayers);
}

void lb_build_resnet_projected(lb_graph *graph, const lb_network *model, const lb_model_options *options) {
    static const lb_resnet_layers kLayers = {plain_conv, NULL, true};
    lb_build_resnet_of(graph, model, options, &kLayers);
}
