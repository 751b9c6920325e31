/* SPDX-License-Identifier: Apache-2.0 */
/* The samples of one thing that is timed at several moments of a run: visit by visit, and what they say together.
 *
 * Samples of one moment share whatever that moment had: the pages that its buffers got, the clock of the core, what the
 * neighbours did. An interval from them alone says how well that moment is known, and misses the median of the next run
 * more often than not. A run therefore comes back to everything several times, with all the other work between, and
 * takes the medians of the visits for its observations. */
#ifndef LOWBIT_BENCH_SERIES_H_
#define LOWBIT_BENCH_SERIES_H_

#include <stdbool.h>

#include "bench/sentinel.h"

/* Seven is the fewest visits whose least and greatest median hold the median of another seven in more than 90 % of
 * cases, whatever their distribution (93 %; the true median in 98 %). */
enum { LB_VISITS = 7, LB_MAX_VISITS = 100 };

typedef struct lb_visit {
    size_t samples;
    double median_s;
    double sentinel_s; /* the slower one of the sentinel's readings before and after it; 0 = nobody looked */
} lb_visit;

typedef struct lb_series {
    size_t room; /* samples of a visit at most */
    size_t visits;
    lb_visit visit[LB_MAX_VISITS];
    double seconds[LB_MAX_SAMPLES]; /* of one repetition each; those of visit i are at seconds + i * room */
} lb_series;

/* How visits are made. */
typedef struct lb_visiting {
    double budget_s;       /* of the samples of all visits */
    size_t visits;         /* 1 .. LB_MAX_VISITS */
    lb_sentinel *sentinel; /* looked at before and after, or NULL */
    const lb_clock *clock; /* NULL = lb_monotonic_clock */
} lb_visiting;

/* One more visit: times fn(arg, reps) for its part of the budget. Once all visits have been made, it takes the place of
 * the most disturbed one if it was less disturbed itself. What decides is the sentinel, never what the visit has
 * measured. */
void lb_series_visit(lb_series *series, const lb_visiting *how, lb_work fn, void *arg);

/* Whether a visit was disturbed; never where no sentinel looked (NULL). */
bool lb_series_disturbed(const lb_series *series, const lb_sentinel *sentinel);

/* Minimum and percentiles of all samples. With one visit median and interval are those of its samples, too; with more
 * the median and the 95 % interval of the medians of the visits: below six visits their least and greatest, which hold
 * the true median with 1 - 2^(1 - visits). At least one visit has been made. */
void lb_series_summarize(const lb_series *series, lb_sample *out);

/* How the machine's own speed varies from moment to moment, while nothing seems to disturb it: the central 95 % of the
 * sentinel's readings, over their median. */
typedef struct lb_moments {
    double low, high; /* 0.995 and 1.01: half a percent faster, a percent slower */
} lb_moments;

/* Sorts the readings (n >= 1). */
lb_moments lb_moments_of(double *readings, size_t n);

/* No time is known better than the sentinel's: makes the interval as wide as these moments are, where it is narrower.
 */
void lb_moments_apply(const lb_moments *moments, lb_sample *time);

/* The drift of the visits: their median; 1 where no sentinel looked (NULL). */
double lb_series_drift(const lb_series *series, const lb_sentinel *sentinel);

#endif
