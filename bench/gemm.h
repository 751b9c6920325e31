/* SPDX-License-Identifier: Apache-2.0 */
/* Timing one product, or one convolution: random weights, the public call, its result checked against the reference,
 * and the limit of the machine that binds it. */
#ifndef LOWBIT_BENCH_GEMM_H_
#define LOWBIT_BENCH_GEMM_H_

#include "bench/compare_peers.h"
#include "bench/conv.h"
#include "bench/counters.h"
#include "bench/limits.h"
#include "bench/sentinel.h"
#include "bench/series.h"
#include "lowbit/lowbit.h"
#include "tuner/stats.h"
#include "tuner/verify.h"

typedef struct lb_gemm_bench {
    const lowbit_ctx *ctx;
    lb_limits *limits;
    const lowbit_pool *pool; /* NULL = one thread */
    const char *kernel;      /* a kernel's name, or NULL = what the plan decides */
    lowbit_wisdom *wisdom;   /* that the plan asks first; NULL = none */
    double budget_s;         /* of the samples of all visits */
    size_t passes;           /* visits, 1 .. LB_MAX_VISITS; 0 = 1 */
    bool cold;               /* every call on other weights of a ring beyond the caches */
    bool verify_all;         /* check every row, not a sample of them */
    bool replicas;           /* with copies of the weights for each NUMA node (lowbit_replicate) */
    const char *peers;       /* whom to compare with, as lb_compare_peers reads it; NULL = nobody. Else both: */
    lb_peer_list *peer_list; /* receives what came of it */
    const lowbit_pool_options *pool_options; /* of `pool`; needs no `threads` */
    int64_t verified_products;               /* products of the sample, about a nanosecond each; 0 = 2^28 */
    lb_sentinel *sentinel;                   /* looked at before and after each visit, or NULL */
    const lb_counters *counters;             /* or NULL */
    const lowbit_conv2d *conv;               /* what is timed, on the problem of lb_conv_bench_problem; NULL = it is a
                                                product. Without replicas and peers */
} lb_gemm_bench;

typedef struct lb_gemm_result {
    lowbit_plan_info plan;
    uint32_t threads;
    lb_sample time;        /* of one call, row quantization included */
    lb_series series;      /* the samples that it sums up, visit by visit */
    bool counted;          /* there is: */
    lb_counts counts;      /* of one call */
    int64_t weight_bytes;  /* of the packed blob */
    int64_t replica_bytes; /* of its copies for NUMA nodes, 0 without */
    double gops;           /* 2 M N K operations at the median time, 1e9 a second */
    double weight_gbs;     /* packed bytes at the median time, 1e9 a second */
    const char *limit;     /* what binds: "compute", "decode", "read" or "write"; "none" if nothing was measured */
    double limit_us;       /* the time that this limit alone would take at its median rate */
    double limit_best_us;  /* and at its best rate */
    double share;          /* limit_us / median: medians of the same run */
    lb_verdict verdict;    /* of the verified rows */
} lb_gemm_result;

/* The first visit: makes the product and verifies, times and counts it, and finds what binds it. */
lowbit_status lb_bench_gemm(const lb_gemm_bench *bench, const lowbit_problem *problem, lb_gemm_result *result,
                            lowbit_error *error);

/* Every further one: makes it again, on other pages, and adds its samples to the result. */
lowbit_status lb_bench_gemm_again(const lb_gemm_bench *bench, const lowbit_problem *problem, lb_gemm_result *result,
                                  lowbit_error *error);

#endif
