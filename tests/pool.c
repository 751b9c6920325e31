/* SPDX-License-Identifier: Apache-2.0 */
/* Our own pool: every task exactly once, worker numbers that nobody shares, and every way in which it can be misused or
 * refused. Run it under the thread sanitizer too (preset tsan). */
#include "lowbit/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernels/base/base.h"
#include "kernels/base/cpu_mask.h"
#include "kernels/base/ctx.h"
#include "kernels/base/pool.h"
#include "lowbit/context.h"
#include "tests/check.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

enum { MAX_TASKS = 1000, MAX_WORKERS = 16 };

static lowbit_ctx *make_context(const lowbit_allocator *allocator, const lowbit_logger *logger) {
    lowbit_ctx_options options = LOWBIT_CTX_OPTIONS_INIT;
    lowbit_ctx *ctx = NULL;
    options.allocator = allocator;
    options.logger = logger;
    CHECK(lowbit_ctx_create(&options, &ctx, NULL) == LOWBIT_OK);
    return ctx;
}

static bool make_pool(const lowbit_ctx *ctx, uint32_t threads, uint32_t spin_us, uint32_t bind, lowbit_pool *pool) {
    lowbit_pool_options options = LOWBIT_POOL_OPTIONS_INIT;
    lowbit_error error = LOWBIT_ERROR_INIT;
    options.threads = threads;
    options.spin_us = spin_us;
    options.bind = bind;
    *pool = (lowbit_pool)LOWBIT_POOL_INIT;
    if (CHECK(lowbit_pool_create(ctx, &options, pool, &error) == LOWBIT_OK)) return true;
    printf("  %s\n", error.message);
    return false;
}

/* What one loop did. `visits` is written without atomics on purpose: each index belongs to one task, and the caller
 * must see it on return. */
typedef struct record {
    size_t workers;
    int visits[MAX_TASKS];
    _Atomic int inside[MAX_WORKERS];
    _Atomic int errors; /* a worker number out of range, or in use twice at once */
} record;

static void record_task(void *arg, size_t i, size_t worker) {
    record *r = arg;
    if (worker >= r->workers || atomic_fetch_add(&r->inside[worker], 1) != 0) atomic_fetch_add(&r->errors, 1);
    r->visits[i]++;
    if (worker < r->workers) atomic_fetch_sub(&r->inside[worker], 1);
}

static void check_loop(const lowbit_pool *pool, size_t n) {
    static record r;
    memset(&r, 0, sizeof r);
    r.workers = lb_pool_threads(pool);
    lb_parallel_for(pool, n, record_task, &r);
    size_t wrong = 0;
    for (size_t i = 0; i < MAX_TASKS; i++) wrong += r.visits[i] != (i < n);
    CHECK(wrong == 0);
    CHECK(atomic_load(&r.errors) == 0);
}

static void check_loops(const lowbit_ctx *ctx) {
    static const uint32_t kThreads[] = {1, 2, 3, 7, 16};
    static const size_t kTasks[] = {0, 1, 2, 3, 15, 16, 17, MAX_TASKS};
    for (size_t t = 0; t < LB_COUNT(kThreads); t++)
        for (uint32_t spin = 0; spin <= 30; spin += 30) {
            lowbit_pool pool;
            check_context("%u threads, spin %u us", kThreads[t], spin);
            if (!make_pool(ctx, kThreads[t], spin, LOWBIT_BIND_NONE, &pool)) continue;
            CHECK(lb_pool_threads(&pool) == kThreads[t]);
            for (int repeat = 0; repeat < 20; repeat++)
                for (size_t n = 0; n < LB_COUNT(kTasks); n++) check_loop(&pool, kTasks[n]);
            lowbit_pool_destroy(&pool);
        }
    check_context("no pool");
    check_loop(NULL, 17);
    CHECK(lb_pool_threads(NULL) == 1);
}

/* Results that only add up if every loop has really finished, and is visible, when parallel_for returns. */
typedef struct chain {
    uint64_t values[8];
} chain;

static void chain_task(void *arg, size_t i, size_t worker) {
    (void)worker;
    ((chain *)arg)->values[i] += ((chain *)arg)->values[i] + 1;
}

