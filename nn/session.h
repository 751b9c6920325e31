/* SPDX-License-Identifier: Apache-2.0 */
/* A network ready to run: every convolution and attention planned for a batch, every value placed in one arena, nothing
 * allocated in a run. */
#ifndef LOWBIT_NN_SESSION_H_
#define LOWBIT_NN_SESSION_H_

#include "lowbit/wisdom.h"
#include "nn/net.h"

/* One at a time may use a session; sessions of one net share its weights. */
typedef struct lb_session lb_session;

typedef struct lb_session_options {
    int64_t batch;         /* most images or texts of a run */
    int64_t tokens;        /* most tokens of all texts of a run together; not used for images */
    int64_t positions;     /* 0, or the most tokens of ONE text (batch 1) that the session remembers: every run goes on
                              where the one before ended, as decoders want it */
    lowbit_wisdom *wisdom; /* by which convolutions are planned, or NULL for estimates; used in create only */
    const lowbit_pool *pool; /* of the runs, or NULL; must outlive the session. Plans are for its threads */
} lb_session_options;

/* net and ctx must outlive the session. Statuses of lowbit_conv2d_plan_create, LOWBIT_NO_MEMORY; LOWBIT_UNSUPPORTED to
 * remember for layers that look at whole texts: attention that is not causal, a mean or the first token. */
lowbit_status lb_session_create(const lowbit_ctx *ctx, const lb_net *net, const lb_session_options *options,
                                lb_session **session, lowbit_error *error);

void lb_session_destroy(lb_session *session);

/* What a run is for: images, or texts one after another without padding. */
typedef struct lb_run_input {
    const float *data;      /* [images][height][width][channels], or [tokens of all texts][2] as lb_input_tokens says */
    int64_t sequences;      /* images, or texts */
    const int64_t *lengths; /* [sequences] tokens of each text, 1 or more; NULL for images */
} lb_run_input;

/* Hears every value as soon as it is computed: `v` of the graph, of `count` images, texts or, by token, tokens. */
typedef void (*lb_session_see)(void *user, lb_value v, const lb_buffer *value, int64_t count);

/* Runs a network.
 *
 * output  [images, texts or, by token, tokens][elements of the last value] floats
 * see     or NULL
 *
 * LOWBIT_INVALID_ARGUMENT, before anything is computed: more than the session is for, a number of a token that an
 * embedding has no row for, a text longer than the positions that there are. A run that fails is forgotten. */
lowbit_status lb_session_run(lb_session *session, const lb_run_input *input, float *output, lb_session_see see,
                             void *user, lowbit_error *error);

/* Where the next run of a session that remembers begins, and going back to a position that it has passed. */
int64_t lb_session_position(const lb_session *session);
lowbit_status lb_session_rewind(lb_session *session, int64_t position, lowbit_error *error);

/* Bytes of the arena with everything else that the session holds, without the weights. */
int64_t lb_session_bytes(const lb_session *session);

/* Steps of a run, in order: the value that each computes, and how (for convolutions). */
int64_t lb_session_steps(const lb_session *session);
lowbit_status lb_session_describe(const lb_session *session, int64_t step, lb_value *v, lowbit_plan_info *info,
                                  lowbit_error *error);

#endif
