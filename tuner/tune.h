/* SPDX-License-Identifier: Apache-2.0 */
/* Tuning of one problem: candidates, their race, and what came of it. */
#ifndef LOWBIT_TUNER_TUNE_H_
#define LOWBIT_TUNER_TUNE_H_

#include "tuner/candidates.h"
#include "tuner/race.h"

/* What tuning one problem needs to know. */
typedef struct lb_tune {
    const lowbit_ctx *ctx;
    const lowbit_plan_options *options; /* effort, pool, progress */
    const lb_model *model;
    uint32_t threads; /* offered, >= 1 */
    const lb_clock *clock;
    double start_s, end_s;    /* of the whole tuning, by the clock; the second one bounds this problem too */
    size_t index, count;      /* for the progress */
    double budget_s;          /* for this problem */
    const lb_kernel *only[2]; /* kernels to choose from; NULL = all */
    /* Told every candidate of the last race of each stage and its times; NULL = nobody. */
    void (*observe)(void *user, const lb_candidate *candidate, const lb_runner *runner);
    void *observer;
    /* Takes the place of the product, on machines that are not there: lets the clock go on. NULL = products are run. */
    void (*pretend)(void *user, const lb_gemm_config *config, size_t reps);
    void *pretender;
} lb_tune;

typedef struct lb_tuned {
    lb_gemm_config config;
    double median_s, low_s, high_s;
    double estimate_s; /* of what the model alone had chosen */
    uint32_t samples, candidates;
    bool noisy;
} lb_tuned;

/* Times candidates for a legal problem that has a kernel, and chooses. LOWBIT_CANCELLED: before one was timed. */
lowbit_status lb_tune_problem(const lb_tune *tune, const lowbit_problem *problem, lb_tuned *tuned, lowbit_error *error);

/* Bytes that a ring of weights has, so that no cache holds what comes next. */
int64_t lb_ring_bytes(const lowbit_ctx *ctx);

#endif
