/* SPDX-License-Identifier: Apache-2.0 */
/* What a set of timings says: order statistics only, because the noise of a shared machine is one-sided. */
#ifndef LOWBIT_TUNER_STATS_H_
#define LOWBIT_TUNER_STATS_H_

#include <stddef.h>

typedef struct lb_sample {
    double min_s, p10_s, median_s, p90_s; /* seconds for one repetition */
    double low_s, high_s;                 /* 95 % confidence interval of the median; min and max below 6 samples */
    size_t samples;
    size_t batch; /* repetitions in each sample */
} lb_sample;

/* The p quantile (0..1) of ascending values, linear between neighbours; n >= 1. */
double lb_quantile(const double *sorted, size_t n, double p);

/* Sorts the values and fills every field of `out` but batch, which becomes 1. n >= 1.
 *
 * The interval is the one of order statistics: it needs no assumption on the shape of the distribution. Ranks are
 * n/2 -+ 0.98 sqrt(n), the normal approximation of the binomial. */
void lb_summarize(double *values, size_t n, lb_sample *out);

#endif
