/* SPDX-License-Identifier: Apache-2.0 */
/* Windows for kernels that read rows where they are: a pointer for each tap of each window, to the codes of its pixel,
 * or to a pixel of what is outside. Nothing is copied. */
#ifndef LOWBIT_KERNELS_CONV_PIECES_H_
#define LOWBIT_KERNELS_CONV_PIECES_H_

#include "kernels/conv_windows.h"

/* Pieces that a kernel with mr rows reads for the windows of an image, but for those that all windows of a block have
 * outside. */
int64_t lb_conv_pieces_read(const lowbit_conv2d *conv, const lb_conv_shape *shape, int64_t mr);

/* Scratch for so many windows, of a kernel with mr rows. */
int64_t lb_conv_pieces_bytes(const lb_conv_shape *shape, int64_t mr, int64_t rows);

/* Windows m .. m + rows - 1. outside: shape->depth bytes; memory as above, which lives as long as the pieces do. */
lb_gemm_pieces lb_conv_pieces(const lb_conv_windows *windows, const uint8_t *outside, int64_t mr, int64_t m,
                              int64_t rows, void *memory);

#endif
