/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/limit_job.h"

#include <stdatomic.h>
#include <string.h>

#include "bench/measure.h"
#include "kernels/base/base.h"
#include "kernels/base/pool.h"
#include "tuner/random.h"

enum {
    RANDOM_BYTES = 1 << 16,    /* then they repeat */
    THREADED_SAMPLE_US = 1000, /* long against the skew of their beginnings */
    MEET_US = 2000,            /* how long a task waits for the others */
    CHUNK_BYTES = 64 << 20     /* of a large working set, of all threads together: one sample */
};

static int64_t now_ns(void) { return lb_monotonic_clock.now_ns(lb_monotonic_clock.user); }

bool lb_limit_moves(int kind) {
    return kind == LB_PROBE_READ || kind == LB_PROBE_WRITE || kind == LB_PROBE_WRITE_AROUND || kind == LB_LIMIT_MEMCPY;
}

/* ---- probes that no level has ---- */

static uint32_t copy_halves(uint8_t *data, size_t bytes, size_t reps, const int8_t *a) {
    (void)a;
    for (; reps > 0; reps--) {
        memcpy(data, data + bytes / 2, bytes / 2);
        __asm__ volatile("" : : "r"(data) : "memory"); /* the copy was wanted */
    }
    return 0;
}

#define TWICE(x) x x

/* A chain of additions of registers, one for each byte. Each takes a cycle on every CPU that we know; additions of
 * constants do not: some CPUs add those up while they rename registers. */
static uint32_t count_cycles(uint8_t *data, size_t bytes, size_t reps, const int8_t *a) {
    uint64_t sum = data[0], term = (uint64_t)a[0];
    for (size_t step = reps * (bytes / LB_LINE); step > 0; step--) {
#define ADD                                                                                                            \
    sum += term;                                                                                                       \
    __asm__ volatile("" : "+r"(sum), "+r"(term));
        TWICE(TWICE(TWICE(TWICE(TWICE(TWICE(ADD))))))
#undef ADD
    }
    return (uint32_t)sum;
}

static const lb_probe kOwnProbes[] = {{LB_LIMIT_MEMCPY, 0, 1, 0, 0, copy_halves},
                                      {LB_LIMIT_CLOCK, 0, 1, 0, 0, count_cycles}};

/* ---- one probe on all threads ---- */

/* A round is one call of the probe in every thread. A large working set is walked in chunks, a round for each, so that
 * samples are many and each finds what the caches have lost since its chunk's last turn. */
typedef struct round {
    const lb_limit_job *job;
    const lb_probe *probe;
    size_t slice, reps, threads; /* slice: of a chunk */
    size_t chunks, *turn;        /* rounds so far, by whatever probe */
    int8_t activations[32];
    int64_t spent_ns;      /* by all rounds so far, from the first begin to the last end of each */
    atomic_size_t arrived; /* tasks of this round that have begun */
    atomic_llong begin_ns, end_ns;
    atomic_uint sink; /* keeps the sums alive */
} round_of;

/* Waits until every task of the round has begun, so that no worker runs two while another wakes up. On a busy machine,
 * or on a pool that runs its tasks in turn, that never comes: then the tasks go on one after the other. */
static void meet(round_of *r) {
    const int64_t start = now_ns();
    atomic_fetch_add(&r->arrived, 1);
    while (atomic_load(&r->arrived) < r->threads)
        if (now_ns() - start > MEET_US * 1000) return;
}

static void run_slice(void *arg, size_t i, size_t worker) {
    (void)worker;
    round_of *r = arg;
    if (r->threads > 1) meet(r);
    uint8_t *data = r->job->data + i * r->job->step + *r->turn % r->chunks * r->slice;
    const long long begin = now_ns();
    atomic_fetch_add(&r->sink, r->probe->run(data, r->slice, r->reps, r->activations));
    const long long end = now_ns();
    for (long long seen = atomic_load(&r->begin_ns); begin < seen;)
        if (atomic_compare_exchange_weak(&r->begin_ns, &seen, begin)) break;
    for (long long seen = atomic_load(&r->end_ns); end > seen;)
        if (atomic_compare_exchange_weak(&r->end_ns, &seen, end)) break;
}

static void run_round(round_of *r) {
    atomic_store(&r->arrived, 0);
    atomic_store(&r->begin_ns, INT64_MAX);
    atomic_store(&r->end_ns, INT64_MIN);
    lb_parallel_for(r->job->pool, r->threads, run_slice, r);
    r->spent_ns += atomic_load(&r->end_ns) - atomic_load(&r->begin_ns);
    ++*r->turn;
}

static void run_rounds(void *arg, size_t reps) {
    round_of *r = arg;
    const size_t rounds = r->chunks > 1 ? reps : 1;
    r->reps = reps / rounds;
    for (size_t i = 0; i < rounds; i++) run_round(r);
}

/* The clock of the measuring loop runs only while the probe does: waking the workers is no part of a limit. */
static int64_t spent_ns(void *user) { return ((const round_of *)user)->spent_ns; }

/* Work of one repetition, all threads together: bytes, operations, lookups or cycles. */
static double work_of(const round_of *r) {
    const double bytes = (double)r->slice * (double)r->threads, lines = bytes / LB_LINE;
    const lb_probe *p = r->probe;
    if (p->kind == LB_LIMIT_MEMCPY) return bytes / 2;
    if (p->kind == LB_PROBE_LOOKUP) return lines * p->repeat * LB_LINE;
    const double pairs = p->kind == LB_PROBE_BITS ? 8 * LB_LINE : LB_LINE;
    return p->repeat ? lines * p->repeat * 2 * pairs : bytes;
}

