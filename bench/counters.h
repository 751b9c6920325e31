/* SPDX-License-Identifier: Apache-2.0 */
/* What the CPU itself counts while a product runs: cycles, instructions and misses of the last cache, of user space, on
 * the calling thread and all threads that it creates afterwards. Linux alone, and there only where kernel and
 * hypervisor let us: everything else goes on without. */
#ifndef LOWBIT_BENCH_COUNTERS_H_
#define LOWBIT_BENCH_COUNTERS_H_

#include <stdbool.h>
#include <stdint.h>

#include "bench/measure.h"

/* perf_event_open, read and the rest, as a parameter: a test has a kernel of its own. */
typedef struct lb_perf {
    int (*open)(void *user, uint64_t event); /* PERF_COUNT_HW_*, disabled; the descriptor, or -errno */
    bool (*enable)(void *user, int fd, bool on);
    bool (*read)(void *user, int fd, uint64_t values[3]); /* count, nanoseconds enabled, nanoseconds counted */
    void (*close)(void *user, int fd);
    int (*paranoid)(void *user); /* of /proc/sys/kernel/perf_event_paranoid; a very low number where there is none */
    void *user;
} lb_perf;

extern const lb_perf lb_perf_kernel;

enum { LB_COUNT_CYCLES, LB_COUNT_INSTRUCTIONS, LB_COUNT_LLC_MISSES, LB_COUNTERS };

typedef struct lb_counters {
    const lb_perf *perf;
    int fds[LB_COUNTERS]; /* negative: it cannot be counted */
    bool open;            /* cycles and instructions are counted */
    char reason[96];      /* "measured", or why nothing is */
} lb_counters;

/* Opens them; before any thread whose work shall count. guest: a hypervisor may be why there are no counters. Close
 * them in any case. */
void lb_counters_open(lb_counters *counters, const lb_perf *perf, bool guest);
void lb_counters_close(lb_counters *counters);

/* Of one repetition; llc_misses is negative where they cannot be counted. */
typedef struct lb_counts {
    double cycles, instructions, llc_misses;
} lb_counts;

/* Counts fn(arg, reps). Events that shared a counter of the CPU with others are scaled up to the whole time. False
 * where nothing was counted. */
bool lb_counters_count(const lb_counters *counters, lb_work fn, void *arg, size_t reps, lb_counts *out);

#endif
