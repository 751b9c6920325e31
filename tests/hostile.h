/* SPDX-License-Identifier: Apache-2.0 */
/* What a legal engine may bring that a friendly one does not: pools that run tasks in a hostile order, and an allocator
 * that counts, checks and fails. */
#ifndef LOWBIT_TESTS_HOSTILE_H_
#define LOWBIT_TESTS_HOSTILE_H_

#include "lowbit/context.h"
#include "lowbit/pool.h"

/* Pools without threads that claim to have seven: tasks run last to first, or in a random order (check_random), each
 * under a random worker number. */
lowbit_pool pool_reversed(void);
lowbit_pool pool_shuffled(void);

/* An allocator that fails at one allocation and knows what is out. */
typedef struct ledger {
    int64_t fail_at;     /* the allocation, counted from 0, that returns NULL; -1 = none */
    int64_t allocations; /* so far, the failed one included */
    int64_t live;        /* blocks not freed yet */
    int64_t wrong;       /* allocations of nothing or of another alignment than 64, frees of another size */
} ledger;

lowbit_allocator ledger_allocator(ledger *book);

/* Calls of malloc, calloc, realloc, posix_memalign and aligned_alloc by the objects of this program since it began; the
 * linker leads them through here. Those of the C library count where it is linked statically. */
long heap_calls(void);

#endif
