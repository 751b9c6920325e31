/* SPDX-License-Identifier: Apache-2.0 */
/* Products of float activations in double, and how far a kernel may be from them. */
#ifndef LOWBIT_KERNELS_REFERENCE_FLOAT_H_
#define LOWBIT_KERNELS_REFERENCE_FLOAT_H_

#include "kernels/gemm.h"

/* One output: the value, and the most by which docs/numerics.md lets a kernel differ from it. Both are NaN or infinite
 * where the value is not finite, or where a sum may leave binary32. */
typedef struct lb_float_result {
    double y, bound;
} lb_float_result;

/* Row m of A and row n of the weights, activation function included. factors: LB_FACTORS_*, what the kernel's algorithm
 * makes of them. */
lb_float_result lb_reference_float(const lowbit_problem *problem, const lowbit_weights *weights,
                                   const lowbit_gemm_args *args, int64_t m, int64_t n, uint32_t factors);

/* True if an output of the problem's kind at `got` is as near as the bound says. */
bool lb_float_within(const lowbit_problem *problem, const lowbit_requant *requant, lb_float_result want,
                     const void *got);

#endif
