/* SPDX-License-Identifier: Apache-2.0 */
/* The physical limits of this machine, measured in this process: what every speed is put next to.
 *
 * A limit is the best sample of the fastest loop that we know for that step alone, so a kernel that needs the step
 * cannot beat it but by the noise of the clock frequency. Each is measured when it is first asked for and kept, so a
 * bench pays only for what it reports. Not thread-safe: one bench, one lb_limits. */
#ifndef LOWBIT_BENCH_LIMITS_H_
#define LOWBIT_BENCH_LIMITS_H_

#include "bench/stats.h"
#include "kernels/simd/probe.h"
#include "kernels/ukernels.h"
#include "lowbit/pool.h"

typedef struct lb_limits lb_limits;

/* `budget_s` is what one limit may cost, apart from warm-up; 0.05 is good to about 2 %. The context must outlive the
 * result. */
lowbit_status lb_limits_create(const lowbit_ctx *ctx, double budget_s, lb_limits **limits, lowbit_error *error);
void lb_limits_destroy(lb_limits *limits);

/* One limit. Fields that do not apply are 0. */
typedef struct lb_limit {
    double best;                  /* from the fastest sample: the limit */
    double median;                /* from the median sample: how steady the machine is */
    const struct lb_probe *probe; /* the loop that won; NULL for memcpy */
} lb_limit;

/* In the three calls below, `pool` decides the number of threads; NULL is the calling thread alone. A limit that this
 * machine or level does not have is 0 (the level has no such instruction). */

/* GB/s (1e9 bytes) of reading `bytes` bytes again and again, divided over the threads: the working set in all. The
 * memory is allocated and first touched as packed weights are: lb_alloc, huge pages, one thread. */
lowbit_status lb_limit_read(lb_limits *limits, size_t bytes, const lowbit_pool *pool, lb_limit *out,
                            lowbit_error *error);

/* GB/s of bytes copied by memcpy, source and destination together being `bytes` bytes. */
lowbit_status lb_limit_memcpy(lb_limits *limits, size_t bytes, const lowbit_pool *pool, lb_limit *out,
                              lowbit_error *error);

/* The level's arithmetic: LB_PROBE_DOT, LB_PROBE_MADDUBS, LB_PROBE_MADD (width 0) in operations per second, a multiply
 * and an add being two; LB_PROBE_DECODE (width 1, 2, 4, 8) in packed bytes per second. */
lowbit_status lb_limit_compute(lb_limits *limits, const lb_isa_unit *unit, int kind, int width, const lowbit_pool *pool,
                               lb_limit *out, lowbit_error *error);

/* Short forms for the gemm bench: the best value, or 0 where there is none or it could not be measured. */
double lb_limit_read_gbs(lb_limits *limits, size_t bytes, const lowbit_pool *pool);
double lb_limit_decode_gbs(lb_limits *limits, const lb_isa_unit *unit, int width, const lowbit_pool *pool);
double lb_limit_tops(lb_limits *limits, const lb_isa_unit *unit, int kind, const lowbit_pool *pool);

#endif
