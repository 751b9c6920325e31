/* SPDX-License-Identifier: Apache-2.0 */
/* The one loop that times everything: warm up until it is steady, then batches until the budget is spent. */
#ifndef LOWBIT_BENCH_MEASURE_H_
#define LOWBIT_BENCH_MEASURE_H_

#include "tuner/clock.h"
#include "tuner/stats.h"

/* Does the work `reps` times. Called with reps = 1 first, and with any number after that. */
typedef void (*lb_work)(void *arg, size_t reps);

typedef struct lb_measure_options {
    const lb_clock *clock; /* NULL = lb_monotonic_clock */
    double budget_s;       /* how long samples are taken, the warm-up not counted */
    double sample_s;       /* a sample lasts at least this long: repetitions are batched until it does */
    double warmup_s;       /* cap of the warm-up; never more than the budget, and at least one repetition is run */
    size_t min_samples;    /* taken even where they exceed the budget; 1 .. max_samples */
    size_t max_samples;    /* .. LB_MAX_SAMPLES: a long budget makes longer samples, not more of them */
    double *samples;       /* [max_samples]: receives them in the order in which they were taken; NULL = nobody asks */
} lb_measure_options;

enum { LB_MAX_SAMPLES = 1000 };

/* 100 us are 5000 times the cost of reading the clock, and short enough to fall between two timer ticks. */
#define LB_MEASURE_DEFAULTS(budget) ((lb_measure_options){NULL, (budget), 100e-6, 0.2, 5, LB_MAX_SAMPLES, NULL})

/* Times fn(arg, reps) and fills `out` with the time of one repetition.
 *
 * Warm-up: the batch grows until a call lasts sample_s; then medians of five calls until two successive ones agree
 * within 2 % or warmup_s is over. Then one sample per call until budget_s is over and min_samples are there. */
void lb_measure_with(const lb_measure_options *options, lb_work fn, void *arg, lb_sample *out);

/* The same with the default options. */
void lb_measure(lb_work fn, void *arg, double budget_s, lb_sample *out);

/* The warm-up alone, for whoever takes samples in an order of their own: how many repetitions last sample_s. */
size_t lb_measure_batch(const lb_clock *clock, lb_work fn, void *arg, double sample_s, double warmup_s);

#endif
