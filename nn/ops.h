/* SPDX-License-Identifier: Apache-2.0 */
/* Layers that are neither a convolution nor attention, on values of any type. They compute a range of rows or of pixels
 * of y, all images one after the other: row i is y = i % height of image i / height, and pixels are counted through in
 * the same order. A token of a text is an image of one pixel. */
#ifndef LOWBIT_NN_OPS_H_
#define LOWBIT_NN_OPS_H_

#include "nn/buffer.h"
#include "nn/table.h"

/* Where texts lie in the rows of all of them. */
typedef struct lb_texts {
    const int64_t *starts;    /* [texts + 1]: text i is rows starts[i] .. starts[i + 1] - 1 */
    const int64_t *positions; /* [rows]: how far a row is from the beginning of its text */
} lb_texts;

typedef struct lb_op {
    const lb_node *node;
    lb_buffer x, second, third, y;
    const int32_t *thresholds; /* STEPS of sums: [channels][count], counted are those below the sum; else NULL */
    const lb_table *table;     /* EMBED */
    const lb_texts *texts;     /* of values by token, and what is taken of them */
} lb_op;

/* Computes rows or pixels first .. end - 1 of y. */
typedef void (*lb_op_run)(const lb_op *op, int64_t first, int64_t end);

typedef struct lb_op_kind {
    lb_op_run run; /* NULL for what is no such layer */
    bool pixels;   /* by pixels; else by rows */
    /* Codes of x and y are the same codes, so that y has the type of x, scale and zero point. */
    bool keeps_codes;
} lb_op_kind;

/* Of LB_OP_*; LB_OP_NONE is the same value as another type. */
const lb_op_kind *lb_op_kind_of(uint32_t op);

static inline bool lb_op_keeps_codes(uint32_t op) { return lb_op_kind_of(op)->keeps_codes; }

/* ---- by file ---- */
void lb_pointwise_pixels(const lb_op *op, int64_t first, int64_t end); /* of one element, or of two; and conversion */
void lb_steps_pixels(const lb_op *op, int64_t first, int64_t end);
void lb_max_pool_rows(const lb_op *op, int64_t first, int64_t end);
void lb_average_pool_rows(const lb_op *op, int64_t first, int64_t end); /* both kinds */
void lb_subsample_rows(const lb_op *op, int64_t first, int64_t end);
void lb_shift_rows(const lb_op *op, int64_t first, int64_t end);
void lb_class_token_pixels(const lb_op *op, int64_t first, int64_t end);
void lb_positions_pixels(const lb_op *op, int64_t first, int64_t end);
void lb_embed_pixels(const lb_op *op, int64_t first, int64_t end);
void lb_take_rows(const lb_op *op, int64_t first, int64_t end);
void lb_take_mean_rows(const lb_op *op, int64_t first, int64_t end);
void lb_norm_pixels(const lb_op *op, int64_t first, int64_t end); /* the three norms */

/* Elements of y, or of as many of x, are computed in pieces of this many. */
enum { LB_OP_CHUNK = 1024 };

#endif
