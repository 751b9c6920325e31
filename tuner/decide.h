/* SPDX-License-Identifier: Apache-2.0 */
/* Where a plan's decisions come from: wisdom of the very problem, wisdom of one alike, or the estimate. */
#ifndef LOWBIT_TUNER_DECIDE_H_
#define LOWBIT_TUNER_DECIDE_H_

#include "tuner/plan.h"

struct lowbit_wisdom;

/* Fills the decisions of a plan whose problem is set and legal, for a pool (LB_POOL_*) of so many threads. wisdom: NULL
 * = none. `only`: LOWBIT_NOT_FOUND where wisdom has no decision for the bucket of the problem's M. */
lowbit_status lb_decide(const lowbit_ctx *ctx, const struct lowbit_wisdom *wisdom, uint32_t threads, uint32_t pool,
                        bool only, lowbit_plan *plan, lowbit_error *error);

/* The bucket of M: its least and greatest M, the greatest one of the last bucket being INT64_MAX. */
typedef struct lb_bucket {
    int64_t least, most;
} lb_bucket;
lb_bucket lb_bucket_of(int64_t m);

/* What the library says of a problem that no kernel of this context computes. */
lowbit_status lb_refuse_unsupported(const lowbit_problem *problem, lowbit_error *error);

/* Appends a decision for M up to `last`. */
void lb_plan_add(lowbit_plan *plan, int64_t last, const char *source, lb_gemm_config config);

#endif
