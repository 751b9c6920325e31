/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/limits.h"

#include <stdatomic.h>
#include <string.h>

#include "bench/measure.h"
#include "kernels/base/base.h"
#include "tuner/random.h"

enum {
    KIND_MEMCPY = LB_PROBE_KINDS, /* beside the probes' kinds */
    KIND_FORK,                    /* width: enum lb_fork */
    LEAST_SLICE = 4096,
    RANDOM_BYTES = 1 << 16, /* then they repeat */
    MEMO_SIZE = 256,
    /* Bytes that each thread of a compute probe passes over: in every L1, and enough for its loop to run steadily. */
    L1_BYTES = 12 << 10,
    THREADED_SAMPLE_US = 2000, /* long against the skew of their beginnings */
    MEET_US = 2000             /* how long a task waits for the others */
};

/* What was measured: enough to know it again. */
typedef struct key {
    const lb_isa_unit *unit;
    size_t bytes, threads;
    int kind, width;
} key;

struct lb_limits {
    const lowbit_ctx *ctx;
    double budget_s;
    size_t count; /* remembered so far; the oldest is forgotten first */
    struct {
        key key;
        lb_limit limit;
    } memo[MEMO_SIZE];
};

lowbit_status lb_limits_create(const lowbit_ctx *ctx, double budget_s, lb_limits **limits, lowbit_error *error) {
    lb_limits *made = lb_alloc(ctx, sizeof *made);
    LB_REQUIRE(made, error, LOWBIT_NO_MEMORY, "no memory for the limits");
    made->ctx = ctx;
    made->budget_s = budget_s;
    made->count = 0;
    *limits = made;
    return LOWBIT_OK;
}

void lb_limits_destroy(lb_limits *limits) {
    if (limits) lb_free(limits->ctx, limits, sizeof *limits);
}

static bool same_key(const key *a, const key *b) {
    return a->unit == b->unit && a->bytes == b->bytes && a->threads == b->threads && a->kind == b->kind &&
           a->width == b->width;
}

static bool recall(const lb_limits *limits, const key *wanted, lb_limit *out) {
    for (size_t i = 0; i < LB_COUNT(limits->memo) && i < limits->count; i++)
        if (same_key(&limits->memo[i].key, wanted)) {
            *out = limits->memo[i].limit;
            return true;
        }
    return false;
}

static void remember(lb_limits *limits, const key *measured, const lb_limit *limit) {
    const size_t slot = limits->count++ % MEMO_SIZE;
    limits->memo[slot].key = *measured;
    limits->memo[slot].limit = *limit;
}

/* One loop on a slice of the buffer for each thread. A round is one call of the loop in every thread. */
typedef struct job {
    const lb_probe *probe; /* NULL = memcpy */
    uint8_t *data;
    size_t slice, step; /* bytes of a thread's slice, and from one slice to the next */
    size_t reps, threads;
    const lowbit_pool *pool;
    int8_t activations[32];
    int64_t spent_ns;      /* by all rounds so far, from the first begin to the last end of each */
    atomic_size_t arrived; /* tasks of this round that have begun */
    atomic_llong begin_ns, end_ns;
    atomic_uint sink; /* keeps the sums alive */
} job;

static int64_t now_ns(void) { return lb_monotonic_clock.now_ns(lb_monotonic_clock.user); }

/* Waits until every task of the round has begun, so that no worker runs two while another wakes up. On a busy machine,
 * or on a pool that runs its tasks in turn, that never comes: then the tasks go on one after the other. */
static void meet(job *j) {
    const int64_t start = now_ns();
    atomic_fetch_add(&j->arrived, 1);
    while (atomic_load(&j->arrived) < j->threads)
        if (now_ns() - start > MEET_US * 1000) return;
}

static void copy_halves(uint8_t *data, size_t bytes, size_t reps) {
    for (; reps > 0; reps--) {
        memcpy(data, data + bytes / 2, bytes / 2);
        __asm__ volatile("" : : "r"(data) : "memory"); /* the copy was wanted */
    }
}

static void run_slice(void *arg, size_t i, size_t worker) {
    (void)worker;
    job *j = arg;
    uint8_t *data = j->data + i * j->step;
    if (j->threads > 1) meet(j);
    const long long begin = now_ns();
    if (j->probe)
        atomic_fetch_add(&j->sink, j->probe->run(data, j->slice, j->reps, j->activations));
    else
        copy_halves(data, j->slice, j->reps);
    const long long end = now_ns();
    for (long long seen = atomic_load(&j->begin_ns); begin < seen;)
        if (atomic_compare_exchange_weak(&j->begin_ns, &seen, begin)) break;
    for (long long seen = atomic_load(&j->end_ns); end > seen;)
        if (atomic_compare_exchange_weak(&j->end_ns, &seen, end)) break;
}

