/* SPDX-License-Identifier: Apache-2.0 */
/* What a unit offers for depthwise convolution: sums of windows that each lie in one channel, for a block of channels
 * side by side. Plain C; kernels/depthwise.c has the loops around it.
 *
 * Rows of the image are woven first. A stack is four of them (of floats, one), a column what the stack has at one x,
 * for all channels of the block: four elements of a channel stand together, as a byte dot product takes them. Windows
 * that overlap share columns, and what is outside of the image is woven in, so that the sums know no borders. The
 * fourth row of a stack that needs but three meets weights of 0. */
#ifndef LOWBIT_KERNELS_SIMD_DEPTHWISE_H_
#define LOWBIT_KERNELS_SIMD_DEPTHWISE_H_

#include "kernels/simd/ukernel.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Rows of a stack of codes. */
enum { LB_STACK = 4 };

/* Columns of `pixels` pixels that are equally far from each other. */
typedef struct lb_weave {
    const uint8_t *const *rows; /* [stacks * rows of a stack]: the first pixel's element of the block's first channel */
    const size_t *steps;        /* of each row: bytes from a pixel to the next; 0 = the same for all */
    size_t stacks, pixels;
    size_t whole;    /* pixels from the first on of which a whole block of elements may be read; of the others only */
    size_t channels; /* so many */
    uint8_t *to;     /* 64-byte aligned: the first stack's first column */
    size_t to_stack; /* bytes from there to the next stack's */
} lb_weave;

/* sums[p][c] = start[c] + sum over the taps of woven[p,tap,c] * weight[tap,c], modulo 2^32; of floats without start. */
typedef struct lb_windows {
    const uint8_t *columns; /* woven: the first stack's column of the first tap of pixel 0 */
    size_t to_stack;
    size_t stride, dilation; /* columns from a pixel to the next, and from a tap to the one on its right */
    const uint8_t *weights;  /* [stacks][width] columns like the woven ones */
    size_t stacks, width;
    const int32_t *start; /* [block] */
    size_t pixels;
    size_t channels; /* that exist, of the block: others need no sums */
    void *sums;      /* int32_t or float [pixels][block], 64-byte aligned */
} lb_windows;

/* One way to multiply. Of `pairs`, columns and weights are 16-bit: with lanes = block / 4, row t of channel c is number
 *     (c / lanes * 2 + t % 2) * block / 2 + c % lanes * 2 + t / 2
 * of its column; else number c * rows + t, rows being those of a stack. */
typedef struct lb_windows_way {
    void (*weave)(const lb_weave *weave);
    void (*sums)(const lb_windows *windows);
    int32_t bias; /* what weaving adds to every code: sum (a - z) w = sum (a + bias) w - (bias + z) sum w */
} lb_windows_way;

typedef struct lb_depthwise_ops {
    size_t block;          /* channels: 16, 32 or 64 */
    lb_windows_way quads;  /* codes times int8: bytes; NULLs where the level has no byte dot product */
    lb_windows_way pairs;  /* codes times int16 of at most 255 in magnitude */
    lb_windows_way floats; /* floats times floats */
    /* What follows the sums of one group, and what follows the totals of all, as of a kernel of tile->rows rows and
     * `block` columns: sums, scale, start and finish of the tile say the rest. */
    lb_tile_fn end_sums, end_totals;
} lb_depthwise_ops;

#ifdef __cplusplus
}
#endif
#endif
