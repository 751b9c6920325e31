/* SPDX-License-Identifier: Apache-2.0 */
/* Running a loop on whatever pool the caller brought. */
#ifndef LOWBIT_KERNELS_BASE_POOL_H_
#define LOWBIT_KERNELS_BASE_POOL_H_

#include <stdbool.h>

#include "lowbit/pool.h"

/* Refuses a pool that lacks a callback or its struct_size. NULL is legal: the calling thread alone. */
lowbit_status lb_check_pool(const lowbit_pool *pool, lowbit_error *error);

/* Workers of a checked pool: 1 for NULL. */
size_t lb_pool_threads(const lowbit_pool *pool);

/* Whether it is one of lowbit_pool_create; NULL is nobody's. */
bool lb_pool_is_own(const lowbit_pool *pool);

/* for (i = 0; i < n; i++) task(arg, i, worker), on the pool where there is one and more than one task. */
void lb_parallel_for(const lowbit_pool *pool, size_t n, lowbit_task task, void *arg);

#endif