/* Each of the probe's streams gets the same whole number of lines. (Slices for tiles are whole blocks.) */
static lb_limit time_probe(const lb_limit_job *job, const lb_probe *probe, double budget_s, size_t *turn) {
    round_of r = {.job = job, .probe = probe, .threads = lb_pool_threads(job->pool), .turn = turn};
    const size_t lines = (size_t)LB_LINE * probe->streams;
    /* What computes has its working set in a cache of its thread. */
    r.chunks = lb_limit_moves(probe->kind) ? (size_t)lb_div_up((int64_t)(job->slice * r.threads), CHUNK_BYTES) : 1;
    r.slice = job->slice / r.chunks / lines * lines;
    for (size_t i = 0; i < LB_COUNT(r.activations); i++) r.activations[i] = (int8_t)(17 * i - 100);
    const lb_clock clock = {spent_ns, &r};
    lb_measure_options options = LB_MEASURE_DEFAULTS(budget_s);
    options.clock = &clock;
    options.min_samples = 3;
    options.warmup_s = budget_s / 4; /* the fastest sample is the limit: a cold one does it no harm */
    if (r.threads > 1) options.sample_s = THREADED_SAMPLE_US * 1e-6;
    lb_sample s;
    lb_measure_with(&options, run_rounds, &r, &s);
    return (lb_limit){work_of(&r) / s.min_s, work_of(&r) / s.median_s, probe};
}

static void keep_better(lb_limit *best, lb_limit candidate) {
    if (candidate.best > best->best) *best = candidate;
}

static bool is_wanted(const lb_probe *probe, int kind, int width) {
    return probe->kind == kind && probe->width == width;
}

/* Each for a short while, then the winner for the rest; one that has no rival, for all of it. */
static lb_limit race(const lb_limit_job *job, const lb_probe *probes, size_t count, int kind, int width) {
    size_t candidates = 0, turn = 0;
    for (size_t i = 0; i < count; i++) candidates += is_wanted(&probes[i], kind, width);
    const double budget_s = candidates > 1 ? job->budget_s / (2.0 * (double)candidates) : job->budget_s;
    lb_limit best = {0, 0, NULL};
    for (size_t i = 0; i < count; i++)
        if (is_wanted(&probes[i], kind, width)) keep_better(&best, time_probe(job, &probes[i], budget_s, &turn));
    if (candidates > 1) keep_better(&best, time_probe(job, best.probe, job->budget_s / 2, &turn));
    return best;
}

lb_limit lb_limit_best_probe(const lb_limit_job *job, const lb_isa_unit *unit, int kind, int width) {
    if (unit) return race(job, unit->probes, unit->probe_count, kind, width);
    const lb_limit own = race(job, kOwnProbes, LB_COUNT(kOwnProbes), kind, width);
    return (lb_limit){own.best, own.median, NULL};
}

/* Random bytes: no instruction of the probes depends on its data, but the clock of the core does. Tiles of equal bytes
 * multiply up to a third faster than those of a real product. As bf16 (the upper byte has the sign and seven bits of
 * the exponent) they are from 1 to 2, of either sign, so that sums stay numbers. */
void lb_limit_fill(int kind, uint8_t *data, size_t bytes) {
    const int64_t done = lb_min((int64_t)bytes, RANDOM_BYTES);
    lb_random_codes(data, done, 256, 1);
    for (int64_t i = 0; kind == LB_PROBE_TILES_BF16 && i + 1 < done; i += 2) {
        data[i] |= 0x80;
        data[i + 1] = (data[i + 1] & 0x80) | 0x3f;
    }
    lb_repeat_bytes(data, done, (int64_t)bytes);
}

/* ---- forks: by the ordinary clock, since waking the workers is what is measured ---- */

typedef struct forks {
    const lowbit_pool *pool;
    lowbit_task task;
    size_t threads;
    atomic_size_t arrived; /* tasks that have begun since the beginning of time */
} forks;

static void do_nothing(void *arg, size_t i, size_t worker) {
    (void)arg;
    (void)i;
    (void)worker;
}

/* Waits for the other tasks of the same loop, as meet() does, but on a number that nobody resets. */
static void meet_again(void *arg, size_t i, size_t worker) {
    (void)i;
    (void)worker;
    forks *f = arg;
    const size_t before = atomic_fetch_add(&f->arrived, 1), wanted = before / f->threads * f->threads + f->threads;
    int64_t start = 0;
    for (size_t turns = 0; atomic_load(&f->arrived) < wanted; turns++) {
        if (turns % 1024 != 1023) continue;
        if (start == 0) start = now_ns();
        if (now_ns() - start > MEET_US * 1000) return;
    }
}

static void run_forks(void *arg, size_t reps) {
    forks *f = arg;
    for (; reps > 0; reps--) f->pool->parallel_for(f->pool->user, f->threads, f->task, f);
}

lb_limit lb_limit_time_fork(const lowbit_pool *pool, enum lb_fork tasks, double budget_s) {
    forks f = {.pool = pool, .task = tasks == LB_FORK_MEET ? meet_again : do_nothing};
    f.threads = lb_pool_threads(pool);
    lb_sample s;
    lb_measure(run_forks, &f, budget_s, &s);
    return (lb_limit){s.min_s, s.median_s, NULL};
}
