/* SPDX-License-Identifier: Apache-2.0 */
/* Canonical weights: checking them and giving them memory. */
#ifndef LOWBIT_KERNELS_WEIGHTS_H_
#define LOWBIT_KERNELS_WEIGHTS_H_

#include "kernels/base/base.h"
#include "kernels/layout.h"
#include "lowbit/weights.h"

/* Refuses a struct that the rules of weights.h do not allow. Codes are not read; multipliers, and the zero points
 * beside them, are. */
lowbit_status lb_check_weights(const lowbit_weights *weights, lowbit_error *error);

/* Gives codes, scales, zeros, mins and multipliers memory from the context, in one block; type, n and k are set and
 * legal. */
lowbit_status lb_weights_alloc(const lowbit_ctx *ctx, lowbit_weights *weights, lowbit_error *error);

/* Scales of a matrix: n * G, n for progressive groups, or 1 for tensor scales; and where that of row n and group g
 * stands in `scales`. */
int64_t lb_scale_count(const lowbit_weight_type *type, int64_t n, int64_t k);
int64_t lb_scale_index(const lowbit_weights *weights, int64_t n, int64_t g);

/* The same for `zeros`, `mins` and `multipliers`. */
int64_t lb_group_count(const lowbit_weight_type *type, int64_t n, int64_t k);
int64_t lb_group_index(const lowbit_weights *weights, int64_t n, int64_t g);

/* Rows first .. first + n - 1, which borrow the memory of all. */
lowbit_weights lb_weights_rows(const lowbit_weights *weights, int64_t first, int64_t n);

/* The 16 values of the codes, of the format or of the weights; NULL where codes are not translated. */
const int8_t *lb_book_of(const lowbit_weights *weights);

/* What codes of a group stand for before anything scales it: s*c - o, the book's value, c - zero, or with minima the
 * code itself. Not for floats. */
typedef struct lb_integers {
    const int8_t *book; /* or NULL */
    int32_t factor, less;
} lb_integers;

lb_integers lb_integers_of(const lowbit_weights *weights, int64_t n, int64_t g);

static inline int32_t lb_integer(lb_integers of, uint8_t code) {
    return of.book ? of.book[code & (LB_BOOK - 1)] : of.factor * code - of.less;
}

/* That of the code (n, k). */
int32_t lb_integer_at(const lowbit_weights *weights, int64_t n, int64_t k);

/* Element (n, k) of f32 or bf16 weights. */
float lb_float_at(const lowbit_weights *weights, int64_t n, int64_t k);

/* Refuses `count` multipliers of progressive groups beyond the type's limit, and zero points (where given) beyond the
 * format's codes, naming the place as an index. */
lowbit_status lb_check_multipliers(const lowbit_weight_type *type, const uint8_t *multipliers, const uint8_t *zeros,
                                   int64_t count, lowbit_status status, lowbit_error *error);

#endif
