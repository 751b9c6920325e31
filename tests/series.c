/* SPDX-License-Identifier: Apache-2.0 */
/* Visits and what they say together; the sentinel between them. */
#include "bench/series.h"

#include <math.h>
#include <string.h>

#include "lowbit/context.h"
#include "tests/check.h"

static bool close_to(double got, double want) { return fabs(got - want) <= 1e-9 * fabs(want) + 1e-15; }

/* A machine on which a repetition takes cost_ns; its clock moves by command. */
typedef struct machine {
    int64_t now_ns, cost_ns;
} machine;

static int64_t machine_now(void *user) { return ((machine *)user)->now_ns; }

static void machine_work(void *arg, size_t reps) {
    machine *m = arg;
    m->now_ns += (int64_t)reps * m->cost_ns;
}

static void check_visits(void) {
    static const int64_t kCosts[LB_VISITS] = {1000, 1050, 990, 1010, 1400, 1020, 1005};
    static lb_series s;
    memset(&s, 0, sizeof s);
    machine m = {.cost_ns = 0};
    const lb_clock clock = {machine_now, &m};
    const lb_visiting how = {.budget_s = 0.3, .visits = LB_VISITS, .clock = &clock};
    lb_sample all;
    for (size_t i = 0; i < LB_VISITS; i++) {
        m.cost_ns = kCosts[i];
        lb_series_visit(&s, &how, machine_work, &m);
        CHECK(s.visits == i + 1 && close_to(s.visit[i].median_s, (double)kCosts[i] * 1e-9));
        CHECK(s.visit[i].samples > 50 && s.visit[i].samples <= LB_MAX_SAMPLES / LB_VISITS);
    }
    lb_series_summarize(&s, &all);
    CHECK(close_to(all.median_s, 1010e-9) && close_to(all.low_s, 990e-9) && close_to(all.high_s, 1400e-9));
    CHECK(close_to(all.min_s, 990e-9) && close_to(all.p90_s, 1400e-9));
    size_t samples = 0;
    for (size_t i = 0; i < LB_VISITS; i++) samples += s.visit[i].samples;
    CHECK(all.samples == samples && close_to(s.seconds[s.room], 1050e-9)); /* in their order */
    CHECK(lb_series_drift(&s, NULL) == 1);
}

/* Three visits on a machine that is disturbed in the second one; a fourth takes its place, and a fifth, which is
 * disturbed more, none. */
static void check_disturbed(void) {
    static const struct {
        int64_t cost;
        bool disturbed; /* one of the visits so far */
    } kVisits[] = {{1000, false}, {1200, true}, {1010, true}, {1005, false}, {2000, false}};
    static lb_series s;
    memset(&s, 0, sizeof s);
    machine m = {.cost_ns = 1000};
    const lb_clock clock = {machine_now, &m};
    lb_sentinel sentinel = {.products = NULL};
    lb_sentinel_begin_with(&sentinel, machine_work, &m, &clock);
    const lb_visiting how = {.budget_s = 0.01, .visits = 3, .clock = &clock, .sentinel = &sentinel};
    for (size_t i = 0; i < sizeof kVisits / sizeof kVisits[0]; i++) {
        check_context("visit %zu", i);
        m.cost_ns = kVisits[i].cost;
        lb_series_visit(&s, &how, machine_work, &m);
        CHECK(lb_series_disturbed(&s, &sentinel) == kVisits[i].disturbed);
    }
    lb_sample all;
    lb_series_summarize(&s, &all);
    CHECK(s.visits == 3 && close_to(all.median_s, 1005e-9) && close_to(all.high_s, 1010e-9));
    CHECK(close_to(lb_series_drift(&s, &sentinel), 1.005));
    m.cost_ns = 900; /* faster than at the start: now all that was is slow */
    lb_sentinel_read(&sentinel);
    CHECK(lb_series_disturbed(&s, &sentinel) && lb_series_drift(&s, &sentinel) > 1.1);
}

/* One visit is what a measurement that stands alone is. */
static void check_one_visit(void) {
    static lb_series s;
    memset(&s, 0, sizeof s);
    machine m = {.cost_ns = 100000};
    const lb_clock clock = {machine_now, &m};
    lb_sample all;
    const lb_visiting how = {.budget_s = 0.0001, .visits = 1, .clock = &clock};
    lb_series_visit(&s, &how, machine_work, &m);
    lb_series_summarize(&s, &all);
    CHECK(s.visits == 1 && all.samples == 5 && close_to(all.median_s, 100e-6));
}

/* Visits differ more than the samples of a visit: the interval of a run must hold the median of another run in about 93
 * of 100 cases, and that of all samples together does not. */
