/* SPDX-License-Identifier: Apache-2.0 */
/* Starting a thread of the library's own. */
#ifndef LOWBIT_KERNELS_BASE_THREAD_H_
#define LOWBIT_KERNELS_BASE_THREAD_H_

#include <pthread.h>

/* pthread_create of a thread that takes no signals, but those of its own mistakes: signals belong to the threads of the
 * program. Returns 0 or the error's number. */
int lb_thread_start(pthread_t *thread, void *(*body)(void *argument), void *argument);

#endif
