/* SPDX-License-Identifier: Apache-2.0 */
/* The CNV networks of FINN (Umuroglu et al. 2017): weights and activations are -1, 1, or -1, 0, 1, and what batch
 * normalization was left are thresholds. No padding, no bias.
 *
 *     conv 3x3, conv 3x3, pool 2x2; twice the width: the same; twice that: conv 3x3, conv 3x3; two linear layers, each
 *     followed by steps; a linear layer */
#include <math.h>
#include <stdio.h>

#include "kernels/base/base.h"
#include "nn/zoo/families.h"

/* -1 and 1 (one threshold, "threshold") or -1, 0, 1 (two, "thresholds"). */
typedef struct {
    int64_t count;
    const char *tensor;
    float book[3];
} levels;

static const levels kBinary = {1, "threshold", {-1, 1}}, kTernary = {2, "thresholds", {-1, 0, 1}};

/* Made-up weights become levels, and made-up thresholds a part of the deviation of a sum: so all levels occur. */
static void make_levels(lb_graph *graph, lb_value x, const levels *l, int64_t inputs) {
    const lb_node *node = lb_graph_at(graph, x);
    if (!node || graph->source->file) return;
    const float deviation = sqrtf(2.0f / (float)inputs), zero = l->count == 2 ? deviation / 2 : 0;
    for (int64_t i = 0; i < node->shape.channels * inputs; i++) {
        const float w = node->weights[i];
        node->weights[i] = fabsf(w) < zero ? 0 : w < 0 ? -1 : 1;
    }
}

static void make_thresholds(const lb_graph *graph, float *thresholds, int64_t channels, const levels *l,
                            int64_t inputs) {
    if (graph->source->file) return;
    for (int64_t i = 0; i < channels * l->count; i++) {
        const double where = (double)(i % l->count) - (double)(l->count - 1) / 2;
        thresholds[i] = (float)(where * 0.75 * sqrt((double)inputs)) + 0.25f * (thresholds[i] - 1);
    }
}

/* A convolution of kernel x kernel (0: a linear layer) and its steps. */
static lb_value layer(lb_graph *graph, lb_value x, const char *name, int64_t kernel, int64_t width, const levels *l) {
    char text[32];
    const lb_node *node = lb_graph_at(graph, x);
    if (!node) return LB_NO_VALUE;
    const int64_t inputs =
        node->shape.channels * (kernel > 0 ? kernel * kernel : node->shape.height * node->shape.width);
    snprintf(text, sizeof text, "%s.weight", name);
    const int64_t out = lb_graph_dimension(graph, text, 0, width), shape[] = {out, l->count};
    x = kernel > 0 ? lb_conv(graph, x, name, out, lb_square(kernel, 1, 0), false)
                   : lb_linear(graph, x, name, out, false);
    make_levels(graph, x, l, inputs);
    snprintf(text, sizeof text, "%s.%s", name, l->tensor);
    float *thresholds = lb_graph_tensor(graph, text, l->count == 1 ? 1 : 2, shape);
    if (!thresholds) return LB_NO_VALUE;
    make_thresholds(graph, thresholds, out, l, inputs);
    return lb_steps(graph, x, name, thresholds, l->count, l->book, 1);
}

static void build(lb_graph *graph, const lb_network *model, const lb_model_options *options, const levels *l) {
    static const char *const kConvs[] = {"conv0", "conv1", "conv2", "conv3", "conv4", "conv5"};
    int64_t width = lb_or(options->width, model->width);
    lb_value x = lb_image_input(graph, options, model->side);
    lb_on_grid(graph, x, 1.0f / 128);
    for (size_t i = 0; i < LB_COUNT(kConvs); i++) {
        x = layer(graph, x, kConvs[i], 3, width, l);
        if (i % 2 == 0) continue;
        width *= 2;
        if (i < 5) x = lb_max_pool(graph, x, lb_square(2, 2, 0));
    }
    x = layer(graph, x, "fc6", 0, width, l);
    x = layer(graph, x, "fc7", 0, width, l);
    const lb_node *node = lb_graph_at(graph, x);
    const int64_t inputs = node ? node->shape.channels : 1;
    x = lb_linear(graph, x, "fc8", lb_graph_dimension(graph, "fc8.weight", 0, lb_or(options->classes, model->classes)),
                  false);
    make_levels(graph, x, l, inputs);
}

void lb_build_bnn_cnv(lb_graph *graph, const lb_network *model, const lb_model_options *options) {
    build(graph, model, options, &kBinary);
}

void lb_build_ternary_cnv(lb_graph *graph, const lb_network *model, const lb_model_options *options) {
    build(graph, model, options, &kTernary);
}
