/* SPDX-License-Identifier: Apache-2.0 */
/* Random convolutions for tests, and their law as plain loops: the matrix of windows, multiplied by the reference. */
#ifndef LOWBIT_TESTS_CONV_SAMPLE_H_
#define LOWBIT_TESTS_CONV_SAMPLE_H_

#include "kernels/conv.h"
#include "tests/problems.h"

typedef struct conv_sample {
    lowbit_conv2d conv;
    lb_conv_shape shape;
    sample *matrices; /* [shape.matrices]: their weights and column sums */
    sample whole;     /* bias, residual, requant and scale of all output channels */
    lowbit_packed *packed;
    const int32_t **column_sums, **tap_sums;
    float *image;
    int8_t *codes; /* the image as codes, where the activations have them */
} conv_sample;

/* Whether signs are multiplied that may lie outside of the image. */
bool conv_sample_has_zeros(const conv_sample *c);

/* False where the text is no convolution that can be computed here. */
bool conv_sample_make(const lowbit_ctx *ctx, const char *text, conv_sample *c);
void conv_sample_free(const lowbit_ctx *ctx, conv_sample *c);

lowbit_conv2d_args conv_sample_args(const conv_sample *c, bool codes, void *out, int64_t out_stride);

/* The law: out [M][out_channels]; of float activations an lb_float_result each, for kernels that make LB_FACTORS_* of
 * them. */
void *conv_sample_reference(const lowbit_ctx *ctx, const conv_sample *c, uint32_t factors);

/* Compares the outputs of the first m rows, bit for bit; of float activations, within the bound. */
bool conv_sample_check(const conv_sample *c, int64_t m, const void *got, int64_t stride, const void *want);

#endif
