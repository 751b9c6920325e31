/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/series_json.h"

#include <math.h>

/* A sample in microseconds, to six digits: what is beyond them is noise, and a thousand samples a row are long enough.
 */
static json_t *sample_json(double seconds) {
    const double us = seconds * 1e6;
    if (!(us > 0)) return json_real(0);
    const double unit = pow(10, floor(log10(us)) - 5);
    return json_real(round(us / unit) * unit);
}

static json_t *samples_json(const lb_series *series) {
    json_t *list = json_array();
    for (size_t v = 0; v < series->visits; v++)
        for (size_t i = 0; i < series->visit[v].samples; i++)
            json_array_append_new(list, sample_json(series->seconds[v * series->room + i]));
    return list;
}

static json_t *visits_json(const lb_series *series, const lb_watch *watch) {
    json_t *list = json_array();
    for (size_t i = 0; i < series->visits; i++) {
        const lb_visit *v = &series->visit[i];
        json_t *visit = json_pack("{s:I, s:f}", "samples", (json_int_t)v->samples, "median_us", v->median_s * 1e6);
        if (watch) json_object_set_new(visit, "drift", json_real(lb_sentinel_drift(&watch->sentinel, v->sentinel_s)));
        json_array_append_new(list, visit);
    }
    return list;
}

void lb_series_json(json_t *row, const lb_series *series, const lb_watch *watch, const lb_sample *time) {
    json_t *more =
        json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:I, s:o, s:I, s:o}", "median_us", time->median_s * 1e6, "min_us",
                  time->min_s * 1e6, "p10_us", time->p10_s * 1e6, "p90_us", time->p90_s * 1e6, "low_us",
                  time->low_s * 1e6, "high_us", time->high_s * 1e6, "samples", (json_int_t)time->samples, "samples_us",
                  samples_json(series), "passes", (json_int_t)series->visits, "visits", visits_json(series, watch));
    if (watch) {
        json_object_set_new(more, "drift", json_real(lb_series_drift(series, &watch->sentinel)));
        json_object_set_new(more, "moments", json_pack("[f, f]", watch->moments.low, watch->moments.high));
    }
    json_object_update(row, more);
    json_decref(more);
}
