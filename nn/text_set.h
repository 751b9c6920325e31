/* SPDX-License-Identifier: Apache-2.0 */
/* Labelled texts as a network takes them: the rows of a GLUE file, as tokens. */
#ifndef LOWBIT_NN_TEXT_SET_H_
#define LOWBIT_NN_TEXT_SET_H_

#include "nn/blocks.h"
#include "nn/session.h"
#include "nn/tsv.h"
#include "nn/wordpiece.h"

/* Read by any number of threads. */
typedef struct lb_text_set {
    const lb_glue_task *task; /* NULL of texts without one */
    int64_t count;
    float *tokens;    /* [all tokens][2], text after text: number and segment */
    int64_t *firsts;  /* [count + 1] where each text begins */
    int64_t *lengths; /* [count] */
    double *labels;   /* [count] */
    int64_t cut;      /* texts that were longer */
    lb_blocks memory;
} lb_text_set;

/* longest  tokens of a text, special ones among them; longer texts are cut (lb_wordpiece_encode)
 *
 * Statuses of lb_glue_open, LOWBIT_NO_MEMORY. *set needs no close after a failure. */
lowbit_status lb_text_set_open(const char *path, const lb_wordpiece *tokenizer, int64_t longest, lb_text_set *set,
                               lowbit_error *error);

/* The same of rows that are there. */
lowbit_status lb_text_set_of(const lb_glue_row *rows, int64_t count, const lb_wordpiece *tokenizer, int64_t longest,
                             lb_text_set *set, lowbit_error *error);

void lb_text_set_close(lb_text_set *set);

/* Texts first .. first + count - 1, which are those of the set. */
lb_run_input lb_text_set_input(const lb_text_set *set, int64_t first, int64_t count);

/* Most tokens of a batch, where batches of so many texts follow each other; at least as many as texts, for sessions. */
int64_t lb_text_set_tokens(const lb_text_set *set, int64_t batch);

#endif
