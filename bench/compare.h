/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a thing that was timed in two runs got faster or slower, beyond chance. Pure statistics: no files, no clock.
 */
#ifndef LOWBIT_BENCH_COMPARE_H_
#define LOWBIT_BENCH_COMPARE_H_

#include <stdbool.h>
#include <stddef.h>

/* What one run says. All times are positive, in one unit. */
typedef struct lb_timing {
    double median;
    double low, high;  /* interval of the median; 0 = there is none */
    size_t visits;     /* 0 = unknown */
    double *visit;     /* [visits]: medians of moments that are independent of each other */
    double fast, slow; /* what the machine's own moments differ by, as lb_moments: 0.995 and 1.01; 0 = unknown */
} lb_timing;

/* "none": no difference was shown, which is not the same as that there is none. */
typedef enum lb_verdict_of_change { LB_CHANGE_NONE, LB_CHANGE_FASTER, LB_CHANGE_SLOWER } lb_verdict_of_change;
extern const char *const lb_change_names[];

/* Times of b over those of a: more than 1 is slower. */
typedef struct lb_change {
    double ratio;
    double low, high; /* 95 % interval of the ratio; 0 = there is none */
    lb_verdict_of_change verdict;
    double medians;          /* b's median over a's */
    bool a_covers, b_covers; /* the interval of a holds the median of b, and the other way round */
} lb_change;

/* With enough visits on both sides (4 and 4, 3 and 5), from the ratios of every visit of b to every visit of a: the
 * ratio is their median (Hodges and Lehmann), and the interval goes from one of them to another, by the exact
 * distribution of Mann and Whitney's count. It holds for any distribution that is the same on both sides but for a
 * factor.
 *
 * Else the ratio is that of the medians, and its interval the one from b.low / a.high to b.high / a.low, which is wider
 * than 95 % need, and no wider than the two intervals are right.
 *
 * No ratio is known better than the machine's own speed: the interval is at least as wide as the moments of both runs
 * together, added as independent errors are (squares of logarithms). */
void lb_compare(const lb_timing *a, const lb_timing *b, lb_change *out);

/* How many of the n * m ascending ratios may be cut off at each end so that the rest holds with at least 95 %; -1 where
 * even all of them do not. */
long lb_compare_cut(size_t n, size_t m);

/* A list of changes, summed up. */
typedef struct lb_changes {
    size_t count, verdicts[3];
    double log_sum;   /* of the ratios of the medians */
    size_t within;    /* whose medians are within LB_REPEATED of each other */
    size_t intervals; /* with intervals on both sides, of them: */
    size_t a_covers, b_covers;
    size_t beyond; /* slower than the threshold, the whole interval */
} lb_changes;

#define LB_REPEATED 0.03

/* threshold  0.05 = 5 % */
void lb_changes_add(lb_changes *all, const lb_change *change, bool has_intervals, double threshold);

/* Geometric mean of the ratios of the medians; 1 of none. */
double lb_changes_mean(const lb_changes *all);

#endif
