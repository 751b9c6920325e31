/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/limits.h"

#include <math.h>
#include <stdio.h>

#include "bench/limit_job.h"
#include "kernels/base/base.h"
#include "kernels/base/cpu.h"
#include "kernels/base/pool.h"
#include "tuner/clock.h"
#include "tuner/wisdom.h"

enum {
    LEAST_SLICE = 4096,
    MEMO_SIZE = 512,
    /* Bytes that each thread of a compute probe passes over: in every L1, and enough for its loop to run steadily. */
    L1_BYTES = 12 << 10,
};

/* What was measured: enough to know it again. */
typedef struct key {
    const lb_isa_unit *unit; /* NULL = of no level */
    size_t bytes, threads;
    int kind, width;
} key;

struct lb_limits {
    const lowbit_ctx *ctx;
    double budget_s;
    lowbit_wisdom *wisdom; /* NULL = none */
    bool kept, measured;   /* limits of the wisdom are used; others were put there */
    uint32_t look;         /* 0 at first: counts lb_limits_look_again */
    uint8_t *data;         /* what probes run on, kept since a large one takes longer to map than to read */
    size_t bytes;
    size_t count; /* remembered so far; the oldest is forgotten first */
    struct memo {
        key key;
        uint32_t look; /* the last that measured it */
        lb_limit limit;
    } memo[MEMO_SIZE];
};

lowbit_status lb_limits_create(const lowbit_ctx *ctx, double budget_s, lb_limits **limits, lowbit_error *error) {
    lb_limits *made = lb_alloc(ctx, sizeof *made);
    LB_REQUIRE(made, error, LOWBIT_NO_MEMORY, "no memory for the limits");
    made->ctx = ctx;
    made->budget_s = budget_s;
    made->wisdom = NULL;
    made->kept = made->measured = false;
    made->look = 0;
    made->data = NULL;
    made->bytes = 0;
    made->count = 0;
    *limits = made;
    return LOWBIT_OK;
}

void lb_limits_destroy(lb_limits *limits) {
    if (!limits) return;
    lb_free(limits->ctx, limits->data, limits->bytes);
    lb_free(limits->ctx, limits, sizeof *limits);
}

bool lb_limits_are_kept(const lb_limits *limits) { return limits->kept; }

bool lb_limits_are_new(const lb_limits *limits) { return limits->wisdom && limits->measured; }

/* ---- in this process ---- */

static bool same_key(const key *a, const key *b) {
    return a->unit == b->unit && a->bytes == b->bytes && a->threads == b->threads && a->kind == b->kind &&
           a->width == b->width;
}

static struct memo *memo_of(lb_limits *limits, const key *wanted) {
    for (size_t i = 0; i < LB_COUNT(limits->memo) && i < limits->count; i++)
        if (same_key(&limits->memo[i].key, wanted)) return &limits->memo[i];
    return NULL;
}

static bool recall(lb_limits *limits, const key *wanted, lb_limit *out) {
    const struct memo *known = memo_of(limits, wanted);
    if (!known || known->look != limits->look) return false;
    *out = known->limit;
    return true;
}

/* Of a fork less is better. */
static bool is_better(const key *of, const lb_limit *a, const lb_limit *b) {
    return of->kind == LB_LIMIT_FORK ? a->best < b->best : a->best > b->best;
}

/* `limit` becomes the better one, where it has been looked at before. */
static void remember(lb_limits *limits, const key *measured, lb_limit *limit) {
    struct memo *known = memo_of(limits, measured);
    if (!known)
        known = &limits->memo[limits->count++ % MEMO_SIZE];
    else if (is_better(measured, &known->limit, limit))
        *limit = known->limit;
    *known = (struct memo){*measured, limits->look, *limit};
}

void lb_limits_look_again(lb_limits *limits) { limits->look++; }

/* ---- from one run to the next, as facts of a wisdom ---- */

enum { BEST, MEDIAN, STREAMS, PREFETCH, BUDGET, VALUES };

static void fact_name(const key *k, char name[LB_FACT_NAME]) {
    static const char *const kKinds[LB_LIMIT_KINDS] = {
        [LB_PROBE_DOT] = "dot",
        [LB_PROBE_MADDUBS] = "maddubs",
        [LB_PROBE_MADD] = "madd",
        [LB_PROBE_DECODE] = "decode",
        [LB_PROBE_READ] = "read",
        [LB_PROBE_WRITE] = "write",
        [LB_PROBE_WRITE_AROUND] = "write_around",
        [LB_PROBE_TILE] = "tile",
        [LB_PROBE_TILES] = "tiles",
        [LB_PROBE_TILE_GROUPS] = "tile_groups",
        [LB_PROBE_L1] = "l1",
        [LB_PROBE_BITS] = "bits",
        [LB_PROBE_FMA] = "fma",
        [LB_PROBE_TILE_BF16] = "tile_bf16",
        [LB_PROBE_TILES_BF16] = "tiles_bf16",
        [LB_PROBE_L1F] = "l1f",
        [LB_PROBE_FMA_BF16] = "fma_bf16",
        [LB_PROBE_LOOKUP] = "lookup",
        [LB_LIMIT_MEMCPY] = "memcpy",
        [LB_LIMIT_CLOCK] = "clock",
        [LB_LIMIT_FORK] = "fork",
    };
    snprintf(name, LB_FACT_NAME, "limit.%s.%s.w%d.b%zu.t%zu", kKinds[k->kind],
             k->unit ? lb_isa_level_of(k->unit->isa)->name : "any", k->width, k->bytes, k->threads);
}

