/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/series.h"

#include <math.h>
#include <string.h>

/* A visit is short: its median needs three samples, and not all five of a measurement that stands alone. */
enum { LEAST_OF_MANY = 3 };

/* The visit that is to be replaced: the most disturbed one. */
static size_t worst_of(const lb_series *series) {
    size_t worst = 0;
    for (size_t i = 1; i < series->visits; i++)
        if (series->visit[i].sentinel_s > series->visit[worst].sentinel_s) worst = i;
    return worst;
}

static void keep(lb_series *series, const lb_visit *visit, const double *seconds, size_t visits) {
    const bool replaces = series->visits == visits;
    const size_t at = replaces ? worst_of(series) : series->visits++;
    if (replaces && visit->sentinel_s >= series->visit[at].sentinel_s) return;
    series->visit[at] = *visit;
    memcpy(series->seconds + at * series->room, seconds, visit->samples * sizeof *seconds);
}

void lb_series_visit(lb_series *series, const lb_visiting *how, lb_work fn, void *arg) {
    double seconds[LB_MAX_SAMPLES], before = 0, after = 0;
    lb_measure_options options = LB_MEASURE_DEFAULTS(how->budget_s / (double)how->visits);
    lb_sample sample;
    series->room = LB_MAX_SAMPLES / how->visits;
    options.clock = how->clock;
    options.max_samples = series->room;
    options.samples = seconds;
    if (how->visits > 1) options.min_samples = LEAST_OF_MANY;
    if (how->sentinel) before = lb_sentinel_read(how->sentinel);
    lb_measure_with(&options, fn, arg, &sample);
    if (how->sentinel) after = lb_sentinel_read(how->sentinel);
    const lb_visit visit = {sample.samples, sample.median_s, fmax(before, after)};
    keep(series, &visit, seconds, how->visits);
}

bool lb_series_disturbed(const lb_series *series, const lb_sentinel *sentinel) {
    const lb_visit *worst = &series->visit[worst_of(series)];
    return sentinel && series->visits > 0 && lb_sentinel_drift(sentinel, worst->sentinel_s) > 1 + LB_DRIFT_LIMIT;
}

void lb_series_summarize(const lb_series *series, lb_sample *out) {
    double values[LB_MAX_SAMPLES], medians[LB_MAX_VISITS];
    size_t samples = 0;
    for (size_t i = 0; i < series->visits; samples += series->visit[i++].samples)
        memcpy(values + samples, series->seconds + i * series->room, series->visit[i].samples * sizeof *values);
    lb_summarize(values, samples, out);
    if (series->visits == 1) return;
    lb_sample visits;
    for (size_t i = 0; i < series->visits; i++) medians[i] = series->visit[i].median_s;
    lb_summarize(medians, series->visits, &visits);
    out->median_s = visits.median_s;
    out->low_s = visits.low_s;
    out->high_s = visits.high_s;
}

double lb_series_drift(const lb_series *series, const lb_sentinel *sentinel) {
    double drifts[LB_MAX_VISITS];
    lb_sample sample;
    if (!sentinel) return 1;
    for (size_t i = 0; i < series->visits; i++) drifts[i] = lb_sentinel_drift(sentinel, series->visit[i].sentinel_s);
    lb_summarize(drifts, series->visits, &sample);
    return sample.median_s;
}

lb_moments lb_moments_of(double *readings, size_t n) {
    lb_sample all;
    lb_summarize(readings, n, &all); /* for its order */
    if (all.median_s <= 0) return (lb_moments){1, 1};
    return (lb_moments){lb_quantile(readings, n, 0.025) / all.median_s, lb_quantile(readings, n, 0.975) / all.median_s};
}

void lb_moments_apply(const lb_moments *moments, lb_sample *time) {
    time->low_s = fmin(time->low_s, time->median_s * moments->low);
    time->high_s = fmax(time->high_s, time->median_s * moments->high);
}
