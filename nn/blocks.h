/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is taken piece by piece and released at once. */
#ifndef LOWBIT_NN_BLOCKS_H_
#define LOWBIT_NN_BLOCKS_H_

#include <stddef.h>

#include "lowbit/types.h"

/* A list of blocks; NULL = empty. */
typedef struct lb_block *lb_blocks;

/* Zeros, aligned to 64 bytes, which go when the list does; NULL if there is no memory. */
void *lb_blocks_take(lb_blocks *blocks, size_t bytes);

/* The same as a status: LOWBIT_NO_MEMORY, with what the memory was for. */
lowbit_status lb_blocks_need(lb_blocks *blocks, int64_t bytes, const char *what, void **memory, lowbit_error *error);

/* Releases one of them early; NULL is a no-op. */
void lb_blocks_drop(lb_blocks *blocks, void *memory);

void lb_blocks_free(lb_blocks *blocks);

#endif
