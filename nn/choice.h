/* SPDX-License-Identifier: Apache-2.0 */
/* What is decided about a network before it is packed: the format of every convolution, embedding and attention, and
 * what a step of the codes of a value is worth. */
#ifndef LOWBIT_NN_CHOICE_H_
#define LOWBIT_NN_CHOICE_H_

#include <stdbool.h>

#include "lowbit/gemm.h"

/* One convolution. Of an embedding the weights are the rows of its table, and nothing is multiplied; an attention has
 * none, and the words say how keys and values (as weights) and queries enter. */
typedef struct lb_choice {
    lowbit_weight_type weights;
    uint32_t rule;        /* LOWBIT_RULE_* by which they are quantized */
    uint32_t activations; /* LOWBIT_A8, ... LOWBIT_AF32: how its input enters */
    bool static_scale;    /* its input has one scale and zero point, which calibration finds; else a scale a window */
    int8_t book[16];      /* of c4 by LOWBIT_RULE_NEAREST */
} lb_choice;

/* Of a layer for which nothing else is decided. */
lb_choice lb_choice_floats(void);

/* The LB_ATTENTION_* that is meant; LOWBIT_UNSUPPORTED for words that mean none. */
lowbit_status lb_choose_attention(const lb_choice *choice, uint32_t *kind, lowbit_error *error);

/* Codes of a value: x stands for scale * (code - zero). scale 0: unknown. */
typedef struct lb_range {
    float scale;
    int32_t zero;
} lb_range;

#endif
