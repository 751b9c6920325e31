/* SPDX-License-Identifier: Apache-2.0 */
#include "tuner/calibrate.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "kernels/base/ctx.h"
#include "kernels/base/pool.h"
#include "kernels/simd/probe.h"
#include "tuner/best_of.h"
#include "tuner/tune.h"
#include "tuner/wisdom.h"

enum {
    READ_NS = 800000, /* a sample of reading or of forks lasts about so long */
    MEET_NS = 100000  /* how long a task waits for the others */
};

typedef struct reading {
    const lowbit_pool *pool;
    const lb_probe *probe;
    uint8_t *data;
    size_t slice, threads;
} reading;

static void read_slice(void *arg, size_t i, size_t worker) {
    (void)worker;
    const reading *r = arg;
    r->probe->run(r->data + i * r->slice, r->slice, 1, NULL);
}

static void run_reads(void *arg, int64_t reps) {
    const reading *r = arg;
    for (; reps > 0; reps--) lb_parallel_for(r->pool, r->threads, read_slice, arg);
}

/* Seconds of a byte, by the fastest loop there is. */
static double read_rate(const lowbit_ctx *ctx, const lb_clock *clock, const lowbit_pool *pool, uint8_t *data,
                        int64_t bytes) {
    const lb_isa_unit *unit = lb_unit_best(ctx);
    double best = INFINITY;
    reading r = {.pool = pool, .data = data, .threads = lb_pool_threads(pool)};
    r.slice = (size_t)bytes / r.threads / 4096 * 4096;
    for (size_t i = 0; i < unit->probe_count; i++) {
        if (unit->probes[i].kind != LB_PROBE_READ) continue;
        r.probe = &unit->probes[i];
        best = fmin(best, lb_best_of(clock, run_reads, &r, READ_NS) / (double)(r.slice * r.threads));
    }
    return best;
}

/* A loop whose tasks wait for each other, as long as there is hope: what a product pays that needs all workers. */
typedef struct meeting {
    const lowbit_pool *pool;
    const lb_clock *clock;
    size_t threads;
    atomic_size_t here;
} meeting;

static void meet(void *arg, size_t i, size_t worker) {
    (void)i, (void)worker;
    meeting *m = arg;
    const int64_t start = m->clock->now_ns(m->clock->user);
    atomic_fetch_add(&m->here, 1);
    while (atomic_load(&m->here) < m->threads)
        if (m->clock->now_ns(m->clock->user) - start > MEET_NS) return;
}

static void run_forks(void *arg, int64_t reps) {
    meeting *m = arg;
    for (; reps > 0; reps--) {
        atomic_store(&m->here, 0);
        lb_parallel_for(m->pool, m->threads, meet, m);
    }
}

/* Rates of reading with the threads of the pool, and what a parallel loop costs. */
static lowbit_status measure_pool(const lowbit_ctx *ctx, const lb_clock *clock, const lowbit_pool *pool, uint8_t *data,
                                  int64_t bytes, lowbit_wisdom *wisdom, lowbit_error *error) {
    const int64_t threads = (int64_t)lb_pool_threads(pool), l2 = lb_max(ctx->machine.l2_bytes, 256 << 10) * threads;
    const int64_t l3 = lb_max(lb_min(ctx->machine.l3_trusted_bytes, ctx->machine.l3_bytes) / 2, 2 * l2);
    const int64_t sizes[LB_SOURCES] = {l2 / 2, lb_min(l3, bytes / 2), bytes};
    double values[LB_SOURCES + 1];
    char name[LB_FACT_NAME];
    for (int i = 0; i < LB_SOURCES; i++) values[i] = read_rate(ctx, clock, pool, data, sizes[i]);
    meeting forks = {.pool = pool, .clock = clock, .threads = (size_t)threads};
    values[LB_SOURCES] = threads > 1 ? lb_best_of(clock, run_forks, &forks, READ_NS) : 0;
    lb_model_threads_name(threads, name);
    return lb_wisdom_put_fact(wisdom, name, values, LB_COUNT(values), lb_today(), error);
}

static bool knows_pool(const lowbit_wisdom *wisdom, const lowbit_pool *pool) {
    char name[LB_THREADS_NAME];
    double values[LB_FACT_VALUES];
    lb_model_threads_name((int64_t)lb_pool_threads(pool), name);
    return lb_wisdom_fact(wisdom, name, values) > 0;
}

/* One thread, and all of the pool. */
static lowbit_status measure_pools(const lowbit_ctx *ctx, const lb_clock *clock, const lowbit_pool *pool,
                                   lowbit_wisdom *wisdom, lowbit_error *error) {
    const lowbit_pool *const pools[] = {NULL, pool};
    const int64_t bytes = lb_ring_bytes(ctx);
    if (knows_pool(wisdom, NULL) && knows_pool(wisdom, pool)) return LOWBIT_OK;
    uint8_t *data = lb_alloc(ctx, (size_t)bytes);
    LB_REQUIRE(data, error, LOWBIT_NO_MEMORY, "no memory for %lld bytes to read", (long long)bytes);
    memset(data, 1, (size_t)bytes);
    lowbit_status status = LOWBIT_OK;
    for (size_t i = 0; i < LB_COUNT(pools) && status == LOWBIT_OK; i++)
        if (!knows_pool(wisdom, pools[i])) status = measure_pool(ctx, clock, pools[i], data, bytes, wisdom, error);
    lb_free(ctx, data, (size_t)bytes);
    return status;
}

lowbit_status lb_calibrate(const lowbit_ctx *ctx, const lowbit_pool *pool, const lb_clock *clock, lowbit_wisdom *wisdom,
                           lowbit_error *error) {
    LB_TRY(measure_pools(ctx, clock, pool, wisdom, error));
    return lb_calibrate_kernels(ctx, clock, wisdom, error);
}
