/* SPDX-License-Identifier: Apache-2.0 */
/* Depthwise convolution of the portable level: kernels/simd/depthwise.h for blocks of 16 channels, one at a time. */
#ifndef LOWBIT_KERNELS_SIMD_DEPTHWISE_SCALAR_H_
#define LOWBIT_KERNELS_SIMD_DEPTHWISE_SCALAR_H_

#include <string.h>

#include "kernels/simd/depthwise.h"

enum { BLOCK = LB_PANEL, LANES = BLOCK / 4, COLUMN = BLOCK * LB_STACK };

/* Number of row t of channel c in a column of pairs. */
static inline size_t place(size_t c, size_t t) { return (c / LANES * 2 + t % 2) * BLOCK / 2 + c % LANES * 2 + t / 2; }

static inline void weave_pairs(const lb_weave *w) {
    for (size_t s = 0; s < w->stacks; s++) {
        int16_t *to = (int16_t *)(void *)(w->to + s * w->to_stack);
        for (size_t x = 0; x < w->pixels; x++, to += COLUMN)
            for (size_t t = 0; t < LB_STACK; t++) {
                const size_t row = s * LB_STACK + t, channels = x < w->whole ? BLOCK : w->channels;
                const int8_t *from = (const int8_t *)w->rows[row] + x * w->steps[row];
                for (size_t c = 0; c < channels; c++) to[place(c, t)] = from[c];
            }
    }
}

static inline void weave_floats(const lb_weave *w) {
    for (size_t s = 0; s < w->stacks; s++)
        for (size_t x = 0; x < w->pixels; x++)
            memcpy(w->to + s * w->to_stack + x * BLOCK * sizeof(float), w->rows[s] + x * w->steps[s],
                   (x < w->whole ? BLOCK : w->channels) * sizeof(float));
}

/* The column of a pixel's tap `x` of stack `s`. */
static inline size_t column_of(const lb_windows *w, size_t pixel, size_t x) {
    return pixel * w->stride + x * w->dilation;
}

static inline void sum_pairs(const lb_windows *w) {
    int32_t *sums = w->sums;
    for (size_t p = 0; p < w->pixels; p++)
        for (size_t c = 0; c < BLOCK; c++) {
            const int16_t *weights = (const int16_t *)(const void *)w->weights;
            uint32_t sum = (uint32_t)w->start[c];
            for (size_t s = 0; s < w->stacks; s++) {
                const int16_t *columns = (const int16_t *)(const void *)(w->columns + s * w->to_stack);
                for (size_t x = 0; x < w->width; x++, weights += COLUMN)
                    for (size_t t = 0; t < LB_STACK; t++)
                        sum += (uint32_t)(columns[column_of(w, p, x) * COLUMN + place(c, t)] * weights[place(c, t)]);
            }
            sums[p * BLOCK + c] = (int32_t)sum;
        }
}

static inline void sum_floats(const lb_windows *w) {
    float *sums = w->sums;
    for (size_t p = 0; p < w->pixels; p++)
        for (size_t c = 0; c < BLOCK; c++) {
            const float *weights = (const float *)(const void *)w->weights + c;
            float sum = 0;
            for (size_t s = 0; s < w->stacks; s++) {
                const float *columns = (const float *)(const void *)(w->columns + s * w->to_stack) + c;
                for (size_t x = 0; x < w->width; x++, weights += BLOCK)
                    sum += columns[column_of(w, p, x) * BLOCK] * *weights;
            }
            sums[p * BLOCK + c] = sum;
        }
}

#endif
