/* SPDX-License-Identifier: Apache-2.0 */
/* Byte pair encoding: text to ids and back, as GPT-2 and as Llama have it.
 *
 *     text -> a space in front, if the tokenizer wants one
 *          -> words: as GPT-2 parts text (nn/bpe_words.h), or the whole of it
 *          -> symbols: a piece for each byte; of Llama for each character, or for its bytes where it is no piece
 *          -> the pair of neighbours of the highest priority, of equals the first, becomes one piece; and so on, until
 *             no pair is one that the tokenizer knows
 *
 * Every byte has a piece, so any bytes are text, and come back. "<s>" in a text is three characters and no special
 * token, so that no text can forge one. */
#ifndef LOWBIT_NN_BPE_H_
#define LOWBIT_NN_BPE_H_

#include "nn/vocabulary.h"

enum { LB_BPE_BYTES = 256, LB_BPE_TEXT = 1 << 26 /* most bytes of a text */ };

/* When a space is put in front of a text. */
enum { LB_BPE_SPACE_NEVER = 0, LB_BPE_SPACE_IF_NONE, LB_BPE_SPACE_ALWAYS };

/* Neighbours that become one. */
typedef struct lb_bpe_pair {
    int32_t left, right, merged; /* ids; left -1: a free place of the table */
    float priority;
} lb_bpe_pair;

/* Read by any number of threads. */
typedef struct lb_bpe {
    lb_vocabulary vocabulary;    /* what the pieces say; those of single bytes are not found in it, if they are spelled
                                    "<0x0A>" in the file */
    int32_t bytes[LB_BPE_BYTES]; /* the piece of each byte */
    lb_bpe_pair *pairs;          /* a hash table */
    size_t last_pair;            /* its places - 1: all bits set */
    bool words;                  /* GPT-2's, and every byte is a symbol */
    uint32_t space;              /* LB_BPE_SPACE_* */
    int32_t start, end;          /* ids of what begins and what ends a text, which may be the same; -1 = none */
    bool starts;                 /* texts begin with `start`, not only those without anything else */
    char *text;                  /* of all pieces */
} lb_bpe;

/* Opens a tokenizer:
 *
 *     tokenizer.json  of Hugging Face: byte-level BPE as of GPT-2, or BPE with byte fallback as of Llama and Llama 2
 *     vocab.json      with merges.txt beside it, of GPT-2
 *     tokenizer.bin   of llama2.c; any name that does not end in .json
 *     a folder        with the first of these that is there
 *
 * LOWBIT_NOT_FOUND, LOWBIT_BAD_FORMAT with the place, LOWBIT_UNSUPPORTED (another tokenizer, with what is unknown),
 * LOWBIT_NO_MEMORY. *bpe needs no close after a failure. */
lowbit_status lb_bpe_open(const char *path, lb_bpe *bpe, lowbit_error *error);

/* The forms, for bytes of the caller, which need not outlive the call. */
lowbit_status lb_bpe_parse_json(lb_text tokenizer, lb_bpe *bpe, lowbit_error *error);
lowbit_status lb_bpe_parse_gpt2(lb_text vocabulary, lb_text merges, lb_bpe *bpe, lowbit_error *error);
lowbit_status lb_bpe_parse_llama2c(lb_text tokenizer, lb_bpe *bpe, lowbit_error *error);

void lb_bpe_close(lb_bpe *bpe);

/* The ids of a text, without bpe->start in front.
 *
 * ids  room for text.length + 1; *count: how many there are
 *
 * LOWBIT_INVALID_ARGUMENT (a longer text than LB_BPE_TEXT), LOWBIT_NO_MEMORY. */
lowbit_status lb_bpe_encode(const lb_bpe *bpe, lb_text text, int32_t *ids, int64_t *count, lowbit_error *error);

/* The bytes that a token stands for, behind `previous` (-1 = nothing): one space is not part of what follows
 * bpe->start, where the tokenizer puts one there. `id` is one of the vocabulary. Bytes of a character may be those of
 * several tokens. */
lb_text lb_bpe_decode(const lb_bpe *bpe, int32_t previous, int32_t id);

/* ---- for those who read tokenizers ---- */

/* Memory for so many pairs; one more, which replaces an equal one. False where too many were made to meet. */
lowbit_status lb_bpe_take_pairs(lb_bpe *bpe, size_t count, lowbit_error *error);
bool lb_bpe_add_pair(lb_bpe *bpe, lb_bpe_pair pair);

/* Finds the pieces "<0x00>" to "<0xFF>" in a vocabulary whose pieces stand in bpe->text, and makes them say their byte.
 * LOWBIT_BAD_FORMAT where one is missing. */
lowbit_status lb_bpe_find_bytes(lb_bpe *bpe, lowbit_error *error);

#endif
