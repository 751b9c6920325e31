/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are replaced as a whole: readers find the old one or the new one, also after a crash. */
#ifndef LOWBIT_TUNER_REPLACE_FILE_H_
#define LOWBIT_TUNER_REPLACE_FILE_H_

#include <sys/types.h>

#include "lowbit/types.h"

typedef struct lb_bytes {
    const void *data;
    size_t size;
} lb_bytes;

/* Writes the parts one after the other into `fresh`, in the folder of `path`, and gives it that name once it is on the
 * disk. One that is called `fresh` already is what a killed writer has left, and goes. `mode` are its permissions, 0
 * those of any new file. On failure `path` is what it was. LOWBIT_IO. */
lowbit_status lb_replace_file(const char *path, const char *fresh, mode_t mode, const lb_bytes *parts, size_t count,
                              lowbit_error *error);

/* "cannot WHAT PATH: " and the reason in errno. Returns LOWBIT_IO. */
lowbit_status lb_fail_io(lowbit_error *error, const char *what, const char *path);

#endif
