/* SPDX-License-Identifier: Apache-2.0 */
/* Depthwise convolution, the loops around lb_depthwise_ops: every row of the weights has one channel of the image, so
 * that a window has as many elements as the kernel has taps and there is nothing for a matrix product to share. All
 * that lowbit/conv.h says of outputs holds; the sums are ended by what ends those of products. */
#ifndef LOWBIT_KERNELS_DEPTHWISE_H_
#define LOWBIT_KERNELS_DEPTHWISE_H_

#include <stdbool.h>

#include "kernels/simd/ukernel.h"
#include "lowbit/conv.h"

/* Several groups, each of one channel. */
bool lb_depthwise_is(const lowbit_conv2d *conv);

/* Scratch bytes of a run with up to so many workers, on any unit. */
int64_t lb_depthwise_workspace(const lowbit_conv2d *conv, uint32_t workers);

/* Computes args->batch images; everything has been checked.
 *
 * conv       of whose product m, n and k are not read
 * codes      the image as codes, dense as args->a is: that of the args, or args->a quantized once as the law says.
 *            NULL: args->a, which stays floats or is quantized window by window. So are static activations and signs
 *            then, with the same results, slowly; but windows with a NaN become NaN
 * workspace  64-byte aligned
 * threads    1 = on the calling thread; else the workspace has room for every worker of the pool */
void lb_depthwise_run(const lb_isa_unit *unit, const lowbit_conv2d *conv, const lowbit_conv2d_args *args,
                      const int8_t *codes, void *workspace, uint32_t threads, const lowbit_pool *pool);

#endif
