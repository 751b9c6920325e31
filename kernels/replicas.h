/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of packed weights, and which CPU reads which. tuner/replicate.c decides that and makes them. */
#ifndef LOWBIT_KERNELS_REPLICAS_H_
#define LOWBIT_KERNELS_REPLICAS_H_

#include "kernels/base/cpu_mask.h"
#include "lowbit/gemm.h"

struct lowbit_replicas {
    const lowbit_packed *original;
    size_t count;                 /* copies */
    uint16_t of_cpu[LB_MAX_CPUS]; /* copy that the CPU reads, counted from 1; 0 = the original */
    lowbit_packed copies[];
};

/* The weights that a thread on this CPU reads. */
const lowbit_packed *lb_replica_of(const lowbit_replicas *replicas, size_t cpu);

/* Those of a run for the calling thread: args->weights, unless there are replicas. */
const lowbit_packed *lb_near_weights(const lowbit_gemm_args *args);

/* Refuses replicas of other weights. */
lowbit_status lb_check_replicas(const lowbit_gemm_args *args, lowbit_error *error);

#endif
