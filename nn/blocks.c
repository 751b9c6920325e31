/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/blocks.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"

enum { ALIGN = 64 };

/* In front of what it hands out. */
struct lb_block {
    _Alignas(ALIGN) struct lb_block *next;
};

void *lb_blocks_take(lb_blocks *blocks, size_t bytes) {
    if (bytes > SIZE_MAX / 2) return NULL;
    bytes = (bytes + ALIGN - 1) / ALIGN * ALIGN;
    struct lb_block *block = aligned_alloc(ALIGN, sizeof *block + bytes);
    if (!block) return NULL;
    block->next = *blocks;
    *blocks = block;
    memset(block + 1, 0, bytes);
    return block + 1;
}

lowbit_status lb_blocks_need(lb_blocks *blocks, int64_t bytes, const char *what, void **memory, lowbit_error *error) {
    *memory = bytes >= 0 ? lb_blocks_take(blocks, (size_t)bytes) : NULL;
    LB_REQUIRE(*memory, error, LOWBIT_NO_MEMORY, "no memory for %lld bytes of %s", (long long)bytes, what);
    return LOWBIT_OK;
}

void lb_blocks_drop(lb_blocks *blocks, void *memory) {
    for (struct lb_block **at = blocks; memory && *at; at = &(*at)->next)
        if (*at + 1 == memory) {
            struct lb_block *gone = *at;
            *at = gone->next;
            free(gone);
            return;
        }
}

void lb_blocks_free(lb_blocks *blocks) {
    while (*blocks) {
        struct lb_block *next = (*blocks)->next;
        free(*blocks);
        *blocks = next;
    }
}
