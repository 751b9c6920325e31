/* SPDX-License-Identifier: Apache-2.0 */
/* What the tuner's choices are worth: each way of choosing makes its plan for a problem, then all of them race. */
#ifndef LOWBIT_BENCH_REGRET_H_
#define LOWBIT_BENCH_REGRET_H_

#include "kernels/gemm.h"
#include "lowbit/tune.h"

enum {
    LB_WAY_EXHAUSTIVE, /* what the others are held to */
    LB_WAY_MEASURE,
    LB_WAY_AGAIN,    /* MEASURE once more, from nothing: whether it comes to the same */
    LB_WAY_TABLE,    /* ESTIMATE by the rates of the kernel table */
    LB_WAY_ESTIMATE, /* ESTIMATE by measured rates */
    LB_WAYS
};

/* "exhaustive", "measure", "again", "table", "estimate"; static. */
const char *lb_way_name(size_t way);

/* What a pool's problems share. */
typedef struct lb_regret {
    const lowbit_ctx *ctx;
    const lowbit_pool *pool;              /* NULL = one thread */
    double exhaustive_s, measure_s;       /* budgets of tuning; exhaustive_s 0 leaves that way out */
    double race_s;                        /* budget of the race at the end */
    struct lowbit_wisdom *rates;          /* of the machine, measured once */
    double rates_s;                       /* seconds that took */
    void (*tell)(void *user, size_t way); /* before each way, and before the race with LB_WAYS; NULL = nobody */
    void *user;
} lb_regret;

/* Measures the rates for ctx and pool, which are set. Release them in any case. */
lowbit_status lb_regret_calibrate(lb_regret *regret, lowbit_error *error);
void lb_regret_release(lb_regret *regret);

/* One way's choice. Times are seconds of one call in the race, in which those of the same configuration are one. */
typedef struct lb_regret_choice {
    bool made; /* false: the way was left out */
    lowbit_plan_info plan;
    lb_gemm_config config;
    uint32_t candidates; /* that tuning has timed */
    double spent_s;      /* by tuning, operands included */
    size_t samples;
    double low_s, median_s;       /* lower quartile and median */
    double regret, median_regret; /* the same over those of the base */
} lb_regret_choice;

typedef struct lb_regret_result {
    lb_regret_choice choices[LB_WAYS];
    size_t base;            /* EXHAUSTIVE, without it MEASURE */
    double base_regret;     /* of the base over the best of all: more than 1 where another way found better */
    bool cold;              /* each call took other weights */
    bool same;              /* both MEASUREs chose one configuration */
    double again;           /* the slower of the two over the faster, by the lower quartile */
    bool agrees;            /* same, or at most LB_REGRET_AGREES times as slow */
    double plan_estimate_s; /* lowbit_plan_create by ESTIMATE without wisdom: a median */
    double plan_wisdom_s;   /* and from the wisdom that the base has made */
    double plan_known_s;    /* and from the same with a decision for every bucket of M */
} lb_regret_result;

#define LB_REGRET_AGREES 1.03

/* Lets every way choose for the problem, and races what they chose. */
lowbit_status lb_regret_measure(const lb_regret *regret, const lowbit_problem *problem, lb_regret_result *result,
                                lowbit_error *error);

/* Of many results. Starts as zeros. */
typedef struct lb_regret_summary {
    size_t count, agreeing;
    struct {
        double log_sum, median_log_sum; /* of regrets: lb_regret_mean makes geometric means of them */
        double worst, median_worst;
        double most_spent_s;
    } ways[LB_WAYS];
    double base_log_sum, base_worst;                     /* of base_regret */
    double plan_estimate_s, plan_wisdom_s, plan_known_s; /* the longest */
} lb_regret_summary;

void lb_regret_add(lb_regret_summary *summary, const lb_regret_result *result);
double lb_regret_mean(const lb_regret_summary *summary, double log_sum);

#endif
