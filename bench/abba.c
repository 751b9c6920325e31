/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/abba.h"

#include <math.h>

typedef struct side {
    const lb_clock *clock;
    lb_contender who;
    size_t batch;
    double values[2 * LB_ABBA_ROUNDS]; /* seconds of a repetition */
    size_t count;
} side;

static double seconds_since(const lb_clock *clock, int64_t start) {
    return (double)(clock->now_ns(clock->user) - start) * 1e-9;
}

static void settle(const side *s, double settle_s) {
    const int64_t start = s->clock->now_ns(s->clock->user);
    do {
        s->who.fn(s->who.arg, 1);
    } while (seconds_since(s->clock, start) < settle_s);
}

static double time_batch(side *s) {
    const int64_t start = s->clock->now_ns(s->clock->user);
    s->who.fn(s->who.arg, s->batch);
    const double took = seconds_since(s->clock, start);
    s->values[s->count++] = took / (double)s->batch;
    return took;
}

static lb_abba_verdict judge(const lb_abba_result *r) {
    if (r->rounds < LB_ABBA_FEWEST) return LB_ABBA_NONE;
    return r->ratio_low > 1 ? LB_ABBA_A_FASTER : r->ratio_high < 1 ? LB_ABBA_B_FASTER : LB_ABBA_NONE;
}

static void summarize(side *a, side *b, double *ratios, size_t rounds, lb_abba_result *r) {
    lb_sample ratio;
    lb_summarize(ratios, rounds, &ratio);
    lb_summarize(a->values, a->count, &r->a);
    lb_summarize(b->values, b->count, &r->b);
    r->a.batch = a->batch;
    r->b.batch = b->batch;
    r->ratio = ratio.median_s;
    r->ratio_low = ratio.low_s;
    r->ratio_high = ratio.high_s;
    r->rounds = rounds;
    r->verdict = judge(r);
}

void lb_abba(const lb_abba_options *options, lb_contender a, lb_contender b, lb_abba_result *result) {
    const lb_clock *clock = options->clock ? options->clock : &lb_monotonic_clock;
    const int64_t start = clock->now_ns(clock->user);
    side first = {.clock = clock, .who = a}, second = {.clock = clock, .who = b};
    double ratios[LB_ABBA_ROUNDS], spent = 0;
    size_t rounds = 0;
    const double sample_s = fmax(options->sample_s, options->budget_s / LB_ABBA_ROUNDS);
    const double warmup_s = fmin(0.2, options->budget_s);
    second.batch = lb_measure_batch(clock, b.fn, b.arg, sample_s, warmup_s);
    first.batch = lb_measure_batch(clock, a.fn, a.arg, sample_s, warmup_s);
    settle(&first, options->settle_s);
    do {
        double ours = time_batch(&first);
        settle(&second, options->settle_s);
        double theirs = time_batch(&second);
        theirs += time_batch(&second);
        settle(&first, options->settle_s);
        ours += time_batch(&first);
        ratios[rounds++] = theirs / (double)second.batch / (ours / (double)first.batch);
        spent += fmax(ours, theirs);
    } while (rounds < LB_ABBA_ROUNDS && seconds_since(clock, start) < options->limit_s &&
             (rounds < options->min_rounds || spent < options->budget_s));
    summarize(&first, &second, ratios, rounds, result);
}
