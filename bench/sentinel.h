/* SPDX-License-Identifier: Apache-2.0 */
/* A fixed piece of work that is timed before and after every visit of a bench: whether the machine was itself. */
#ifndef LOWBIT_BENCH_SENTINEL_H_
#define LOWBIT_BENCH_SENTINEL_H_

#include "bench/measure.h"
#include "lowbit/context.h"
#include "lowbit/pool.h"

typedef struct lb_sentinel {
    lb_work fn;
    void *arg;
    const lb_clock *clock;
    size_t reps;                           /* of a sample: about half a millisecond */
    double start_s;                        /* the median sample at the start */
    double least_s;                        /* the least reading so far */
    struct lb_sentinel_products *products; /* what lb_sentinel_begin made, or NULL */
} lb_sentinel;

/* A visit whose readings are beyond the least of the run by more is disturbed. */
#define LB_DRIFT_LIMIT 0.03

/* A product on every thread of the pool (NULL = the calling thread), each its own and small enough for its L1 cache: it
 * keeps cores as busy in all their parts as the rows do. (A loop of dot products in registers does not notice a
 * neighbour on the same core that takes a third of the speed of every row.) What it takes now is the start; some 20 ms.
 * The pool may be destroyed and made again, with as many threads, between readings. End it in any case. */
lowbit_status lb_sentinel_begin(lb_sentinel *sentinel, const lowbit_ctx *ctx, const lowbit_pool *pool,
                                lowbit_error *error);
void lb_sentinel_end(lb_sentinel *sentinel);

/* The same of any work and clock; nothing is to end. */
void lb_sentinel_begin_with(lb_sentinel *sentinel, lb_work fn, void *arg, const lb_clock *clock);

/* A reading: seconds that a sample takes now, the median of nine. Some 5 ms. */
double lb_sentinel_read(lb_sentinel *sentinel);

/* A reading over the least one so far: 1.03 = the machine is 3 % slower than it can be; 1 for a reading of 0. */
double lb_sentinel_drift(const lb_sentinel *sentinel, double reading);

#endif
