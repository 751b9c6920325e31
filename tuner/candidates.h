/* SPDX-License-Identifier: Apache-2.0 */
/* What the tuner tries: kernels and thread counts with blocks by rule, then other blocks for the good ones. */
#ifndef LOWBIT_TUNER_CANDIDATES_H_
#define LOWBIT_TUNER_CANDIDATES_H_

#include "tuner/estimate.h"

typedef struct lb_candidate {
    lb_gemm_config config;
    double guess_s; /* by the model */
    double price_s; /* what it is ranked by: lb_price */
} lb_candidate;

/* A growing set, in memory of the context; a configuration is in it once. Starts as {.ctx = ...}. */
typedef struct lb_candidates {
    const lowbit_ctx *ctx;
    lb_candidate *list;
    size_t count, room;
    bool failed; /* there was no memory: what was added since is missing */
} lb_candidates;

/* Whether two configurations do the same. */
bool lb_same_config(const lb_gemm_config *a, const lb_gemm_config *b);

void lb_candidates_free(lb_candidates *set);

/* What a candidate is tried for. */
typedef struct lb_tuning {
    const lb_model *model;
    const lowbit_problem *problem;
    int64_t m;
    uint32_t threads; /* of the pool, >= 1 */
    const lb_contender *contenders;
    size_t contender_count;
} lb_tuning;

/* Adds a configuration of one of the contenders, unless it is there. */
void lb_candidates_add(lb_candidates *set, const lb_tuning *tuning, const lb_gemm_config *config);

/* Adds every contender with every thread count that is worth a look. */
void lb_candidates_add_kernels(lb_candidates *set, const lb_tuning *tuning);

/* Adds the neighbours of a configuration: one knob turned, with `pairs` two. */
void lb_candidates_add_near(lb_candidates *set, const lb_tuning *tuning, const lb_gemm_config *config, bool pairs);

/* The best by price first, and of them those within `within` times the best one, at most `most`; the others are
 * dropped. */
void lb_candidates_rank(lb_candidates *set, double within, size_t most);

#endif
