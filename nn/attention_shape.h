/* SPDX-License-Identifier: Apache-2.0 */
/* What an attention is, apart from the numbers that go through it. */
#ifndef LOWBIT_NN_ATTENTION_SHAPE_H_
#define LOWBIT_NN_ATTENTION_SHAPE_H_

#include <stdbool.h>
#include <stdint.h>

/* Of each sequence and head: softmax(scale q k^T) v. Head h reads keys and values of head h / (heads / kv_heads). */
typedef struct lb_attention_shape {
    int64_t heads, kv_heads; /* of queries; of keys and values, a divisor */
    int64_t head;            /* features of one */
    float scale;             /* usually 1 / sqrt(head) */
    bool causal;             /* a token sees itself and those before it */
    float rope_base;  /* queries and keys are rotated by their positions: base of the frequencies; 0 = they are not */
    bool rope_halves; /* features i and i + head / 2 are rotated together, not 2 i and 2 i + 1 */
} lb_attention_shape;

#endif
