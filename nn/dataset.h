/* SPDX-License-Identifier: Apache-2.0 */
/* Labelled images as a network takes them, from a CIFAR file or a folder of pictures; or labelled texts, of GLUE. */
#ifndef LOWBIT_NN_DATASET_H_
#define LOWBIT_NN_DATASET_H_

#include "nn/cifar.h"
#include "nn/graph.h"
#include "nn/image_folder.h"
#include "nn/text_input.h"
#include "nn/text_set.h"

/* One of the three has something in it. */
typedef struct lb_dataset {
    lb_cifar cifar;
    lb_image_folder folder;
    lb_text_set texts;
    int64_t count;
    int32_t classes;
} lb_dataset;

/* path  a CIFAR file in binary form, a folder with test_batch.bin or test.bin in it, or a folder of images
 * classes  of a CIFAR file, 10, 100, or 0 for what its size says */
lowbit_status lb_dataset_open(const char *path, int32_t classes, lb_dataset *data, lowbit_error *error);

/* Images, or for a network that takes texts a GLUE file, with its pieces as the tokenizer. Statuses of lb_glue_open and
 * lb_pieces_tokenizer, too. */
lowbit_status lb_dataset_open_for(const char *path, const lb_graph *graph, const lb_pieces *pieces, lb_dataset *data,
                                  lowbit_error *error);

void lb_dataset_close(lb_dataset *data);

/* The number of the class, -1 = none; of regression (classes 0) the score. */
double lb_dataset_label(const lb_dataset *data, int64_t i);

/* How answers to it are judged, the first way first: metrics[returned]. */
int lb_dataset_metrics(const lb_dataset *data, const lb_metric *metrics[LB_GLUE_METRICS]);

/* "images" or "texts". */
const char *lb_dataset_things(const lb_dataset *data);

/* Most tokens of a batch; 0 of images. */
int64_t lb_dataset_tokens(const lb_dataset *data, int64_t batch);

/* Of the first `count` texts; 0 of images. */
double lb_dataset_mean_tokens(const lb_dataset *data, int64_t count);

/* Things first .. first + count - 1 for a run of a network that takes `shape`.
 *
 * room  [count] of that shape, in which images are put; not used for texts, whose tokens are the set's own */
lowbit_status lb_dataset_input(const lb_dataset *data, int64_t first, int64_t count, const lb_pixels *pixels,
                               lb_shape shape, float *room, lb_run_input *input, lowbit_error *error);

/* out[count][height][width][3]: images first .. first + count - 1. Those of CIFAR are resized where the network takes
 * another size; pictures as torchvision's evaluation does: the shorter side to 256/224 of the size, the middle of it.
 */
lowbit_status lb_dataset_floats(const lb_dataset *data, int64_t first, int64_t count, const lb_pixels *pixels,
                                lb_shape shape, float *out, lowbit_error *error);

/* One picture in the same way; of the size that the network takes already, as it is. */
lowbit_status lb_picture_floats(const char *path, const lb_pixels *pixels, lb_shape shape, float *out,
                                lowbit_error *error);

#endif
