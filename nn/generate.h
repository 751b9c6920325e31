/* SPDX-License-Identifier: Apache-2.0 */
/* Texts from a decoder, token by token: the prompt in a few runs, then one run for each token. */
#ifndef LOWBIT_NN_GENERATE_H_
#define LOWBIT_NN_GENERATE_H_

#include "nn/sample.h"
#include "nn/session.h"

/* Whether a network says of a text which token comes next: LOWBIT_UNSUPPORTED where it does not. *positions: of a text
 * at most, where its table says so; else it stays as it is. */
lowbit_status lb_generate_check(const lb_net *net, int64_t *positions, lowbit_error *error);

/* Hears every token that is chosen; false ends the text. */
typedef bool (*lb_generate_hear)(void *user, int32_t token);

typedef struct lb_generate {
    lb_session *session; /* of batch 1 that remembers `steps` positions, at its beginning */
    lb_sampler *sampler; /* of as many tokens as the network has outputs */
    const int32_t *prompt;
    int64_t prompt_count; /* 1 or more */
    int64_t steps;        /* positions in all, of which the prompt has the first: so many tokens are read */
    int64_t chunk;        /* most tokens of a run */
    lb_generate_hear hear;
    void *user;
} lb_generate;

typedef struct lb_generated {
    double prefill_s; /* for the prompt, the first chosen token included */
    double decode_s;  /* for `decoded` more, each with its choice, what hears them left out */
    int64_t decoded;
} lb_generated;

/* LOWBIT_INVALID_ARGUMENT: an empty prompt, or one of more than `steps` tokens; statuses of lb_session_run. */
lowbit_status lb_generate_run(const lb_generate *generate, lb_generated *result, lowbit_error *error);

#endif
