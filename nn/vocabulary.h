/* SPDX-License-Identifier: Apache-2.0 */
/* A vocabulary of one piece a line (vocab.txt), mapped: the number of a line, from 0, is the id of its piece. */
#ifndef LOWBIT_NN_VOCABULARY_H_
#define LOWBIT_NN_VOCABULARY_H_

#include "nn/mapped.h"
#include "nn/text.h"

/* Read by any number of threads. */
typedef struct lb_vocabulary {
    lb_text *pieces; /* [count], by id */
    int32_t count;
    int32_t *slots;   /* a hash table: ids, or -1 */
    size_t last_slot; /* slots - 1: all bits set */
    size_t longest;   /* bytes of the longest piece */
    lb_mapped mapped; /* of lb_vocabulary_open */
} lb_vocabulary;

/* Lines end with "\n" or "\r\n". Of equal pieces the last one has the id, as in Python's `vocab[piece] = number`; empty
 * lines count. LOWBIT_BAD_FORMAT, with the line: bytes that are no UTF-8, a carriage return within a line (Hugging
 * Face's two tokenizers number the lines behind it differently), more than 2^24 lines, pieces made to meet in the hash
 * table. LOWBIT_NO_MEMORY; statuses of lb_map_file. *vocabulary needs no close after a failure. */
lowbit_status lb_vocabulary_open(const char *path, lb_vocabulary *vocabulary, lowbit_error *error);

/* The same for bytes of the caller, which must outlive *vocabulary. */
lowbit_status lb_vocabulary_parse(const uint8_t *bytes, size_t length, lb_vocabulary *vocabulary, lowbit_error *error);

/* For those who have their pieces from elsewhere: memory for `count` of them, and the next one, whose bytes must
 * outlive the vocabulary; false where too many were made to meet. Both leave lb_vocabulary_close to the caller. */
lowbit_status lb_vocabulary_take(size_t count, lb_vocabulary *vocabulary, lowbit_error *error);
bool lb_vocabulary_add(lb_vocabulary *vocabulary, lb_text piece);

void lb_vocabulary_close(lb_vocabulary *vocabulary);

/* The id of the piece, or -1. Never finds an empty one. */
int32_t lb_vocabulary_find(const lb_vocabulary *vocabulary, lb_text piece);

#endif