static void check_many_tiny_loops(const lowbit_ctx *ctx) {
    enum { LOOPS = 20000, PAUSE_EVERY = 2000 };
    for (uint32_t threads = 2; threads <= 4; threads += 2) {
        lowbit_pool pool;
        chain c = {{0}};
        check_context("tiny loops, %u threads", threads);
        if (!make_pool(ctx, threads, 30, LOWBIT_BIND_NONE, &pool)) return;
        for (int loop = 0; loop < LOOPS; loop++) {
            if (loop % 64 == 0) memset(&c, 0, sizeof c);
            lb_parallel_for(&pool, 8, chain_task, &c);
            if (loop % 64 == 63)
                for (int i = 0; i < 8; i++) CHECK(c.values[i] == UINT64_MAX);
            if (loop % PAUSE_EVERY == 0) usleep(1000); /* lets the workers fall asleep */
        }
        lowbit_pool_destroy(&pool);
    }
}

typedef struct nest {
    const lowbit_pool *pool;
    _Atomic int inner, wrong_worker;
} nest;

typedef struct inner_arg {
    nest *outer;
    size_t worker;
} inner_arg;

static void inner_task(void *arg, size_t i, size_t worker) {
    inner_arg *a = arg;
    (void)i;
    atomic_fetch_add(&a->outer->inner, 1);
    if (worker != a->worker) atomic_fetch_add(&a->outer->wrong_worker, 1);
}

static void outer_task(void *arg, size_t i, size_t worker) {
    inner_arg inner = {arg, worker};
    (void)i;
    lb_parallel_for(inner.outer->pool, 5, inner_task, &inner);
}

static void check_nested(const lowbit_ctx *ctx) {
    for (uint32_t threads = 1; threads <= 4; threads++) {
        lowbit_pool pool;
        check_context("nested, %u threads", threads);
        if (!make_pool(ctx, threads, 30, LOWBIT_BIND_NONE, &pool)) return;
        nest n = {.pool = &pool};
        for (int repeat = 0; repeat < 50; repeat++) lb_parallel_for(&pool, 20, outer_task, &n);
        CHECK(atomic_load(&n.inner) == 50 * 20 * 5 && atomic_load(&n.wrong_worker) == 0);
        lowbit_pool_destroy(&pool);
    }
}

static void add_task(void *arg, size_t i, size_t worker) {
    (void)worker;
    atomic_fetch_add((_Atomic uint64_t *)arg, i + 1);
}

static void *concurrent_caller(void *arg) {
    uintptr_t wrong = 0;
    for (int loop = 0; loop < 500; loop++) {
        _Atomic uint64_t sum = 0;
        lb_parallel_for(arg, 50, add_task, &sum);
        wrong += atomic_load(&sum) != 50 * 51 / 2;
    }
    return (void *)wrong;
}

static void check_concurrent(const lowbit_ctx *ctx) {
    enum { CALLERS = 4 };
    pthread_t callers[CALLERS];
    lowbit_pool pool;
    check_context("concurrent callers");
    if (!make_pool(ctx, 3, 30, LOWBIT_BIND_NONE, &pool)) return;
    for (int i = 0; i < CALLERS; i++) CHECK(pthread_create(&callers[i], NULL, concurrent_caller, &pool) == 0);
    for (int i = 0; i < CALLERS; i++) {
        void *wrong = NULL;
        pthread_join(callers[i], &wrong);
        CHECK(wrong == NULL);
    }
    lowbit_pool_destroy(&pool);
}

static void count_warning(void *user, int level, const char *message) {
    (void)message;
    if (level == LOWBIT_LOG_WARNING) ++*(int *)user;
}

enum { BOUND = 3 };

typedef struct places {
    lb_cpu_mask masks[BOUND]; /* of each worker */
    pthread_barrier_t barrier;
} places;

/* The barrier makes every worker take exactly one task. */
static void place_task(void *arg, size_t i, size_t worker) {
    places *p = arg;
    (void)i;
    pthread_barrier_wait(&p->barrier);
    lb_cpu_mask_of_thread(&p->masks[worker]);
}

