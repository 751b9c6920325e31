/* SPDX-License-Identifier: Apache-2.0 */
/* ResNets of additive powers of two (Li, Dong, Wang 2020). Each convolution in a block has weights and inputs on a grid
 * of few values; the first and the last layer have weights of 8 bits.
 *
 *     input    act_alpha * (the value of act_grid nearest to min(x / act_alpha, 1)), x >= 0
 *     weights  weight_q, as the file has them
 *     8 bits   round(w / max(w) * 127) / 127 * max(w)
 *
 * Grids are fractions: 1/4, 1/10, 1/48 of act_alpha for 2, 3, 4 bits, so that inputs are small integers times a step.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kernels/base/base.h"
#include "nn/zoo/families.h"

enum { MOST_CODES = 128 };

/* The grid of 4 bits, times 48, for networks without a file. */
static const float kCodes[] = {0, 1, 2, 3, 4, 6, 8, 9, 12, 16, 18, 24, 32, 33, 36, 48};

bool lb_is_apot(const lb_network *model, const lb_source *source, const lb_config *config) {
    const bool floats = strstr(config->model, "apot") && lb_source_dimension(source, "layer2.0.downsample.0.weight", 0);
    return (floats || lb_source_dimension(source, "act_grid", 0) > 0) && lb_is_resnet(model, source, config);
}

/* ---- the grid ---- */

typedef struct {
    float codes[MOST_CODES];
    int64_t count, denominator; /* code / denominator is the value for act_alpha 1 */
} codes;

static bool integers(const float *grid, int64_t count, int64_t denominator) {
    bool all = true;
    for (int64_t i = 0; i < count; i++) {
        const float x = grid[i] * (float)denominator;
        all &= fabsf(x - rintf(x)) <= 1e-3f;
    }
    return all;
}

/* The least denominator that makes the grid integers of at most 127. */
static void read_codes(lb_graph *graph, codes *out) {
    *out = (codes){.count = LB_COUNT(kCodes), .denominator = 48};
    memcpy(out->codes, kCodes, sizeof kCodes);
    if (!graph->source->file) return;
    const int64_t count = lb_graph_dimension(graph, "act_grid", 0, 2);
    const float *grid = lb_graph_tensor(graph, "act_grid", 1, &count);
    if (!grid) return;
    int64_t denominator = 1;
    while (denominator < MOST_CODES && count <= MOST_CODES && !integers(grid, count, denominator)) denominator++;
    if (denominator == MOST_CODES || count < 2 || count > MOST_CODES) {
        lb_graph_fail(graph, LOWBIT_BAD_FORMAT, "\"act_grid\" has %lld values that are no fractions of 127 or less",
                      (long long)count);
        return;
    }
    out->count = count;
    out->denominator = denominator;
    for (int64_t i = 0; i < count; i++) out->codes[i] = rintf(grid[i] * (float)denominator);
}

/* Between two values of the grid the step lies in the middle. */
static lb_value on_grid(lb_graph *graph, lb_value x, const char *name) {
    char text[LB_LAYER_NAME];
    codes c;
    const lb_node *node = lb_graph_at(graph, x);
    if (!node) return LB_NO_VALUE;
    const int64_t channels = node->shape.channels;
    read_codes(graph, &c);
    snprintf(text, sizeof text, "%.100s.act_alpha", name);
    const float *alpha = lb_graph_tensor(graph, text, 0, NULL);
    float *thresholds = lb_graph_keep(graph, (size_t)(channels * (c.count - 1)) * sizeof *thresholds);
    if (!alpha || !thresholds) return LB_NO_VALUE;
    for (int64_t i = 0; i < channels * (c.count - 1); i++) {
        const int64_t step = i % (c.count - 1);
        const double middle = ((double)c.codes[step] + (double)c.codes[step + 1]) / 2;
        thresholds[i] = (float)((double)*alpha * middle / (double)c.denominator);
    }
    return lb_steps(graph, x, text, thresholds, c.count - 1, c.codes, (float)((double)*alpha / (double)c.denominator));
}

/* ---- layers ---- */

static int64_t weight_count(const lb_graph *graph, const lb_node *node) {
    return node->shape.channels * lb_node_k(graph, node);
}

/* Made-up weights take the values of 4 bits that files have: sums of two powers of two, times a scale. */
static void make_grid(lb_graph *graph, lb_value x) {
    static const float kGrid[] = {0, 0.1f, 0.2f, 0.3f, 0.4f, 0.6f, 0.8f, 1};
    const lb_node *node = lb_graph_at(graph, x);
    if (!node || graph->source->file) return;
    const int64_t count = weight_count(graph, node);
    float most = 0;
    for (int64_t i = 0; i < count; i++) most = fmaxf(most, fabsf(node->weights[i]));
    for (int64_t i = 0; i < count; i++) {
        const float w = fabsf(node->weights[i]) / most;
        float nearest = 0;
        for (size_t g = 1; g < LB_COUNT(kGrid); g++)
            if (fabsf(w - kGrid[g]) < fabsf(w - nearest)) nearest = kGrid[g];
        node->weights[i] = copysignf(nearest * most, node->weights[i]);
    }
}

static lb_value conv(lb_graph *graph, lb_value x, const char *name, int64_t out, lb_window window) {
    char weights[LB_LAYER_NAME];
    if (graph->source->file && !lb_graph_has(graph, "act_grid")) return lb_conv(graph, x, name, out, window, false);
    snprintf(weights, sizeof weights, "%.100s.weight_q", name);
    x = lb_conv_from(graph, on_grid(graph, x, name), name, weights, out, window, false);
    make_grid(graph, x);
    return x;
}

static void to_8_bits(lb_graph *graph, lb_value x) {
    const lb_node *node = lb_graph_at(graph, x);
    if (!node) return;
    const int64_t count = weight_count(graph, node);
    float most = node->weights[0];
    for (int64_t i = 1; i < count; i++) most = fmaxf(most, node->weights[i]);
    if (!(most > 0 && isfinite(most))) {
        lb_graph_fail(graph, LOWBIT_BAD_FORMAT, "the weights of \"%.64s\" have no largest one above 0", node->name);
        return;
    }
    for (int64_t i = 0; i < count; i++) node->weights[i] = rintf(node->weights[i] / most * 127) / 127 * most;
}

void lb_build_apot(lb_graph *graph, const lb_network *model, const lb_model_options *options) {
    static const lb_resnet_layers kLayers = {conv, to_8_bits, true};
    lb_build_resnet_of(graph, model, options, &kLayers);
}
