/* SPDX-License-Identifier: Apache-2.0 */
/* What a graph means, in plain loops over floats with sums in doubles: one image or text, one node after the other,
 * every value in memory of its own. Shares nothing with what runs networks. */
#ifndef LOWBIT_TESTS_NN_ORACLE_H_
#define LOWBIT_TESTS_NN_ORACLE_H_

#include "nn/graph.h"

/* The last value for image[height][width][channels], on the C library's heap; NULL if a node is none that is known. */
float *nn_oracle(const lb_graph *graph, const float *image);

/* The same for one text: data[tokens][2], the last value being [tokens][...] where it is by token. */
float *nn_oracle_text(const lb_graph *graph, const float *data, int64_t tokens);

/* How outputs differ: the greatest element less the least, the largest difference, the cosine of the angle. */
double nn_range(const float *x, int64_t count);
double nn_difference(const float *x, const float *y, int64_t count);
double nn_cosine(const float *x, const float *y, int64_t count);

/* Elements of a value. */
static inline int64_t nn_elements(lb_shape shape) { return shape.height * shape.width * shape.channels; }

#endif
