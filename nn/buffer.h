/* SPDX-License-Identifier: Apache-2.0 */
/* A value of a network while it runs: floats, sums or codes of all images of a batch. */
#ifndef LOWBIT_NN_BUFFER_H_
#define LOWBIT_NN_BUFFER_H_

#include "nn/graph.h"

enum {
    LB_VALUE_F32,
    LB_VALUE_S32, /* integer sums; x stands for scale[channel] * sum */
    LB_VALUE_S8,  /* codes; x stands for scale * (code - zero) */
    LB_VALUE_TYPES
};

typedef struct lb_buffer {
    void *data; /* [images, or tokens of texts][height][width][channels] */
    uint32_t type;
    lb_shape shape; /* of one of them */
    float scale;    /* S8 */
    int32_t zero;
} lb_buffer;

static inline int64_t lb_value_bytes(uint32_t type) { return type == LB_VALUE_S8 ? 1 : 4; }

static inline int64_t lb_shape_elements(lb_shape s) { return s.height * s.width * s.channels; }

/* out[count] = the numbers as they lie there, codes and sums too. */
void lb_buffer_raw(const lb_buffer *buffer, int64_t first, int64_t count, float *out);

/* out[count] = what elements `first` and on stand for. Not of S32. */
void lb_buffer_load(const lb_buffer *buffer, int64_t first, int64_t count, float *out);

/* The same without a copy where they lie there as floats; else in scratch[count]. */
const float *lb_buffer_floats(const lb_buffer *buffer, int64_t first, int64_t count, float *scratch);

/* Elements from one place to another, both of one type, scale and zero point. */
void lb_buffer_copy(const lb_buffer *to, int64_t to_first, const lb_buffer *from, int64_t first, int64_t count);

/* The reverse: floats as they are, codes = clamp(rne(x / scale) + zero, -128, 127), of a NaN the zero. Not of S32. */
void lb_buffer_store(const lb_buffer *buffer, int64_t first, int64_t count, const float *x);

#endif
