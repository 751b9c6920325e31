/* SPDX-License-Identifier: Apache-2.0 */
/* Measuring the rates of the cost model: every kernel on a few tiles in the L1 cache, reading from every cache, a fork.
 * Once for a machine and a thread count, in less than half a second; wisdom keeps them. */
#ifndef LOWBIT_TUNER_CALIBRATE_H_
#define LOWBIT_TUNER_CALIBRATE_H_

#include "lowbit/pool.h"
#include "tuner/clock.h"
#include "tuner/model.h"

/* Measures what the wisdom does not have for a pool of that many threads, and puts it there. pool may be NULL. */
lowbit_status lb_calibrate(const lowbit_ctx *ctx, const lowbit_pool *pool, const lb_clock *clock,
                           struct lowbit_wisdom *wisdom, lowbit_error *error);

/* The part of it that is about kernels. */
lowbit_status lb_calibrate_kernels(const lowbit_ctx *ctx, const lb_clock *clock, struct lowbit_wisdom *wisdom,
                                   lowbit_error *error);

#endif
