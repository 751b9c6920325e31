/* SPDX-License-Identifier: Apache-2.0 */
/* What a plan is: a problem, and a decision for every M up to its own. */
#ifndef LOWBIT_TUNER_PLAN_H_
#define LOWBIT_TUNER_PLAN_H_

#include "kernels/gemm.h"

/* Buckets of M, most decisions of one, where tuning has looked for crossovers, and of a plan. */
enum { LB_BUCKETS = 5, LB_BUCKET_DECISIONS = 16, LB_PLAN_DECISIONS = LB_BUCKETS * LB_BUCKET_DECISIONS };

/* The decision for M up to `last`, from where the one before ends. */
typedef struct lb_plan_decision {
    int64_t last;
    const char *source; /* as lowbit_plan_info has it */
    lb_gemm_config config;
} lb_plan_decision;

struct lowbit_plan {
    lowbit_problem problem;
    size_t count;
    lb_plan_decision decisions[LB_PLAN_DECISIONS]; /* ascending; the last one reaches the problem's M */
};

/* A plan that runs every M as this config says; refuses what the mechanism cannot run. The kernel is one of the unit.
 */
lowbit_status lb_plan_of_config(const lowbit_ctx *ctx, const lowbit_problem *problem, const lb_gemm_config *config,
                                lowbit_plan **plan, lowbit_error *error);

/* Refuses a plan that is NULL, and m that it is not for. */
lowbit_status lb_plan_check(const lowbit_plan *plan, int64_t m, lowbit_error *error);

/* Fills all but struct_size. */
void lb_describe_config(const lb_gemm_config *config, const char *source, lowbit_plan_info *info);

/* The decision for m rows, 1 <= m <= problem.m. */
const lb_plan_decision *lb_plan_decision_of(const lowbit_plan *plan, int64_t m);

#endif
