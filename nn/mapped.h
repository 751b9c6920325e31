/* SPDX-License-Identifier: Apache-2.0 */
/* A file as bytes in memory: read only, and shared by all processes that map it. */
#ifndef LOWBIT_NN_MAPPED_H_
#define LOWBIT_NN_MAPPED_H_

#include "lowbit/types.h"

typedef struct lb_mapped {
    const uint8_t *bytes; /* at the start of a page; NULL of an empty file */
    size_t length;
} lb_mapped;

/* LOWBIT_NOT_FOUND, LOWBIT_BAD_FORMAT (no regular file; a pipe is not waited for), LOWBIT_IO. A file that somebody cuts
 * while it is mapped ends the program with SIGBUS; replacing it by another one is harmless. */
lowbit_status lb_map_file(const char *path, lb_mapped *mapped, lowbit_error *error);
void lb_unmap(lb_mapped *mapped);

#endif
