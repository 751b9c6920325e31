/* SPDX-License-Identifier: Apache-2.0 */
/* ESTIMATE: a configuration chosen by the cost model, with nothing timed. */
#ifndef LOWBIT_TUNER_ESTIMATE_H_
#define LOWBIT_TUNER_ESTIMATE_H_

#include "tuner/model.h"

/* What computes a problem: a kernel of an enabled level that can, with its rates. */
typedef struct lb_contender {
    lb_kernel_ref ref;
    lb_kernel_rate rate;
} lb_contender;

/* More than any problem has: a kernel for each tile of a few algorithms on each level. */
enum { LB_MOST_CONTENDERS = 192 };

/* Fills `found` in the order of the table; returns how many there are. 0: no kernel of this context computes the
 * problem, which is legal. */
size_t lb_contenders(const lb_model *model, const lowbit_problem *problem, lb_contender found[LB_MOST_CONTENDERS]);

/* The configuration for m rows, of which the model thinks best. threads: of the pool, 0 = 1.
 * count >= 1. */
lb_gemm_config lb_estimate(const lb_model *model, const lowbit_problem *problem, int64_t m, uint32_t threads,
                           const lb_contender *contenders, size_t count);

/* The same for one kernel: blocks and thread count alone. threads >= 1. */
lb_gemm_config lb_estimate_blocks(const lb_model *model, const lowbit_problem *problem, int64_t m, uint32_t threads,
                                  const lb_contender *contender);

/* Thread counts that are worth a look: every one up to 8, then steps of about a quarter, and all of them. Past
 * `threads` after the last. */
uint32_t lb_more_threads(uint32_t used, uint32_t threads);

/* Blocks by rule for a kernel on `used` of `threads` threads. */
lb_gemm_config lb_configure(const lowbit_ctx *ctx, const lowbit_problem *problem, int64_t m, lb_kernel_ref kernel,
                            uint32_t used, uint32_t threads);

/* What a choice goes by: seconds, but that precision has its price. */
double lb_price(double seconds, const lb_kernel *kernel);

#endif
