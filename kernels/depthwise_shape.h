/* SPDX-License-Identifier: Apache-2.0 */
/* How a depthwise convolution is cut: tiles of pixels, stacks of rows, terms; and where a worker keeps them. */
#ifndef LOWBIT_KERNELS_DEPTHWISE_SHAPE_H_
#define LOWBIT_KERNELS_DEPTHWISE_SHAPE_H_

#include "kernels/gemm.h"
#include "kernels/simd/depthwise.h"
#include "lowbit/conv.h"

typedef struct lb_depth_shape {
    int64_t out_height, out_width, taps;
    int64_t repeat; /* channels of the output for each of the image */
    bool floats;    /* activations stay floats */
    bool windows;   /* each window is quantized by itself, or its terms are no products */
    bool minima;
    int64_t groups, group; /* sums that are scaled one by one, and the taps of one */
    int64_t stack;         /* rows of a stack */
    int64_t together;      /* rows of the output, 1 or 2, that share the stacks */
    int64_t stacks;
    int64_t pixels; /* of a tile */
    bool shared;    /* all taps find their columns in one run; else each column of the kernel has its own */
    int64_t runs;
    int64_t columns;          /* of a run */
    int64_t stride, dilation; /* in columns */
} lb_depth_shape;

lb_depth_shape lb_depth_shape_of(const lowbit_conv2d *conv);

/* What is added to the totals of an output, in ascending order: the sum of a group times its scale, and after it, with
 * minima, the sum of the group's activations times its minimum: a sum with weights of 1. */
typedef struct lb_depth_term {
    int64_t group;
    bool ones;
    int64_t stack, stacks, x, width; /* the part of the kernel that holds its taps */
    uint8_t *weights;                /* [together][stacks][width] columns */
    int32_t *start;                  /* [block] */
} lb_depth_term;

static inline int64_t lb_depth_terms(const lb_depth_shape *shape) { return shape->groups * (shape->minima ? 2 : 1); }

/* Term `index`, without its memory. */
lb_depth_term lb_depth_term_at(const lb_depth_shape *shape, const lowbit_conv2d *conv, int64_t index);

/* Columns of one of its tables. */
static inline int64_t lb_depth_table(const lb_depth_term *term) { return term->stacks * term->width; }

/* What a worker keeps. */
typedef struct lb_depth_scratch {
    uint8_t *columns; /* [stacks][runs][columns] */
    uint8_t *spread;  /* [rows of the stacks][columns][block] elements, where `repeat` is not 1 */
    const uint8_t **rows, **outside;
    size_t *steps, *no_steps; /* [rows of the stacks], as those two */
    lb_depth_term *terms;
    int16_t *values; /* [taps][block]; of windows that stay floats, floats */
    /* Of windows that are quantized by themselves: */
    float *window; /* [taps] */
    int8_t *codes; /* the same, padded */
    int32_t *sums; /* [groups] */
    int32_t *dots; /* [terms][block] */
} lb_depth_scratch;

/* Fills scratch with pointers into `memory`, which may be NULL to learn the size, and returns the bytes. column_bytes:
 * of a column of the block. windows: for those that are quantized by themselves. */
int64_t lb_depth_place(const lb_depth_shape *shape, const lowbit_conv2d *conv, int64_t block, int64_t column_bytes,
                       bool windows, uint8_t *memory, lb_depth_scratch *scratch);

/* Values [taps][block] of rows n .. n + block - 1 of the weights (the last panel again where there are no more):
 * integers, with everything in them that is one, or floats with everything. n is a multiple of 16. */
void lb_depth_integers(const lowbit_packed *weights, int64_t n, int64_t block, int16_t *values);
void lb_depth_floats(const lowbit_packed *weights, int64_t n, int64_t block, float *values);

#endif
