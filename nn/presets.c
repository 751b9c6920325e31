/* SPDX-License-Identifier: Apache-2.0 */
/* Recipes by name. docs/recipes.md has the same table (tests/recipe.c compares). */
#include "kernels/base/base.h"
#include "nn/recipe.h"

/* The first and the last layer in 8 bits, as the literature keeps them. */
#define ENDS8 "; first: i8a8s; last: i8a8s"

static const lb_preset kPresets[] = {
    {"f32", "*: f32af32", "floats: what all others are compared with"},
    {"bf16", "*: bf16af", "weights rounded to bf16"},
    {"w8a8", "*: i8a8s", "8 bits: a scale a row, activations by calibrated scales"},
    {"w8a8-dynamic", "*: i8a8", "8 bits, activations by the scale of each window: nothing is calibrated"},
    {"w8a8-all", "*: i8a8s; attention: i8a8", "8 bits in the products of attention, too"},
    {"w8a8-all-dynamic", "*: i8a8; attention: i8a8", "the same, and nothing is calibrated"},
    {"w4a8", "*: i4a8s rule=mse" ENDS8, "4-bit weights, a scale a row"},
    {"w4a8g128", "*: i4g128a8s rule=mse" ENDS8, "4-bit weights, a scale for 128"},
    {"w4a8g32", "*: i4g32a8s rule=mse" ENDS8, "4-bit weights, a scale for 32"},
    {"w2a8", "*: i2a8s rule=mse" ENDS8, "2-bit weights, a scale a row"},
    {"ternary", "*: t2a8s rule=optimal" ENDS8, "-1, 0, 1 times a scale a row, of least squared error"},
    {"ternary-all", "*: t2a8s rule=optimal", "the same for all layers"},
    {"twn", "*: t2a8s rule=twn" ENDS8, "ternary weight networks: 0 below 0.7 of the mean magnitude"},
    {"bitnet", "*: t2a8 tensor rule=absmean; first: i8a8; last: i8a8",
     "BitNet b1.58: one scale in all, the mean magnitude"},
    {"minmax-ternary", "linear: t2af tensor rule=range",
     "1.58 bits by the range, linear layers alone: to be compared with"},
    {"minmax-ternary-all", "*: t2af tensor rule=range", "the same for all layers"},
    {"binary-all-but-first-last", "*: b1a8s" ENDS8, "-1 and 1 times a scale a row (BWN), 8-bit activations"},
    {"xnor-all-but-first-last", "*: b1a1" ENDS8, "signs times signs: for networks that were trained so"},
    {"power-of-two", "*: p4a8s" ENDS8, "signed powers of two, a scale a row"},
    {"weight-only", "*: i8af", "8-bit weights, float activations"},
    {"weight-only-g128", "*: i4g128af rule=mse", "4-bit weights, a scale for 128, float activations"},
    {"weight-only-g32", "*: i4g32af rule=mse", "4-bit weights, a scale for 32, float activations"},
    {"weight-only-int4", "*: i4af rule=mse", "4-bit weights, a scale a row, float activations"},
    {"weight-only-int2", "*: i2af rule=mse", "2-bit weights, a scale a row, float activations"},
    {"weight-only-ternary", "*: t2af rule=optimal", "-1, 0, 1 times a scale a row, float activations"},
    {"weight-only-binary", "*: b1af; last: f32af32",
     "-1 and 1 times a scale a row, float activations; the last layer floats"},
    {"nf4", "*: nf4g64af", "NormalFloat4, a scale for 64, float activations"},
    {"fully-quantized", "calibrate = average; *: i8a8s", "8 bits, ranges by a moving average of the batches' extremes"},
    {"mlp-only-int8", "ffn: i8a8 rule=fixed", "8-bit fixed point in the layers behind attention alone"},
    {"mlp-only-int4", "ffn: i4a8 rule=fixed", "the same with 4-bit weights"},
    {"mlp-only-int2", "ffn: i2a8 rule=fixed", "the same with 2-bit weights"},
    {"irnet", "*: b1a1 rule=libra; first: f32af32; last: f32af32",
     "IR-Net: signs of balanced weights, signs of activations"},
    {"irnet-weights", "*: b1af rule=libra; last: f32af32", "the same with float activations"},
    {"bibert", "encoder: b1a1 rule=centred; attention: b1a1; words: b1af rule=centred",
     "BiBERT: 1 bit wherever BERT multiplies"},
    {"bitlinear", "linear: t2a8 tensor rule=absmean", "BitNet b1.58 in all linear layers, tokens by their own scale"},
};

const lb_preset *lb_preset_at(size_t index) { return index < LB_COUNT(kPresets) ? &kPresets[index] : NULL; }
