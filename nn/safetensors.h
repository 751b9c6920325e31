/* SPDX-License-Identifier: Apache-2.0 */
/* Files of tensors in the format safetensors, read in place and written. Foreign bytes: what does not add up is refused
 * with a reason. Nothing here needs a context; memory is the C library's, as jansson's is. */
#ifndef LOWBIT_NN_SAFETENSORS_H_
#define LOWBIT_NN_SAFETENSORS_H_

#include "nn/mapped.h"
#include "nn/tensor.h"

typedef struct lb_text_pair {
    const char *key, *value;
} lb_text_pair;

/* Valid until lb_safetensors_close. Read by any number of threads. */
typedef struct lb_safetensors {
    lb_tensor *tensors; /* in the order of their data */
    size_t count;
    lb_text_pair *metadata; /* in the order of the header */
    size_t metadata_count;
    const lb_tensor **by_name; /* what lb_safetensors_find searches */
    char *text;                /* every name, key and value */
    lb_mapped mapped;          /* of what was opened, not parsed */
} lb_safetensors;

/* Maps a file and reads its header; the data are left to the page cache. Statuses of lb_map_file, LOWBIT_BAD_FORMAT,
 * LOWBIT_UNSUPPORTED (more than LB_TENSOR_RANK dimensions), LOWBIT_NO_MEMORY. *file needs no close after a failure. */
lowbit_status lb_safetensors_open(const char *path, lb_safetensors *file, lowbit_error *error);

/* The same for bytes of the caller, which must outlive *file. */
lowbit_status lb_safetensors_parse(const uint8_t *bytes, size_t length, lb_safetensors *file, lowbit_error *error);

void lb_safetensors_close(lb_safetensors *file);

/* The tensor of that name, the metadata of that key; NULL if there is none. */
const lb_tensor *lb_safetensors_find(const lb_safetensors *file, const char *name);
const char *lb_safetensors_text(const lb_safetensors *file, const char *key);

/* For readers of other files that end as one of these: memory for tensors, pairs and the bytes of all names, of which
 * they fill in `tensors` and `count`; then what finds tensors by name. Both leave lb_safetensors_close to the caller.
 */
lowbit_status lb_safetensors_take(lb_safetensors *file, size_t tensors, size_t pairs, size_t text, lowbit_error *error);
void lb_safetensors_sort(lb_safetensors *file);

/* Replaces `path` as a whole, through PATH.PID.tmp beside it. Data begin at a multiple of 64 bytes, tensors of a
 * multiple of 64 bytes first, then wide elements before narrow ones: so the former are aligned to 64 bytes, all others
 * to their elements (the format knows no gaps). elements and bytes of the tensors are those of lb_tensor_size. Names
 * are UTF-8, different, and not "__metadata__". LOWBIT_INVALID_ARGUMENT, LOWBIT_IO, LOWBIT_NO_MEMORY. */
lowbit_status lb_safetensors_write(const char *path, const lb_tensor *tensors, size_t count,
                                   const lb_text_pair *metadata, size_t metadata_count, lowbit_error *error);

#endif
