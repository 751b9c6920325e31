/* SPDX-License-Identifier: Apache-2.0 */
/* Two-dimensional convolution: the product of lowbit/gemm.h whose rows of A are windows of an image.
 *
 *     a [batch][height][width][channels]                      NHWC
 *     y [batch][out_height][out_width][out_channels]          NHWC
 *     out_height = (height + pad_top + pad_bottom - dilation_y * (kernel_height - 1) - 1) / stride_y + 1, rounded down
 *
 *     row m = (b, oy, ox) of the product, M = batch * out_height * out_width, has for output channel n of group g
 *     k = (ky, kx, c), K = kernel_height * kernel_width * channels / groups:
 *
 *     A[m,k] = a[b, oy * stride_y - pad_top + ky * dilation_y, ox * stride_x - pad_left + kx * dilation_x,
 *                g * channels / groups + c]                   and 0 outside of the image
 *
 * and y is what the product makes of these rows: the same formula, bits, output types, bias [out_channels], activation
 * functions and residual [M][out_channels]. The law in two cases where rows alone would not say it:
 *
 *   - Static activations (one scale and zero point for the image) quantize an element of the image once; outside is the
 *     zero point. Signs (a1) have no zero, and yet outside adds nothing to a sum.
 *   - Activations that are quantized row by row take the scale of each window from its own elements.
 *
 * Weights are matrices of the product: row n, column (ky, kx, c). Of `groups` groups there are as many matrices, of
 * out_channels / groups rows each. Where every group has one channel (depthwise, also with several outputs a channel)
 * there is one matrix for all: out_channels rows, row n reading channel n / (out_channels / groups), and K =
 * kernel_height * kernel_width. lowbit_conv2d_matrices tells which case holds. Quantize, pack and open them as any
 * others.
 *
 * No matrix of windows is ever made: kernels read the pixels of windows where they are, through pointers; or each task
 * gathers the windows of its own outputs, a few that stay in its cache (docs/conv.md says which). */
#ifndef LOWBIT_CONV_H_
#define LOWBIT_CONV_H_

#include "lowbit/gemm.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lowbit_conv2d {
    uint32_t struct_size;
    int64_t batch, height, width, channels; /* of the image */
    int64_t out_channels;
    int64_t kernel_height, kernel_width;
    int64_t stride_y, stride_x;
    int64_t pad_top, pad_bottom, pad_left, pad_right; /* 0 or more, below the extent of the dilated kernel */
    int64_t dilation_y, dilation_x;
    int64_t groups;         /* divides channels and out_channels */
    lowbit_problem product; /* weights, activations, static_scale, out, bias, act, residual: of the caller. m, n and k
                               are not read: lowbit_conv2d_product gives them */
} lowbit_conv2d;

/* An image of one pixel and one channel under a kernel of one tap, stride 1, no padding: set what differs. */
#define LOWBIT_CONV2D_INIT                                                                                             \
    {                                                                                                                  \
        sizeof(lowbit_conv2d), 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, { 0 }                                   \
    }

/* Reads a convolution as text. The grammar, fixed:
 *
 *     conv  = PROBLEM-HEAD ":" IMAGE KERNEL [PROBLEM-TAIL]
 *     IMAGE = ["b" BATCH] "h" HEIGHT "w" WIDTH "c" CHANNELS "n" OUT_CHANNELS
 *     KERNEL = "k" HEIGHT ["x" WIDTH] ["s" STRIDE ["x" STRIDE_X]] ["p" PAD ["x" PAD_X]]
 *              ["e" EXTRA ["x" EXTRA_X]] ["d" DILATION ["x" DILATION_X]] ["g" GROUPS]
 *
 * with the head and tail of a problem string (lowbit_problem_parse): "i8a8s:h32w32c64n64k3p1:s8+bias+relu". One number
 * stands for both directions. PAD is the padding on each side; EXTRA is added at the bottom and on the right, as
 * TensorFlow's "same" does. Order is fixed. LOWBIT_BAD_FORMAT with the position of the first word that does not fit. */
LOWBIT_API lowbit_status lowbit_conv2d_parse(const char *text, lowbit_conv2d *conv, lowbit_error *error);

/* Writes the shortest text that parses to the convolution, at most `size` bytes with the terminating zero; 192 suffice.
 * Refuses one that no text means: more padding at the top than at the bottom, or on the left than on the right. */
LOWBIT_API lowbit_status lowbit_conv2d_print(const lowbit_conv2d *conv, char *text, size_t size, lowbit_error *error);

/* Checks every number and computes what follows from them.
 *
 * out_height, out_width  of the result; either may be NULL
 * product                the product that one group is: M = batch * out_height * out_width, N = out_channels / groups,
 *                        K = kernel_height * kernel_width * channels / groups; depthwise all of them together, N =
 *                        out_channels. May be NULL. To tune a convolution, tune this */
