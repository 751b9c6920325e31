/* SPDX-License-Identifier: Apache-2.0 */
/* What quantization does to a network, value by value. */
#ifndef LOWBIT_NN_ERRORS_H_
#define LOWBIT_NN_ERRORS_H_

#include "nn/session.h"

/* Sums over the elements x of a value in floats, and y of the same in the quantized network. */
typedef struct lb_value_error {
    int64_t count;            /* elements; 0 = nothing to compare: fused, or sums */
    double xx, yy, xy, noise; /* of x x, y y, x y and (x - y)^2 */
} lb_value_error;

/* 10 log10(sum x^2 / sum (x - y)^2): infinite where nothing differs. */
double lb_error_snr_db(const lb_value_error *error);

/* sum x y / sqrt(sum x^2 sum y^2). */
double lb_error_cosine(const lb_value_error *error);

/* Adds a batch of images or texts to errors[graph->count].
 *
 * floats, net  sessions of the same fused graph, in floats and quantized, for at least such an input */
lowbit_status lb_errors_add(lb_session *floats, lb_session *net, const lb_graph *graph, const lb_run_input *input,
                            lb_value_error *errors, lowbit_error *error);

#endif
