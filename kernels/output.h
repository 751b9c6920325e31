/* SPDX-License-Identifier: Apache-2.0 */
/* Where a tile's output step reads and writes: in the caller's arrays, or in scratch where the tile hangs over an edge
 * of the output. Kernels compute full tiles and never ask where the matrix ends. */
#ifndef LOWBIT_KERNELS_OUTPUT_H_
#define LOWBIT_KERNELS_OUTPUT_H_

#include "kernels/gemm.h"

/* What is the same for all tiles of a call. Elements of the bias have 4 bytes, those of a residual `residual_bytes`. */
typedef struct lb_output {
    lb_requant requant;
    const uint8_t *bias, *residual;
    uint8_t *out;
    const int32_t *multipliers, *shifts;
    int64_t residual_stride, residual_bytes, out_stride, out_bytes; /* strides in elements */
    bool stream; /* whole tiles are stored past the caches; whoever waits for them needs lb_output_end */
} lb_output;

/* Scratch of one tile. */
typedef struct lb_edge {
    int32_t bias[LB_TILE_COLUMNS], multipliers[LB_TILE_COLUMNS], shifts[LB_TILE_COLUMNS];
    _Alignas(LB_LINE) uint8_t residual[4 * LB_TILE_ELEMENTS];
    _Alignas(LB_LINE) uint8_t out[4 * LB_TILE_ELEMENTS];
} lb_edge;

/* Resolves the output step of a call, and sets the fields of `tile` that all its tiles share. `tile` keeps a pointer to
 * `output`. */
void lb_output_begin(const lb_gemm_call *call, lb_output *output, lb_tile *tile);

/* Runs the kernel on the tile whose first row and column are m and n, of which `rows` and `cols` exist. */
void lb_output_run(const lb_output *output, const lb_kernel *kernel, lb_tile *tile, lb_edge *edge, int64_t m, int64_t n,
                   int64_t rows, int64_t cols);

/* After the last tile of a task. */
void lb_output_end(const lb_output *output);

#endif