/* The unit's loop that was the best one when the limit was measured. NULL: this build has it no more. */
static const lb_probe *find_probe(const key *k, const double values[VALUES]) {
    for (size_t i = 0; i < k->unit->probe_count; i++) {
        const lb_probe *p = &k->unit->probes[i];
        if (p->kind == k->kind && p->width == k->width && p->streams == values[STREAMS] &&
            p->prefetch == values[PREFETCH])
            return p;
    }
    return NULL;
}

static bool read_values(const lb_limits *limits, const key *wanted, double values[LB_FACT_VALUES]) {
    char name[LB_FACT_NAME];
    fact_name(wanted, name);
    return limits->wisdom && lb_wisdom_fact(limits->wisdom, name, values) == VALUES;
}

/* One that was measured in a hurry does not serve those who have time. */
static bool read_fact(const lb_limits *limits, const key *wanted, lb_limit *out) {
    double values[LB_FACT_VALUES];
    if (!read_values(limits, wanted, values) || values[BUDGET] < 0.25 * limits->budget_s) return false;
    *out = (lb_limit){values[BEST], values[MEDIAN], wanted->unit ? find_probe(wanted, values) : NULL};
    return !wanted->unit || out->probe;
}

/* What a level does not have costs nothing to find out, and is no fact. */
static lowbit_status put_fact(lb_limits *limits, const key *measured, const lb_limit *limit, lowbit_error *error) {
    char name[LB_FACT_NAME];
    double before[LB_FACT_VALUES];
    const lb_probe *p = limit->probe;
    const double values[VALUES] = {limit->best, limit->median, p ? p->streams : 0, p ? p->prefetch : 0,
                                   limits->budget_s};
    if (!limits->wisdom || limit->best <= 0) return LOWBIT_OK;
    if (read_values(limits, measured, before) && before[BUDGET] > 2 * limits->budget_s) return LOWBIT_OK;
    fact_name(measured, name);
    limits->measured = true;
    return lb_wisdom_put_fact(limits->wisdom, name, values, VALUES, lb_today(), error);
}

/* ---- measuring what is not known ---- */

static bool is_known(lb_limits *limits, const key *wanted, lb_limit *out) {
    if (recall(limits, wanted, out)) return true;
    if (!limits->kept || !read_fact(limits, wanted, out)) return false;
    remember(limits, wanted, out);
    return true;
}

static lowbit_status learn(lb_limits *limits, const key *measured, lb_limit *limit, lowbit_error *error) {
    remember(limits, measured, limit);
    return put_fact(limits, measured, limit, error);
}

static lowbit_status provide(lb_limits *limits, int kind, size_t bytes, lowbit_error *error) {
    if (lb_limit_moves(kind) && bytes <= limits->bytes) return LOWBIT_OK;
    if (bytes > limits->bytes) {
        lb_free(limits->ctx, limits->data, limits->bytes);
        limits->data = lb_alloc(limits->ctx, bytes);
        limits->bytes = limits->data ? bytes : 0;
        LB_REQUIRE(limits->data, error, LOWBIT_NO_MEMORY, "no memory for a buffer of %zu bytes to measure with", bytes);
    }
    lb_limit_fill(kind, limits->data, bytes);
    return LOWBIT_OK;
}

static lowbit_status measure(lb_limits *limits, const key *k, size_t slice, size_t step, const lowbit_pool *pool,
                             lb_limit *out, lowbit_error *error) {
    LB_TRY(provide(limits, k->kind, step * k->threads, error));
    const lb_limit_job job = {pool, limits->data, slice, step, limits->budget_s};
    *out = lb_limit_best_probe(&job, k->unit, k->kind, k->width);
    return LOWBIT_OK;
}

static lowbit_status measure_once(lb_limits *limits, const key *k, size_t slice, size_t step, const lowbit_pool *pool,
                                  lb_limit *out, lowbit_error *error) {
    if (is_known(limits, k, out)) return LOWBIT_OK;
    LB_TRY(measure(limits, k, slice, step, pool, out, error));
    return learn(limits, k, out, error);
}

