/* SPDX-License-Identifier: Apache-2.0 */
/* Running a function in a process of its own, so that whatever it does there, ours goes on: it may crash, hang, call
 * exit, start threads or change what is global. */
#ifndef LOWBIT_BENCH_ISOLATE_H_
#define LOWBIT_BENCH_ISOLATE_H_

#include <stddef.h>

typedef enum lb_ending {
    LB_ENDED_WELL,    /* the function returned */
    LB_ENDED_SIGNAL,  /* a signal ended the process */
    LB_ENDED_EXIT,    /* the function ended the process itself */
    LB_ENDED_TIMEOUT, /* it took too long, and was killed */
    LB_ENDED_NOT_RUN  /* there is no process or memory for it */
} lb_ending;

typedef struct lb_isolated {
    lb_ending ending;
    int number; /* of the signal; the exit code; the errno */
} lb_isolated;

/* Runs fn(arg, result) in a child, and waits for it at most timeout_s.
 *
 * The child is a copy: it reads all of our memory as it was, pointers and handles of this process stay valid, but what
 * it writes is seen here in `result` alone. Those `bytes` are shared, begin as they are here, and hold what the child
 * wrote even if it did not come to its end. Threads are not copied: a pool of the parent has none in the child.
 *
 * In the child signals have their default actions, standard output goes to standard error, and no handler of atexit
 * runs unless fn calls exit. It dies with its parent. */
lb_isolated lb_isolate(void (*fn)(void *arg, void *result), void *arg, void *result, size_t bytes, double timeout_s);

/* "SIGSEGV"; "signal 63" for one without a name, in a buffer of the call's own. */
typedef struct lb_signal_name {
    char text[16];
} lb_signal_name;
lb_signal_name lb_name_of_signal(int number);

#endif
