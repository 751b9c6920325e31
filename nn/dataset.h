/* SPDX-License-Identifier: Apache-2.0 */
/* Labelled images as a network takes them, from a CIFAR file or a folder of pictures. */
#ifndef LOWBIT_NN_DATASET_H_
#define LOWBIT_NN_DATASET_H_

#include "nn/cifar.h"
#include "nn/graph.h"
#include "nn/image_folder.h"

typedef struct lb_dataset {
    lb_cifar cifar; /* or, where it has no images, */
    lb_image_folder folder;
    int64_t count;
    int32_t classes;
} lb_dataset;

/* path  a CIFAR file in binary form, a folder with test_batch.bin or test.bin in it, or a folder of images
 * classes  of a CIFAR file, 10, 100, or 0 for what its size says */
lowbit_status lb_dataset_open(const char *path, int32_t classes, lb_dataset *data, lowbit_error *error);

void lb_dataset_close(lb_dataset *data);

/* -1 = none. */
int32_t lb_dataset_label(const lb_dataset *data, int64_t i);

/* out[count][height][width][3]: images first .. first + count - 1. Those of CIFAR are resized where the network takes
 * another size; pictures as torchvision's evaluation does: the shorter side to 256/224 of the size, the middle of it.
 */
lowbit_status lb_dataset_floats(const lb_dataset *data, int64_t first, int64_t count, const lb_pixels *pixels,
                                lb_shape shape, float *out, lowbit_error *error);

/* One picture in the same way; of the size that the network takes already, as it is. */
lowbit_status lb_picture_floats(const char *path, const lb_pixels *pixels, lb_shape shape, float *out,
                                lowbit_error *error);

#endif
