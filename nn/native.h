/* SPDX-License-Identifier: Apache-2.0 */
/* The formats that a network was trained for: where weights have few values and inputs are on a grid, it loses nothing.
 */
#ifndef LOWBIT_NN_NATIVE_H_
#define LOWBIT_NN_NATIVE_H_

#include "nn/choice.h"
#include "nn/graph.h"

/* choices[graph->count] for the convolutions of a fused graph.
 *
 *     weights of one magnitude               b1
 *     and zeros                              t2
 *     at most 16 values, integers of         c4 with those as its book
 *     -127..127 times one unit
 *     anything else                          f32
 *
 * with one scale in all. Inputs: signs where weights are b1 and the input's codes are 1 and -1; else codes of 8 bits,
 * static, by the grid; floats where the input has none, or the weights are f32. */
lowbit_status lb_native_choices(const lb_graph *graph, lb_choice *choices, lowbit_error *error);

#endif
