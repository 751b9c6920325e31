/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/conv_sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"
#include "kernels/reference_float.h"
#include "kernels/rows.h"
#include "tests/check.h"

bool conv_sample_has_zeros(const conv_sample *c) { return c->conv.product.activations == LOWBIT_A1 && c->shape.padded; }

/* ---- making ---- */

static sample make_product(const lowbit_ctx *ctx, const lowbit_problem *p, int64_t n) {
    lowbit_problem problem = *p;
    char text[96] = "";
    problem.n = n;
    CHECK(lowbit_problem_print(&problem, text, sizeof text, NULL) == LOWBIT_OK);
    return sample_make(ctx, text, DATA_RANDOM);
}

static int8_t code_of(const conv_sample *c, float x) {
    const lb_row_rule rule = lb_row_rule_for(c->conv.product.activations);
    if (rule.kind == LB_ROWS_SIGN) return x < 0 ? -1 : 1;
    if (rule.kind == LB_ROWS_STEP) return x > 0;
    const float steps = rintf(x * (1.0f / c->whole.a_scale)) + (float)c->whole.a_zero;
    return (int8_t)fmaxf((float)rule.low, fminf((float)rule.high, steps));
}

static void make_image(conv_sample *c) {
    const lowbit_conv2d *v = &c->conv;
    const int64_t elements = v->batch * v->height * v->width * v->channels;
    c->image = check_guarded((size_t)elements * sizeof *c->image, CHECK_GUARD_AFTER);
    for (int64_t i = 0; i < elements; i++) c->image[i] = check_random_float(-2, 2);
    if (!lb_conv_takes_codes(&v->product)) return;
    c->codes = check_guarded((size_t)elements, CHECK_GUARD_AFTER);
    for (int64_t i = 0; i < elements; i++) c->codes[i] = code_of(c, c->image[i]);
}

/* b1 and a1 alone have them. */
static const int32_t *make_tap_sums(const conv_sample *c, const lowbit_packed *packed) {
    int64_t bytes = 0;
    CHECK(lowbit_conv2d_tap_sums_size(&c->conv, &bytes, NULL) == LOWBIT_OK);
    int32_t *sums = check_guarded((size_t)bytes, CHECK_GUARD_AFTER);
    CHECK(lowbit_conv2d_tap_sums(&c->conv, packed, sums, bytes, NULL) == LOWBIT_OK);
    return sums;
}

bool conv_sample_make(const lowbit_ctx *ctx, const char *text, conv_sample *c) {
    lowbit_problem p;
    lowbit_error error = LOWBIT_ERROR_INIT;
    *c = (conv_sample){.conv = LOWBIT_CONV2D_INIT};
    if (!CHECK(lowbit_conv2d_parse(text, &c->conv, &error) == LOWBIT_OK)) return false;
    if (lowbit_conv2d_product(&c->conv, NULL, NULL, &p, &error) != LOWBIT_OK ||
        lowbit_supported(ctx, &p, &error) != LOWBIT_OK)
        return false;
    CHECK(lb_conv_shape_of(&c->conv, &c->shape, &error) == LOWBIT_OK);
    const size_t count = (size_t)c->shape.matrices;
    c->matrices = calloc(count, sizeof *c->matrices);
    c->packed = calloc(count, sizeof *c->packed);
    c->column_sums = calloc(count, sizeof *c->column_sums);
    c->tap_sums = calloc(count, sizeof *c->tap_sums);
    const bool signs = conv_sample_has_zeros(c) && p.weights.format == LOWBIT_B1;
    for (size_t i = 0; i < count; i++) {
        c->matrices[i] = make_product(ctx, &p, p.n);
        c->packed[i] = c->matrices[i].packed;
        c->column_sums[i] = c->matrices[i].column_sums;
        if (signs) c->tap_sums[i] = make_tap_sums(c, &c->packed[i]);
    }
    c->whole = make_product(ctx, &p, c->conv.out_channels);
    c->whole.residual_stride = c->conv.out_channels; /* no more than it was */
    make_image(c);
    return true;
}

void conv_sample_free(const lowbit_ctx *ctx, conv_sample *c) {
    for (int64_t i = 0; i < c->shape.matrices; i++) lowbit_weights_free(ctx, &c->matrices[i].weights);
    free(c->matrices);
    free(c->packed);
    free(c->column_sums);
    free(c->tap_sums);
    sample_free(ctx, &c->whole);
}

lowbit_conv2d_args conv_sample_args(const conv_sample *c, bool codes, void *out, int64_t out_stride) {
    const lowbit_gemm_args whole = sample_args(&c->whole, NULL, 0);
    return (lowbit_conv2d_args){.struct_size = sizeof(lowbit_conv2d_args),
                                .weights = c->packed,
                                .batch = c->conv.batch,
                                .a = codes ? NULL : c->image,
                                .codes = codes ? c->codes : NULL,
                                .a_scale = c->whole.a_scale,
                                .a_zero = c->whole.a_zero,
                                .column_sums = c->whole.a_zero ? c->column_sums : NULL,
                                .tap_sums = c->tap_sums[0] ? c->tap_sums : NULL,
                                .bias = whole.bias,
                                .residual = whole.residual,
                                .requant = whole.requant,
                                .out = out,
                                .out_stride = out_stride};
}

/* ---- the law ---- */

