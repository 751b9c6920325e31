/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/base/base.h"
#include "kernels/base/pool.h"

lowbit_status lb_check_pool(const lowbit_pool *pool, lowbit_error *error) {
    LB_REQUIRE(!pool || (LB_HAS_FIELD(pool, lowbit_pool, parallel_for) && pool->num_threads && pool->parallel_for),
               error, LOWBIT_INVALID_ARGUMENT, "the pool lacks a callback or its struct_size");
    return LOWBIT_OK;
}

size_t lb_pool_threads(const lowbit_pool *pool) {
    const size_t threads = pool ? pool->num_threads(pool->user) : 1;
    return threads ? threads : 1;
}

void lb_parallel_for(const lowbit_pool *pool, size_t n, lowbit_task task, void *arg) {
    if (pool && n > 1) {
        pool->parallel_for(pool->user, n, task, arg);
        return;
    }
    for (size_t i = 0; i < n; i++) task(arg, i, 0);
}
