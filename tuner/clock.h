/* SPDX-License-Identifier: Apache-2.0 */
/* Time as a parameter: the measuring loop is tested with a clock that moves only when the test says so. */
#ifndef LOWBIT_TUNER_CLOCK_H_
#define LOWBIT_TUNER_CLOCK_H_

#include <stdint.h>

typedef struct lb_clock {
    int64_t (*now_ns)(void *user); /* never goes back */
    void *user;
} lb_clock;

/* CLOCK_MONOTONIC: a vdso read of about 20 ns, slewed by NTP by at most 0.05 %. */
extern const lb_clock lb_monotonic_clock;

static inline double lb_clock_seconds(const lb_clock *clock) { return (double)clock->now_ns(clock->user) * 1e-9; }

/* Days since 1970-01-01, by the calendar of the machine. */
int64_t lb_today(void);

#endif
