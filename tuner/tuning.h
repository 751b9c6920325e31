/* SPDX-License-Identifier: Apache-2.0 */
/* Tuning lists of problems into wisdom: what lowbit_tune does, with more to tell. */
#ifndef LOWBIT_TUNER_TUNING_H_
#define LOWBIT_TUNER_TUNING_H_

#include "lowbit/tune.h"
#include "tuner/tune.h"

/* Refuses options that lack fields, a pool that lacks callbacks, and wisdom of another context's levels. */
lowbit_status lb_check_options(const lowbit_ctx *ctx, const lowbit_plan_options *options, lowbit_error *error);

/* Threads of the pool that the options speak of, >= 1, and LB_POOL_*: whose it is. */
uint32_t lb_options_threads(const lowbit_plan_options *options);
uint32_t lb_options_pool(const lowbit_plan_options *options);

/* Who watches: told every candidate of problem `index` that was timed. */
typedef struct lb_observer {
    void (*observe)(void *user, const lb_candidate *candidate, const lb_runner *runner);
    void *user;
} lb_observer;

/* lowbit_tune. observer: NULL = nobody. */
lowbit_status lb_tune_all(const lowbit_ctx *ctx, const lowbit_problem *problems, size_t count,
                          const lowbit_plan_options *options, const lb_observer *observer, lowbit_tune_result *results,
                          lowbit_error *error);

#endif
