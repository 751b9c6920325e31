/* SPDX-License-Identifier: Apache-2.0 */
/* Layers that are no convolution, on values of any type. A row is one y of one image: row i is y = i % height of image
 * i / height. */
#ifndef LOWBIT_NN_OPS_H_
#define LOWBIT_NN_OPS_H_

#include "nn/buffer.h"

typedef struct lb_op {
    const lb_node *node;
    lb_buffer x, second, y;
    const int32_t *thresholds; /* STEPS of sums: [channels][count], counted are those below the sum; else NULL */
} lb_op;

/* Computes rows first .. end - 1 of y. */
typedef void (*lb_op_rows)(const lb_op *op, int64_t first, int64_t end);

/* The function of LB_OP_*; NULL for those that are no such layer. */
lb_op_rows lb_op_rows_of(uint32_t op);

/* Whether codes of x and y of the layer are the same codes, so that y has the type of x, scale and zero point. */
bool lb_op_keeps_codes(uint32_t op);

/* ---- by file ---- */
void lb_pointwise_rows(const lb_op *op, int64_t first, int64_t end); /* AFFINE, RELU, HARDTANH, ADD, and conversion */
void lb_steps_rows(const lb_op *op, int64_t first, int64_t end);
void lb_max_pool_rows(const lb_op *op, int64_t first, int64_t end);
void lb_average_pool_rows(const lb_op *op, int64_t first, int64_t end); /* both kinds */
void lb_subsample_rows(const lb_op *op, int64_t first, int64_t end);
void lb_shift_rows(const lb_op *op, int64_t first, int64_t end);

#endif
