/* SPDX-License-Identifier: Apache-2.0 */
/* Functions in processes of their own: what comes back, and that nothing they do reaches us. */
#include "bench/isolate.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lowbit/lowbit.h"
#include "tests/check.h"
#include "tuner/clock.h"

typedef struct answer {
    int number;
    const char *text;
} answer;

static int ours = 7;

static void write_all(void *arg, void *result) {
    answer *a = result;
    a->number += *(const int *)arg;
    a->text = "a text of both";
    ours = 8;
}

static void raise_signal(void *arg, void *result) {
    ((answer *)result)->number = 1;
    raise(*(const int *)arg);
}

static void leave(void *arg, void *result) {
    ((answer *)result)->number = 2;
    _exit(*(const int *)arg);
}

static void hang(void *arg, void *result) {
    (void)arg;
    ((answer *)result)->number = 3;
    for (;;) pause();
}

static void *hang_thread(void *arg) {
    for (;;) pause();
    return arg;
}

/* Returns while a thread of its own does not. */
static void leave_thread(void *arg, void *result) {
    pthread_t thread;
    (void)arg;
    ((answer *)result)->number = pthread_create(&thread, NULL, hang_thread, NULL);
}

static void print(void *arg, void *result) {
    (void)result;
    printf("%s", (const char *)arg);
    fflush(stdout);
}

static void count_tasks(void *arg, size_t i, size_t worker) {
    (void)i, (void)worker;
    __atomic_add_fetch((int *)arg, 1, __ATOMIC_RELAXED);
}

/* A context of the parent serves a pool of the child. */
static void make_pool(void *arg, void *result) {
    lowbit_pool pool = LOWBIT_POOL_INIT;
    lowbit_pool_options options = LOWBIT_POOL_OPTIONS_INIT;
    answer *a = result;
    options.threads = 2;
    if (lowbit_pool_create(arg, &options, &pool, NULL) != LOWBIT_OK) return;
    pool.parallel_for(pool.user, 100, count_tasks, &a->number);
    lowbit_pool_destroy(&pool);
}

static lb_isolated isolated(void (*fn)(void *, void *), void *arg, answer *a, double timeout_s) {
    *a = (answer){.number = 40};
    return lb_isolate(fn, arg, a, sizeof *a, timeout_s);
}

static void check_ends(void) {
    answer a;
    int number = 2;
    CHECK(isolated(write_all, &number, &a, 10).ending == LB_ENDED_WELL);
    CHECK(a.number == 42 && a.text && strcmp(a.text, "a text of both") == 0 && ours == 7);
    static const int kSignals[] = {SIGSEGV, SIGABRT, SIGILL, SIGFPE, SIGBUS, SIGKILL, SIGTERM, SIGUSR1, SIGINT};
    for (size_t i = 0; i < sizeof kSignals / sizeof kSignals[0]; i++) {
        number = kSignals[i];
        const lb_isolated end = isolated(raise_signal, &number, &a, 10);
        CHECK(end.ending == LB_ENDED_SIGNAL && end.number == number && a.number == 1);
    }
    for (number = 0; number < 3; number++) { /* 0 too: it did not return */
        const lb_isolated end = isolated(leave, &number, &a, 10);
        CHECK(end.ending == LB_ENDED_EXIT && end.number == number && a.number == 2);
    }
    CHECK(isolated(leave_thread, NULL, &a, 10).ending == LB_ENDED_WELL && a.number == 0);
}

static void check_timeout(void) {
    answer a;
    const double start = lb_clock_seconds(&lb_monotonic_clock);
    CHECK(isolated(hang, NULL, &a, 0.2).ending == LB_ENDED_TIMEOUT && a.number == 3);
    const double took = lb_clock_seconds(&lb_monotonic_clock) - start;
    CHECK(took >= 0.2 && took < 5);
    CHECK(waitpid(-1, NULL, WNOHANG) == -1); /* nobody is left behind */
}

static void check_names(void) {
    CHECK(strcmp(lb_name_of_signal(SIGSEGV).text, "SIGSEGV") == 0);
    CHECK(strcmp(lb_name_of_signal(SIGFPE).text, "SIGFPE") == 0);
    CHECK(strcmp(lb_name_of_signal(63).text, "signal 63") == 0);
}

/* What is printed there is no result of ours: it goes to standard error. */
static void check_output(void) {
    char text[32] = "", path[256];
    answer a;
    snprintf(path, sizeof path, "%s/printed", check_scratch_folder());
    fflush(stderr);
    const int kept = dup(STDERR_FILENO);
    FILE *file = freopen(path, "w", stderr);
    const lb_isolated end = isolated(print, "a line", &a, 10);
    fflush(stderr);
    dup2(kept, STDERR_FILENO);
    close(kept);
    CHECK(file && end.ending == LB_ENDED_WELL);
    FILE *printed = fopen(path, "r");
    CHECK(printed && fgets(text, sizeof text, printed) && strcmp(text, "a line") == 0);
    if (printed) fclose(printed);
}

void subject_isolate(void) {
    lowbit_ctx *ctx = NULL;
    answer a;
    check_ends();
    check_timeout();
    check_names();
    check_output();
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    CHECK(isolated(make_pool, ctx, &a, 10).ending == LB_ENDED_WELL && a.number == 140);
    lowbit_ctx_destroy(ctx);
}
