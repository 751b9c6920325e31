/* SPDX-License-Identifier: Apache-2.0 */
/* The times of one row as JSON: the summary, every sample, and the visits that they belong to. */
#ifndef LOWBIT_CLI_SERIES_JSON_H_
#define LOWBIT_CLI_SERIES_JSON_H_

#include <jansson.h>

#include "bench/series.h"

/* What a bench with a sentinel knows beside the samples. */
typedef struct lb_watch {
    uint32_t threads;
    lb_sentinel sentinel;
    lb_moments moments; /* of all visits of the run on so many threads */
} lb_watch;

/* Sets median_us, min_us, p10_us, p90_us, low_us, high_us, samples, samples_us, passes, visits and, where a sentinel
 * looked (not NULL), drift and moments. `row` may be NULL (no memory). */
void lb_series_json(json_t *row, const lb_series *series, const lb_watch *watch, const lb_sample *time);

#endif
