/* SPDX-License-Identifier: Apache-2.0 */
/* Where the tensors of a network come from: a file, or a generator for networks of any size without a file. */
#ifndef LOWBIT_NN_SOURCE_H_
#define LOWBIT_NN_SOURCE_H_

#include "nn/safetensors.h"

typedef struct lb_source {
    const lb_safetensors *file; /* NULL: tensors are made up, */
    uint64_t seed;              /* the same for the same seed and name */
} lb_source;

enum { LB_SOURCE_ELEMENTS = 1 << 30 }; /* most of a tensor */

/* Whether the tensor exists and has this shape, and how many elements that are: to be asked before memory is.
 * LOWBIT_NOT_FOUND, LOWBIT_BAD_FORMAT (another shape, or more than LB_SOURCE_ELEMENTS, or none). */
lowbit_status lb_source_check(const lb_source *source, const char *name, int32_t rank, const int64_t *shape,
                              int64_t *elements, lowbit_error *error);

/* out[elements] = the tensor, whose shape must be the one given.
 *
 * Made up: what ends in .bias or .running_mean is small, other vectors and scalars (variances, weights of a batch
 * normalization) are 1 +- a tenth, all else is normal with variance 2 / (elements / shape[0]), so that activations
 * neither die nor grow (He et al. 2015).
 *
 * Statuses of lb_source_check, and LOWBIT_UNSUPPORTED (a type without values). */
lowbit_status lb_source_floats(const lb_source *source, const char *name, int32_t rank, const int64_t *shape,
                               float *out, lowbit_error *error);

#endif
