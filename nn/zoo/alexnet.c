/* SPDX-License-Identifier: Apache-2.0 */
/* AlexNets: torchvision's for 224 x 224, the same with kernels of 3 x 3 for 32 x 32, and a small one with batch
 * normalization.
 *
 *     features: conv, relu[, pool], five times         classifier: three linear layers, relu between
 *     and between the two an adaptive pool to 6 x 6 */
#include "kernels/base/base.h"
#include "nn/zoo/families.h"

enum { CONVS = 5, GRID = 6 };

/* What differs between 224 and 32. */
typedef struct {
    lb_window convs[CONVS], pool;
} geometry;

static bool is_kernel(const lb_source *source, int64_t kernel) {
    return lb_source_dimension(source, "features.0.weight", 2) == kernel;
}

bool lb_is_alexnet(const lb_network *model, const lb_source *source, const lb_config *config) {
    (void)model, (void)config;
    return is_kernel(source, 11);
}

bool lb_is_alexnet_cifar(const lb_network *model, const lb_source *source, const lb_config *config) {
    (void)model, (void)config;
    return is_kernel(source, 3);
}

static lb_value features(lb_graph *graph, lb_value x, int64_t width, const geometry *g) {
    static const struct {
        const char *layer, *weight;
        int64_t widths; /* times the width of the first one */
        bool pool;
    } kConvs[CONVS] = {
        {"features.0", "features.0.weight", 1, true},   {"features.3", "features.3.weight", 3, true},
        {"features.6", "features.6.weight", 6, false},  {"features.8", "features.8.weight", 4, false},
        {"features.10", "features.10.weight", 4, true},
    };
    for (int i = 0; i < CONVS; i++) {
        const int64_t out = lb_graph_dimension(graph, kConvs[i].weight, 0, kConvs[i].widths * width);
        x = lb_relu(graph, lb_conv(graph, x, kConvs[i].layer, out, g->convs[i], true));
        if (kConvs[i].pool) x = lb_max_pool(graph, x, g->pool);
    }
    return x;
}

static lb_value classifier(lb_graph *graph, lb_value x, int64_t hidden, int64_t classes) {
    const int64_t first = lb_graph_dimension(graph, "classifier.1.weight", 0, hidden);
    const int64_t second = lb_graph_dimension(graph, "classifier.4.weight", 0, hidden);
    x = lb_relu(graph, lb_linear(graph, x, "classifier.1", first, true));
    x = lb_relu(graph, lb_linear(graph, x, "classifier.4", second, true));
    return lb_linear(graph, x, "classifier.6", lb_graph_dimension(graph, "classifier.6.weight", 0, classes), true);
}

static void build(lb_graph *graph, const lb_network *model, const lb_model_options *options, const geometry *g) {
    const int64_t width = lb_or(options->width, model->width);
    lb_value x = features(graph, lb_image_input(graph, options, model->side), width, g);
    const lb_node *node = lb_graph_at(graph, x);
    if (!node) return;
    if (node->shape.height != GRID || node->shape.width != GRID) x = lb_adaptive_average_pool(graph, x, GRID, GRID);
    classifier(graph, x, 64 * width, lb_or(options->classes, model->classes));
}

void lb_build_alexnet(lb_graph *graph, const lb_network *model, const lb_model_options *options) {
    const geometry g = {
        {lb_square(11, 4, 2), lb_square(5, 1, 2), lb_square(3, 1, 1), lb_square(3, 1, 1), lb_square(3, 1, 1)},
        lb_square(3, 2, 0)};
    build(graph, model, options, &g);
}

void lb_build_alexnet_cifar(lb_graph *graph, const lb_network *model, const lb_model_options *options) {
    const lb_window same = lb_square(3, 1, 1);
    const geometry g = {{same, same, same, same, same}, lb_square(2, 2, 0)};
    build(graph, model, options, &g);
}

/* Batch normalization comes behind the ReLU here, where no convolution can take it. */
void lb_build_alexnet_small(lb_graph *graph, const lb_network *model, const lb_model_options *options) {
    static const struct {
        const char *conv, *weight, *norm;
        int64_t kernel;
    } kStages[] = {{"conv1", "conv1.weight", "bn1", 5},
                   {"conv2", "conv2.weight", "bn2", 3},
                   {"conv3", "conv3.weight", "bn3", 3},
                   {"conv4", "conv4.weight", "bn4", 3}};
    int64_t width = lb_or(options->width, model->width);
    lb_value x = lb_image_input(graph, options, model->side);
    for (size_t i = 0; i < LB_COUNT(kStages); i++, width *= 2) {
        const int64_t out = lb_graph_dimension(graph, kStages[i].weight, 0, width), kernel = kStages[i].kernel;
        x = lb_conv(graph, x, kStages[i].conv, out, lb_square(kernel, 1, kernel / 2), true);
        x = lb_relu(graph, lb_max_pool(graph, x, lb_square(2, 2, 0)));
        x = lb_batch_norm(graph, x, kStages[i].norm, 1e-5f);
    }
    const int64_t hidden = lb_graph_dimension(graph, "fc1.weight", 0, width / 2);
    x = lb_relu(graph, lb_linear(graph, x, "fc1", hidden, true));
    lb_linear(graph, x, "fc2", lb_graph_dimension(graph, "fc2.weight", 0, lb_or(options->classes, model->classes)),
              true);
}
