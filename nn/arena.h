/* SPDX-License-Identifier: Apache-2.0 */
/* One block of memory for many buffers that do not all live at once. */
#ifndef LOWBIT_NN_ARENA_H_
#define LOWBIT_NN_ARENA_H_

#include "lowbit/types.h"

/* A buffer that is needed in steps first .. last. */
typedef struct lb_span {
    int64_t bytes;
    int64_t first, last;
    int64_t offset; /* receives where it lies: a multiple of 64 */
} lb_span;

/* Places buffers so that none overlaps another one that lives at the same time, largest first, each at the least offset
 * where it fits (greedy by size: Pisarchyk and Lee 2020). Returns the bytes of the whole. order is scratch of [count].
 */
int64_t lb_arena_place(lb_span *spans, int64_t count, int64_t *order);

#endif
