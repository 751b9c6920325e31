/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of a pretend kernel, and of the kernel at hand whatever it allows. */
#include "bench/counters.h"

#include <errno.h>
#include <limits.h>
#include <linux/perf_event.h>
#include <math.h>
#include <string.h>

#include "tests/check.h"

enum { FIRST_FD = 10 };

/* A kernel that refuses events with codes[event], or counts what its work does. */
typedef struct kernel {
    int codes[LB_COUNTERS]; /* errno, by LB_COUNT_*; 0 = it counts */
    int paranoid;
    uint64_t share; /* of the time that events are on a counter, in percent */
    uint64_t counts[LB_COUNTERS], ns;
    bool on[LB_COUNTERS];
    int opened, closed;
} kernel;

static int position_of(uint64_t event) {
    return event == PERF_COUNT_HW_CPU_CYCLES     ? LB_COUNT_CYCLES
           : event == PERF_COUNT_HW_INSTRUCTIONS ? LB_COUNT_INSTRUCTIONS
                                                 : LB_COUNT_LLC_MISSES;
}

static int open_event(void *user, uint64_t event) {
    kernel *k = user;
    const int at = position_of(event);
    if (k->codes[at]) return -k->codes[at];
    k->opened++;
    return FIRST_FD + at;
}

static bool enable_event(void *user, int fd, bool on) {
    ((kernel *)user)->on[fd - FIRST_FD] = on;
    return true;
}

static bool read_event(void *user, int fd, uint64_t values[3]) {
    const kernel *k = user;
    values[0] = k->counts[fd - FIRST_FD];
    values[1] = k->ns;
    values[2] = k->ns * k->share / 100;
    return true;
}

static void close_event(void *user, int fd) {
    (void)fd;
    ((kernel *)user)->closed++;
}

static int paranoid(void *user) { return ((const kernel *)user)->paranoid; }

/* A repetition is 1000 cycles, 2500 instructions and 10 misses; seen are those of enabled events in their share of
 * time. */
static void work(void *arg, size_t reps) {
    static const uint64_t kEach[LB_COUNTERS] = {1000, 2500, 10};
    kernel *k = arg;
    for (int i = 0; i < LB_COUNTERS; i++) k->counts[i] += k->on[i] ? reps * kEach[i] * k->share / 100 : 0;
    k->ns += 1000 * reps;
}

static lb_perf perf_of(kernel *k) { return (lb_perf){open_event, enable_event, read_event, close_event, paranoid, k}; }

static bool close_to(double got, double want) { return fabs(got - want) <= 1e-9 * fabs(want); }

static void check_counting(uint64_t share) {
    kernel k = {.share = share};
    const lb_perf perf = perf_of(&k);
    lb_counters c;
    lb_counts counts;
    lb_counters_open(&c, &perf, false);
    CHECK(c.open && strcmp(c.reason, "measured") == 0);
    work(&k, 1000000); /* nobody counts this */
    CHECK(lb_counters_count(&c, work, &k, 200, &counts));
    CHECK(close_to(counts.cycles, 1000) && close_to(counts.instructions, 2500) && close_to(counts.llc_misses, 10));
    CHECK(lb_counters_count(&c, work, &k, 100, &counts) && close_to(counts.cycles, 1000)); /* of this time alone */
    lb_counters_close(&c);
    CHECK(k.opened == LB_COUNTERS && k.closed == LB_COUNTERS);
}

/* Without misses the rest is counted; without instructions nothing is. */
static void check_partly(void) {
    kernel k = {.share = 100, .codes = {[LB_COUNT_LLC_MISSES] = ENOENT}};
    const lb_perf perf = perf_of(&k);
    lb_counters c;
    lb_counts counts;
    lb_counters_open(&c, &perf, false);
    CHECK(lb_counters_count(&c, work, &k, 10, &counts) && close_to(counts.cycles, 1000) && counts.llc_misses < 0);
    lb_counters_close(&c);
    k.codes[LB_COUNT_INSTRUCTIONS] = ENOENT;
    lb_counters_open(&c, &perf, false);
    CHECK(!c.open && !lb_counters_count(&c, work, &k, 10, &counts));
    lb_counters_close(&c);
    CHECK(k.opened == 3 && k.closed == 3);
}

static void check_reasons(void) {
    static const struct {
        int code, paranoid;
        bool guest;
        const char *reason;
    } kCases[] = {
        {EACCES, 3, false, "perf_event_paranoid is 3"},
        {EPERM, 4, true, "perf_event_paranoid is 4"},
        {EPERM, 2, false, "not permitted (a container's seccomp filter?)"},
        {ENOENT, 2, true, "no PMU in this guest"},
        {ENOENT, 2, false, "no counters on this CPU"},
        {EOPNOTSUPP, -1, true, "no PMU in this guest"},
        {ENOSYS, INT_MIN, false, "no perf events in this kernel"},
        {EMFILE, 2, false, "perf_event_open: Too many open files"},
    };
    for (size_t i = 0; i < sizeof kCases / sizeof kCases[0]; i++) {
        check_context("case %zu", i);
        kernel k = {.codes = {kCases[i].code, kCases[i].code, kCases[i].code}, .paranoid = kCases[i].paranoid};
        const lb_perf perf = perf_of(&k);
        lb_counters c;
        lb_counts counts;
        lb_counters_open(&c, &perf, kCases[i].guest);
        CHECK(!c.open && strcmp(c.reason, kCases[i].reason) == 0);
        CHECK(!lb_counters_count(&c, work, &k, 1, &counts));
        lb_counters_close(&c);
        CHECK(k.closed == 0);
    }
}

static void spin(void *arg, size_t reps) {
    for (volatile uint32_t *counter = arg; reps > 0; reps--) *counter = *counter + 1;
}

static void check_real_kernel(void) {
    check_context("this kernel");
    uint32_t counter = 0;
    lb_counters c;
    lb_counts counts;
    lb_counters_open(&c, &lb_perf_kernel, false);
    CHECK(c.reason[0] && c.open == (strcmp(c.reason, "measured") == 0));
    if (lb_counters_count(&c, spin, &counter, 1000000, &counts))
        CHECK(counts.instructions > 1 && counts.instructions < 100 && counts.cycles > 0.1);
    lb_counters_close(&c);
    lb_counters_close(&c); /* nothing is left to close */
}

void subject_counters(void) {
    check_counting(100);
    check_counting(50);
    check_partly();
    check_reasons();
    check_real_kernel();
}
