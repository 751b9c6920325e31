/* SPDX-License-Identifier: Apache-2.0 */
/* The race of candidates on a clock that goes as the test says. */
#include "tuner/race.h"

#include <math.h>

#include "kernels/base/base.h"
#include "tests/check.h"

enum { RUNNERS = 12 };

/* Work that takes `cost` seconds, times 1 + noise * a random number of 0 to 1; of the first `warm` runs, `first` more.
 */
typedef struct track {
    double now_s;
    double cost[RUNNERS], first[RUNNERS], noise, drift; /* drift: costs grow so much a second */
    size_t runs[RUNNERS], asked, stop_at;
} track;

static int64_t track_now(void *user) { return (int64_t)(((const track *)user)->now_s * 1e9); }

static void track_run(void *user, size_t runner, size_t reps) {
    track *t = user;
    const double random = (double)check_random_in(0, 1000) / 1000;
    if (t->runs[runner] == 0) t->now_s += t->first[runner];
    t->now_s += t->cost[runner] * (double)reps * (1 + t->noise * random) * (1 + t->drift * t->now_s);
    t->runs[runner] += reps;
}

static bool track_go_on(void *user, size_t runner, size_t left) {
    track *t = user;
    CHECK(runner < RUNNERS && left >= 1 && left <= RUNNERS);
    return ++t->asked != t->stop_at;
}

static lb_race_end run_race(track *t, lb_runner *runners, size_t count, double end_s) {
    const lb_clock clock = {track_now, t};
    const lb_race race = {.clock = &clock,
                          .run = track_run,
                          .go_on = track_go_on,
                          .user = t,
                          .end_s = end_s,
                          .sample_s = 100e-6,
                          .samples = 15};
    return lb_race_run(&race, runners, count);
}

/* The fastest wins, also where all are noisy, and where its first run was slow; the slow ones cost little. */
static void check_winner(void) {
    check_context("winner");
    for (int round = 0; round < 50; round++) {
        track t = {.noise = 0.2};
        lb_runner runners[RUNNERS] = {{.rank = 0}};
        const size_t best = (size_t)check_random_in(0, RUNNERS - 1);
        for (size_t i = 0; i < RUNNERS; i++) {
            t.cost[i] = 20e-6 * (i == best ? 1 : 1.15 + 0.2 * (double)i);
            runners[i].rank = (int64_t)i;
        }
        t.first[best] = 20e-6;
        const lb_race_end end = run_race(&t, runners, RUNNERS, 1);
        CHECK(end.winner == best && !end.stopped && runners[best].samples == 15);
        for (size_t i = 0; i < RUNNERS; i++)
            if (t.cost[i] > 2 * t.cost[best]) CHECK(runners[i].out && runners[i].samples <= 4);
    }
}

/* Within 2 % the lesser rank wins, beyond the faster one. */
static void check_ties(void) {
    track t = {.cost = {10e-6, 10.1e-6, 10.5e-6}};
    lb_runner runners[3] = {{.rank = 5}, {.rank = 4}, {.rank = 3}};
    check_context("ties");
    CHECK(run_race(&t, runners, 3, 1).winner == 1);
    runners[1].rank = 5; /* of equals, who came first */
    CHECK(run_race(&t, runners, 3, 1).winner == 0);
}

static void check_keeper(void) {
    track t = {.cost = {50e-6, 10e-6}};
    lb_runner runners[2] = {{.rank = 0, .keeps = true}, {.rank = 1}};
    check_context("keeper");
    const lb_race_end end = run_race(&t, runners, 2, 1);
    CHECK(end.winner == 1 && !runners[0].out && runners[0].samples == 15 && end.left == 2);
    CHECK(fabs(runners[0].score_s - 50e-6) < 1e-6 && fabs(runners[1].score_s - 10e-6) < 1e-6);
}

/* A second is a second, also where one run takes half of it; what was timed by then decides. */
static void check_deadline(void) {
    track t = {.cost = {0.5, 0.4, 0.3, 0.2}};
    lb_runner runners[4] = {{.rank = 0}, {.rank = 1}, {.rank = 2}, {.rank = 3}};
    check_context("deadline");
    lb_race_end end = run_race(&t, runners, 4, 1);
    CHECK(end.winner == 2 && t.now_s < 1.5 && runners[3].out && !end.stopped);
    t = (track){.cost = {0.5, 0.4}};
    end = run_race(&t, runners, 2, 0); /* too late for all but one */
    CHECK(end.winner == 0 && t.now_s < 0.6);
}

static void check_stop(void) {
    check_context("stop");
    for (size_t at = 1; at < 20; at++) {
        track t = {.cost = {10e-6, 11e-6, 12e-6}, .stop_at = at};
        lb_runner runners[3] = {{.rank = 0}, {.rank = 1}, {.rank = 2}};
        const lb_race_end end = run_race(&t, runners, 3, 1);
        CHECK(end.stopped && t.asked == at && (at == 1 ? end.winner == 3 : end.winner < 3));
    }
}

static void check_noisy(void) {
    track calm = {.cost = {1e-3}}, moving = {.cost = {1e-3}, .drift = 20};
    lb_runner runner[1] = {{.rank = 0}};
    check_context("noisy");
    CHECK(!run_race(&calm, runner, 1, 1).noisy);
    CHECK(run_race(&moving, runner, 1, 1).noisy);
}

void subject_race(void) {
    check_winner();
    check_ties();
    check_keeper();
    check_deadline();
    check_stop();
    check_noisy();
}