LOWBIT_API lowbit_status lowbit_conv2d_product(const lowbit_conv2d *conv, int64_t *out_height, int64_t *out_width,
                                               lowbit_problem *product, lowbit_error *error);

/* How many matrices of weights there are: `groups`, or 1 if depthwise. */
LOWBIT_API lowbit_status lowbit_conv2d_matrices(const lowbit_conv2d *conv, int64_t *count, lowbit_error *error);

/* A convolution and its decision. Immutable: any number of threads may run it at once. */
typedef struct lowbit_conv2d_plan lowbit_conv2d_plan;

/* Makes a plan. options and statuses as for lowbit_plan_create, of the product: a convolution is computed by the kernel
 * that its product is, and wisdom for the one is wisdom for the other. */
LOWBIT_API lowbit_status lowbit_conv2d_plan_create(const lowbit_ctx *ctx, const lowbit_conv2d *conv,
                                                   const lowbit_plan_options *options, lowbit_conv2d_plan **plan,
                                                   lowbit_error *error);

/* The same with one kernel, by name. */
LOWBIT_API lowbit_status lowbit_conv2d_plan_force(const lowbit_ctx *ctx, const lowbit_conv2d *conv, const char *kernel,
                                                  uint32_t threads, lowbit_conv2d_plan **plan, lowbit_error *error);

LOWBIT_API void lowbit_conv2d_plan_destroy(const lowbit_ctx *ctx, lowbit_conv2d_plan *plan);

/* What the plan does for `batch` images. Of depthwise convolutions the kernel is "depthwise." and its level. */
LOWBIT_API lowbit_status lowbit_conv2d_plan_describe(const lowbit_conv2d_plan *plan, int64_t batch,
                                                     lowbit_plan_info *info, lowbit_error *error);

typedef struct lowbit_conv2d_args {
    uint32_t struct_size;
    const lowbit_packed *weights; /* [lowbit_conv2d_matrices] */
    int64_t batch;                /* images of this run: 1 up to the plan's */
    /* The image, dense; one of the two is NULL. Codes are for activations with codes: a8, a4, a2 if they are static
     * (-128..127, -8..7, -2..1), a1 (1 and -1), u1 (1 and 0). */
    const float *a;
    const int8_t *codes;
    float a_scale;  /* static activations: what a step of a code is worth, 2^-126 or more */
    int32_t a_zero; /* and the code of 0 */
    /* lowbit_column_sums of each matrix, [lowbit_conv2d_matrices]; may be NULL where a_zero is 0. */
    const int32_t *const *column_sums;
    /* lowbit_conv2d_tap_sums of each matrix, for b1 weights and a1 activations with padding, not
     * depthwise; else not read. */
    const int32_t *const *tap_sums;
    const float *bias;             /* [out_channels], exactly where the problem has a bias */
    const float *residual;         /* [M][out_channels], exactly where the problem has a residual. May be `out` */
    const lowbit_requant *requant; /* s8 and u8 outputs: arrays of out_channels, residual rows of out_channels */
    void *out;                     /* [M][out_stride] */
    int64_t out_stride;            /* elements, >= out_channels */
} lowbit_conv2d_args;

/* Bytes that lowbit_conv2d_tap_sums needs: 4 * taps * 16 * ceil(n / 16), n = rows of one matrix. */
LOWBIT_API lowbit_status lowbit_conv2d_tap_sums_size(const lowbit_conv2d *conv, int64_t *bytes, lowbit_error *error);

/* For b1 and a1: sums[t][n] = how many weights of tap t = ky * kernel_width + kx are +1 in row n of one matrix, by
 * which a run takes taps outside of the image out again. Compute them once, keep them beside the blob. */
LOWBIT_API lowbit_status lowbit_conv2d_tap_sums(const lowbit_conv2d *conv, const lowbit_packed *weights, int32_t *sums,
                                                int64_t size, lowbit_error *error);

/* Scratch bytes of a run with a pool of up to `workers` threads (at least 1). */
LOWBIT_API lowbit_status lowbit_conv2d_workspace_size(const lowbit_conv2d_plan *plan, int64_t batch, uint32_t workers,
                                                      int64_t *bytes, lowbit_error *error);

/* Computes the convolution.
 *
 * workspace  64-byte aligned, of lowbit_conv2d_workspace_size bytes for the pool's num_threads, used by one run at a
 *            time
 * pool       whose threads take part; NULL = the calling thread alone
 *
 * Allocates nothing and takes no lock; everything is checked before anything is written. */
LOWBIT_API lowbit_status lowbit_conv2d_run(const lowbit_conv2d_plan *plan, const lowbit_conv2d_args *args,
                                           void *workspace, int64_t workspace_size, const lowbit_pool *pool,
                                           lowbit_error *error);

#ifdef __cplusplus
}
#endif
#endif
