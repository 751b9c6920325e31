/* SPDX-License-Identifier: Apache-2.0 */
#include "tuner/race.h"

#include <math.h>
#include <string.h>

#include "kernels/base/base.h"
#include "tuner/stats.h"

/* Who is left after so many samples: the score is at most this many times the best one. */
static const struct {
    size_t samples;
    double limit;
} kLimits[] = {{12, 1.03}, {8, 1.06}, {4, 1.12}, {2, 1.25}, {1, 1.6}};

/* A first sample includes what happens once (code and pages that come from far), so it may be this much longer. */
static const double kFirstLimit = 2.5;

typedef struct state {
    const lb_race *race;
    lb_runner *runners;
    size_t count;
    uint64_t random;
} state;

static double score_of(const lb_runner *r) {
    double sorted[LB_RACE_SAMPLES];
    lb_sample unused;
    memcpy(sorted, r->times, r->samples * sizeof *sorted);
    lb_summarize(sorted, r->samples, &unused);
    return lb_quantile(sorted, r->samples, 0.25);
}

/* Least score of those that have one; infinite without any. */
static double best_score(const state *s) {
    double best = INFINITY;
    for (size_t i = 0; i < s->count; i++)
        if (s->runners[i].score_s > 0) best = fmin(best, s->runners[i].score_s);
    return best;
}

static size_t count_left(const state *s) {
    size_t left = 0;
    for (size_t i = 0; i < s->count; i++) left += !s->runners[i].out;
    return left;
}

/* A short runner goes once before the clock does: its threads may have fallen asleep while others ran alone, and its
 * code and rows are no longer near. */
static double time_runner(const state *s, size_t i, size_t reps) {
    const lb_race *race = s->race;
    if (reps > 1) race->run(race->user, i, 1);
    const double start = lb_clock_seconds(race->clock);
    race->run(race->user, i, reps);
    return (lb_clock_seconds(race->clock) - start) / (double)reps;
}

static void keep_sample(lb_runner *r, double seconds) {
    r->times[r->samples++] = fmax(seconds, 1e-12);
    r->score_s = score_of(r);
}

static bool is_over(const state *s) { return lb_clock_seconds(s->race->clock) >= s->race->end_s; }

static bool go_on(const state *s, size_t i) { return s->race->go_on(s->race->user, i, count_left(s)); }

/* Every runner once, in their order, which puts those who should be good first. */
static bool first_round(const state *s) {
    double best = INFINITY;
    for (size_t i = 0; i < s->count; i++) {
        lb_runner *r = &s->runners[i];
        if (i > 0 && is_over(s)) {
            r->out = true;
            continue;
        }
        if (!go_on(s, i)) return false;
        const double seconds = time_runner(s, i, 1);
        best = fmin(best, seconds);
        r->reps = (size_t)fmin(fmax(ceil(s->race->sample_s / fmax(seconds, 1e-9)), 1), 1e6);
        if (seconds > kFirstLimit * best && !r->keeps) r->out = true;
        r->score_s = fmax(seconds, 1e-12);
        if (r->reps == 1) keep_sample(r, seconds);
    }
    return true;
}

static size_t random_below(state *s, size_t below) {
    s->random = s->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (size_t)(s->random >> 33) % below;
}

/* Those who still need samples, shuffled. */
static size_t draw_order(state *s) {
    size_t left = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (s->runners[i].out || s->runners[i].samples >= s->race->samples) continue;
        const size_t at = random_below(s, left + 1);
        s->runners[left++].turn = s->runners[at].turn;
        s->runners[at].turn = i;
    }
    return left;
}

static void drop_slow(const state *s) {
    const double best = best_score(s);
    for (size_t i = 0; i < s->count; i++) {
        lb_runner *r = &s->runners[i];
        if (r->keeps || r->out) continue;
        for (size_t l = 0; l < LB_COUNT(kLimits); l++) {
            if (r->samples < kLimits[l].samples) continue;
            r->out = r->score_s > kLimits[l].limit * best;
            break;
        }
    }
}

/* Rounds until time is over or the samples are there. False where go_on said so. */
static bool rounds(state *s) {
    size_t drawn;
    while (!is_over(s) && (drawn = draw_order(s)) > 0) {
        for (size_t i = 0; i < drawn; i++) {
            const size_t turn = s->runners[i].turn;
            if (is_over(s)) return true;
            if (!go_on(s, turn)) return false;
            keep_sample(&s->runners[turn], time_runner(s, turn, s->runners[turn].reps));
        }
        drop_slow(s);
    }
    return true;
}

static bool drifted(const lb_runner *r) {
    double halves[2][LB_RACE_SAMPLES];
    lb_sample first, second;
    const size_t half = r->samples / 2;
    if (half < 3) return false;
    memcpy(halves[0], r->times, half * sizeof(double));
    memcpy(halves[1], r->times + half, half * sizeof(double));
    lb_summarize(halves[0], half, &first);
    lb_summarize(halves[1], half, &second);
    return fabs(first.median_s - second.median_s) > 0.05 * first.median_s;
}

lb_race_end lb_race_run(const lb_race *race, lb_runner *runners, size_t count) {
    state s = {race, runners, count, 1};
    lb_race_end end = {.winner = count};
    for (size_t i = 0; i < count; i++) runners[i] = (lb_runner){.rank = runners[i].rank, .keeps = runners[i].keeps};
    end.stopped = !first_round(&s) || !rounds(&s);
    const double best = best_score(&s);
    for (size_t i = 0; i < count; i++) {
        const lb_runner *r = &runners[i];
        if (r->score_s <= 0 || r->score_s > LB_RACE_TIE * best) continue;
        if (end.winner == count || r->rank < runners[end.winner].rank) end.winner = i;
    }
    end.left = count_left(&s);
    if (end.winner < count) end.noisy = drifted(&runners[end.winner]);
    for (size_t i = 0; i < count; i++) {
        lb_sample sorted;
        if (runners[i].samples) lb_summarize(runners[i].times, runners[i].samples, &sorted);
    }
    return end;
}
