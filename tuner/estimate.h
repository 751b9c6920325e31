/* SPDX-License-Identifier: Apache-2.0 */
/* ESTIMATE: a configuration chosen by rule, with nothing timed. */
#ifndef LOWBIT_TUNER_ESTIMATE_H_
#define LOWBIT_TUNER_ESTIMATE_H_

#include "kernels/gemm.h"
#include "kernels/ukernels.h"

/* The configuration for m rows. The problem is legal. threads: of the caller's pool, 0 = 1. */
/* The kernel of least estimated cost for m rows; false where no enabled one computes the problem. */
bool lb_estimate_kernel(const lowbit_ctx *ctx, const lowbit_problem *problem, int64_t m, lb_kernel_ref *kernel);

lb_gemm_config lb_estimate(const lowbit_ctx *ctx, const lowbit_problem *problem, int64_t m, uint32_t threads);

/* The same for a given kernel: block sizes and thread count alone. */
lb_gemm_config lb_configure(const lowbit_ctx *ctx, const lowbit_problem *problem, int64_t m, lb_kernel_ref kernel,
                            uint32_t threads);

#endif
