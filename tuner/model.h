/* SPDX-License-Identifier: Apache-2.0 */
/* The cost model: how long a product would take, from the rates of the machine and of its kernels, with nothing timed.
 *
 *     seconds = overhead + prepare + max(compute, stream) + OVERLAP * min(compute, stream) + forks
 *
 *     prepare  rows of A to their places
 *     compute  lines, tiles and ends of groups by the kernel's rates, over threads, the last task counted whole
 *     stream   the packed weights once from wherever they lie, and again for every further block of rows */
#ifndef LOWBIT_TUNER_MODEL_H_
#define LOWBIT_TUNER_MODEL_H_

#include "kernels/gemm.h"
#include "kernels/ukernels.h"

struct lowbit_wisdom;

/* What a kernel needs, in seconds. */
typedef struct lb_kernel_rate {
    double line_s;  /* one line of one panel, all mr rows */
    double first_s; /* the same beyond that, where no block of rows has passed over the line before */
    double tile_s;  /* one tile of one part of K, beyond its lines */
    double group_s; /* the end of a group of one panel */
    double row_s;   /* an element of A to its place */
} lb_kernel_rate;

/* Where packed weights come from. */
enum { LB_FROM_L2, LB_FROM_L3, LB_FROM_MEMORY, LB_SOURCES };

/* Rows up to which weights are taken to come from memory: a layer of many, whose neighbours fill the caches before it
 * runs again. With more rows that hardly matters. */
enum { LB_COLD_ROWS = 16 };

typedef struct lb_model {
    const lowbit_ctx *ctx;
    const struct lowbit_wisdom *wisdom; /* measured rates of kernels, where it has them; NULL = none */
    double cycle_s;                     /* of the costs in the kernel table */
    double byte_s[LB_SOURCES];          /* a byte read by one thread */
    double shared_byte_s[LB_SOURCES];   /* a byte read by all threads together */
    double fork_s, worker_s;            /* a parallel loop, and each worker in it */
} lb_model;

/* The rates that wisdom has of this machine for pools of so many threads, standard ones for the rest. wisdom may be
 * NULL. */
lb_model lb_model_of(const lowbit_ctx *ctx, const struct lowbit_wisdom *wisdom, uint32_t threads);

/* The name by which wisdom has a pool's rates: LB_SOURCES of reading a byte with all threads, and a parallel loop. */
enum { LB_THREADS_NAME = 24 };
void lb_model_threads_name(int64_t threads, char name[LB_THREADS_NAME]);

/* A kernel's rates: measured ones, or by the costs of its row in the table. */
lb_kernel_rate lb_model_rate(const lb_model *model, lb_kernel_ref kernel);

/* Seconds of a call with m rows. */
double lb_model_seconds(const lb_model *model, const lowbit_problem *problem, int64_t m, const lb_gemm_config *config,
                        const lb_kernel_rate *rate);

#endif
