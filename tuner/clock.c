/* SPDX-License-Identifier: Apache-2.0 */
#include "tuner/clock.h"

#include <stddef.h>
#include <time.h>

static int64_t monotonic_ns(void *user) {
    (void)user;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

const lb_clock lb_monotonic_clock = {monotonic_ns, NULL};

int64_t lb_today(void) { return (int64_t)time(NULL) / 86400; }
