/* SPDX-License-Identifier: Apache-2.0 */
/* What a network sees of an 8-bit colour: (code / divisor - mean) / std, channel by channel. */
#ifndef LOWBIT_NN_PIXELS_H_
#define LOWBIT_NN_PIXELS_H_

#include "lowbit/types.h"

enum { LB_CHANNELS = 3 }; /* R, G, B */

typedef struct lb_normalization {
    float divisor; /* 255; 1 for networks that take the codes themselves */
    float mean[LB_CHANNELS], std[LB_CHANNELS];
} lb_normalization;

/* The value of each code: three roundings each, as torchvision's ToTensor and Normalize make them, done once. */
typedef struct lb_pixels {
    float value[LB_CHANNELS][256];
} lb_pixels;

/* LOWBIT_INVALID_ARGUMENT for a divisor or a std that is not above 0, or a mean that is not finite. */
lowbit_status lb_pixels_make(const lb_normalization *normalization, lb_pixels *pixels, lowbit_error *error);

/* out[i][c] = the value of channel c of pixel i. Channel c of the codes begins at codes + c * channel, its pixels lie
 * `step` bytes apart: step 3, channel 1 for R G B in turn (images), step 1, channel `count` for planes (CIFAR). */
void lb_pixels_floats(const lb_pixels *pixels, const uint8_t *codes, int64_t count, int64_t step, int64_t channel,
                      float *out);

#endif
