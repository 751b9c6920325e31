/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and values of one head of one sequence, packed as the weights of two products: keys as a row for each token,
 * values as a column. They are put token after token, so that a cache can grow and forget.
 *
 *     [keys: panels of 16 tokens][values: panels of 16 elements, `tokens` long][scales of keys][scales of values] */
#ifndef LOWBIT_NN_ATTENTION_STORE_H_
#define LOWBIT_NN_ATTENTION_STORE_H_

#include "kernels/formats/format.h"
#include "kernels/simd/ukernel.h"

/* Where things lie in a store, which is aligned to 64 bytes: offsets and sizes in bytes. */
typedef struct lb_store_layout {
    const lb_format *format;        /* f32, i8 or b1 */
    int64_t head, tokens;           /* elements of a token, and most tokens */
    int64_t key_lines, value_lines; /* of a panel */
    int64_t values, key_scales, value_scales;
    int64_t bytes;
    int64_t scratch; /* of lb_store_put */
} lb_store_layout;

lb_store_layout lb_store_layout_of(const lb_format *format, int64_t head, int64_t tokens);

/* Some tokens that follow each other, `head` floats each of keys and values. */
typedef struct lb_store_rows {
    const float *keys, *values;
    int64_t key_stride, value_stride; /* elements */
    int64_t count;
} lb_store_rows;

/* Puts them as tokens t and on. */
void lb_store_put(const lb_store_layout *layout, const lb_isa_unit *unit, const lb_store_rows *rows, int64_t t,
                  void *scratch, void *store);

/* The first n tokens as weights: keys with N = n and K = head, values with N = head and K = n, whose panels are
 * value_lines apart. `ones`, so many as there are tokens and elements, rounded up to 16, are the scales where a format
 * has some that the store does not. */
lowbit_packed lb_store_keys(const lb_store_layout *layout, const void *store, int64_t n, const float *ones);
lowbit_packed lb_store_values(const lb_store_layout *layout, const void *store, int64_t n, const float *ones);

/* [tokens] what their values are to be multiplied by; NULL = nothing. */
const float *lb_store_value_scales(const lb_store_layout *layout, const void *store);

#endif
