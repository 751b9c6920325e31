/* SPDX-License-Identifier: Apache-2.0 */
/* A convolution as the bench times it: random numbers, the public call, and its rows checked against the reference. */
#ifndef LOWBIT_BENCH_CONV_H_
#define LOWBIT_BENCH_CONV_H_

#include "kernels/conv.h"
#include "tuner/operands.h"
#include "tuner/verify.h"

/* Everything that was made, so that one function releases it however far the making came. */
typedef struct lb_conv_bench {
    const lowbit_ctx *ctx;
    lowbit_conv2d conv;
    lb_conv_shape shape;
    lb_operands *operands; /* of the product of all output channels: weights, bias, residual, output */
    lowbit_conv2d_plan *plan;
    float *image;
    int8_t *codes;         /* the same, where activations have codes: what a layer gets from the one before it */
    lowbit_packed *packed; /* [matrices] */
    const int32_t **column_sums, **tap_sums;
    int32_t *taps;                     /* what tap_sums point into */
    int64_t image_elements, tap_bytes; /* of one matrix */
    void *workspace;
    int64_t workspace_bytes;
} lb_conv_bench;

/* The product of all output channels together, by which operands are made and operations counted. */
lowbit_status lb_conv_bench_problem(const lowbit_conv2d *conv, lowbit_problem *problem, lowbit_error *error);

/* Makes it on operands of that product, with a plan by these options or, if it is not NULL, of that kernel. Groups must
 * have whole panels of output channels. Release it in any case. */
lowbit_status lb_conv_bench_make(lb_operands *operands, const lowbit_conv2d *conv, const lowbit_plan_options *options,
                                 const char *kernel, lb_conv_bench *bench, lowbit_error *error);
void lb_conv_bench_release(lb_conv_bench *bench);

/* One run, with these packed weights of all output channels. */
void lb_conv_bench_run(const lb_conv_bench *bench, const lowbit_packed *packed, const lowbit_pool *pool);

/* Checks `rows` rows of what the last run computed, as lb_verify does. */
lowbit_status lb_conv_bench_verify(const lb_conv_bench *bench, int64_t rows, uint32_t factors, lb_verdict *verdict,
                                   lowbit_error *error);

#endif
