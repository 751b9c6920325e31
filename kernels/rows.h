/* SPDX-License-Identifier: Apache-2.0 */
/* Quantized rows inside other calls. */
#ifndef LOWBIT_KERNELS_ROWS_H_
#define LOWBIT_KERNELS_ROWS_H_

#include "kernels/formats/format.h"
#include "kernels/simd/ukernel.h"
#include "lowbit/gemm.h"

/* Bytes behind a row that a line of it may reach into: those of five trits a byte hold 20 k. */
enum { LB_ROW_SLACK = 19 };

/* Bytes from a row of codes to the next: an odd number of lines, since rows a power of two apart fall into one cache
 * set and push each other out. */
int64_t lb_rows_stride(int64_t k);

/* What lowbit_rows_size returns for legal arguments. */
int64_t lb_rows_bytes(int64_t m, int64_t k, int64_t group);

/* Points `rows` into memory of lowbit_rows_size bytes; arguments are legal. */
void lb_rows_place(int64_t m, int64_t k, int64_t group, void *memory, lowbit_rows *rows);

/* The rule of a kind of activations (LOWBIT_A8, ...: not float) whose rows are quantized one by one, and whether the
 * kind has a scale, so that it may be static. */
lb_row_rule lb_row_rule_for(uint32_t activations);
bool lb_row_rule_is_scaled(uint32_t activations);

/* Makes a rule the static one of its kind; refuses a scale or zero point out of range. */
lowbit_status lb_fix_row_rule(lb_row_rule *rule, float scale, int32_t zero, lowbit_error *error);

/* Quantizes row `row` of a: its sums and scale into their places, its rows->stride codes to `codes`. */
void lb_quantize_one_row(lb_quantize_row_fn quantize, const lb_row_rule *rule, const lowbit_matrix *a, int64_t row,
                         const lowbit_rows *rows, int8_t *codes);

/* The zero point of rows that a caller brings: 0 for callers that know of none. */
int32_t lb_rows_zero(const lowbit_rows *rows);

/* The kind of activations of rows that a caller brings: a8 for callers that know of no other. */
uint32_t lb_rows_activations(const lowbit_rows *rows);

#endif
