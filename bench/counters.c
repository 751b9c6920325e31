/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/counters.h"

#include <errno.h>
#include <limits.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- the kernel's ---- */

/* `inherit` counts threads that are created later. It forbids to read events as a group, so each is one of its own. */
static int kernel_open(void *user, uint64_t event) {
    (void)user;
    struct perf_event_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.type = PERF_TYPE_HARDWARE;
    attr.size = sizeof attr;
    attr.config = event;
    attr.disabled = 1;
    attr.inherit = 1;
    attr.exclude_kernel = 1;
    attr.exclude_hv = 1;
    attr.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
    const long fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
    return fd < 0 ? -errno : (int)fd;
}

static bool kernel_enable(void *user, int fd, bool on) {
    (void)user;
    return ioctl(fd, on ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE, 0) == 0;
}

static bool kernel_read(void *user, int fd, uint64_t values[3]) {
    (void)user;
    return read(fd, values, 3 * sizeof values[0]) == 3 * sizeof values[0];
}

static void kernel_close(void *user, int fd) {
    (void)user;
    close(fd);
}

static int kernel_paranoid(void *user) {
    (void)user;
    int level = INT_MIN;
    FILE *file = fopen("/proc/sys/kernel/perf_event_paranoid", "r");
    if (!file) return level;
    if (fscanf(file, "%d", &level) != 1) level = INT_MIN; /* NOLINT(cert-err34-c): of the kernel */
    fclose(file);
    return level;
}

const lb_perf lb_perf_kernel = {kernel_open, kernel_enable, kernel_read, kernel_close, kernel_paranoid, NULL};

/* ---- ours ---- */

/* Users may count their own threads up to this level of perf_event_paranoid. */
enum { PARANOID_OF_USERS = 2 };

static void say_why(lb_counters *c, int code, bool guest) {
    char *to = c->reason;
    const size_t size = sizeof c->reason;
    const int paranoid = c->perf->paranoid(c->perf->user);
    if ((code == EACCES || code == EPERM) && paranoid > PARANOID_OF_USERS)
        snprintf(to, size, "perf_event_paranoid is %d", paranoid);
    else if (code == EACCES || code == EPERM)
        snprintf(to, size, "not permitted (a container's seccomp filter?)");
    else if (code == ENOENT || code == EOPNOTSUPP || code == ENODEV)
        snprintf(to, size, guest ? "no PMU in this guest" : "no counters on this CPU");
    else if (code == ENOSYS)
        snprintf(to, size, "no perf events in this kernel");
    else
        snprintf(to, size, "perf_event_open: %s", strerror(code));
}

void lb_counters_open(lb_counters *c, const lb_perf *perf, bool guest) {
    static const uint64_t kEvents[LB_COUNTERS] = {[LB_COUNT_CYCLES] = PERF_COUNT_HW_CPU_CYCLES,
                                                  [LB_COUNT_INSTRUCTIONS] = PERF_COUNT_HW_INSTRUCTIONS,
                                                  [LB_COUNT_LLC_MISSES] = PERF_COUNT_HW_CACHE_MISSES};
    *c = (lb_counters){.perf = perf, .reason = "measured"};
    for (int i = 0; i < LB_COUNTERS; i++) c->fds[i] = perf->open(perf->user, kEvents[i]);
    c->open = c->fds[LB_COUNT_CYCLES] >= 0 && c->fds[LB_COUNT_INSTRUCTIONS] >= 0;
    if (!c->open)
        say_why(c, -(c->fds[LB_COUNT_CYCLES] < 0 ? c->fds[LB_COUNT_CYCLES] : c->fds[LB_COUNT_INSTRUCTIONS]), guest);
}

void lb_counters_close(lb_counters *c) {
    for (int i = 0; c->perf && i < LB_COUNTERS; i++)
        if (c->fds[i] >= 0) c->perf->close(c->perf->user, c->fds[i]);
    *c = (lb_counters){.perf = NULL};
}

static void enable(const lb_counters *c, bool on) {
    for (int i = 0; i < LB_COUNTERS; i++)
        if (c->fds[i] >= 0) c->perf->enable(c->perf->user, c->fds[i], on);
}

/* What each has counted since it was opened, scaled up; negative where it cannot tell. */
static void read_all(const lb_counters *c, double counts[LB_COUNTERS]) {
    for (int i = 0; i < LB_COUNTERS; i++) {
        uint64_t v[3];
        const bool told = c->fds[i] >= 0 && c->perf->read(c->perf->user, c->fds[i], v) && (v[2] > 0 || v[1] == 0);
        counts[i] = !told ? -1 : v[2] ? (double)v[0] * ((double)v[1] / (double)v[2]) : 0;
    }
}

bool lb_counters_count(const lb_counters *c, lb_work fn, void *arg, size_t reps, lb_counts *out) {
    if (!c->open) return false;
    double before[LB_COUNTERS], after[LB_COUNTERS], each[LB_COUNTERS];
    read_all(c, before);
    enable(c, true);
    fn(arg, reps);
    enable(c, false);
    read_all(c, after);
    for (int i = 0; i < LB_COUNTERS; i++)
        each[i] = before[i] < 0 || after[i] < before[i] ? -1 : (after[i] - before[i]) / (double)reps;
    *out = (lb_counts){each[LB_COUNT_CYCLES], each[LB_COUNT_INSTRUCTIONS], each[LB_COUNT_LLC_MISSES]};
    return out->cycles > 0 && out->instructions >= 0;
}
