/* SPDX-License-Identifier: Apache-2.0 */
/* K split over tasks: where it is cut, and what the parts leave for each other. */
#ifndef LOWBIT_KERNELS_SPLIT_H_
#define LOWBIT_KERNELS_SPLIT_H_

#include "kernels/gemm.h"

/* K is cut into `parts` of `length` k, the last one shorter, up to `end`. What follows, a line or a group, is for
 * whichever task finds all parts done: it goes on from their sum, and so the kernel writes the output. Of a product
 * that is not split, all is 0. */
typedef struct lb_split {
    int64_t parts, length, end;
} lb_split;

lb_split lb_split_parts(const lowbit_problem *problem, const lb_gemm_config *config);

/* Inline, so that those many products that are not split do not pay for it. */
static inline lb_split lb_split_of(const lowbit_problem *problem, const lb_gemm_config *config) {
    return config->split_k <= 1 ? (lb_split){0, 0, 0} : lb_split_parts(problem, config);
}

/* What the tasks of a split product share, in the workspace behind the prepared rows. */
typedef struct lb_shared {
    uint32_t *states;          /* [part][tile of columns][block][mr][nr]: the sums or totals that a part leaves */
    _Atomic uint32_t *arrived; /* of each step_m x step_n of the output, how many parts have */
} lb_shared;

lb_shared lb_shared_of(const lb_gemm_call *call, lb_split split);
int64_t lb_shared_bytes(const lowbit_problem *problem, const lb_gemm_config *config, int64_t m);

#endif
