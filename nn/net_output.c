/* SPDX-License-Identifier: Apache-2.0 */
/* How the sums of a convolution become codes: in integers alone where that is legal, else by floats; or the thresholds
 * that follow, as integers. */
#include <math.h>

#include "kernels/formats/scale.h"
#include "kernels/gemm.h"
#include "nn/net_pack.h"
#include "nn/types.h"

/* The scale of output channel n; of floats 1. One scale a row. */
static float row_scale(const lb_layer *layer, int64_t n) {
    const int64_t rows = layer->conv.out_channels / layer->matrices;
    const lowbit_packed *w = &layer->packed[n / rows];
    return w->scales ? lb_scale_load(w->type.scale_type, w->scales, n % rows) : 1;
}

/* What a unit of the sum of channel n is worth. Signs and bits have no scale of their own: their grid is 1. */
static double unit_of(const lb_net *net, const lb_layer *layer, lb_value x, int64_t n) {
    const double input = layer->conv.product.static_scale ? (double)net->ranges[x].scale : 1;
    return input * (double)row_scale(layer, n);
}

/* ---- sums ---- */

/* Thresholds of the steps behind a layer in units of its sums: sum > t exactly where gain * sum + bias > threshold. */
static lowbit_status sum_thresholds(lb_net *net, lb_value v, lowbit_error *error) {
    const lb_node *node = &net->graph.nodes[v], *steps = &net->graph.nodes[lb_only_reader(&net->graph, v)];
    lb_layer *layer = &net->layers[v];
    void *memory;
    LB_TRY(lb_net_take(net, node->shape.channels * steps->count * (int64_t)sizeof(int32_t), &memory, error));
    layer->thresholds = memory;
    for (int64_t n = 0; n < node->shape.channels; n++)
        for (int64_t i = 0; i < steps->count; i++) {
            const double bias = node->bias ? (double)node->bias[n] : 0, unit = unit_of(net, layer, node->x, n);
            const double t = floor(((double)steps->weights[n * steps->count + i] - bias) / unit);
            LB_REQUIRE(unit > 0, error, LOWBIT_UNSUPPORTED,
                       "%s: channel %lld has the scale %g, and thresholds need one above 0", node->name, (long long)n,
                       unit);
            layer->thresholds[n * steps->count + i] = (int32_t)fmax(fmin(t, INT32_MAX), INT32_MIN);
        }
    return LOWBIT_OK;
}

/* ---- codes ---- */

/* The bias in units of the sums; false where it does not fit. */
static bool integer_bias(const lb_net *net, const lb_layer *layer, const lb_node *node, int32_t *bias) {
    for (int64_t n = 0; n < node->shape.channels; n++) {
        const double unit = unit_of(net, layer, node->x, n), b = (double)node->bias[n];
        const double q = b == 0 ? 0 : nearbyint(b / unit);
        if (!(fabs(q) < 1 << 30)) return false;
        bias[n] = (int32_t)q;
    }
    return true;
}

/* Whether a layer may leave floats alone: what it adds must be integers too. */
static bool wants_integers(const lb_net *net, const lb_layer *layer, const lb_node *node) {
    const char *reason;
    lowbit_problem product = {.struct_size = sizeof product}; /* with K, which tells groups */
    if (lowbit_conv2d_product(&layer->conv, NULL, NULL, &product, NULL) != LOWBIT_OK) return false;
    if (!lb_integer_form(&product, &reason)) return false;
    return node->second == LB_NO_VALUE || net->types[node->second] == LB_VALUE_S8;
}

static lowbit_status fill_integers(lb_net *net, lb_value v, lowbit_error *error) {
    const lb_node *node = &net->graph.nodes[v];
    lb_layer *layer = &net->layers[v];
    const int64_t out = node->shape.channels;
    const float scale = net->ranges[v].scale, input = net->ranges[node->x].scale;
    void *memory;
    LB_TRY(lb_net_take(net, 3 * out * (int64_t)sizeof(int32_t), &memory, error));
    int32_t *bias = memory;
    if (node->bias && !integer_bias(net, layer, node, bias)) return LOWBIT_OK; /* the float form has room for it */
    layer->multipliers = bias + out;
    layer->shifts = bias + 2 * out;
    for (int64_t n = 0; n < out; n++) {
        const float own = row_scale(layer, n);
        LB_TRY(lowbit_requant_multipliers(input, &own, 1, scale, &layer->multipliers[n], &layer->shifts[n], error));
    }
    layer->bias = node->bias ? bias : NULL;
    lowbit_requant *q = &layer->requant;
    q->rounding = LOWBIT_ROUND_FLOAT;
    q->multipliers = layer->multipliers;
    q->shifts = layer->shifts;
    q->bias = layer->bias;
    if (node->second == LB_NO_VALUE) return LOWBIT_OK;
    const float one = 1;
    q->residual_zero = net->ranges[node->second].zero;
    return lowbit_requant_multipliers(net->ranges[node->second].scale, &one, 1, scale, &q->residual_multiplier,
                                      &q->residual_shift, error);
}

lowbit_status lb_net_output(lb_net *net, lb_value v, lowbit_error *error) {
    lb_layer *layer = &net->layers[v];
    if (net->types[v] == LB_VALUE_S32) return sum_thresholds(net, v, error);
    if (net->types[v] != LB_VALUE_S8) return LOWBIT_OK;
    const lb_range range = net->ranges[v];
    const lb_code_limits limits = lb_limits_of(net->activations[v]);
    layer->requant = (lowbit_requant){.struct_size = sizeof(lowbit_requant),
                                      .zero = range.zero,
                                      .low = limits.low,
                                      .high = limits.high,
                                      .scale = range.scale,
                                      .residual_stride = layer->conv.out_channels};
    return wants_integers(net, layer, &net->graph.nodes[v]) ? fill_integers(net, v, error) : LOWBIT_OK;
}