/* Three workers, bound: each runs on the CPU that is its own, and the caller as before. */
static void check_places(const lowbit_ctx *ctx, const lowbit_pool_options *options, const uint16_t *order,
                         size_t count) {
    lowbit_pool pool = LOWBIT_POOL_INIT;
    lb_cpu_mask before, after;
    places p = {.masks = {{{0}}}};
    lb_cpu_mask_of_thread(&before);
    if (!CHECK(lowbit_pool_create(ctx, options, &pool, NULL) == LOWBIT_OK)) return;
    pthread_barrier_init(&p.barrier, NULL, BOUND);
    lb_parallel_for(&pool, BOUND, place_task, &p);
    lb_cpu_mask_of_thread(&after);
    CHECK(memcmp(&after, &before, sizeof after) == 0 && memcmp(&p.masks[0], &before, sizeof before) == 0);
    for (size_t w = 1; w < BOUND; w++)
        CHECK(lb_cpu_mask_count(&p.masks[w]) == 1 && lb_cpu_mask_has(&p.masks[w], order[w % count]));
    lowbit_pool_destroy(&pool);
    pthread_barrier_destroy(&p.barrier);
}

/* False where the system lets nobody bind threads. */
static bool may_bind(void) {
    lb_cpu_mask own;
    lb_cpu_mask_of_thread(&own);
    if (lb_cpu_mask_set_thread(&own)) return true;
    printf("  this system binds no threads: that is not tested\n");
    return false;
}

static void check_binding(void) {
    int warnings = 0;
    const lowbit_logger logger = {sizeof logger, &warnings, count_warning};
    lowbit_ctx *ctx = make_context(NULL, &logger);
    if (!ctx) return;
    lowbit_pool_options options = {.struct_size = sizeof options, .threads = BOUND};
    check_context("compact");
    options.bind = LOWBIT_BIND_COMPACT;
    check_places(ctx, &options, ctx->cpu_order, ctx->cpu_count);
    check_context("spread");
    options.bind = LOWBIT_BIND_SPREAD;
    check_places(ctx, &options, ctx->cpu_spread, ctx->cpu_count);
    const uint16_t last = ctx->cpu_order[ctx->cpu_count - 1], list[] = {ctx->cpu_order[0], last, last, last};
    options.bind = LOWBIT_BIND_LIST;
    options.cpus = list;
    for (options.cpu_count = 1; options.cpu_count <= LB_COUNT(list); options.cpu_count++) {
        check_context("a list of %zu", options.cpu_count);
        check_places(ctx, &options, list, options.cpu_count);
    }
    CHECK(warnings == 0);
    lowbit_ctx_destroy(ctx);
}

/* The thread that creates the pool has lost CPUs since the context was made: its threads must not get them back. */
static void check_narrowed(void) {
    int warnings = 0;
    const lowbit_logger logger = {sizeof logger, &warnings, count_warning};
    lowbit_ctx *ctx = make_context(NULL, &logger);
    lb_cpu_mask before;
    lb_cpu_mask_of_thread(&before);
    if (ctx && ctx->cpu_count > 1 && lb_cpu_mask_bind_thread(ctx->cpu_order[0])) {
        const uint16_t kept = ctx->cpu_order[0];
        const lowbit_pool_options lost = {sizeof lost, BOUND, 0, LOWBIT_BIND_LIST, &ctx->cpu_order[1], 1};
        check_context("a lost CPU");
        check_places(ctx, &lost, &kept, 1);
        CHECK(warnings == 1);
        CHECK(lb_cpu_mask_set_thread(&before));
    }
    lowbit_ctx_destroy(ctx);
}

typedef struct meter {
    int left;       /* allocations that still succeed */
    int64_t living; /* bytes */
} meter;

static void *metered_alloc(void *user, size_t bytes, size_t align) {
    meter *m = user;
    if (m->left-- <= 0) return NULL;
    m->living += (int64_t)bytes;
    return aligned_alloc(align, (bytes + align - 1) / align * align);
}

static void metered_free(void *user, void *memory, size_t bytes) {
    ((meter *)user)->living -= (int64_t)bytes;
    free(memory);
}

static void check_memory(void) {
    meter m = {.left = 100};
    const lowbit_allocator allocator = {sizeof allocator, &m, metered_alloc, metered_free};
    lowbit_error error = LOWBIT_ERROR_INIT;
    lowbit_pool pool = LOWBIT_POOL_INIT;
    check_context("memory");
    lowbit_ctx *ctx = make_context(&allocator, NULL);
    if (!ctx) return;
    const int64_t before = m.living;
    m.left = 0;
    CHECK(lowbit_pool_create(ctx, NULL, &pool, &error) == LOWBIT_NO_MEMORY && error.message[0]);
    CHECK(pool.user == NULL);
    m.left = 1;
    CHECK(lowbit_pool_create(ctx, NULL, &pool, &error) == LOWBIT_OK);
    check_loop(&pool, 100);
    lowbit_pool_destroy(&pool);
    CHECK(m.living == before);
    lowbit_ctx_destroy(ctx);
    CHECK(m.living == 0);
}

