/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/base/thread.h"

#include <signal.h>

#include "kernels/base/base.h"

int lb_thread_start(pthread_t *thread, void *(*body)(void *argument), void *argument) {
    static const int kMistakes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT};
    sigset_t blocked, before;
    sigfillset(&blocked);
    for (size_t i = 0; i < LB_COUNT(kMistakes); i++) sigdelset(&blocked, kMistakes[i]);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    const int code = pthread_create(thread, NULL, body, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}
