/* SPDX-License-Identifier: Apache-2.0 */
#include "tuner/stats.h"

#include <math.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double lb_quantile(const double *sorted, size_t n, double p) {
    const double at = p * (double)(n - 1);
    const size_t below = (size_t)at, above = below + 1 < n ? below + 1 : below;
    return sorted[below] + (at - (double)below) * (sorted[above] - sorted[below]);
}

void lb_summarize(double *values, size_t n, lb_sample *out) {
    enum { FEWEST_FOR_INTERVAL = 6 };
    qsort(values, n, sizeof *values, ascending);
    const double half = 0.98 * sqrt((double)n), middle = 0.5 * (double)(n - 1);
    const size_t low = n < FEWEST_FOR_INTERVAL ? 0 : (size_t)(middle - half);
    *out = (lb_sample){
        .min_s = values[0],
        .p10_s = lb_quantile(values, n, 0.1),
        .median_s = lb_quantile(values, n, 0.5),
        .p90_s = lb_quantile(values, n, 0.9),
        .low_s = values[low],
        .high_s = values[n - 1 - low],
        .samples = n,
        .batch = 1,
    };
}
