/* SPDX-License-Identifier: Apache-2.0 */
/* What plans and tuning ask of wisdom: decisions by problem, and measured rates by name. All of it may be called from
 * any number of threads at once. */
#ifndef LOWBIT_TUNER_WISDOM_H_
#define LOWBIT_TUNER_WISDOM_H_

#include "kernels/gemm.h"
#include "kernels/ukernels.h"
#include "lowbit/wisdom.h"

/* Whose pool a decision was timed on: the library's, or one that the caller brought. */
enum { LB_POOL_OWN = 0, LB_POOL_FOREIGN = 1 };

/* One decision with its evidence. The key: everything of the problem, threads and pool. */
typedef struct lb_wisdom_entry {
    lowbit_problem problem;         /* m = the M that was tuned */
    uint32_t threads;               /* of the pool that was offered */
    uint32_t pool;                  /* LB_POOL_* */
    lb_gemm_config config;          /* threads = what it uses of them */
    double median_s, low_s, high_s; /* of the chosen configuration: median of the final samples, p10 and p90 */
    double estimate_s;              /* median of what ESTIMATE would have taken, in the same rounds; 0 = unknown */
    uint32_t samples, tried;        /* final samples of each; candidates that were timed */
    uint32_t effort;                /* LOWBIT_ESTIMATE, ... LOWBIT_EXHAUSTIVE */
    uint32_t noisy;                 /* 1 = the machine was not quiet */
    int64_t day;                    /* since 1970-01-01 */
} lb_wisdom_entry;

/* Whether it is wisdom of the context's machine and levels: what is usable for one context may be disabled in another.
 */
bool lb_wisdom_is_of(const lowbit_wisdom *wisdom, const lowbit_ctx *ctx);

/* Stores a decision of this machine in place of the one of the same key, whatever that one's evidence was; and that one
 * does not come back from a file by lowbit_wisdom_save. Reals are kept with six digits. Refuses what
 * lowbit_wisdom_import would not take for usable. */
lowbit_status lb_wisdom_put(lowbit_wisdom *wisdom, const lb_wisdom_entry *entry, lowbit_error *error);

/* Copies the usable decisions for the problem with m in [least, most], ascending in m, into `found`, at most `room`;
 * returns how many it copied. problem->m is not read. */
size_t lb_wisdom_find(const lowbit_wisdom *wisdom, const lowbit_problem *problem, uint32_t threads, uint32_t pool,
                      int64_t least, int64_t most, lb_wisdom_entry *found, size_t room);

/* The nearest usable decision with m in [least, most] of the same threads, pool, weight type, activations and output;
 * bias, activation function and residual may be others. Its K is congruent modulo 64, or both are whole groups; its
 * kernel computes the problem; distances are |log2 n/n'| + |log2 k/k'| + |log2 m/m'|, and 2 is the greatest that counts
 * as near. The caller takes kernel and thread count of it alone. False if there is none. */
bool lb_wisdom_nearest(const lowbit_wisdom *wisdom, const lowbit_problem *problem, uint32_t threads, uint32_t pool,
                       int64_t least, int64_t most, lb_wisdom_entry *found);

/* Measured rates of this machine: a name ("fork", "w4.dot.12x32.avx512vnni": letters, digits, '.', '_', '-', at most
 * LB_FACT_NAME - 1 of them) and 1 to LB_FACT_VALUES numbers, 0 or of magnitude 1e-15 to 1e15, kept with six digits.
 * Replaces, as lb_wisdom_put. */
enum { LB_FACT_VALUES = LOWBIT_WISDOM_VALUES, LB_FACT_NAME = 64 };
lowbit_status lb_wisdom_put_fact(lowbit_wisdom *wisdom, const char *name, const double *values, size_t count,
                                 int64_t day, lowbit_error *error);

/* The number of its values, 0 = unknown. */
size_t lb_wisdom_fact(const lowbit_wisdom *wisdom, const char *name, double values[LB_FACT_VALUES]);

/* The same for the name of a kernel, without looking for it: plans ask for many. */
size_t lb_wisdom_kernel_fact(const lowbit_wisdom *wisdom, lb_kernel_ref kernel, double values[LB_FACT_VALUES]);

#endif
