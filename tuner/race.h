/* SPDX-License-Identifier: Apache-2.0 */
/* Successive halving: runners take samples in turn, in an order that is shuffled every round, and those that are
 * clearly slower than the best leave, so that time goes to those who may win. What disturbs the machine disturbs all
 * alike.
 *
 * Knows nothing of products. Clock, work and patience are parameters, so that it is tested with work that takes as long
 * as the test says. */
#ifndef LOWBIT_TUNER_RACE_H_
#define LOWBIT_TUNER_RACE_H_

#include <stdbool.h>
#include <stddef.h>

#include "tuner/clock.h"

enum { LB_RACE_SAMPLES = 61 }; /* most of a runner */

typedef struct lb_runner {
    int64_t rank; /* of runners that are as fast as the winner within LB_RACE_TIE, the one of least rank wins */
    bool keeps;   /* does not leave, however slow it is: who wants to know its time needs that */

    /* Filled by the race: */
    bool out;    /* has left */
    size_t turn; /* who comes at this place of the round */
    size_t reps, samples;
    double times[LB_RACE_SAMPLES]; /* seconds of a repetition, ascending once the race is over */
    double score_s; /* their lower quartile, or the time of the very first repetition as long as there are none: a
                       median would follow a neighbour who takes the machine half of the time, the least would reward
                       one lucky moment */
} lb_runner;

/* Differences that are not worth a thread, or memory. */
#define LB_RACE_TIE 1.03

typedef struct lb_race {
    const lb_clock *clock;
    void (*run)(void *user, size_t runner, size_t reps);
    /* Before each sample; `left` runners are in the race. False stops it. */
    bool (*go_on)(void *user, size_t runner, size_t left);
    void *user;
    double end_s;    /* when it stops, by the clock; who was not timed by then cannot win */
    double sample_s; /* a sample lasts about so long at least */
    size_t samples;  /* that decide: it ends when all who are left have so many; at most LB_RACE_SAMPLES */
} lb_race;

typedef struct lb_race_end {
    size_t winner;
    size_t left;  /* runners that had not left */
    bool stopped; /* by go_on: who was not timed at all has score 0 and cannot win */
    bool noisy;   /* the winner's own time moved by more than a twentieth from the first half to the second */
} lb_race_end;

/* Runs the race of `count` >= 1 runners. A first sample of one repetition finds how many make sample_s; where it is
 * itself that long it counts. */
lb_race_end lb_race_run(const lb_race *race, lb_runner *runners, size_t count);

#endif
