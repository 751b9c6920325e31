/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers for one problem: weights, packed once or many times over, A, and all else that a call takes. What the
 * tuner and the bench time products on, and check them with. */
#ifndef LOWBIT_TUNER_OPERANDS_H_
#define LOWBIT_TUNER_OPERANDS_H_

#include "lowbit/gemm.h"

/* Everything that was made, so that one function releases it however far the making came. */
typedef struct lb_operands {
    const lowbit_ctx *ctx;
    lowbit_problem problem;
    lowbit_weights weights;
    uint8_t *ring;
    int64_t blob_bytes, step, copies; /* copies of the blob, `step` bytes apart */
    int64_t at;                       /* the copy that comes next */
    lowbit_packed *packed;            /* [copies] */
    float *a, *bias, *residual;
    void *out;            /* room for m * n floats */
    int32_t *column_sums; /* of static activations */
    int64_t column_bytes;
    lowbit_requant requant; /* of outputs of 8 bits; in the integer form where that is legal, with these: */
    int32_t *columns;       /* [3][n]: multipliers, shifts, bias */
    uint8_t *codes;         /* [m][n]: residual */
} lb_operands;

/* Makes operands of a legal problem in memory of the context. ring_bytes: the copies together have at least so many
 * bytes; 0 = one copy. Release them in any case. */
lowbit_status lb_operands_make(const lowbit_ctx *ctx, const lowbit_problem *problem, int64_t ring_bytes,
                               const lowbit_pool *pool, lb_operands *operands, lowbit_error *error);
void lb_operands_release(lb_operands *operands);

/* The arguments of a call with the first m rows; `packed` is one of the copies, or NULL. */
lowbit_gemm_args lb_operands_args(const lb_operands *operands, const lowbit_packed *packed, int64_t m);

/* The copy that comes next, round and round. */
const lowbit_packed *lb_operands_next(lb_operands *operands);

#endif
