/* SPDX-License-Identifier: Apache-2.0 */
/* Random attention for tests, and its law as plain loops. */
#ifndef LOWBIT_TESTS_ATTENTION_ORACLE_H_
#define LOWBIT_TESTS_ATTENTION_ORACLE_H_

#include "nn/attention.h"

enum { ATTENTION_SEQUENCES = 4 };

/* Rows of q, k and v lie side by side, with a gap behind them, as one layer's product would leave them. */
typedef struct attention_sample {
    lb_attention_shape shape;
    uint32_t kind;
    int64_t tokens; /* of the longest sequence */
    int64_t sequences, first[ATTENTION_SEQUENCES + 1];
    int64_t stride; /* of qkv */
    float *qkv;
} attention_sample;

/* Sequences of up to `most` tokens, one of them so many; numbers of a normal network, or `wild` ones. */
void attention_sample_make(attention_sample *s, const lb_attention_shape *shape, uint32_t kind, int64_t most);
void attention_sample_free(attention_sample *s);
void attention_sample_print(const attention_sample *s, const char *more);

int64_t attention_rows(const attention_sample *s);
int64_t attention_width(const attention_sample *s); /* of a row of the result */
lb_attention_call attention_call_of(const attention_sample *s, float *out, int64_t out_stride);

/* want[rows][width] in doubles, and how far a result may be from it: of floats by rounding, of int8 by that of its
 * codes, of signs not at all. */
void attention_law(const attention_sample *s, double *want, double *bound);

/* The same of int8 as the integers that it multiplies: bit for bit. */
void attention_integers(const attention_sample *s, float *want);

#endif
