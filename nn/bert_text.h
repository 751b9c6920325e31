/* SPDX-License-Identifier: Apache-2.0 */
/* Characters as BERT's tokenizer sees them. What is normative is the PyPI package `tokenizers` (BertNormalizer and
 * BertPreTokenizer), which Hugging Face's BertTokenizer runs. It has its classes from Unicode 8 and takes characters
 * that came later for letters; and so do we, with any utf8proc. */
#ifndef LOWBIT_NN_BERT_TEXT_H_
#define LOWBIT_NN_BERT_TEXT_H_

#include <stdbool.h>
#include <stdint.h>

#include "nn/text.h"

typedef enum lb_bert_class {
    LB_BERT_LETTER,      /* whatever is none of these, unassigned characters among them */
    LB_BERT_SPACE,       /* tab, line feed, carriage return, Zs, Zl, Zp */
    LB_BERT_PUNCTUATION, /* P*, and of ASCII the symbols, too */
    LB_BERT_MARK,        /* Mn */
    LB_BERT_CONTROL      /* other Cc, Cf, Co, U+0000, U+FFFD: is dropped */
} lb_bert_class;

lb_bert_class lb_bert_class_of(int32_t c);

/* Ideographs, each of which is a word. */
bool lb_bert_is_ideograph(int32_t c);

/* Takes the next character off *text, which is not empty. Bytes that are no UTF-8 are U+FFFD, one for each byte where
 * Python has one for a few of them; since BERT drops them, that makes no difference. */
int32_t lb_bert_next(lb_text *text);

/* out[returned] = the canonical decomposition of c, in lower case but for capital sigma, whose lower case depends on
 * where it stands; orders: their combining classes. Both are utf8proc's, whose Unicode is newer than that of
 * `tokenizers`: the order of combining characters since Unicode 10 may differ, which BERT's vocabularies have none of.
 */
enum { LB_BERT_DECOMPOSED = 8, LB_CAPITAL_SIGMA = 0x3A3, LB_FINAL_SIGMA = 0x3C2, LB_SMALL_SIGMA = 0x3C3 };
int lb_bert_decompose(int32_t c, int32_t out[LB_BERT_DECOMPOSED], uint8_t orders[LB_BERT_DECOMPOSED]);

/* Whether a sigma behind it may be a final one. */
bool lb_bert_is_small_letter(int32_t c);

#endif
