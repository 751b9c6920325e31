/* SPDX-License-Identifier: Apache-2.0 */
/* Texts as a network takes them: what its graph says of them, and its tokenizer. */
#ifndef LOWBIT_NN_TEXT_INPUT_H_
#define LOWBIT_NN_TEXT_INPUT_H_

#include "nn/graph.h"
#include "nn/wordpiece.h"

enum { LB_LONGEST_TEXT = 1 << 16 }; /* tokens of a text, where a network has no positions that end */

/* Whether texts enter, and not images. */
bool lb_takes_texts(const lb_graph *graph);

/* Tokens of a text that there are positions for. */
int64_t lb_longest_text(const lb_graph *graph);

/* Rows of the table that tokens choose from; 0 of images. */
int64_t lb_words(const lb_graph *graph);

/* Whether the output is an embedding of length 1, and not classes. */
bool lb_embeds(const lb_graph *graph);

/* Texts of made-up tokens, all of `length`, for networks whose weights are made up or that are only timed.
 *
 * words    numbers of tokens are below that
 * data     [count * length][2], as lb_input_tokens says
 * lengths  [count] */
void lb_noise_texts(int64_t words, int64_t count, int64_t length, uint64_t seed, float *data, int64_t *lengths);

/* The bytes of a WordPiece vocabulary, as packed networks keep it; length 0 = there is none. */
typedef struct lb_pieces {
    lb_text text;
    bool cased; /* letters keep case and accents */
} lb_pieces;

/* Reads vocab.txt beside a model, whose path is a folder or a file in it, or another `file` that is given (else NULL);
 * and "do_lower_case" of tokenizer_config.json beside that, without which texts are uncased. LOWBIT_NOT_FOUND: there is
 * no such file. The text lies in *memory. */
lowbit_status lb_pieces_read(const char *model, const char *file, lb_blocks *memory, lb_pieces *pieces,
                             lowbit_error *error);

/* The tokenizer of these pieces, which must outlive it. Statuses of lb_wordpiece_parse; LOWBIT_NOT_FOUND where there
 * are none; LOWBIT_INVALID_ARGUMENT: more of them than the graph's table of words has. */
lowbit_status lb_pieces_tokenizer(const lb_pieces *pieces, const lb_graph *graph, lb_wordpiece *tokenizer,
                                  lowbit_error *error);

#endif
