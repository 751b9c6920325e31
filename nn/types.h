/* SPDX-License-Identifier: Apache-2.0 */
/* Which type every value of a network has. */
#ifndef LOWBIT_NN_TYPES_H_
#define LOWBIT_NN_TYPES_H_

#include "nn/buffer.h"
#include "nn/choice.h"

/* types[v] for all values of a fused graph. */
void lb_value_types(const lb_graph *graph, const lb_choice *choices, uint32_t *types);

/* The only node that reads a value, or LB_NO_VALUE if there are several or none. */
lb_value lb_only_reader(const lb_graph *graph, lb_value v);

/* Whether the codes of a value are signs or bits themselves, 1 and -1 for LOWBIT_A1, 1 and 0 for U1. */
bool lb_value_is_bits(const lb_graph *graph, lb_value v, uint32_t activations);

/* Whether a convolution takes its input by one scale that is known ahead, or as signs or bits. */
bool lb_takes_codes(const lb_choice *choice);

/* activations[v] for all values: the narrowest kind of static activations, LOWBIT_A8, A4 or A2, as which its codes are
 * read, by itself or through layers that keep codes. What has several readers has one range: that of the narrowest. */
void lb_value_activations(const lb_graph *graph, const lb_choice *choices, uint32_t *activations);

/* Least and greatest code of those. */
typedef struct lb_code_limits {
    int32_t low, high;
} lb_code_limits;
lb_code_limits lb_limits_of(uint32_t activations);

#endif
