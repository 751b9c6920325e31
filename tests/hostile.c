/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/hostile.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "tests/check.h"

enum { CLAIMED_THREADS = 7 };

static size_t seven(void *user) {
    (void)user;
    return CLAIMED_THREADS;
}

static size_t any_worker(void) { return (size_t)check_random_in(0, CLAIMED_THREADS - 1); }

static void run_reversed(void *user, size_t n, lowbit_task task, void *arg) {
    (void)user;
    while (n-- > 0) task(arg, n, any_worker());
}

/* A walk with a step that has no divisor in common with n visits each index once. */
static size_t coprime_step(size_t n) {
    for (;;) {
        const size_t step = (size_t)check_random_in(1, (int64_t)n);
        size_t a = n, b = step;
        while (b) {
            const size_t rest = a % b;
            a = b;
            b = rest;
        }
        if (a == 1) return step;
    }
}

static void run_shuffled(void *user, size_t n, lowbit_task task, void *arg) {
    (void)user;
    if (n == 0) return;
    const size_t step = coprime_step(n);
    size_t at = (size_t)check_random_in(0, (int64_t)n - 1);
    for (size_t i = 0; i < n; i++, at = (at + step) % n) task(arg, at, any_worker());
}

lowbit_pool pool_reversed(void) { return (lowbit_pool){sizeof(lowbit_pool), NULL, seven, run_reversed}; }

lowbit_pool pool_shuffled(void) { return (lowbit_pool){sizeof(lowbit_pool), NULL, seven, run_shuffled}; }

enum { HEADER = 64 }; /* in front of each block: its size */

static void *ledger_alloc(void *user, size_t bytes, size_t align) {
    ledger *book = user;
    void *memory = NULL;
    book->wrong += bytes == 0 || align != HEADER;
    if (book->allocations++ == book->fail_at || posix_memalign(&memory, HEADER, HEADER + bytes) != 0) return NULL;
    memcpy(memory, &bytes, sizeof bytes);
    book->live++;
    return memset((char *)memory + HEADER, 0xA5, bytes); /* nobody may count on zeros */
}

static void ledger_free(void *user, void *memory, size_t bytes) {
    ledger *book = user;
    size_t had;
    memcpy(&had, (char *)memory - HEADER, sizeof had);
    book->wrong += had != bytes;
    book->live--;
    free((char *)memory - HEADER);
}

lowbit_allocator ledger_allocator(ledger *book) {
    *book = (ledger){.fail_at = -1};
    return (lowbit_allocator){sizeof(lowbit_allocator), book, ledger_alloc, ledger_free};
}

/* ---- the heap, through ld --wrap ---- */

static atomic_long calls;

long heap_calls(void) { return atomic_load(&calls); }

#define WRAP(type, name, parameters, arguments)                                                                        \
    type __real_##name parameters;                                                                                     \
    type __wrap_##name parameters;                                                                                     \
    type __wrap_##name parameters {                                                                                    \
        atomic_fetch_add(&calls, 1);                                                                                   \
        return __real_##name arguments;                                                                                \
    }
WRAP(void *, malloc, (size_t bytes), (bytes))
WRAP(void *, calloc, (size_t count, size_t bytes), (count, bytes))
WRAP(void *, realloc, (void *memory, size_t bytes), (memory, bytes))
WRAP(void *, aligned_alloc, (size_t align, size_t bytes), (align, bytes))
WRAP(int, posix_memalign, (void **memory, size_t align, size_t bytes), (memory, align, bytes))
