/* SPDX-License-Identifier: Apache-2.0 */
/* Canonical weights: checking them and giving them memory. */
#ifndef LOWBIT_KERNELS_WEIGHTS_H_
#define LOWBIT_KERNELS_WEIGHTS_H_

#include "kernels/base/base.h"
#include "lowbit/weights.h"

/* Refuses a struct that the rules of weights.h do not allow. Codes are not read. */
lowbit_status lb_check_weights(const lowbit_weights *weights, lowbit_error *error);

/* Gives codes, scales, zeros and mins memory from the context, in one block; type, n and k are set and legal. */
lowbit_status lb_weights_alloc(const lowbit_ctx *ctx, lowbit_weights *weights, lowbit_error *error);

/* Scales of a matrix: n * G, or 1 for tensor scales. */
int64_t lb_scale_count(const lowbit_weight_type *type, int64_t n, int64_t k);

/* Where the scale of row n and group g stands in `scales`, `zeros` and `mins`. */
int64_t lb_scale_index(const lowbit_weights *weights, int64_t n, int64_t g);

#endif