static void run_job(void *arg, size_t reps) {
    job *j = arg;
    j->reps = reps;
    atomic_store(&j->arrived, 0);
    atomic_store(&j->begin_ns, INT64_MAX);
    atomic_store(&j->end_ns, INT64_MIN);
    if (j->pool)
        j->pool->parallel_for(j->pool->user, j->threads, run_slice, j);
    else
        run_slice(j, 0, 0);
    j->spent_ns += atomic_load(&j->end_ns) - atomic_load(&j->begin_ns);
}

/* The clock of the measuring loop runs only while the job does: waking the workers is no part of a limit. */
static int64_t spent_ns(void *user) { return ((const job *)user)->spent_ns; }

static size_t threads_of(const lowbit_pool *pool) { return pool ? pool->num_threads(pool->user) : 1; }

/* Work of one repetition of the job, all threads together. */
static double work_of(const job *j) {
    const double bytes = (double)j->slice * (double)j->threads;
    if (!j->probe) return bytes / 2;
    const double pairs = j->probe->kind == LB_PROBE_BITS ? 8 * LB_LINE : LB_LINE;
    return j->probe->repeat ? bytes / LB_LINE * j->probe->repeat * 2 * pairs : bytes;
}

static lb_limit time_job(job *j, double budget_s) {
    const lb_clock clock = {spent_ns, j};
    lb_measure_options options = LB_MEASURE_DEFAULTS(budget_s);
    options.clock = &clock;
    options.min_samples = 3;
    if (j->threads > 1) options.sample_s = THREADED_SAMPLE_US * 1e-6;
    lb_sample s;
    lb_measure_with(&options, run_job, j, &s);
    return (lb_limit){work_of(j) / s.min_s, work_of(j) / s.median_s, j->probe};
}

static void keep_better(lb_limit *best, lb_limit candidate) {
    if (candidate.best > best->best) *best = candidate;
}

static bool is_wanted(const lb_probe *probe, int kind, int width) {
    return probe->kind == kind && probe->width == width;
}

/* Gives the job a probe, and each of its streams the same whole number of lines. (Slices for tiles are whole blocks.)
 */
static lb_limit time_probe(job *j, const lb_probe *probe, size_t slice, double budget_s) {
    const size_t unit = (size_t)LB_LINE * probe->streams;
    j->probe = probe;
    j->slice = slice / unit * unit;
    return time_job(j, budget_s);
}

/* The best of the unit's probes of that kind and width: each for a short while, then the winner for the rest. */
static lb_limit best_probe(const lb_isa_unit *unit, int kind, int width, job *j, double budget_s) {
    const size_t slice = j->slice;
    size_t candidates = 0;
    for (size_t i = 0; i < unit->probe_count; i++) candidates += is_wanted(&unit->probes[i], kind, width);
    lb_limit best = {0, 0, NULL};
    for (size_t i = 0; i < unit->probe_count; i++)
        if (is_wanted(&unit->probes[i], kind, width))
            keep_better(&best, time_probe(j, &unit->probes[i], slice, budget_s / (2.0 * (double)candidates)));
    if (best.probe) keep_better(&best, time_probe(j, best.probe, slice, budget_s / 2));
    return best;
}

/* Random bytes: no instruction of the probes depends on its data, but the clock of the core does. Tiles of equal bytes
 * multiply up to a third faster than those of a real product. As bf16 (the upper byte has the sign and seven bits of
 * the exponent) they are from 1 to 2, of either sign, so that sums stay numbers. */
static void fill(int kind, uint8_t *data, size_t bytes) {
    size_t done = (size_t)lb_min((int64_t)bytes, RANDOM_BYTES);
    lb_random_codes(data, (int64_t)done, 256, 1);
    for (size_t i = 0; kind == LB_PROBE_TILES_BF16 && i + 1 < done; i += 2) {
        data[i] |= 0x80;
        data[i + 1] = (data[i + 1] & 0x80) | 0x3f;
    }
    for (size_t more; done < bytes; done += more) {
        more = done < bytes - done ? done : bytes - done;
        memcpy(data + done, data, more);
    }
}

