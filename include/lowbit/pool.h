/* SPDX-License-Identifier: Apache-2.0 */
/* Threads: the interface that an engine implements, and one small implementation of it.
 *
 * Only lowbit_pool_create and lowbit_replicate start threads. A call that can use several takes a const lowbit_pool *;
 * NULL means the calling thread alone. An engine hands over its own pool by filling the struct with two callbacks. */
#ifndef LOWBIT_POOL_H_
#define LOWBIT_POOL_H_

#include "lowbit/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One task of a parallel loop: index i of n, run by worker `worker`. */
typedef void (*lowbit_task)(void *arg, size_t i, size_t worker);

typedef struct lowbit_pool {
    uint32_t struct_size;
    void *user;

    /* How many workers may run tasks at once (>= 1), the calling thread included. */
    size_t (*num_threads)(void *user);

    /* A parallel version of
     *
     *     for (size_t i = 0; i < n; i++) task(arg, i, worker);
     *
     * that returns after the last task has returned. Tasks are independent: any order, any worker, also all of them on
     * the calling thread. `worker` is below num_threads, and no two tasks that run at the same time share it (the
     * library gives each worker its own scratch). What tasks wrote is visible to the caller on return. */
    void (*parallel_for)(void *user, size_t n, lowbit_task task, void *arg);
} lowbit_pool;

#define LOWBIT_POOL_INIT                                                                                               \
    { sizeof(lowbit_pool), NULL, NULL, NULL }

/* How our own pool keeps its threads on CPUs: only on CPUs that the context found allowed, in an order that has one of
 * each core before the cores' other hardware threads, and fast kinds of core before slow ones. Worker w is bound to CPU
 * w of the order, which begins again at its end. The calling thread is worker 0 and stays as it is: its CPU is left to
 * it. Threads of a pretend machine are not bound. */
enum {
    LOWBIT_BIND_NONE = 0,    /* leave placement to the operating system (default) */
    LOWBIT_BIND_COMPACT = 1, /* neighbouring cores, which share caches and memory */
    LOWBIT_BIND_SPREAD = 2,  /* each package in turn, in it each NUMA node, in that each outer cache */
    LOWBIT_BIND_LIST = 3     /* the order of `cpus` */
};

typedef struct lowbit_pool_options {
    uint32_t struct_size;
    uint32_t threads; /* workers, the caller included, at most 4096; 0 = usable_threads of the context's machine */
    uint32_t spin_us; /* how long an idle worker or a waiting caller spins before it sleeps, in microseconds */
    uint32_t bind;    /* LOWBIT_BIND_* */
    /* LOWBIT_BIND_LIST; else not read, nor missed if struct_size ends before them: */
    const uint16_t *cpus; /* [cpu_count] as the operating system numbers them, each allowed; read during the call */
    size_t cpu_count;     /* 1 or more */
} lowbit_pool_options;

#define LOWBIT_POOL_OPTIONS_INIT                                                                                       \
    { sizeof(lowbit_pool_options), 0, 30, LOWBIT_BIND_NONE, NULL, 0 }

struct lowbit_ctx;

/* Creates our own pool: threads - 1 workers that spin for spin_us and then sleep on a futex; the caller of
 * parallel_for takes part in the work; each worker has its own range of tasks and helps out when that is done. Workers
 * spin only where the pool has no more threads than there are CPUs for them, by affinity, list and quota. One
 * parallel_for runs at a time: a second caller, or a task that calls parallel_for again, runs its loop on its own
 * thread with the worker number it has (0 for an outside caller, which then must not share a workspace with the first).
 * A pool of one thread makes no system call, and parallel_for never allocates. The workers take no signals. They do not
 * survive fork: in a child parallel_for still works, alone, but the pool must not be destroyed there.
 *
 * ctx      allocator of the pool's memory and machine of its defaults; must outlive the pool
 * options  NULL = defaults
 * pool     starts as LOWBIT_POOL_INIT; receives callbacks that may be copied and stay valid until lowbit_pool_destroy
 *
 * Returns LOWBIT_SYSTEM where a thread cannot be created: the threads that were are joined first. A list with a CPU
 * that the context may not use is refused. A bind that the operating system refuses, or that the calling thread's own
 * mask has lost since, is reported through the context's logger and is not an error. */
LOWBIT_API lowbit_status lowbit_pool_create(const struct lowbit_ctx *ctx, const lowbit_pool_options *options,
                                            lowbit_pool *pool, lowbit_error *error);

/* Joins the workers and frees the pool. No parallel_for may be running. NULL, or a struct of zeros, is a no-op; the
 * struct is zeroed, so a second call is harmless. Only for pools of lowbit_pool_create. */
LOWBIT_API void lowbit_pool_destroy(lowbit_pool *pool);

#ifdef __cplusplus
}
#endif
#endif
