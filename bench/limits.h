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
#include "lowbit/wisdom.h"

typedef struct lb_limits lb_limits;

/* budget_s  what one limit may cost, about; 0.05 is good to 2 % on a quiet machine
 * limits    receives the object; the context must outlive it. Release with lb_limits_destroy (NULL is a no-op). */
lowbit_status lb_limits_create(const lowbit_ctx *ctx, double budget_s, lb_limits **limits, lowbit_error *error);
void lb_limits_destroy(lb_limits *limits);

/* Keeps limits as rates of the wisdom ("limit.dot.avx512vnni.w0.b0.t2": best, median, streams, prefetch, budget): what
 * is measured from now on is put there, unless what is there had more than twice the time. With `reuse`, what is there
 * already, and had a quarter of this budget, is not measured again: if the clock of one thread and its read rate from
 * beyond the L2 cache, measured now, are within 10 % of those that are kept; otherwise, and where these two are not
 * kept, everything is measured anew. The wisdom must outlive the limits. */
lowbit_status lb_limits_keep(lb_limits *limits, lowbit_wisdom *wisdom, bool reuse, lowbit_error *error);

/* Whether kept limits are used; whether any were measured since, so that the wisdom is worth saving. */
bool lb_limits_are_kept(const lb_limits *limits);
bool lb_limits_are_new(const lb_limits *limits);

/* Once more: what is asked for from now on is measured again, and the better of both kept. What disturbs a shared
 * machine for a moment, a limit that is looked at twice survives. */
void lb_limits_look_again(lb_limits *limits);

/* Kinds beside those of probes. */
enum { LB_LIMIT_MEMCPY = LB_PROBE_KINDS, LB_LIMIT_CLOCK, LB_LIMIT_FORK, LB_LIMIT_KINDS };

/* One limit, in units per second of all threads together: bytes, operations (a multiply and an add are two), lookups of
 * a byte, or cycles. All 0 where the level has no such instruction. */
typedef struct lb_limit {
    double best;           /* of the fastest sample: the limit */
    double median;         /* of the median sample of the same loop: far below `best` on a busy machine */
    const lb_probe *probe; /* the loop that won; NULL for memcpy, clock and forks */
} lb_limit;

/* In the calls below `pool` gives the threads; NULL is the calling thread alone. */

/* Bytes per second of reading `bytes` bytes of memory again and again, divided over the threads: the working set in
 * all, at least 4 KiB for each thread. Loads of the widest level of the context; the best of several numbers of
 * streams, with and without prefetching. Memory comes as that of packed weights does: lb_alloc, huge pages, one first
 * touch. */
lowbit_status lb_limit_read(lb_limits *limits, size_t bytes, const lowbit_pool *pool, lb_limit *out,
                            lowbit_error *error);

/* Bytes per second of writing such a working set: LB_PROBE_WRITE or LB_PROBE_WRITE_AROUND. */
lowbit_status lb_limit_write(lb_limits *limits, int kind, size_t bytes, const lowbit_pool *pool, lb_limit *out,
                             lowbit_error *error);

/* Bytes per second copied by memcpy; source and destination together are `bytes` bytes. */
lowbit_status lb_limit_memcpy(lb_limits *limits, size_t bytes, const lowbit_pool *pool, lb_limit *out,
                              lowbit_error *error);

/* Cycles per second of the cores that the threads run on, added up: dependent additions of registers, one a cycle. */
lowbit_status lb_limit_clock(lb_limits *limits, const lowbit_pool *pool, lb_limit *out, lowbit_error *error);

/* What the level computes: operations of LB_PROBE_DOT, _MADDUBS, _MADD, _L1, _BITS, _FMA, _L1F, _TILE or _TILE_BF16,
 * lookups of LB_PROBE_LOOKUP (width 0) in registers, or packed bytes of LB_PROBE_DECODE (width 1, 2, 4 or 8) from L1.
 */
lowbit_status lb_limit_compute(lb_limits *limits, const lb_isa_unit *unit, int kind, int width, const lowbit_pool *pool,
                               lb_limit *out, lowbit_error *error);

/* Operations per second of LB_PROBE_TILES and LB_PROBE_TILES_BF16 (width 0) or LB_PROBE_TILE_GROUPS (width 32, 64 or
 * 128), each thread's rows of A streaming through a buffer of its own in that cache, past a block of B in L1. */
enum { LB_TILES_L1 = 2 * LB_PROBE_BLOCK_BYTES, LB_TILES_L2 = 64 * LB_PROBE_BLOCK_BYTES };
lowbit_status lb_limit_tiles(lb_limits *limits, const lb_isa_unit *unit, int kind, int width, size_t bytes,
                             const lowbit_pool *pool, lb_limit *out, lowbit_error *error);

/* Seconds (not a rate: less is better) that the pool takes for a parallel loop of one task for each thread, again and
 * again, so that its workers are awake: with tasks that do nothing, and with tasks that wait for each other, so that
 * every worker has come. The second is what a product pays that needs them all. */
enum lb_fork { LB_FORK_EMPTY, LB_FORK_MEET };
lowbit_status lb_limit_fork(lb_limits *limits, enum lb_fork tasks, const lowbit_pool *pool, lb_limit *out,
                            lowbit_error *error);

#endif