/* What is remembered, or else measured now on a buffer of its own. */
static lowbit_status measure_once(lb_limits *limits, const key *k, size_t slice, size_t step, const lowbit_pool *pool,
                                  lb_limit *out, lowbit_error *error) {
    if (recall(limits, k, out)) return LOWBIT_OK;
    const size_t bytes = step * k->threads;
    job j = {.slice = slice, .step = step, .threads = k->threads, .pool = pool, .data = lb_alloc(limits->ctx, bytes)};
    LB_REQUIRE(j.data, error, LOWBIT_NO_MEMORY, "no memory for a buffer of %zu bytes to measure with", bytes);
    for (size_t i = 0; i < LB_COUNT(j.activations); i++) j.activations[i] = (int8_t)(17 * i - 100);
    fill(k->kind, j.data, bytes);
    *out = k->kind == KIND_MEMCPY ? time_job(&j, limits->budget_s)
                                  : best_probe(k->unit, k->kind, k->width, &j, limits->budget_s);
    lb_free(limits->ctx, j.data, bytes);
    remember(limits, k, out);
    return LOWBIT_OK;
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

lowbit_status lb_limit_read(lb_limits *limits, size_t bytes, const lowbit_pool *pool, lb_limit *out,
                            lowbit_error *error) {
    const key k = {lb_unit_best(limits->ctx), bytes, threads_of(pool), LB_PROBE_READ, 0};
    return measure_memory(limits, &k, pool, out, error);
}

lowbit_status lb_limit_write(lb_limits *limits, int kind, size_t bytes, const lowbit_pool *pool, lb_limit *out,
                             lowbit_error *error) {
    const key k = {lb_unit_best(limits->ctx), bytes, threads_of(pool), kind, 0};
    return measure_memory(limits, &k, pool, out, error);
}

lowbit_status lb_limit_memcpy(lb_limits *limits, size_t bytes, const lowbit_pool *pool, lb_limit *out,
                              lowbit_error *error) {
    const key k = {NULL, bytes, threads_of(pool), KIND_MEMCPY, 0};
    return measure_memory(limits, &k, pool, out, error);
}

lowbit_status lb_limit_compute(lb_limits *limits, const lb_isa_unit *unit, int kind, int width, const lowbit_pool *pool,
                               lb_limit *out, lowbit_error *error) {
    const key k = {unit, L1_BYTES, threads_of(pool), kind, width};
    return measure_once(limits, &k, L1_BYTES, lb_round_up(L1_BYTES, LEAST_SLICE), pool, out, error);
}

lowbit_status lb_limit_tiles(lb_limits *limits, const lb_isa_unit *unit, int kind, int width, size_t bytes,
                             const lowbit_pool *pool, lb_limit *out, lowbit_error *error) {
    const key k = {unit, bytes, threads_of(pool), kind, width};
    return measure_once(limits, &k, bytes, bytes, pool, out, error);
}

/* ---- forks: by the ordinary clock, since waking the workers is what is measured ---- */

typedef struct fork_job {
    const lowbit_pool *pool;
    lowbit_task task;
    size_t threads;
    atomic_size_t arrived; /* tasks that have begun since the beginning of time */
} fork_job;

static void do_nothing(void *arg, size_t i, size_t worker) {
    (void)arg;
    (void)i;
    (void)worker;
}

/* Waits for the other tasks of the same loop, as meet() does, but on a number that nobody resets. */
static void meet_again(void *arg, size_t i, size_t worker) {
    (void)i;
    (void)worker;
    fork_job *j = arg;
    const size_t before = atomic_fetch_add(&j->arrived, 1), wanted = before / j->threads * j->threads + j->threads;
    int64_t start = 0;
    for (size_t turns = 0; atomic_load(&j->arrived) < wanted; turns++) {
        if (turns % 1024 != 1023) continue;
        if (start == 0) start = now_ns();
        if (now_ns() - start > MEET_US * 1000) return;
    }
}

static void run_forks(void *arg, size_t reps) {
    fork_job *j = arg;
    for (; reps > 0; reps--) j->pool->parallel_for(j->pool->user, j->threads, j->task, j);
}

lowbit_status lb_limit_fork(lb_limits *limits, enum lb_fork tasks, const lowbit_pool *pool, lb_limit *out,
                            lowbit_error *error) {
    LB_REQUIRE(pool, error, LOWBIT_INVALID_ARGUMENT, "a fork needs a pool");
    const key k = {NULL, 0, threads_of(pool), KIND_FORK, (int)tasks};
    if (recall(limits, &k, out)) return LOWBIT_OK;
    fork_job j = {.pool = pool, .task = tasks == LB_FORK_MEET ? meet_again : do_nothing, .threads = k.threads};
    lb_sample s;
    lb_measure(run_forks, &j, limits->budget_s, &s);
    *out = (lb_limit){s.min_s, s.median_s, NULL};
    remember(limits, &k, out);
    return LOWBIT_OK;
}
