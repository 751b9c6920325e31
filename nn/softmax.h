/* SPDX-License-Identifier: Apache-2.0 */
/* The exponentials of a softmax. */
#ifndef LOWBIT_NN_SOFTMAX_H_
#define LOWBIT_NN_SOFTMAX_H_

#include <stdint.h>

/* x[i] = exp(x[i] - m) * factors[i] for the greatest of n >= 1, m; returns the sum of the exponentials alone, which is
 * a NaN where one of x is. factors may be NULL: 1. Below exp(-87) all counts as 0. The same bits on every machine: the
 * sum is that of sixteen, element i in number i % 16, which are added in pairs. */
float lb_softmax_exponentials(float *x, int64_t n, const float *factors);

#endif