static void check_coverage(void) {
    enum { RUNS = 600, EACH = 20 };
    int held = 0, held_by_samples = 0;
    double median_before = 0;
    for (int run = 0; run < RUNS; run++) {
        static lb_series s;
        double every[LB_VISITS * EACH];
        s = (lb_series){.room = EACH, .visits = LB_VISITS};
        for (size_t v = 0; v < LB_VISITS; v++) {
            const double level = (double)check_random_float(1, 2);
            double *values = s.seconds + v * EACH, sorted[EACH];
            for (size_t i = 0; i < EACH; i++) values[i] = level + (double)check_random_float(0, 0.01f);
            memcpy(sorted, values, sizeof sorted);
            memcpy(every + v * EACH, values, sizeof sorted);
            lb_sample visit;
            lb_summarize(sorted, EACH, &visit);
            s.visit[v] = (lb_visit){EACH, visit.median_s, 0};
        }
        lb_sample all, samples;
        lb_series_summarize(&s, &all);
        lb_summarize(every, LB_VISITS * EACH, &samples);
        held += all.low_s <= median_before && median_before <= all.high_s;
        held_by_samples += samples.low_s <= median_before && median_before <= samples.high_s;
        median_before = all.median_s;
    }
    CHECK(held >= 0.90 * RUNS && held <= 0.97 * RUNS);
    CHECK(held_by_samples < 0.6 * RUNS);
}

static void check_drift(void) {
    machine m = {.cost_ns = 50};
    const lb_clock clock = {machine_now, &m};
    lb_sentinel s = {.products = NULL};
    lb_sentinel_begin_with(&s, machine_work, &m, &clock);
    CHECK((double)s.reps * 50e-9 >= 0.5e-3 && (double)s.reps * 50e-9 < 1e-3);
    CHECK(close_to(lb_sentinel_drift(&s, lb_sentinel_read(&s)), 1));
    m.cost_ns = 60;
    CHECK(close_to(lb_sentinel_drift(&s, lb_sentinel_read(&s)), 1.2));
    m.cost_ns = 40;
    CHECK(close_to(lb_sentinel_drift(&s, lb_sentinel_read(&s)), 1));
    m.cost_ns = 50;
    CHECK(close_to(lb_sentinel_drift(&s, lb_sentinel_read(&s)), 1.25)); /* of the least one, not of the start */
    machine frozen = {.cost_ns = 0};
    const lb_clock still = {machine_now, &frozen};
    lb_sentinel_begin_with(&s, machine_work, &frozen, &still); /* ends, though the clock stands still */
    CHECK(lb_sentinel_drift(&s, lb_sentinel_read(&s)) == 1);
}

static void check_product(void) {
    for (int plain = 0; plain < 2; plain++) {
        lowbit_ctx_options options = LOWBIT_CTX_OPTIONS_INIT;
        if (plain) options.isa_mask = LOWBIT_ISA_SCALAR;
        lowbit_ctx *ctx = NULL;
        lb_sentinel s;
        lowbit_pool pool = LOWBIT_POOL_INIT;
        lowbit_pool_options two = LOWBIT_POOL_OPTIONS_INIT;
        two.threads = 2;
        if (!CHECK(lowbit_ctx_create(&options, &ctx, NULL) == LOWBIT_OK)) return;
        if (!plain) CHECK(lowbit_pool_create(ctx, &two, &pool, NULL) == LOWBIT_OK);
        CHECK(lb_sentinel_begin(&s, ctx, plain ? NULL : &pool, NULL) == LOWBIT_OK);
        const double drift = lb_sentinel_drift(&s, lb_sentinel_read(&s));
        CHECK(s.start_s > 0.2e-3 && s.least_s > 0 && drift >= 1 && drift < 100);
        lb_sentinel_end(&s);
        lb_sentinel_end(&s); /* nothing is left to end */
        lowbit_pool_destroy(&pool);
        lowbit_ctx_destroy(ctx);
    }
}

/* The interval of visits that agree is as wide as the moments of the machine; one that is wider stays. */
static void check_moments(void) {
    double readings[201];
    for (int i = 0; i < 201; i++) readings[i] = 1 + 0.0001 * ((i * 7) % 201 - 100);
    const lb_moments m = lb_moments_of(readings, 201);
    CHECK(close_to(m.low, 0.9905) && close_to(m.high, 1.0095));
    lb_sample narrow = {.median_s = 2, .low_s = 1.999, .high_s = 2.5};
    lb_moments_apply(&m, &narrow);
    CHECK(close_to(narrow.low_s, 2 * 0.9905) && narrow.high_s == 2.5);
    double still[] = {0, 0};
    CHECK(lb_moments_of(still, 2).low == 1 && lb_moments_of(still, 2).high == 1);
}

void subject_series(void) {
    check_visits();
    check_one_visit();
    check_disturbed();
    check_moments();
    check_coverage();
}

void subject_sentinel(void) {
    check_drift();
    check_product();
}
