/* SPDX-License-Identifier: Apache-2.0 */
/* The table of an embedding: rows that are looked up one by one, as floats or as codes with a scale a row. */
#ifndef LOWBIT_NN_TABLE_H_
#define LOWBIT_NN_TABLE_H_

#include "lowbit/pool.h"
#include "nn/blocks.h"
#include "nn/choice.h"

/* Element c of a row is values[c], or scale * (s * code - o) by the constants of the format. */
typedef struct lb_table {
    uint32_t format; /* LOWBIT_F32, or one of whole codes of 1, 2, 4 or 8 bits without a book */
    int64_t rows, features;
    const float *values;  /* F32: [rows][features]; else NULL */
    const uint8_t *codes; /* [rows][lb_table_row_bytes]: code c from bit c * bits on, the lowest of a byte first */
    const float *scales;  /* [rows] */
} lb_table;

/* Refuses what no table can be: groups, offsets, activations that are codes, another format. */
lowbit_status lb_check_table(const lb_choice *choice, lowbit_error *error);

/* Bytes of a row of codes; the format is legal. */
int64_t lb_table_row_bytes(uint32_t format, int64_t features);

/* Quantizes values[rows][features], which floats keep and codes do not. Codes and scales are in `memory`. */
lowbit_status lb_table_make(const lowbit_ctx *ctx, const float *values, int64_t rows, int64_t features,
                            const lb_choice *choice, const lowbit_pool *pool, lb_blocks *memory, lb_table *table,
                            lowbit_error *error);

/* out[count] = elements `first` and on of a row. */
void lb_table_row(const lb_table *table, int64_t row, int64_t first, int64_t count, float *out);

#endif
