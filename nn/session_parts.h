/* SPDX-License-Identifier: Apache-2.0 */
/* A session inside: nn/session.c makes it, nn/session_run.c runs it. */
#ifndef LOWBIT_NN_SESSION_PARTS_H_
#define LOWBIT_NN_SESSION_PARTS_H_

#include "nn/arena.h"
#include "nn/ops.h"
#include "nn/session.h"

/* One thing that a run does: a convolution, another layer, or the same value once more as floats for a reader that
 * takes no codes. */
typedef struct lb_step {
    lb_value v;                  /* of the graph; LB_NO_VALUE of floats made of another value */
    lb_op op;                    /* what it reads and writes; of convolutions too. Data are filled in when placed */
    int32_t x, second, third, y; /* the buffers, or -1; the input of the network is that of the caller, buffer 0 */
    bool by_token;               /* computes one element for each token of texts; else for each text, or image */
    lowbit_conv2d_plan *plan;
    lb_attention *attention;
    lb_attention_cache *cache; /* of that, where the session remembers a text */
    const int64_t *first;      /* rows of its sequences, as lb_attention_call wants them */
} lb_step;

struct lb_session {
    const lowbit_ctx *ctx;
    const lb_net *net;
    const lowbit_pool *pool;
    int64_t batch, tokens; /* most sequences of a run, and most rows of texts in all */
    int64_t positions;     /* most of the one text that is remembered; 0: nothing is */
    int64_t position;      /* of the next token of that */
    lb_step *steps;        /* at most two for each value */
    int64_t step_count;
    lb_buffer *buffers; /* the same number */
    lb_span *spans;
    int32_t buffer_count, output; /* that one is the result */
    int32_t *as_is, *as_floats;   /* of each value: its buffer, and that of its floats; -1 = none yet */
    int64_t *starts, *texts_at;   /* [batch + 1], [tokens]: of lb_texts, of the run at hand */
    lb_texts texts;
    uint8_t *arena;
    void *workspace;
    int64_t arena_bytes, workspace_bytes, cache_bytes;
    lb_blocks memory;
};

/* Whether a convolution adds its residual as codes. */
static inline bool lb_residual_is_codes(const lb_layer *layer) { return layer->requant.multipliers != NULL; }

/* Elements of a step's value in a run: tokens, or sequences. */
static inline int64_t lb_step_most(const lb_session *s, bool by_token) { return by_token ? s->tokens : s->batch; }

#endif
