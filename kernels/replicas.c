/* SPDX-License-Identifier: Apache-2.0 */
/* Which copy of packed weights a task reads. The CPU that it runs on says so better than a worker's number: that holds
 * for any pool, for threads that nobody bound, and for the caller's. It costs some nanoseconds a task and no system
 * call where the C library answers by itself. */
#include "kernels/replicas.h"

#include "kernels/base/base.h"

static const lowbit_replicas *given_replicas(const lowbit_gemm_args *args) {
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): the size of the pointer is meant */
    return LB_HAS_FIELD(args, lowbit_gemm_args, replicas) ? args->replicas : NULL;
}

const lowbit_packed *lb_replica_of(const lowbit_replicas *replicas, size_t cpu) {
    const size_t copy = cpu < LB_MAX_CPUS ? replicas->of_cpu[cpu] : 0;
    return copy ? &replicas->copies[copy - 1] : replicas->original;
}

const lowbit_packed *lb_near_weights(const lowbit_gemm_args *args) {
    const lowbit_replicas *replicas = given_replicas(args);
    return replicas ? lb_replica_of(replicas, lb_cpu_of_thread()) : args->weights;
}

lowbit_status lb_check_replicas(const lowbit_gemm_args *args, lowbit_error *error) {
    const lowbit_replicas *replicas = given_replicas(args);
    LB_REQUIRE(!replicas || replicas->original->lines == args->weights->lines, error, LOWBIT_INVALID_ARGUMENT,
               "replicas are not those of the weights");
    return LOWBIT_OK;
}