/* An element of the image, or 0 outside. Of signs with zeros, the sign. */
static float element(const conv_sample *c, int64_t b, int64_t y, int64_t x, int64_t channel) {
    const lowbit_conv2d *v = &c->conv;
    if (y < 0 || y >= v->height || x < 0 || x >= v->width) return 0;
    const float value = c->image[((b * v->height + y) * v->width + x) * v->channels + channel];
    if (!conv_sample_has_zeros(c) || isnan(value)) return value;
    return value < 0 ? -1.0f : 1.0f;
}

/* [M][K] of the channels from `first` on. */
static float *window_matrix(const conv_sample *c, int64_t first) {
    const lowbit_conv2d *v = &c->conv;
    float *rows = check_guarded((size_t)(c->shape.m * c->shape.k) * sizeof *rows, CHECK_GUARD_AFTER), *to = rows;
    for (int64_t b = 0; b < v->batch; b++)
        for (int64_t oy = 0; oy < c->shape.out_height; oy++)
            for (int64_t ox = 0; ox < c->shape.out_width; ox++)
                for (int64_t ky = 0; ky < v->kernel_height; ky++)
                    for (int64_t kx = 0; kx < v->kernel_width; kx++)
                        for (int64_t i = 0; i < c->shape.depth; i++)
                            *to++ = element(c, b, oy * v->stride_y - v->pad_top + ky * v->dilation_y,
                                            ox * v->stride_x - v->pad_left + kx * v->dilation_x, first + i);
    return rows;
}

/* One matrix, on the windows of some channels: its outputs, from column `n` of all on, to out [M][stride]. */
static void multiply(const lowbit_ctx *ctx, const conv_sample *c, int64_t matrix, int64_t first, uint32_t factors,
                     void *out, int64_t stride) {
    const sample *s = &c->matrices[matrix];
    const int64_t n = matrix * c->shape.n;
    lowbit_problem p = s->problem;
    lowbit_gemm_args args = sample_args(&c->whole, out, stride);
    lowbit_requant q = c->whole.requant;
    args.struct_size = sizeof args;
    args.a = (lowbit_matrix){window_matrix(c, first), c->shape.m, c->shape.k, c->shape.k};
    if (conv_sample_has_zeros(c)) p.activations = LOWBIT_A8, p.static_scale = 1, args.a_scale = 1, args.a_zero = 0;
    if (args.bias) args.bias += n;
    if (args.residual) args.residual += n;
    if (q.multipliers) q.multipliers += n, q.shifts += n;
    if (q.bias) q.bias += n;
    if (q.residual) q.residual = (const uint8_t *)q.residual + n;
    if (args.requant) args.requant = &q;
    if (!lb_is_float_kind(p.activations)) {
        CHECK(lowbit_gemm_reference(ctx, &p, &s->weights, &args, NULL) == LOWBIT_OK);
        return;
    }
    for (int64_t m = 0; m < p.m; m++)
        for (int64_t i = 0; i < p.n; i++)
            ((lb_float_result *)out)[m * stride + i] = lb_reference_float(&p, &s->weights, &args, m, i, factors);
}

void *conv_sample_reference(const lowbit_ctx *ctx, const conv_sample *c, uint32_t factors) {
    const bool floats = lb_is_float_kind(c->conv.product.activations);
    const int64_t bytes = floats ? (int64_t)sizeof(lb_float_result) : sample_out_bytes(&c->whole);
    const int64_t n = c->conv.out_channels, row = n * bytes;
    uint8_t *out = check_guarded((size_t)(c->shape.m * row), CHECK_GUARD_AFTER);
    for (int64_t g = 0; g < c->conv.groups && !c->shape.depthwise; g++)
        multiply(ctx, c, g, g * c->shape.depth, factors, out + g * c->shape.n * bytes, n);
    if (!c->shape.depthwise) return out;
    uint8_t *all = check_guarded((size_t)(c->shape.m * row), CHECK_GUARD_AFTER);
    for (int64_t g = 0; g < c->conv.groups; g++) { /* every output on every channel, and its own ones taken */
        const int64_t own = c->shape.outputs * bytes;
        multiply(ctx, c, 0, g, factors, all, n);
        for (int64_t m = 0; m < c->shape.m; m++) memcpy(out + m * row + g * own, all + m * row + g * own, (size_t)own);
    }
    return out;
}

static bool check_near(const conv_sample *c, int64_t m, const uint8_t *got, int64_t stride,
                       const lb_float_result *want) {
    const int64_t bytes = sample_out_bytes(&c->whole), n = c->conv.out_channels;
    bool all = true;
    for (int64_t i = 0; i < m * n; i++)
        all = all &&
              lb_float_within(&c->whole.problem, &c->whole.requant, want[i], got + (i / n * stride + i % n) * bytes);
    return all;
}

bool conv_sample_check(const conv_sample *c, int64_t m, const void *got, int64_t stride, const void *want) {
    const int64_t n = c->conv.out_channels;
    if (lb_is_float_kind(c->conv.product.activations)) return CHECK(check_near(c, m, got, stride, want));
    switch (c->conv.product.out) {
        case LOWBIT_OUT_F32: return CHECK(check_same_floats(got, want, m, n, stride, n));
        case LOWBIT_OUT_S32: return CHECK(check_same_ints(got, want, m, n, stride, n));
        default: return CHECK(check_same_bytes(got, want, m, n, stride, n));
    }
}
