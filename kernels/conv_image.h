/* SPDX-License-Identifier: Apache-2.0 */
/* The image as codes: the caller's, or quantized once for all windows. */
#ifndef LOWBIT_KERNELS_CONV_IMAGE_H_
#define LOWBIT_KERNELS_CONV_IMAGE_H_

#include "kernels/conv_windows.h"

typedef struct lb_conv_image {
    const int8_t *codes;
    int64_t line;        /* bytes from a line of the image to the next */
    float scale;         /* that a window has */
    const float *scales; /* of each line: NaN where it has a NaN; NULL = the caller brought codes */
} lb_conv_image;

/* Scratch of a quantized image of so many pictures. */
int64_t lb_conv_image_bytes(const lowbit_conv2d *conv, int64_t batch);

/* Takes the call's codes, or quantizes its floats into `memory`, spread over the pool. */
void lb_conv_image_make(const lb_conv_call *call, void *memory, const lowbit_pool *pool, lb_conv_image *image);

/* The scale of a window of a group's channels: NaN where one of its floats is. */
float lb_conv_image_scale(const lb_conv_image *image, const lb_conv_call *call, int64_t group, const lb_window *window);

#endif
