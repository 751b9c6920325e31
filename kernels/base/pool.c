/* SPDX-License-Identifier: Apache-2.0 */
/* Our own pool. One 32-bit word, the gate, carries the whole protocol:
 *
 *     bit 31: stop    bits 30-17: job number    bit 16: open    bits 15-0: workers inside
 *
 * The caller writes the job, opens the gate under a new number, takes part in the tasks, closes the gate when none is
 * left, and waits until nobody is inside. A worker enters an open gate by adding one, which orders its
 * reads of the job behind the caller's writes, and leaves by subtracting one, which orders its work before the caller's
 * return. A worker that comes too late finds the gate closed: the caller never waits for a thread that the operating
 * system has not run yet, so a pool with more threads than CPUs is slow at worst, not stuck.
 *
 * Every worker has a range of the tasks, the same ones in every loop of as many tasks, so that what they read (its part
 * of the weights) is still in its own cache when the next loop comes; when its range is empty it takes from the
 * others', task by task, so that no worker waits for a slow one.
 *
 * Idle workers and the waiting caller spin for a while and then sleep on a futex. Before sleeping they announce it, and
 * the other side looks at that announcement after it has changed the gate; both in one total order (seq_cst), so that
 * one of the two always sees the other. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "lowbit/pool.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "kernels/base/base.h"
#include "kernels/base/binding.h"
#include "kernels/base/cpu_mask.h"
#include "kernels/base/ctx.h"
#include "kernels/base/pool.h"
#include "kernels/base/thread.h"

#define STOP (1u << 31)
#define JOB_STEP (1u << 17)
#define JOB_BITS (STOP - JOB_STEP)
#define OPEN (1u << 16)
#define INSIDE (OPEN - 1)

enum { MAX_THREADS = 4096, SPINS_PER_CLOCK = 32 };

struct lb_pool;

typedef struct worker {
    _Alignas(64) _Atomic size_t next; /* first task of its range that nobody has taken */
    struct lb_pool *pool;
    pthread_t thread;
    size_t number;
} worker;

typedef struct lb_pool {
    const lowbit_ctx *ctx;
    size_t bytes;
    size_t threads;
    size_t started; /* threads that exist, the caller not counted */
    int64_t spin_ns;

    /* The job: written while the gate is closed and empty. */
    lowbit_task task;
    void *arg;
    size_t n;
    size_t ranges; /* min(n, threads): range r belongs to worker r */

    _Alignas(64) _Atomic uint32_t gate;
    _Alignas(64) _Atomic uint32_t asleep; /* workers that sleep, or are about to */
    _Atomic uint32_t caller_asleep;       /* futex word */
    _Alignas(64) _Atomic uintptr_t owner; /* thread inside parallel_for, 0 = none */
    worker workers[];                     /* [threads]; number 0 is the caller and has a range, but no thread */
} lb_pool;

