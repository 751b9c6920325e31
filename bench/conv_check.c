/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a convolution against the reference of the product, whose row of A is the window. */
#include "bench/conv.h"
#include "kernels/base/ctx.h"
#include "kernels/formats/format.h"
#include "kernels/reference_float.h"
#include "kernels/weights.h"

/* Signs that may lie outside are codes -1, 0 and 1 of the scale 1. */
static bool has_zeros(const lb_conv_bench *b) { return b->conv.product.activations == LOWBIT_A1 && b->shape.padded; }

static float element(const lb_conv_bench *b, int64_t image, int64_t y, int64_t x, int64_t channel) {
    const lowbit_conv2d *c = &b->conv;
    if (y < 0 || y >= c->height || x < 0 || x >= c->width) return 0;
    const float value = b->image[((image * c->height + y) * c->width + x) * c->channels + channel];
    return !has_zeros(b) ? value : value < 0 ? -1.0f : 1.0f;
}

/* The window of output m, from channel `first` on. */
static void fill_window(const lb_conv_bench *b, int64_t m, int64_t first, float *to) {
    const lowbit_conv2d *c = &b->conv;
    const int64_t pixels = b->shape.out_height * b->shape.out_width, image = m / pixels, at = m % pixels;
    const int64_t y = at / b->shape.out_width * c->stride_y - c->pad_top;
    const int64_t x = at % b->shape.out_width * c->stride_x - c->pad_left;
    for (int64_t ky = 0; ky < c->kernel_height; ky++)
        for (int64_t kx = 0; kx < c->kernel_width; kx++)
            for (int64_t i = 0; i < b->shape.depth; i++)
                *to++ = element(b, image, y + ky * c->dilation_y, x + kx * c->dilation_x, first + i);
}

/* The outputs of one group in row m. */
static lowbit_status verify_group(const lb_conv_bench *b, int64_t m, int64_t group, uint32_t factors, float *window,
                                  void *want, lb_verdict *r, lowbit_error *error) {
    const int64_t n = group * b->shape.outputs, all = b->conv.out_channels, at = m * all + n;
    lb_operands o = *b->operands;
    lowbit_requant q = o.requant;
    lowbit_gemm_args args = lb_operands_args(b->operands, NULL, 1);
    o.weights = lb_weights_rows(&b->operands->weights, n, b->shape.outputs);
    o.problem.n = b->shape.outputs;
    if (has_zeros(b)) o.problem.activations = LOWBIT_A8, o.problem.static_scale = 1, args.a_scale = 1, args.a_zero = 0;
    fill_window(b, m, group * b->shape.depth, window);
    args.a.data = window;
    if (args.bias) args.bias += n;
    if (args.residual) args.residual += at;
    if (q.multipliers) q.multipliers += n, q.shifts += n;
    if (q.bias) q.bias += n;
    if (q.residual) q.residual = o.codes + at;
    args.requant = &q;
    args.out = want;
    const uint8_t *got = (const uint8_t *)o.out + at * lb_out_bytes(&o.problem);
    if (lb_is_float_kind(o.problem.activations)) {
        lb_verify_float_row(&o, &args, got, factors, r);
        return LOWBIT_OK;
    }
    LB_TRY(lowbit_gemm_reference(b->ctx, &o.problem, &o.weights, &args, error));
    lb_verify_same_row(&o.problem, got, want, r);
    return LOWBIT_OK;
}

lowbit_status lb_conv_bench_verify(const lb_conv_bench *b, int64_t rows, uint32_t factors, lb_verdict *verdict,
                                   lowbit_error *error) {
    const size_t window_bytes = (size_t)b->shape.k * sizeof(float), want_bytes = (size_t)b->conv.out_channels * 4;
    float *window = lb_alloc(b->ctx, window_bytes);
    void *want = lb_alloc(b->ctx, want_bytes);
    lowbit_status status = window && want ? LOWBIT_OK : LOWBIT_NO_MEMORY;
    *verdict = (lb_verdict){.exact = true, .within = true};
    for (int64_t i = 0; i < rows && status == LOWBIT_OK; i++, verdict->rows++) {
        const int64_t m = rows == 1 ? 0 : i * (b->shape.m - 1) / (rows - 1);
        for (int64_t g = 0; g < b->conv.groups && status == LOWBIT_OK; g++)
            status = verify_group(b, m, g, factors, window, want, verdict, error);
    }
    lb_free(b->ctx, window, window_bytes);
    lb_free(b->ctx, want, want_bytes);
    return status;
}
