/* SPDX-License-Identifier: Apache-2.0 */
/* The image as codes: the caller's, or quantized once for all windows. */
#ifndef LOWBIT_KERNELS_CONV_IMAGE_H_
#define LOWBIT_KERNELS_CONV_IMAGE_H_

#include "kernels/conv_windows.h"

typedef struct lb_conv_image {
    lb_conv_plane codes;    /* int8 */
    lb_conv_plane words;    /* the same as bits, 32 channels a word (LB_A_BITS1 of one row); NULL = not wanted */
    float scale;            /* that a window has */
    const float *scales;    /* of each line: NaN where it has a NaN; NULL = there is none anywhere */
    const uint8_t *outside; /* a pixel of what is outside; NULL = not wanted */
} lb_conv_image;

/* Scratch of an image of so many pictures. */
int64_t lb_conv_image_bytes(const lowbit_conv2d *conv, const lb_conv_shape *shape, const lowbit_problem *product,
                            const lb_kernel *kernel, int64_t batch);

/* The same for an image without gaps between lines, whose codes are NULL where it has a NaN somewhere. */
int64_t lb_conv_dense_bytes(const lowbit_conv2d *conv, int64_t batch);
const int8_t *lb_conv_dense_codes(const lb_conv_call *call, void *memory, const lowbit_pool *pool);

/* Takes the call's codes, or quantizes its floats into `memory`, spread over the pool. */
void lb_conv_image_make(const lb_conv_call *call, void *memory, const lowbit_pool *pool, lb_conv_image *image);

/* scales[rows]: of windows m and on of a group's channels: NaN where one of the floats is. */
void lb_conv_image_scales(const lb_conv_image *image, const lb_conv_call *call, int64_t group,
                          const lb_conv_windows *windows, int64_t m, int64_t rows, float *scales);

/* Whether the kernel reads the pixels of windows where they are (kernels/conv_pieces.h). */
bool lb_conv_in_pieces(const lowbit_conv2d *conv, const lb_conv_shape *shape, const lowbit_problem *product,
                       const lb_kernel *kernel);

#endif
