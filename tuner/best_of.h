/* SPDX-License-Identifier: Apache-2.0 */
/* The least time that work takes, which is what the rates of the cost model are made of. */
#ifndef LOWBIT_TUNER_BEST_OF_H_
#define LOWBIT_TUNER_BEST_OF_H_

#include "tuner/clock.h"

/* Does the work `reps` times. */
typedef void (*lb_best_work)(void *arg, int64_t reps);

/* Seconds of a repetition: the best of a few batches of about batch_ns, since what is asked for is what the machine can
 * do. */
double lb_best_of(const lb_clock *clock, lb_best_work work, void *arg, int64_t batch_ns);

#endif
