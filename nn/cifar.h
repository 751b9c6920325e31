/* SPDX-License-Identifier: Apache-2.0 */
/* CIFAR-10 and CIFAR-100 in their binary form, mapped: records of 1 or 2 label bytes and 32 x 32 pixels in planes R, G,
 * B.
 *
 *     CIFAR-10    label (0..9)                        3072 bytes
 *     CIFAR-100   coarse (0..19), fine (0..99)        3072 bytes */
#ifndef LOWBIT_NN_CIFAR_H_
#define LOWBIT_NN_CIFAR_H_

#include "nn/mapped.h"
#include "nn/pixels.h"

enum {
    LB_CIFAR_SIDE = 32,
    LB_CIFAR_PIXELS = LB_CIFAR_SIDE * LB_CIFAR_SIDE,
    LB_CIFAR_BYTES = LB_CHANNELS * LB_CIFAR_PIXELS
};

/* Read by any number of threads. */
typedef struct lb_cifar {
    lb_mapped mapped;
    int32_t classes; /* 10 or 100 */
    int64_t count;   /* images */
} lb_cifar;

/* `classes` is 10, 100, or 0 for what the size of the file says. Every label is looked at. LOWBIT_BAD_FORMAT where the
 * size is no multiple of a record, a size fits both kinds and classes is 0, or a label is out of its range; statuses of
 * lb_map_file. */
lowbit_status lb_cifar_open(const char *path, int32_t classes, lb_cifar *cifar, lowbit_error *error);

/* The same for bytes of the caller, which must outlive *cifar. */
lowbit_status lb_cifar_parse(const uint8_t *bytes, size_t length, int32_t classes, lb_cifar *cifar,
                             lowbit_error *error);

void lb_cifar_close(lb_cifar *cifar);

/* Of image 0 <= i < count: the class (of CIFAR-100 the fine one), and 3 planes of 32 x 32. */
int32_t lb_cifar_label(const lb_cifar *cifar, int64_t i);
const uint8_t *lb_cifar_planes(const lb_cifar *cifar, int64_t i);

/* out[count][32][32][3] = images first .. first + count - 1, normalized. */
void lb_cifar_floats(const lb_cifar *cifar, int64_t first, int64_t count, const lb_pixels *pixels, float *out);

#endif
