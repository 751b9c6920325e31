/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/matrices.h"

#include <stdlib.h>
#include <string.h>

#include "cli/npy.h"
#include "kernels/base/base.h"

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

bool lb_read_matrices(const char *path, lb_matrices *matrices, lowbit_error *error) {
    *matrices = (lb_matrices){0};
    const size_t length = strlen(path);
    if (length > 4 && strcmp(path + length - 4, ".npy") == 0) return read_npy(path, matrices, error);
    return lb_read_safetensors(path, matrices, error);
}
