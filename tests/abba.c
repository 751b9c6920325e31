/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing in turn, on a clock that moves only when the compared work says so. */
#include "bench/abba.h"

#include <math.h>

#include "tests/check.h"

/* A fake machine on which two workers run. A call costs cost_ns a repetition, times drift per second of the clock, and
 * up to `noise` of it more; the first repetition after the other worker costs cold times as much. */
typedef struct machine {
    int64_t now_ns;
    double drift, noise, cold;
    const void *last;
} machine;

typedef struct worker {
    machine *on;
    double cost_ns;
    size_t calls, reps, alone; /* alone: calls of one repetition */
} worker;

static int64_t machine_now(void *user) { return ((machine *)user)->now_ns; }

static void work(void *arg, size_t reps) {
    worker *w = arg;
    machine *m = w->on;
    const double slow = (1 + m->drift * (double)m->now_ns * 1e-9) *
                        (1 + (m->noise > 0 ? m->noise * (double)check_random_float(0, 1) : 0));
    const double first = m->last != w && m->cold > 0 ? m->cold - 1 : 0;
    m->last = w;
    m->now_ns += (int64_t)(((double)reps + first) * w->cost_ns * slow);
    w->calls++;
    w->reps += reps;
    w->alone += reps == 1;
}

static lb_abba_result compared(machine *m, worker *a, worker *b, lb_abba_options options) {
    const lb_clock clock = {machine_now, m};
    lb_abba_result r;
    options.clock = &clock;
    a->on = b->on = m;
    lb_abba(&options, (lb_contender){work, a}, (lb_contender){work, b}, &r);
    return r;
}

static bool near(double got, double want, double within) { return fabs(got - want) <= within * want; }

static void check_steady(void) {
    machine m = {.now_ns = 0};
    worker a = {.cost_ns = 1000}, b = {.cost_ns = 1500};
    const lb_abba_result r = compared(&m, &a, &b, LB_ABBA_DEFAULTS(0.1));
    CHECK(near(r.ratio, 1.5, 1e-9) && near(r.ratio_low, 1.5, 1e-9) && near(r.ratio_high, 1.5, 1e-9));
    CHECK(near(r.a.median_s, 1e-6, 1e-9) && near(r.b.median_s, 1.5e-6, 1e-9));
    CHECK(r.verdict == LB_ABBA_A_FASTER);
    CHECK(r.rounds >= 16 && r.rounds <= 21); /* two batches of a fortieth of the budget, or a little more */
    CHECK(r.a.samples == 2 * r.rounds && r.b.samples == 2 * r.rounds);
    CHECK(r.a.batch >= 2500 && r.a.batch <= 3000 && r.b.batch >= 1666 && r.b.batch <= 2000);
    const lb_abba_result turned = compared(&m, &b, &a, LB_ABBA_DEFAULTS(0.1));
    CHECK(near(turned.ratio, 1 / 1.5, 1e-9) && turned.verdict == LB_ABBA_B_FASTER);
}

/* A machine that slows down steadily, by a third from start to end: A B A B would be off by half a batch's share. */
static void check_drift(void) {
    machine m = {.drift = 1};
    worker a = {.cost_ns = 1000}, b = {.cost_ns = 1010};
    const lb_abba_result r = compared(&m, &a, &b, LB_ABBA_DEFAULTS(0.1));
    CHECK(near(r.ratio, 1.01, 2e-4) && r.verdict == LB_ABBA_A_FASTER);
}

/* What the other one drove out of the caches is brought back before the time is taken. */
static void check_cold(void) {
    machine m = {.cold = 1000};
    worker a = {.cost_ns = 1000}, b = {.cost_ns = 1200};
    const lb_abba_result r = compared(&m, &a, &b, LB_ABBA_DEFAULTS(0.1));
    CHECK(near(r.ratio, 1.2, 1e-9) && near(r.a.p90_s, 1e-6, 1e-9));
    machine settling = {.cold = 1000};
    worker c = {.cost_ns = 1000}, d = {.cost_ns = 1200};
    lb_abba_options options = LB_ABBA_DEFAULTS(0.1);
    options.settle_s = 0.01;
    const lb_abba_result longer = compared(&settling, &c, &d, options);
    CHECK(near(longer.ratio, 1.2, 1e-9));
    CHECK(c.alone >= longer.rounds * 9000 && c.alone <= (longer.rounds + 2) * 10001); /* 10 ms less a cold call */
}

/* Equal ones, on a noisy machine: an interval of 95 % holds 1 in about 95 of 100 experiments. */
static void check_noise(void) {
    int held = 0, none = 0;
    for (int i = 0; i < 200; i++) {
        machine m = {.noise = 0.2};
        worker a = {.cost_ns = 1000}, b = {.cost_ns = 1000};
        const lb_abba_result r = compared(&m, &a, &b, LB_ABBA_DEFAULTS(0.02));
        held += r.ratio_low <= 1 && r.ratio_high >= 1;
        none += r.verdict == LB_ABBA_NONE;
        CHECK(r.ratio_low <= r.ratio && r.ratio <= r.ratio_high);
    }
    CHECK(held == none && held >= 180);
}

/* Slow work ends at the limit, and few rounds are no verdict. */
static void check_limits(void) {
    machine m = {.now_ns = 0};
    worker a = {.cost_ns = 1e9}, b = {.cost_ns = 2e9};
    lb_abba_options options = LB_ABBA_DEFAULTS(0.1);
    const lb_abba_result r = compared(&m, &a, &b, options);
    CHECK(r.rounds >= 2 && r.rounds < LB_ABBA_FEWEST && near(r.ratio, 2, 1e-9) && r.verdict == LB_ABBA_NONE);
    CHECK(m.now_ns >= 22e9 && m.now_ns < 31e9); /* 22 s, and the round that was going on */
    options.limit_s = 1000;
    CHECK(compared(&m, &a, &b, options).rounds == options.min_rounds);
    machine frozen = {.now_ns = 0};
    worker c = {.cost_ns = 0}, d = {.cost_ns = 0};
    options.budget_s = 1e-9;
    options.sample_s = 1e-9;
    CHECK(compared(&frozen, &c, &d, options).rounds == LB_ABBA_ROUNDS); /* the clock stands still */
}

void subject_abba(void) {
    check_steady();
    check_drift();
    check_cold();
    check_noise();
    check_limits();
}