/* The memory limits divide the working set over the threads. */
static lowbit_status measure_memory(lb_limits *limits, const key *k, const lowbit_pool *pool, lb_limit *out,
                                    lowbit_error *error) {
    const size_t slice = k->bytes / k->threads / LB_LINE * LB_LINE;
    LB_REQUIRE(slice >= LEAST_SLICE, error, LOWBIT_INVALID_ARGUMENT,
               "a working set of %zu bytes for %zu threads: less than %d bytes each", k->bytes, k->threads,
               LEAST_SLICE);
    return measure_once(limits, k, slice, slice, pool, out, error);
}

static key read_key(const lb_limits *limits, size_t bytes, const lowbit_pool *pool) {
    return (key){lb_unit_best(limits->ctx), bytes, lb_pool_threads(pool), LB_PROBE_READ, 0};
}

lowbit_status lb_limit_read(lb_limits *limits, size_t bytes, const lowbit_pool *pool, lb_limit *out,
                            lowbit_error *error) {
    const key k = read_key(limits, bytes, pool);
    return measure_memory(limits, &k, pool, out, error);
}

lowbit_status lb_limit_write(lb_limits *limits, int kind, size_t bytes, const lowbit_pool *pool, lb_limit *out,
                             lowbit_error *error) {
    const key k = {lb_unit_best(limits->ctx), bytes, lb_pool_threads(pool), kind, 0};
    return measure_memory(limits, &k, pool, out, error);
}

lowbit_status lb_limit_memcpy(lb_limits *limits, size_t bytes, const lowbit_pool *pool, lb_limit *out,
                              lowbit_error *error) {
    const key k = {NULL, bytes, lb_pool_threads(pool), LB_LIMIT_MEMCPY, 0};
    return measure_memory(limits, &k, pool, out, error);
}

static key compute_key(const lb_isa_unit *unit, int kind, int width, const lowbit_pool *pool) {
    return (key){unit, L1_BYTES, lb_pool_threads(pool), kind, width};
}

lowbit_status lb_limit_compute(lb_limits *limits, const lb_isa_unit *unit, int kind, int width, const lowbit_pool *pool,
                               lb_limit *out, lowbit_error *error) {
    const key k = compute_key(unit, kind, width, pool);
    return measure_once(limits, &k, L1_BYTES, lb_round_up(L1_BYTES, LEAST_SLICE), pool, out, error);
}

lowbit_status lb_limit_clock(lb_limits *limits, const lowbit_pool *pool, lb_limit *out, lowbit_error *error) {
    return lb_limit_compute(limits, NULL, LB_LIMIT_CLOCK, 0, pool, out, error);
}

lowbit_status lb_limit_tiles(lb_limits *limits, const lb_isa_unit *unit, int kind, int width, size_t bytes,
                             const lowbit_pool *pool, lb_limit *out, lowbit_error *error) {
    const key k = {unit, bytes, lb_pool_threads(pool), kind, width};
    return measure_once(limits, &k, bytes, bytes, pool, out, error);
}

lowbit_status lb_limit_fork(lb_limits *limits, enum lb_fork tasks, const lowbit_pool *pool, lb_limit *out,
                            lowbit_error *error) {
    LB_REQUIRE(pool, error, LOWBIT_INVALID_ARGUMENT, "a fork needs a pool");
    const key k = {NULL, 0, lb_pool_threads(pool), LB_LIMIT_FORK, (int)tasks};
    if (is_known(limits, &k, out)) return LOWBIT_OK;
    *out = lb_limit_time_fork(pool, tasks, limits->budget_s);
    return learn(limits, &k, out, error);
}

/* ---- whether what is kept still holds ---- */

static bool is_near(double a, double b) { return fabs(a - b) <= 0.1 * fmax(a, b); }

lowbit_status lb_limits_keep(lb_limits *limits, lowbit_wisdom *wisdom, bool reuse, lowbit_error *error) {
    limits->wisdom = wisdom;
    limits->kept = false;
    if (!reuse) return LOWBIT_OK;
    const size_t beyond_l2 = 8 * (size_t)lb_max(limits->ctx->machine.l2_bytes, 256 << 10);
    const key clock = compute_key(NULL, LB_LIMIT_CLOCK, 0, NULL), read = read_key(limits, beyond_l2, NULL);
    lb_limit kept[2], now[2];
    const bool knows = read_fact(limits, &clock, &kept[0]) && read_fact(limits, &read, &kept[1]);
    LB_TRY(lb_limit_clock(limits, NULL, &now[0], error));
    LB_TRY(lb_limit_read(limits, beyond_l2, NULL, &now[1], error));
    limits->kept = knows && is_near(kept[0].best, now[0].best) && is_near(kept[1].best, now[1].best);
    return LOWBIT_OK;
}
