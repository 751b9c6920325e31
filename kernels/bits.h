/* SPDX-License-Identifier: Apache-2.0 */
/* What the doors of bit packing share: the choice of a unit, when results are stored around the caches, and the walk
 * over the lines of an N-d array. */
#ifndef LOWBIT_KERNELS_BITS_H_
#define LOWBIT_KERNELS_BITS_H_

#include "kernels/base/ctx.h"
#include "kernels/simd/bits.h"
#include "lowbit/bits.h"

/* The loops of the highest level that the context may use and that offers any; never NULL. */
const lb_bits_ops *lb_bits_best(const lowbit_ctx *ctx);

/* 1 if an unpacked result of so many bytes is better stored around the caches. */
uint32_t lb_bits_stream(const lowbit_ctx *ctx, int64_t bytes);

lowbit_status lb_bits_check_order(uint32_t order, lowbit_error *error);

/* One dimension of both sides: how often, and the bytes of a step. */
typedef struct lb_bits_dim {
    int64_t extent, in, out;
} lb_bits_dim;

/* All of a packbits or unpackbits call, resolved. A line runs along the axis: on the packed side it has one step,
 * `packed_step`, and on the unpacked side too, unless an array that is not contiguous is flattened: then the input's
 * side of the line is a walk of its own over `line`, in C order. */
typedef struct lb_bits_walk {
    const lb_bits_ops *ops;
    const uint8_t *in;
    uint8_t *out;
    uint32_t order, stream;
    int64_t length; /* elements of a line that the input determines */
    int64_t zeros;  /* unpacking: elements behind them */
    int64_t out_step;
    int line_dims, loop_dims;
    lb_bits_dim line[LOWBIT_BITS_MAX_DIMS];  /* the input's side of a line; `out` is not used */
    lb_bits_dim loops[LOWBIT_BITS_MAX_DIMS]; /* from line to line */
} lb_bits_walk;

void lb_bits_walk_pack(lb_bits_walk *walk);
void lb_bits_walk_unpack(lb_bits_walk *walk);

#endif
