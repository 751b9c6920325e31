/* SPDX-License-Identifier: Apache-2.0 */
/* What byte-level BPE adds to BPE: the words of a text, and an alphabet of printable letters for bytes. */
#ifndef LOWBIT_NN_BPE_WORDS_H_
#define LOWBIT_NN_BPE_WORDS_H_

#include "nn/text.h"

/* Takes the next word off *rest, which is not empty. GPT-2's expression:
 *
 *     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 *
 * Categories are utf8proc's. Bytes that are no UTF-8 are neither spaces nor letters nor numbers. */
lb_text lb_bpe_next_word(lb_text *rest);

/* The letter that files spell a byte with: itself where that is printable, else one from U+0100 on. */
int32_t lb_bpe_letter(uint8_t byte);

/* out[returned] = the bytes of a piece that is spelled so, as many as it has letters; as it is, if a character is no
 * such letter. Room for spelled.length. */
size_t lb_bpe_unspell(lb_text spelled, char *out);

#endif
