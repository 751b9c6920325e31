/* SPDX-License-Identifier: Apache-2.0 */
/* The times of one row as JSON: the summary, every sample, and the visits that they belong to. */
#ifndef LOWBIT_CLI_SERIES_JSON_H_
#define LOWBIT_CLI_SERIES_JSON_H_

#include <jansson.h>

#include "bench/series.h"

/* Sets median_us, min_us, p10_us, p90_us, low_us, high_us, samples, samples_us, passes, visits and, where a sentinel
 * looked (not NULL), drift. `row` may be NULL (no memory). */
void lb_series_json(json_t *row, const lb_series *series, const lb_sentinel *sentinel, const lb_sample *time);

#endif
