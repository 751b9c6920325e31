/* SPDX-License-Identifier: Apache-2.0 */
/* A tensor as files hold it: a name, a type, a shape, and little-endian elements in row-major order. */
#ifndef LOWBIT_NN_TENSOR_H_
#define LOWBIT_NN_TENSOR_H_

#include <stdbool.h>

#include "lowbit/types.h"

enum { LB_TENSOR_RANK = 8 };

/* One row of the table of element types, which have the names of safetensors. */
typedef struct lb_dtype {
    const char *name; /* "BF16" */
    int32_t bits;     /* of an element */
    bool is_float;
    float (*at)(const uint8_t *p); /* an element as f32, rounded to nearest even; NULL = nobody here reads them */
} lb_dtype;

const lb_dtype *lb_dtype_of(const char *name); /* NULL if unknown */

typedef struct lb_tensor {
    const char *name;
    const lb_dtype *dtype;
    int32_t rank; /* 0 = one element */
    int64_t shape[LB_TENSOR_RANK];
    int64_t elements; /* the product of the shape */
    int64_t bytes;
    const void *data; /* of any alignment */
} lb_tensor;

/* Computes elements and bytes from dtype and shape; false if a size is negative, one of the products overflows, or the
 * elements end within a byte. */
bool lb_tensor_size(lb_tensor *tensor);

/* out[elements] = the elements as f32; integers are codes, whose value they keep. LOWBIT_UNSUPPORTED for a type without
 * values here. */
lowbit_status lb_tensor_floats(const lb_tensor *tensor, float *out, lowbit_error *error);

#endif