static void futex_wait(_Atomic uint32_t *word, uint32_t value) {
    syscall(SYS_futex, (uint32_t *)word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word, int count) {
    syscall(SYS_futex, (uint32_t *)word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

static void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory"); /* yield is a no-op on most cores */
#endif
}

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* True if `ready` holds for the gate before the spinning time is over. */
static bool spin(lb_pool *pool, bool (*ready)(uint32_t gate, uint32_t seen), uint32_t seen) {
    if (pool->spin_ns == 0) return false;
    for (int64_t end = 0;;) {
        for (int i = 0; i < SPINS_PER_CLOCK; i++) {
            if (ready(atomic_load_explicit(&pool->gate, memory_order_acquire), seen)) return true;
            relax();
        }
        const int64_t now = now_ns();
        if (end == 0) end = now + pool->spin_ns;
        if (now >= end) return false;
    }
}

static size_t range_begin(size_t n, size_t ranges, size_t range) {
    const size_t rest = n % ranges;
    return n / ranges * range + (range < rest ? range : rest);
}

/* The worker's own range, then those of its neighbours. */
static void run_tasks(lb_pool *pool, size_t number) {
    const lowbit_task task = pool->task;
    void *const arg = pool->arg;
    const size_t n = pool->n, ranges = pool->ranges;
    for (size_t turn = 0; turn < ranges; turn++) {
        const size_t range = (number + turn) % ranges, end = range_begin(n, ranges, range + 1);
        _Atomic size_t *next = &pool->workers[range].next;
        while (atomic_load_explicit(next, memory_order_relaxed) < end) {
            const size_t i = atomic_fetch_add_explicit(next, 1, memory_order_relaxed);
            if (i < end) task(arg, i, number);
        }
    }
}

/* Something to do for a worker that has seen job number `seen`. The number wraps: a worker that slept through 2^14 jobs
 * may miss one, which costs nothing but its help. */
static bool has_news(uint32_t gate, uint32_t seen) {
    return (gate & STOP) || ((gate & OPEN) && (gate & JOB_BITS) != seen);
}

static bool is_empty(uint32_t gate, uint32_t seen) {
    (void)seen;
    return (gate & INSIDE) == 0;
}

static void wait_for_news(lb_pool *pool, uint32_t seen) {
    if (spin(pool, has_news, seen)) return;
    atomic_fetch_add(&pool->asleep, 1);
    for (uint32_t gate = atomic_load(&pool->gate); !has_news(gate, seen); gate = atomic_load(&pool->gate))
        futex_wait(&pool->gate, gate);
    atomic_fetch_sub(&pool->asleep, 1);
}

static void leave(lb_pool *pool) {
    const uint32_t gate = atomic_fetch_sub(&pool->gate, 1) - 1;
    if ((gate & OPEN) || !is_empty(gate, 0)) return;
    if (atomic_exchange(&pool->caller_asleep, 0)) futex_wake(&pool->caller_asleep, 1);
}

static void *worker_main(void *argument) {
    const worker *self = argument;
    lb_pool *pool = self->pool;
    uint32_t seen = 0;
    for (;;) {
        wait_for_news(pool, seen);
        uint32_t gate = atomic_load(&pool->gate);
        if (gate & STOP) return NULL;
        if (!has_news(gate, seen) || !atomic_compare_exchange_weak(&pool->gate, &gate, gate + 1)) continue;
        seen = gate & JOB_BITS;
        run_tasks(pool, self->number);
        leave(pool);
    }
}

static void open_gate(lb_pool *pool, size_t helpers) {
    const uint32_t number = (atomic_load_explicit(&pool->gate, memory_order_relaxed) + JOB_STEP) & JOB_BITS;
    atomic_store(&pool->gate, number | OPEN);
    if (atomic_load(&pool->asleep) > 0) futex_wake(&pool->gate, (int)helpers);
}

static void close_gate(lb_pool *pool) {
    if (is_empty(atomic_fetch_and(&pool->gate, ~OPEN), 0) || spin(pool, is_empty, 0)) return;
    for (;;) {
        /* An exchange, since qemu lets the next load overtake a store, of whatever order. */
        atomic_exchange(&pool->caller_asleep, 1);
        if (is_empty(atomic_load(&pool->gate), 0)) break;
        futex_wait(&pool->caller_asleep, 1);
    }
    atomic_store(&pool->caller_asleep, 0);
}

static void run_serially(size_t n, lowbit_task task, void *arg, size_t number) {
    for (size_t i = 0; i < n; i++) task(arg, i, number);
}

/* A worker's own number inside a task; 0 for any other thread. */
static size_t number_of_caller(const lb_pool *pool) {
    const pthread_t self = pthread_self();
    for (size_t w = 1; w < pool->threads; w++)
        if (pthread_equal(pool->workers[w].thread, self)) return w;
    return 0;
}

static void pool_parallel_for(void *user, size_t n, lowbit_task task, void *arg) {
    lb_pool *pool = user;
    uintptr_t nobody = 0;
    if (!atomic_compare_exchange_strong(&pool->owner, &nobody, (uintptr_t)pthread_self())) {
        run_serially(n, task, arg, number_of_caller(pool));
        return;
    }
    if (n <= 1 || pool->threads == 1) {
        run_serially(n, task, arg, 0);
    } else {
        pool->task = task;
        pool->arg = arg;
        pool->n = n;
        pool->ranges = n < pool->threads ? n : pool->threads;
        for (size_t r = 0; r < pool->ranges; r++)
            atomic_store_explicit(&pool->workers[r].next, range_begin(n, pool->ranges, r), memory_order_relaxed);
        open_gate(pool, pool->ranges - 1);
        run_tasks(pool, 0);
        close_gate(pool);
    }
    atomic_store_explicit(&pool->owner, 0, memory_order_release);
}

static size_t pool_num_threads(void *user) { return ((const lb_pool *)user)->threads; }

bool lb_pool_is_own(const lowbit_pool *pool) { return pool && pool->parallel_for == pool_parallel_for; }

/* Puts a worker on its CPU; false where that is one of a pretend machine, the operating system refuses, or the thread
 * that creates the pool may not run there any more. */
static bool bind_worker(const lb_pool *pool, size_t number, const lb_binding *binding) {
    const uint16_t cpu = binding->cpus[number % binding->count];
    lb_cpu_mask mask = {{0}}, allowed;
    lb_cpu_mask_of_thread(&allowed);
    lb_cpu_mask_add(&mask, cpu);
    return !pool->ctx->pretend && lb_cpu_mask_has(&allowed, cpu) &&
           pthread_setaffinity_np(pool->workers[number].thread, sizeof mask, (const cpu_set_t *)&mask) == 0;
}

static void stop_threads(lb_pool *pool) {
    atomic_store(&pool->gate, STOP);
    futex_wake(&pool->gate, INT_MAX);
    for (size_t w = 1; w <= pool->started; w++) pthread_join(pool->workers[w].thread, NULL);
}

static lowbit_status start_threads(lb_pool *pool, const lb_binding *binding, lowbit_error *error) {
    size_t unbound = 0;
    for (size_t w = 1; w < pool->threads; w++) {
        worker *self = &pool->workers[w];
        self->pool = pool;
        self->number = w;
        const int code = lb_thread_start(&self->thread, worker_main, self);
        LB_REQUIRE(code == 0, error, LOWBIT_SYSTEM, "thread %zu of %zu cannot be created: error %d", w, pool->threads,
                   code);
        pool->started = w;
        if (binding->count && !bind_worker(pool, w, binding)) unbound++;
    }
    if (unbound) lb_log(pool->ctx, LOWBIT_LOG_WARNING, "%zu threads of the pool could not be bound to a CPU", unbound);
    return LOWBIT_OK;
}

/* Spinning steals time from the very thread that is waited for where there are more threads than CPUs. */
static bool may_spin(const lowbit_ctx *ctx, const lb_binding *binding, size_t threads) {
    lb_cpu_mask allowed;
    lb_cpu_mask_of_thread(&allowed);
    const double quota = ctx->machine.cpu_quota;
    return threads <= lb_cpu_mask_count(&allowed) && (quota <= 0 || (double)threads < quota + 1) &&
           (!binding->count || threads <= lb_binding_cpus(binding, threads));
}

static lowbit_status check_arguments(const lowbit_ctx *ctx, const lowbit_pool_options *options, const lowbit_pool *pool,
                                     lowbit_error *error) {
    LB_REQUIRE(ctx && pool, error, LOWBIT_INVALID_ARGUMENT, "ctx or pool is NULL");
    LB_REQUIRE(LB_HAS_FIELD(pool, lowbit_pool, parallel_for), error, LOWBIT_INVALID_ARGUMENT,
               "pool: struct_size %u is smaller than lowbit_pool", pool->struct_size);
    LB_REQUIRE(LB_HAS_FIELD(options, lowbit_pool_options, bind), error, LOWBIT_INVALID_ARGUMENT,
               "options: struct_size %u is smaller than lowbit_pool_options", options->struct_size);
    LB_REQUIRE(options->threads <= MAX_THREADS, error, LOWBIT_INVALID_ARGUMENT, "options: %u threads, at most %d",
               options->threads, MAX_THREADS);
    return LOWBIT_OK;
}

static void free_pool(lb_pool *pool) {
    stop_threads(pool);
    lb_free(pool->ctx, pool, pool->bytes);
}

lowbit_status lowbit_pool_create(const lowbit_ctx *ctx, const lowbit_pool_options *options, lowbit_pool *pool,
                                 lowbit_error *error) {
    static const lowbit_pool_options kDefaults = LOWBIT_POOL_OPTIONS_INIT;
    if (!options) options = &kDefaults;
    LB_TRY(check_arguments(ctx, options, pool, error));
    lb_binding binding;
    LB_TRY(lb_binding_of(ctx, options, &binding, error));

    const size_t threads = (size_t)(options->threads ? options->threads : ctx->machine.usable_threads);
    const size_t bytes = sizeof(lb_pool) + threads * sizeof(worker);
    lb_pool *made = lb_alloc(ctx, bytes);
    LB_REQUIRE(made, error, LOWBIT_NO_MEMORY, "no memory for a pool of %zu threads", threads);
    memset(made, 0, bytes);
    made->ctx = ctx;
    made->bytes = bytes;
    made->threads = threads;
    made->spin_ns = may_spin(ctx, &binding, threads) ? (int64_t)options->spin_us * 1000 : 0;
    const lowbit_status status = start_threads(made, &binding, error);
    if (status != LOWBIT_OK) {
        free_pool(made);
        return status;
    }
    pool->user = made;
    pool->num_threads = pool_num_threads;
    pool->parallel_for = pool_parallel_for;
    return LOWBIT_OK;
}

void lowbit_pool_destroy(lowbit_pool *pool) {
    if (!lb_pool_is_own(pool) || !pool->user) return;
    free_pool(pool->user);
    *pool = (lowbit_pool){0};
}
