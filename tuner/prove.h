/* SPDX-License-Identifier: Apache-2.0 */
/* The proof that kernels must give before they are timed. */
#ifndef LOWBIT_TUNER_PROVE_H_
#define LOWBIT_TUNER_PROVE_H_

#include "tuner/estimate.h"

/* Leaves the contenders that compute a small problem of the same kind right (some tiles of each, and edges): bit for
 * bit, or within the bound. The logger hears the names of the others. LOWBIT_UNSUPPORTED where none is left. */
lowbit_status lb_prove(const lowbit_ctx *ctx, const lowbit_problem *problem, lb_contender *contenders, size_t *count,
                       lowbit_error *error);

#endif
