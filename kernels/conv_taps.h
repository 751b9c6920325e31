/* SPDX-License-Identifier: Apache-2.0 */
/* Signs outside of the image: a code of 0 is the bit 0, which differs from the weights that are 1. So many are given
 * back before bits are counted, and only taps inside count. */
#ifndef LOWBIT_KERNELS_CONV_TAPS_H_
#define LOWBIT_KERNELS_CONV_TAPS_H_

#include "kernels/conv_windows.h"

/* Scratch of so many rows. */
int64_t lb_conv_start_bytes(const lb_conv_shape *shape, int64_t rows);

/* What the windows from m on start from, with the tap sums of their matrix. */
lb_gemm_start lb_conv_start(const lb_conv_windows *windows, const int32_t *tap_sums, int64_t m, int64_t rows,
                            void *memory);

#endif
