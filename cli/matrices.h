/* SPDX-License-Identifier: Apache-2.0 */
/* Weight matrices out of files: one from a .npy, all of a .safetensors. */
#ifndef LOWBIT_CLI_MATRICES_H_
#define LOWBIT_CLI_MATRICES_H_

#include <stdbool.h>
#include <stddef.h>

#include "lowbit/types.h"

/* Tensors of more than two dimensions are seen as [first][all others], as a convolution's weights are multiplied. */
typedef struct lb_named_matrix {
    char *name;
    float *data; /* rows * cols, row stride cols */
    int64_t rows, cols;
} lb_named_matrix;

typedef struct lb_matrices {
    lb_named_matrix *list;
    size_t count;
} lb_matrices;

/* A .npy by its name, else a .safetensors, of which the float tensors (F32, F16, BF16, F64) of at least two dimensions
 * are read, the first of them more than 1. False with a reason in `error`. */
bool lb_read_matrices(const char *path, lb_matrices *matrices, lowbit_error *error);

/* Appends a matrix and takes name (copied) and data (owned from now on, also on failure). */
bool lb_matrices_add(lb_matrices *matrices, const char *name, float *data, int64_t rows, int64_t cols);

void lb_matrices_free(lb_matrices *matrices);

#endif
