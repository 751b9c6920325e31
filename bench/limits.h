/* SPDX-License-Identifier: Apache-2.0 */
/* The physical limits of this machine, measured in this process: what every speed is put next to.
 *
 * A limit is the fastest sample of the fastest loop that we know for one step alone (kernels/simd/probe.h), so that a
 * kernel which needs the step can only beat it by the noise of the clock frequency. Each is measured when it is first
 * asked for and kept, so a bench pays for what it reports. Not thread-safe: one bench, one lb_limits. */
#ifndef LOWBIT_BENCH_LIMITS_H_
#define LOWBIT_BENCH_LIMITS_H_

#include "kernels/simd/probe.h"
#include "kernels/ukernels.h"
#include "lowbit/pool.h"

typedef struct lb_limits lb_limits;

/* budget_s  what one limit may cost, about; 0.05 is good to 2 % on a quiet machine
 * limits    receives the object; the context must outlive it. Release with lb_limits_destroy (NULL is a no-op). */
lowbit_status lb_limits_create(const lowbit_ctx *ctx, double budget_s, lb_limits **limits, lowbit_error *error);
void lb_limits_destroy(lb_limits *limits);

/* One limit, in units per second of all threads together: bytes, or operations (a multiply and an add are two).
 * All 0 where the level has no such instruction. */
typedef struct lb_limit {
    double best;           /* of the fastest sample: the limit */
    double median;         /* of the median sample of the same loop: far below `best` on a busy machine */
    const lb_probe *probe; /* the loop that won; NULL for memcpy */
} lb_limit;

/* In the calls below `pool` gives the threads; NULL is the calling thread alone. */

/* Bytes per second of reading `bytes` bytes of memory again and again, divided over the threads: the working set in
 * all, at least 4 KiB for each thread. Loads of the widest level of the context; the best of several numbers of
 * streams, with and without prefetching. Memory comes as that of packed weights does: lb_alloc, huge pages, one first
 * touch. */
lowbit_status lb_limit_read(lb_limits *limits, size_t bytes, const lowbit_pool *pool, lb_limit *out,
                            lowbit_error *error);

/* Bytes per second copied by memcpy; source and destination together are `bytes` bytes. */
lowbit_status lb_limit_memcpy(lb_limits *limits, size_t bytes, const lowbit_pool *pool, lb_limit *out,
                              lowbit_error *error);

/* What the level computes: operations of LB_PROBE_DOT, LB_PROBE_MADDUBS or LB_PROBE_MADD (width 0) in registers, or
 * packed bytes of LB_PROBE_DECODE (width 1, 2, 4 or 8) from L1. */
lowbit_status lb_limit_compute(lb_limits *limits, const lb_isa_unit *unit, int kind, int width, const lowbit_pool *pool,
                               lb_limit *out, lowbit_error *error);

#endif
