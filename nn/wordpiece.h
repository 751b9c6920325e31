/* SPDX-License-Identifier: Apache-2.0 */
/* BERT's WordPiece tokenizer: text to ids, the ids that Hugging Face's BertTokenizer gives.
 *
 *     text -> characters, without controls; ideographs stand alone
 *          -> uncased: canonically decomposed (NFD), without marks (Mn), in lower case
 *          -> words, split at spaces and at punctuation, which stands alone
 *          -> pieces: the longest one of the vocabulary that begins the word, then the longest one, spelled "##...",
 *             that goes on, to the word's end; [UNK] in place of a word that finds none, or has over 100 characters
 *
 * "[MASK]" in a text is a word between two brackets and no special token, so that no text can forge one. Hugging Face's
 * Python classes do take it for the token. */
#ifndef LOWBIT_NN_WORDPIECE_H_
#define LOWBIT_NN_WORDPIECE_H_

#include "nn/vocabulary.h"

/* Flags; 0 is uncased, all as `tokenizers` does it. */
enum {
    LB_WORDPIECE_CASED = 1,      /* letters keep case and accents */
    LB_WORDPIECE_FINAL_SIGMA = 2 /* uncased: a capital sigma that ends a word, behind a letter, becomes a final one, as
                                  * where texts are lowered whole: in Python (Google's BERT) and in JavaScript. These
                                  * look past a full stop or an apostrophe, which end our words. */
};

/* Read by any number of threads. */
typedef struct lb_wordpiece {
    lb_vocabulary vocabulary;
    uint32_t flags;
    int32_t unknown, start, separator, padding; /* ids of [UNK], [CLS], [SEP] and [PAD] */
} lb_wordpiece;

/* Statuses of lb_vocabulary_open; LOWBIT_BAD_FORMAT also where one of the four is missing, LOWBIT_INVALID_ARGUMENT for
 * other flags. *tokenizer needs no close after a failure. */
lowbit_status lb_wordpiece_open(const char *path, uint32_t flags, lb_wordpiece *tokenizer, lowbit_error *error);

/* The same for the bytes of a vocabulary that outlives *tokenizer. */
lowbit_status lb_wordpiece_parse(const uint8_t *bytes, size_t length, uint32_t flags, lb_wordpiece *tokenizer,
                                 lowbit_error *error);

void lb_wordpiece_close(lb_wordpiece *tokenizer);

/* A row of a batch, in memory of the caller. */
typedef struct lb_token_row {
    int32_t capacity;            /* of each array: the most tokens */
    int32_t *ids, *types, *mask; /* types: 0 of the first text, 1 of the second; mask: 1, 0 of padding */
    int32_t count;               /* out: tokens that are no padding */
    bool truncated;              /* out: pieces did not fit */
} lb_token_row;

/* [CLS] first [SEP] or [CLS] first [SEP] second [SEP], then [PAD] up to the capacity. Where that is too small the
 * longer text is cut at its end until both are as long, then both are; of an odd number of places the second text gets
 * one more, unless the first was the longer one (as `tokenizers` does it). `second` may be NULL.
 *
 * Any bytes are text (bytes that are no UTF-8 vanish). Allocates nothing. LOWBIT_INVALID_ARGUMENT: a capacity below the
 * 2 or 3 special tokens. */
lowbit_status lb_wordpiece_encode(const lb_wordpiece *tokenizer, lb_text first, const lb_text *second,
                                  lb_token_row *tokens, lowbit_error *error);

#endif
