/* SPDX-License-Identifier: Apache-2.0 */
/* Timing one probe on a buffer, on every thread of a pool at once: what the limits are made of. */
#ifndef LOWBIT_BENCH_LIMIT_JOB_H_
#define LOWBIT_BENCH_LIMIT_JOB_H_

#include "bench/limits.h"

/* Where and how long. The buffer has `step` bytes for each thread, of which it uses the first `slice`. */
typedef struct lb_limit_job {
    const lowbit_pool *pool; /* NULL = the calling thread */
    uint8_t *data;           /* 64-byte aligned */
    size_t slice, step;
    double budget_s;
} lb_limit_job;

/* Whether that kind only moves memory, whatever it holds. */
bool lb_limit_moves(int kind);

/* Fills the buffer with what suits probes of that kind. */
void lb_limit_fill(int kind, uint8_t *data, size_t bytes);

/* The best of the unit's probes of that kind and width, 0 where there is none. LB_LIMIT_MEMCPY and LB_LIMIT_CLOCK have
 * no unit, and no probe in the result. */
lb_limit lb_limit_best_probe(const lb_limit_job *job, const lb_isa_unit *unit, int kind, int width);

/* Seconds for a parallel loop of one task for each thread; of LB_LIMIT_FORK. */
lb_limit lb_limit_time_fork(const lowbit_pool *pool, enum lb_fork tasks, double budget_s);

#endif