/* In a child of its own, whose address space has no room for the stacks of 512 threads: the exit code says what
 * happened. */
enum { CHILD_OK = 0, CHILD_NOT_LIMITED = 1, CHILD_WRONG = 2 };

static int refuse_threads(const lowbit_ctx *ctx) {
    lowbit_pool_options options = LOWBIT_POOL_OPTIONS_INIT;
    lowbit_pool pool = LOWBIT_POOL_INIT;
    lowbit_error error = LOWBIT_ERROR_INIT;
    FILE *file = fopen("/proc/self/statm", "r");
    long pages = 0;
    const int fields = file ? fscanf(file, "%ld", &pages) : 0;
    if (file) fclose(file);
    if (fields != 1) return CHILD_NOT_LIMITED;
    const rlim_t bytes = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + (64 << 20);
    setrlimit(RLIMIT_AS, &(struct rlimit){bytes, bytes});
    options.threads = 512;
    const lowbit_status status = lowbit_pool_create(ctx, &options, &pool, &error);
    if (status == LOWBIT_OK) return CHILD_NOT_LIMITED;
    return status == LOWBIT_SYSTEM && error.message[0] && !pool.user ? CHILD_OK : CHILD_WRONG;
}

static void check_refused_threads(const lowbit_ctx *ctx) {
    int state = 0;
    check_context("thread creation refused");
    if (SANITIZED) return; /* sanitizers need more address space than there is to limit */
    const pid_t child = fork();
    if (child == 0) _exit(refuse_threads(ctx));
    if (!CHECK(child > 0 && waitpid(child, &state, 0) == child && WIFEXITED(state))) return;
    if (WEXITSTATUS(state) == CHILD_NOT_LIMITED)
        printf("  this system does not limit threads: their refusal is not tested\n");
    else
        CHECK(WEXITSTATUS(state) == CHILD_OK);
}

static void check_arguments(const lowbit_ctx *ctx) {
    lowbit_pool_options options = LOWBIT_POOL_OPTIONS_INIT;
    lowbit_pool pool = LOWBIT_POOL_INIT;
    lowbit_error error = LOWBIT_ERROR_INIT;
    check_context("arguments");
    CHECK(lowbit_pool_create(NULL, NULL, &pool, &error) == LOWBIT_INVALID_ARGUMENT && error.message[0]);
    CHECK(lowbit_pool_create(ctx, NULL, NULL, &error) == LOWBIT_INVALID_ARGUMENT);
    CHECK(lowbit_pool_create(ctx, NULL, &(lowbit_pool){0}, &error) == LOWBIT_INVALID_ARGUMENT);
    options.struct_size = 4;
    CHECK(lowbit_pool_create(ctx, &options, &pool, &error) == LOWBIT_INVALID_ARGUMENT);
    options.struct_size = sizeof options;
    options.threads = 5000;
    CHECK(lowbit_pool_create(ctx, &options, &pool, &error) == LOWBIT_INVALID_ARGUMENT);
    options.threads = 2;
    options.bind = 4;
    CHECK(lowbit_pool_create(ctx, &options, &pool, &error) == LOWBIT_INVALID_ARGUMENT);
    CHECK(pool.user == NULL && pool.parallel_for == NULL);

    lowbit_pool_destroy(NULL);
    lowbit_pool_destroy(&pool);
    if (!make_pool(ctx, 2, 30, LOWBIT_BIND_NONE, &pool)) return;
    lowbit_pool_destroy(&pool);
    CHECK(pool.user == NULL && pool.struct_size == 0);
    lowbit_pool_destroy(&pool);
}

void subject_pool(void) {
    lowbit_ctx *ctx = make_context(NULL, NULL);
    if (!ctx) return;
    check_arguments(ctx);
    check_refused_threads(ctx);
    check_loops(ctx);
    check_many_tiny_loops(ctx);
    check_nested(ctx);
    check_concurrent(ctx);
    lowbit_ctx_destroy(ctx);
    if (may_bind()) {
        check_binding();
        check_narrowed();
    }
    check_memory();
}
