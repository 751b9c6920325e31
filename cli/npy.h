/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing .npy files of numbers: versions 1, 2 and 3 of the header, C and Fortran order, either byte order.
 * Files are foreign bytes: whatever does not add up is refused with a reason, before memory is asked for. */
#ifndef LOWBIT_CLI_NPY_H_
#define LOWBIT_CLI_NPY_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lowbit/types.h"

enum { LB_NPY_MAX_DIMS = 64 };

typedef struct lb_npy {
    char kind;    /* 'b' bool, 'i' and 'u' integers, 'f' floats */
    int32_t size; /* bytes of an element: 1, 2, 4 or 8 */
    bool swapped; /* the elements have the other byte order than this machine */
    bool fortran; /* the first dimension is contiguous, not the last */
    int32_t ndim; /* 0 .. LB_NPY_MAX_DIMS */
    int64_t shape[LB_NPY_MAX_DIMS];
    int64_t count; /* elements */
    uint8_t *data; /* count * size bytes as they lie in the file; owned, see lb_npy_free */
} lb_npy;

/* Reads the header at `bytes` into everything of *npy but data. *header receives the offset of the data. */
lowbit_status lb_npy_parse(const uint8_t *bytes, size_t length, lb_npy *npy, size_t *header, lowbit_error *error);

/* Reads a file; free the result with lb_npy_free. LOWBIT_IO, LOWBIT_BAD_FORMAT, LOWBIT_UNSUPPORTED (a type that holds
 * no numbers), LOWBIT_NO_MEMORY. */
lowbit_status lb_npy_read(const char *path, lb_npy *npy, lowbit_error *error);

/* Writes count * size bytes of data behind a header as numpy writes it (version 1.0). An array that is contiguous both
 * ways is written as C order. A file that could not be written whole is removed. */
lowbit_status lb_npy_write(const char *path, const lb_npy *npy, lowbit_error *error);

/* Bytes from an element to the next along each dimension: strides[ndim]. */
void lb_npy_strides(const lb_npy *npy, int64_t *strides);

/* All elements as f32, in C order, whatever the type: out has room for npy->count. */
void lb_npy_floats(const lb_npy *npy, float *out);

void lb_npy_free(lb_npy *npy);

#endif
