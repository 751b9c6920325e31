/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/measure.h"

#include <math.h>
#include <string.h>

typedef struct timed {
    const lb_clock *clock;
    lb_work fn;
    void *arg;
} timed;

static double time_batch(const timed *t, size_t reps) {
    const int64_t start = t->clock->now_ns(t->clock->user);
    t->fn(t->arg, reps);
    return (double)(t->clock->now_ns(t->clock->user) - start) * 1e-9;
}

/* Grows the batch until one call lasts sample_s or `deadline` has passed. A first call is often many times slower than
 * the second (page faults, cold code), so each step grows at most tenfold and is timed again. */
static size_t calibrate(const timed *t, double sample_s, double deadline) {
    static const size_t kLargestBatch = 1000000000; /* work that takes no time must not batch without end */
    size_t batch = 1;
    for (;;) {
        const double took = time_batch(t, batch);
        if (took >= sample_s || lb_clock_seconds(t->clock) >= deadline || batch >= kLargestBatch) return batch;
        const double growth = took > 0 ? 1.1 * sample_s / took : 10;
        batch = (size_t)ceil((double)batch * fmin(fmax(growth, 1.1), 10));
    }
}

static double median_of_five(const timed *t, size_t batch) {
    double values[5];
    for (size_t i = 0; i < 5; i++) values[i] = time_batch(t, batch);
    lb_sample sample;
    lb_summarize(values, 5, &sample);
    return sample.median_s;
}

static void settle(const timed *t, size_t batch, double deadline) {
    double before = -1;
    while (lb_clock_seconds(t->clock) < deadline) {
        const double now = median_of_five(t, batch);
        if (before >= 0 && fabs(now - before) <= 0.02 * before) return;
        before = now;
    }
}

size_t lb_measure_batch(const lb_clock *clock, lb_work fn, void *arg, double sample_s, double warmup_s) {
    const timed t = {clock, fn, arg};
    const double warm = lb_clock_seconds(clock) + warmup_s;
    const size_t batch = calibrate(&t, sample_s, warm);
    settle(&t, batch, warm);
    return batch;
}

void lb_measure_with(const lb_measure_options *options, lb_work fn, void *arg, lb_sample *out) {
    const timed t = {options->clock ? options->clock : &lb_monotonic_clock, fn, arg};
    const double sample_s = fmax(options->sample_s, options->budget_s / (double)options->max_samples);
    const size_t batch = lb_measure_batch(t.clock, fn, arg, sample_s, fmin(options->warmup_s, options->budget_s));

    double values[LB_MAX_SAMPLES];
    const double end = lb_clock_seconds(t.clock) + options->budget_s;
    size_t n = 0;
    do {
        values[n++] = time_batch(&t, batch) / (double)batch;
    } while (n < options->max_samples && (n < options->min_samples || lb_clock_seconds(t.clock) < end));
    if (options->samples) memcpy(options->samples, values, n * sizeof *values);
    lb_summarize(values, n, out);
    out->batch = batch;
}

void lb_measure(lb_work fn, void *arg, double budget_s, lb_sample *out) {
    const lb_measure_options options = LB_MEASURE_DEFAULTS(budget_s);
    lb_measure_with(&options, fn, arg, out);
}
