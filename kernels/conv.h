/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions as many small products of one thread each, whose rows of A are windows gathered from the image. Executes
 * any legal configuration; has no opinions (those are tuner/'s). */
#ifndef LOWBIT_KERNELS_CONV_H_
#define LOWBIT_KERNELS_CONV_H_

#include "kernels/gemm.h"
#include "lowbit/conv.h"

/* What follows from the numbers of a convolution. */
typedef struct lb_conv_shape {
    int64_t out_height, out_width;
    int64_t depth;    /* channels of a group, which a window takes of each of its pixels, */
    int64_t outputs;  /* and output channels */
    int64_t matrices; /* of weights: groups, or 1 if depthwise */
    int64_t m, n, k;  /* of the product of one matrix, for the whole batch */
    bool depthwise;   /* several groups, of one channel each */
    bool padded;      /* windows may reach out of the image */
    bool pixels;      /* windows are the pixels, one after the other */
} lb_conv_shape;

/* Refuses what is no convolution; fills shape. The product's own words are not looked at. */
lowbit_status lb_conv_shape_of(const lowbit_conv2d *conv, lb_conv_shape *shape, lowbit_error *error);

/* Whether an element of the image has one code, whatever window it is in: static activations, signs and bits. The image
 * is quantized once then, or comes as codes. Others are gathered as floats, for the product to take or to quantize. */
bool lb_conv_takes_codes(const lowbit_problem *problem);

/* Whether runs need the sums of weights by tap: signs have no zero that a tap outside of the image could have. */
bool lb_conv_needs_tap_sums(const lowbit_problem *problem, const lb_conv_shape *shape);

/* One run. */
typedef struct lb_conv_call {
    const lowbit_conv2d *conv;
    const lb_conv_shape *shape;
    const lowbit_problem *product; /* of one matrix, as it was planned */
    lb_gemm_config config;         /* of that */
    int64_t step_m, step_n;        /* rows and columns of a task: multiples as in the config */
    const lowbit_conv2d_args *args;
    lb_row_rule rule; /* by which the image becomes codes */
    uint32_t workers; /* that the workspace has room for */
    void *workspace;
} lb_conv_call;

/* Scratch of a run with tasks of at most `rows` rows. */
int64_t lb_conv_workspace(const lowbit_conv2d *conv, const lb_conv_shape *shape, const lowbit_problem *product,
                          const lb_gemm_config *config, int64_t rows, int64_t batch, uint32_t workers);

/* Spreads the tasks over the pool, each of whose workers has a scratch of its own. */
void lb_conv_run(const lb_conv_call *call, const lowbit_pool *pool);

#endif
