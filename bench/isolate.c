/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/isolate.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kernels/base/base.h"
#include "tuner/clock.h"

/* A crash shall end the process at once: neither a handler of ours nor a core file of gigabytes comes in between. */
static void stand_alone(void) {
    const struct rlimit none = {0, 0};
    sigset_t signals;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_CORE, &none);
    for (int i = 1; i < NSIG; i++) signal(i, SIG_DFL);
    sigemptyset(&signals);
    sigprocmask(SIG_SETMASK, &signals, NULL);
    dup2(STDERR_FILENO, STDOUT_FILENO);
}

/* Waits until the pipe has a byte, the child's word that it is done, or nobody holds its other end. */
static bool wait_for_word(int fd, double deadline, bool *done) {
    for (;;) {
        const double left = deadline - lb_clock_seconds(&lb_monotonic_clock);
        struct pollfd word = {.fd = fd, .events = POLLIN};
        char byte;
        const int ready = poll(&word, 1, (int)(fmin(fmax(left, 0), 1e6) * 1e3));
        if (ready > 0) {
            *done = read(fd, &byte, 1) == 1;
            return true;
        }
        if (left <= 0) return false;
    }
}

/* Takes the child's end; one that does not come by then is brought about. False: it was. */
static bool reap(pid_t child, double deadline, int *end) {
    static const struct timespec kNap = {0, 1000000};
    for (;;) {
        const pid_t got = waitpid(child, end, WNOHANG);
        if (got == child) return true;
        if (got < 0 && errno != EINTR) return false;
        if (lb_clock_seconds(&lb_monotonic_clock) >= deadline) break;
        nanosleep(&kNap, NULL);
    }
    kill(child, SIGKILL);
    while (waitpid(child, end, 0) < 0 && errno == EINTR) {
    }
    return false;
}

static lb_isolated watch(pid_t child, int fd, double timeout_s) {
    double deadline = lb_clock_seconds(&lb_monotonic_clock) + timeout_s;
    bool done = false;
    int end = 0;
    if (!wait_for_word(fd, deadline, &done)) deadline = 0;
    const bool ended = reap(child, deadline, &end);
    if (done) return (lb_isolated){LB_ENDED_WELL, 0};
    if (!ended) return (lb_isolated){LB_ENDED_TIMEOUT, 0};
    if (WIFSIGNALED(end)) return (lb_isolated){LB_ENDED_SIGNAL, WTERMSIG(end)};
    return (lb_isolated){LB_ENDED_EXIT, WEXITSTATUS(end)};
}

lb_isolated lb_isolate(void (*fn)(void *arg, void *result), void *arg, void *result, size_t bytes, double timeout_s) {
    int ends[2];
    if (pipe(ends) != 0) return (lb_isolated){LB_ENDED_NOT_RUN, errno};
    lb_isolated how = {LB_ENDED_NOT_RUN, ENOMEM};
    void *shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared != MAP_FAILED) {
        memcpy(shared, result, bytes);
        fflush(NULL); /* else the child has our text too, and may write it once more */
        const pid_t child = fork();
        if (child == 0) {
            stand_alone();
            fn(arg, shared);
            const bool told = write(ends[1], "", 1) == 1;
            _exit(!told);
        }
        how.number = errno;
        close(ends[1]);
        ends[1] = -1;
        if (child > 0) how = watch(child, ends[0], timeout_s);
        memcpy(result, shared, bytes);
        munmap(shared, bytes);
    }
    close(ends[0]);
    if (ends[1] >= 0) close(ends[1]);
    return how;
}

lb_signal_name lb_name_of_signal(int number) {
    static const struct {
        int number;
        const char *name;
    } kNames[] = {{SIGSEGV, "SIGSEGV"}, {SIGABRT, "SIGABRT"}, {SIGILL, "SIGILL"},   {SIGFPE, "SIGFPE"},
                  {SIGBUS, "SIGBUS"},   {SIGKILL, "SIGKILL"}, {SIGTERM, "SIGTERM"}, {SIGTRAP, "SIGTRAP"}};
    lb_signal_name name;
    snprintf(name.text, sizeof name.text, "signal %d", number);
    for (size_t i = 0; i < LB_COUNT(kNames); i++)
        if (kNames[i].number == number) snprintf(name.text, sizeof name.text, "%s", kNames[i].name);
    return name;
}
