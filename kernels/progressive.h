/* SPDX-License-Identifier: Apache-2.0 */
/* Quantizing with progressive groups: LOWBIT_RULE_SEARCH, whose formula stands in include/lowbit/weights.h. */
#ifndef LOWBIT_KERNELS_PROGRESSIVE_H_
#define LOWBIT_KERNELS_PROGRESSIVE_H_

#include "kernels/base/base.h"
#include "lowbit/weights.h"

/* Fills codes, multipliers, zero points and the scale of row n of `out`, which has the shape of w and a progressive
 * type. `steps` is scratch of G doubles. Returns the scale; where its type cannot hold any of the candidates, an
 * infinity, and the row is undefined. Every element of w is finite. */
float lb_quantize_progressive_row(const lowbit_matrix *w, int64_t n, double *steps, lowbit_weights *out);

#endif
