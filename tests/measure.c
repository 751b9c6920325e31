/* SPDX-License-Identifier: Apache-2.0 */
/* The measuring loop on a clock that moves only when the measured work says so. */
#include "bench/measure.h"

#include <math.h>
#include <string.h>

#include "tests/check.h"

static bool close_to(double got, double want) { return fabs(got - want) <= 1e-9 * fabs(want) + 1e-15; }

/* Work on a fake machine: repetition r costs cost_ns, the first `cold` calls cost_ns times 50, and every `slow_every`th
 * call ten times as much. */
typedef struct machine {
    int64_t now_ns, cost_ns;
    size_t calls, cold, slow_every, reps;
} machine;

static int64_t machine_now(void *user) { return ((machine *)user)->now_ns; }

static void machine_work(void *arg, size_t reps) {
    machine *m = arg;
    m->calls++;
    m->reps += reps;
    const bool cold = m->calls <= m->cold, slow = m->slow_every && m->calls % m->slow_every == 0;
    m->now_ns += (int64_t)reps * m->cost_ns * (cold ? 50 : slow ? 10 : 1);
}

static lb_sample measured(machine *m, double budget_s, double warmup_s, size_t min_samples) {
    const lb_clock clock = {machine_now, m};
    lb_measure_options options = LB_MEASURE_DEFAULTS(budget_s);
    options.clock = &clock;
    options.warmup_s = warmup_s;
    options.min_samples = min_samples;
    lb_sample sample;
    memset(&sample, 0xff, sizeof sample);
    lb_measure_with(&options, machine_work, m, &sample);
    return sample;
}

static void check_quantiles(void) {
    double values[] = {5, 1, 4, 2, 3};
    lb_sample s;
    lb_summarize(values, 5, &s);
    CHECK(s.min_s == 1 && s.median_s == 3 && close_to(s.p10_s, 1.4) && close_to(s.p90_s, 4.6));
    CHECK(s.low_s == 1 && s.high_s == 5 && s.samples == 5 && s.batch == 1);
    double one[] = {7};
    lb_summarize(one, 1, &s);
    CHECK(s.min_s == 7 && s.median_s == 7 && s.p10_s == 7 && s.p90_s == 7 && s.low_s == 7 && s.high_s == 7);
    double many[100];
    for (int i = 0; i < 100; i++) many[i] = 99 - i;
    lb_summarize(many, 100, &s);
    CHECK(close_to(s.median_s, 49.5) && s.low_s == 39 && s.high_s == 60);
}

/* The interval must hold the true median in about 95 of 100 experiments. */
static void check_interval(void) {
    int held = 0;
    for (int experiment = 0; experiment < 1000; experiment++) {
        double values[60];
        for (int i = 0; i < 60; i++) values[i] = (double)check_random_float(0, 1);
        lb_sample s;
        lb_summarize(values, 60, &s);
        held += s.low_s <= 0.5 && s.high_s >= 0.5;
    }
    CHECK(held >= 920 && held <= 990);
}

static void check_fast_work(void) {
    machine m = {.cost_ns = 100, .cold = 1};
    const lb_sample s = measured(&m, 0.01, 0.2, 5);
    CHECK(close_to(s.median_s, 100e-9) && close_to(s.min_s, 100e-9) && close_to(s.p90_s, 100e-9));
    CHECK(s.batch >= 1000 && s.batch <= 1300);                        /* 100 us of 100 ns */
    CHECK(s.samples * s.batch * 100 >= 10000000 && s.samples <= 101); /* 10 ms, and no more than one sample beyond */
    CHECK(m.now_ns < 15000000);                                       /* steady at once: a short warm-up */
}

static void check_noise(void) {
    machine m = {.cost_ns = 1000, .slow_every = 20};
    const lb_sample s = measured(&m, 0.02, 0.2, 5);
    CHECK(close_to(s.median_s, 1e-6) && close_to(s.min_s, 1e-6) && close_to(s.p90_s, 1e-6));
    machine unsteady = {.cost_ns = 1000, .slow_every = 2};
    measured(&unsteady, 1.0, 0.2, 5);
    CHECK(unsteady.now_ns < 1300000000); /* a warm-up that never settles ends at its cap */
}

static void check_slow_work(void) {
    machine m = {.cost_ns = 3000000000};
    const lb_sample s = measured(&m, 0.1, 0.2, 3);
    CHECK(s.samples == 3 && s.batch == 1 && m.calls == 4 && close_to(s.median_s, 3.0));
}

static void check_long_budget(void) {
    machine m = {.cost_ns = 1000};
    const lb_sample s = measured(&m, 10, 0.2, 5);
    CHECK(s.samples <= LB_MAX_SAMPLES && s.samples > LB_MAX_SAMPLES / 2);
    CHECK(m.now_ns > 9900000000 && m.now_ns < 11500000000);
}

static void check_nothing(void) {
    machine m = {.cost_ns = 1};
    const lb_sample s = measured(&m, 0, 0, 5);
    CHECK(s.samples == 5 && s.batch == 1); /* no budget: just the fewest samples */
    machine frozen = {.cost_ns = 0};
    CHECK(measured(&frozen, 0.001, 0, 1).min_s == 0); /* a clock that stands still ends by the number of samples */
}

static void spin(void *arg, size_t reps) {
    for (volatile uint32_t *counter = arg; reps > 0; reps--) *counter = *counter + 1;
}

static void check_real_clock(void) {
    uint32_t counter = 0;
    lb_sample s;
    lb_measure(spin, &counter, 0.002, &s);
    CHECK(s.samples > 0 && s.min_s > 1e-11 && s.min_s < 1e-6 && s.min_s <= s.median_s && s.median_s <= s.p90_s);
    CHECK(s.low_s <= s.median_s && s.median_s <= s.high_s);
}

void subject_measure(void) {
    check_quantiles();
    check_interval();
    check_fast_work();
    check_noise();
    check_slow_work();
    check_long_budget();
    check_nothing();
    check_real_clock();
}
