/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/dataset.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "kernels/base/base.h"
#include "nn/image.h"

enum { PATH_BYTES = 4096 };

/* What the archives of the two sets unpack to. */
static const char *const kTests[] = {"test_batch.bin", "test.bin"};

static bool is_folder(const char *path) {
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

/* Whether the folder holds the test file of a CIFAR set; its path then. */
static bool find_test(const char *folder, char path[PATH_BYTES]) {
    struct stat about;
    for (size_t i = 0; i < LB_COUNT(kTests); i++) {
        const int length = snprintf(path, PATH_BYTES, "%s/%s", folder, kTests[i]);
        if (length > 0 && length < PATH_BYTES && stat(path, &about) == 0) return true;
    }
    return false;
}

lowbit_status lb_dataset_open(const char *path, int32_t classes, lb_dataset *data, lowbit_error *error) {
    char test[PATH_BYTES];
    *data = (lb_dataset){0};
    if (is_folder(path)) {
        if (!find_test(path, test)) {
            LB_TRY(lb_image_folder_open(path, &data->folder, error));
            data->count = (int64_t)data->folder.count;
            data->classes = (int32_t)data->folder.class_count;
            return LOWBIT_OK;
        }
        path = test;
    }
    LB_TRY(lb_cifar_open(path, classes, &data->cifar, error));
    data->count = data->cifar.count;
    data->classes = data->cifar.classes;
    return LOWBIT_OK;
}

lowbit_status lb_dataset_open_for(const char *path, const lb_graph *graph, const lb_pieces *pieces, lb_dataset *data,
                                  lowbit_error *error) {
    lb_wordpiece tokenizer;
    *data = (lb_dataset){0};
    if (!lb_takes_texts(graph)) return lb_dataset_open(path, 0, data, error);
    LB_TRY(lb_pieces_tokenizer(pieces, graph, &tokenizer, error));
    const lowbit_status status = lb_text_set_open(path, &tokenizer, lb_longest_text(graph), &data->texts, error);
    lb_wordpiece_close(&tokenizer);
    LB_TRY(status);
    data->count = data->texts.count;
    data->classes = data->texts.task->classes;
    return LOWBIT_OK;
}

static bool is_cifar(const lb_dataset *data) { return data->cifar.count > 0; }
static bool is_texts(const lb_dataset *data) { return data->texts.count > 0; }

void lb_dataset_close(lb_dataset *data) {
    if (is_cifar(data))
        lb_cifar_close(&data->cifar);
    else if (is_texts(data))
        lb_text_set_close(&data->texts);
    else
        lb_image_folder_close(&data->folder);
    *data = (lb_dataset){0};
}

double lb_dataset_label(const lb_dataset *data, int64_t i) {
    if (is_texts(data)) return data->texts.labels[i];
    return is_cifar(data) ? lb_cifar_label(&data->cifar, i) : data->folder.labels[i];
}

int lb_dataset_metrics(const lb_dataset *data, const lb_metric *metrics[LB_GLUE_METRICS]) {
    int count = 0;
    if (!is_texts(data)) metrics[count++] = &lb_accuracy;
    for (int i = 0; is_texts(data) && i < LB_GLUE_METRICS; i++)
        if (data->texts.task->metrics[i]) metrics[count++] = data->texts.task->metrics[i];
    return count;
}

const char *lb_dataset_things(const lb_dataset *data) { return is_texts(data) ? "texts" : "images"; }

int64_t lb_dataset_tokens(const lb_dataset *data, int64_t batch) {
    return is_texts(data) ? lb_text_set_tokens(&data->texts, batch) : 0;
}

double lb_dataset_mean_tokens(const lb_dataset *data, int64_t count) {
    return is_texts(data) ? (double)data->texts.firsts[count] / (double)count : 0;
}

lowbit_status lb_dataset_input(const lb_dataset *data, int64_t first, int64_t count, const lb_pixels *pixels,
                               lb_shape shape, float *room, lb_run_input *input, lowbit_error *error) {
    *input = (lb_run_input){room, count, NULL};
    if (!is_texts(data)) return lb_dataset_floats(data, first, count, pixels, shape, room, error);
    *input = lb_text_set_input(&data->texts, first, count);
    return LOWBIT_OK;
}

/* The record as an image, for what is to be resized. */
static lowbit_status cifar_image(const lb_cifar *cifar, int64_t i, lb_image *image, lowbit_error *error) {
    const uint8_t *planes = lb_cifar_planes(cifar, i);
    LB_TRY(lb_image_make(LB_CIFAR_SIDE, LB_CIFAR_SIDE, image, error));
    for (int64_t p = 0; p < LB_CIFAR_PIXELS; p++)
        for (int64_t c = 0; c < LB_CHANNELS; c++) image->rgb[p * LB_CHANNELS + c] = planes[c * LB_CIFAR_PIXELS + p];
    return LOWBIT_OK;
}

static lowbit_status check_shape(lb_shape shape, lowbit_error *error) {
    LB_REQUIRE(shape.channels == LB_CHANNELS && shape.height == shape.width, error, LOWBIT_UNSUPPORTED,
               "the network takes %lld x %lld x %lld, not square images of three colours", (long long)shape.height,
               (long long)shape.width, (long long)shape.channels);
    return LOWBIT_OK;
}

/* The shorter side in front of the crop: 256 for 224. */
static int64_t shorter_side(int64_t crop) { return (crop * 256 + 112) / 224; }

static lowbit_status fit_picture(const lb_image *whole, lb_shape shape, lb_image *image, lowbit_error *error) {
    const bool fits = whole->width == shape.width && whole->height == shape.height;
    return fits ? lb_image_resize(whole, shape.width, shape.height, image, error)
                : lb_image_fit(whole, shorter_side(shape.width), shape.width, image, error);
}

lowbit_status lb_picture_floats(const char *path, const lb_pixels *pixels, lb_shape shape, float *out,
                                lowbit_error *error) {
    lb_image whole, image;
    LB_TRY(check_shape(shape, error));
    LB_TRY(lb_image_read(path, &whole, error));
    const lowbit_status status = fit_picture(&whole, shape, &image, error);
    lb_image_free(&whole);
    LB_TRY(status);
    lb_image_floats(&image, pixels, out);
    lb_image_free(&image);
    return LOWBIT_OK;
}

static lowbit_status record_floats(const lb_cifar *cifar, int64_t i, const lb_pixels *pixels, lb_shape shape,
                                   float *out, lowbit_error *error) {
    lb_image whole, image;
    LB_TRY(cifar_image(cifar, i, &whole, error));
    const lowbit_status status = lb_image_resize(&whole, shape.width, shape.height, &image, error);
    lb_image_free(&whole);
    LB_TRY(status);
    lb_image_floats(&image, pixels, out);
    lb_image_free(&image);
    return LOWBIT_OK;
}

lowbit_status lb_dataset_floats(const lb_dataset *data, int64_t first, int64_t count, const lb_pixels *pixels,
                                lb_shape shape, float *out, lowbit_error *error) {
    LB_TRY(check_shape(shape, error));
    if (is_cifar(data) && shape.width == LB_CIFAR_SIDE) {
        lb_cifar_floats(&data->cifar, first, count, pixels, out);
        return LOWBIT_OK;
    }
    for (int64_t i = 0; i < count; i++) {
        float *at = out + i * shape.height * shape.width * shape.channels;
        LB_TRY(is_cifar(data) ? record_floats(&data->cifar, first + i, pixels, shape, at, error)
                              : lb_picture_floats(data->folder.paths[first + i], pixels, shape, at, error));
    }
    return LOWBIT_OK;
}
