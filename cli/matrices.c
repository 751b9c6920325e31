/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/matrices.h"

#include <stdlib.h>
#include <string.h>

#include "cli/npy.h"
#include "kernels/base/base.h"
#include "nn/safetensors.h"

bool lb_matrices_add(lb_matrices *matrices, const char *name, float *data, int64_t rows, int64_t cols) {
    lb_named_matrix *list = realloc(matrices->list, (matrices->count + 1) * sizeof *list);
    if (list) matrices->list = list;
    char *copy = list ? strdup(name) : NULL;
    if (!copy) {
        free(data);
        return false;
    }
    list[matrices->count++] = (lb_named_matrix){copy, data, rows, cols};
    return true;
}

void lb_matrices_free(lb_matrices *matrices) {
    for (size_t i = 0; i < matrices->count; i++) {
        free(matrices->list[i].name);
        free(matrices->list[i].data);
    }
    free(matrices->list);
    *matrices = (lb_matrices){0};
}

static bool read_npy(const char *path, lb_matrices *matrices, lowbit_error *error) {
    lb_npy npy;
    if (lb_npy_read(path, &npy, error) != LOWBIT_OK) return false;
    bool good = npy.ndim >= 2 && npy.count > 0;
    if (good) {
        float *data = malloc((size_t)npy.count * sizeof *data);
        if (data) lb_npy_floats(&npy, data);
        good = data && lb_matrices_add(matrices, path, data, npy.shape[0], npy.count / npy.shape[0]);
        if (!good) lb_fail(error, LOWBIT_NO_MEMORY, "%s: no memory for %lld elements", path, (long long)npy.count);
    } else {
        lb_fail(error, LOWBIT_BAD_FORMAT, "%s: no matrix, it has %d dimensions and %lld elements", path, npy.ndim,
                (long long)npy.count);
    }
    lb_npy_free(&npy);
    return good;
}

/* Whether it is a matrix of weights; a token's embedding is none. */
static bool is_matrix(const lb_tensor *t) {
    return t->dtype->is_float && t->dtype->at && t->rank >= 2 && t->elements > 0 && t->shape[0] > 1;
}

static bool add_tensor(const lb_tensor *t, lb_matrices *matrices, lowbit_error *error) {
    float *data = malloc((size_t)t->elements * sizeof *data);
    if (data && lb_tensor_floats(t, data, error) == LOWBIT_OK &&
        lb_matrices_add(matrices, t->name, data, t->shape[0], t->elements / t->shape[0]))
        return true;
    lb_fail(error, LOWBIT_NO_MEMORY, "%.64s: no memory for %lld elements", t->name, (long long)t->elements);
    return false;
}

static bool read_safetensors(const char *path, lb_matrices *matrices, lowbit_error *error) {
    lb_safetensors file;
    if (lb_safetensors_open(path, &file, error) != LOWBIT_OK) return false;
    bool good = true;
    for (size_t i = 0; good && i < file.count; i++)
        if (is_matrix(&file.tensors[i])) good = add_tensor(&file.tensors[i], matrices, error);
    lb_safetensors_close(&file);
    if (!good) lb_matrices_free(matrices);
    return good;
}

bool lb_read_matrices(const char *path, lb_matrices *matrices, lowbit_error *error) {
    *matrices = (lb_matrices){0};
    const size_t length = strlen(path);
    if (length > 4 && strcmp(path + length - 4, ".npy") == 0) return read_npy(path, matrices, error);
    return read_safetensors(path, matrices, error);
}
