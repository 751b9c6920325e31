/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a product is right: bit for bit, or within the bound of docs/numerics.md. */
#ifndef LOWBIT_TUNER_VERIFY_H_
#define LOWBIT_TUNER_VERIFY_H_

#include <stdbool.h>

#include "tuner/operands.h"

typedef struct lb_verdict {
    int64_t rows;       /* that were checked */
    double max_abs_err; /* over them; 0 if exact */
    bool exact;         /* every element has the reference's bits */
    bool within;        /* the same; of float activations, is within the bound */
} lb_verdict;

/* Checks `rows` rows of the first m of operands->out, which a kernel with such factors (LB_FACTORS_*) has computed:
 * spread over the matrix, so that a sample needs no second product of the whole. */
lowbit_status lb_verify(const lb_operands *operands, int64_t m, int64_t rows, uint32_t factors, lb_verdict *verdict,
                        lowbit_error *error);

/* One row, whoever has computed it, against the reference's. Adds to the verdict. */
void lb_verify_same_row(const lowbit_problem *problem, const void *got, const void *want, lb_verdict *verdict);

/* One row of float activations, computed by whomever: `got` against the row of args. Adds to the verdict. */
void lb_verify_float_row(const lb_operands *operands, const lowbit_gemm_args *args, const void *got, uint32_t factors,
                         lb_verdict *verdict);

#endif
