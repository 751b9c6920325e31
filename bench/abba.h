/* SPDX-License-Identifier: Apache-2.0 */
/* Which of two is faster: both are timed in turn, A B B A, so that what disturbs the machine disturbs both, and what
 * drifts steadily falls out of a round's ratio. */
#ifndef LOWBIT_BENCH_ABBA_H_
#define LOWBIT_BENCH_ABBA_H_

#include "bench/measure.h"

typedef struct lb_contender {
    lb_work fn;
    void *arg;
} lb_contender;

typedef struct lb_abba_options {
    const lb_clock *clock; /* NULL = lb_monotonic_clock */
    double budget_s;       /* of timed batches, each side */
    double sample_s;       /* a batch lasts at least this long */
    double settle_s;   /* untimed work of a side whenever it follows the other, at least one repetition: its operands
                          return to the caches, and threads of the other side that still spin fall asleep */
    double limit_s;    /* after that much time in all no round begins, whatever the budget says */
    size_t min_rounds; /* taken even where they exceed the budget, not the limit */
} lb_abba_options;

enum { LB_ABBA_ROUNDS = 200, LB_ABBA_FEWEST = 6 };

#define LB_ABBA_DEFAULTS(budget)                                                                                       \
    ((lb_abba_options){NULL, (budget), (budget) > 4e-3 ? (budget) / 40 : 100e-6, 0, 20 + 20 * (budget), 7})

typedef enum lb_abba_verdict { LB_ABBA_NONE, LB_ABBA_A_FASTER, LB_ABBA_B_FASTER } lb_abba_verdict;

typedef struct lb_abba_result {
    lb_sample a, b;               /* of one repetition; two batches of each in a round */
    double ratio;                 /* B's time over A's: median of the rounds' own ratios, > 1 where A is faster */
    double ratio_low, ratio_high; /* its 95 % interval by order statistics */
    size_t rounds;
    lb_abba_verdict verdict; /* by the interval: 1 inside, or fewer than LB_ABBA_FEWEST rounds, is none */
} lb_abba_result;

void lb_abba(const lb_abba_options *options, lb_contender a, lb_contender b, lb_abba_result *result);

#endif
