/* SPDX-License-Identifier: Apache-2.0 */
/* A network ready to run: every convolution planned for a batch, every value placed in one arena, nothing allocated in
 * a run. */
#ifndef LOWBIT_NN_SESSION_H_
#define LOWBIT_NN_SESSION_H_

#include "lowbit/wisdom.h"
#include "nn/net.h"

/* One at a time may use a session; sessions of one net share its weights. */
typedef struct lb_session lb_session;

typedef struct lb_session_options {
    int64_t batch;           /* most images of a run */
    lowbit_wisdom *wisdom;   /* by which convolutions are planned, or NULL for estimates; used in create only */
    const lowbit_pool *pool; /* of the runs, or NULL; must outlive the session. Plans are for its threads */
} lb_session_options;

/* net and ctx must outlive the session. Statuses of lowbit_conv2d_plan_create, LOWBIT_NO_MEMORY. */
lowbit_status lb_session_create(const lowbit_ctx *ctx, const lb_net *net, const lb_session_options *options,
                                lb_session **session, lowbit_error *error);

void lb_session_destroy(lb_session *session);

/* Hears every value as soon as it is computed: `v` of the graph, of `batch` images. */
typedef void (*lb_session_see)(void *user, lb_value v, const lb_buffer *value, int64_t batch);

/* Runs `batch` images.
 *
 * input   [batch][height][width][channels] floats
 * output  [batch][elements of the last value] floats
 * see     or NULL */
lowbit_status lb_session_run(lb_session *session, const float *input, int64_t batch, float *output, lb_session_see see,
                             void *user, lowbit_error *error);

/* Bytes of the arena with everything else that the session holds, without the weights. */
int64_t lb_session_bytes(const lb_session *session);

/* Steps of a run, in order: the value that each computes, and how (for convolutions). */
int64_t lb_session_steps(const lb_session *session);
lowbit_status lb_session_describe(const lb_session *session, int64_t step, lb_value *v, lowbit_plan_info *info,
                                  lowbit_error *error);

#endif
