/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/matrices.h"

#include <stdlib.h>
#include <string.h>

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
