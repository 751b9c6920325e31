/* SPDX-License-Identifier: Apache-2.0 */
/* CIFAR files: both kinds, every refusal, the pixels that a network sees, and the files of the data folder. */
#include "nn/cifar.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"
#include "tests/check.h"

/* `count` records of random pixels; label bytes are i % 10 and, of two, i % 20 and i % 100. */
static uint8_t *records(int64_t count, int label_bytes) {
    const int64_t size = label_bytes + LB_CIFAR_BYTES;
    uint8_t *bytes = check_guarded((size_t)(count * size), CHECK_GUARD_AFTER);
    for (int64_t i = 0; i < count * size; i++) bytes[i] = (uint8_t)check_random();
    for (int64_t i = 0; i < count; i++) {
        bytes[i * size] = (uint8_t)(i % (label_bytes == 1 ? 10 : 20));
        if (label_bytes == 2) bytes[i * size + 1] = (uint8_t)(i % 100);
    }
    return bytes;
}

static void check_kind(int32_t classes, int32_t asked) {
    enum { COUNT = 103 };
    const int label_bytes = classes == 10 ? 1 : 2;
    const size_t size = (size_t)label_bytes + LB_CIFAR_BYTES, length = COUNT * size;
    uint8_t *bytes = records(COUNT, label_bytes);
    lb_cifar c;
    check_context("CIFAR-%d asked for %d", (int)classes, (int)asked);
    if (!CHECK(lb_cifar_parse(bytes, length, asked, &c, NULL) == LOWBIT_OK)) return;
    CHECK(c.classes == classes && c.count == COUNT);
    for (int64_t i = 0; i < COUNT; i++) {
        CHECK(lb_cifar_label(&c, i) == i % classes);
        CHECK(lb_cifar_planes(&c, i) == bytes + (size_t)i * size + label_bytes);
    }
    lowbit_error error = LOWBIT_ERROR_INIT;
    for (size_t wrong = 1; wrong < size; wrong += 511) {
        CHECK(lb_cifar_parse(bytes, length - wrong, asked, &c, &error) == LOWBIT_BAD_FORMAT);
        CHECK(strstr(error.message, "multiple") && c.count == 0);
    }
    for (int b = 0; b < label_bytes; b++) {
        uint8_t *label = bytes + 55 * size + b;
        const uint8_t was = *label;
        *label = (uint8_t)(label_bytes == 1 ? 10 : b == 0 ? 20 : 100);
        CHECK(lb_cifar_parse(bytes, length, asked, &c, &error) == LOWBIT_BAD_FORMAT);
        CHECK(strstr(error.message, "image 55"));
        *label = was;
    }
}

static void check_doubt(void) {
    const size_t both = (size_t)3073 * 3074; /* whole records of either kind */
    uint8_t *bytes = check_guarded(both, CHECK_GUARD_AFTER);
    lb_cifar c;
    lowbit_error error = LOWBIT_ERROR_INIT;
    check_context("%zu bytes", both);
    memset(bytes, 1, both);
    CHECK(lb_cifar_parse(bytes, both, 0, &c, &error) == LOWBIT_BAD_FORMAT && strstr(error.message, "say which"));
    CHECK(lb_cifar_parse(bytes, both, 10, &c, NULL) == LOWBIT_OK && c.count == 3074);
    CHECK(lb_cifar_parse(bytes, both, 100, &c, NULL) == LOWBIT_OK && c.count == 3073);
    CHECK(lb_cifar_parse(bytes, both, 20, &c, NULL) == LOWBIT_INVALID_ARGUMENT);
    CHECK(lb_cifar_parse(bytes, 0, 0, &c, NULL) == LOWBIT_BAD_FORMAT);
    CHECK(lb_cifar_open("/proc/none", 0, &c, NULL) == LOWBIT_NOT_FOUND);
    CHECK(lb_cifar_open("/dev/null", 0, &c, NULL) == LOWBIT_BAD_FORMAT);
    CHECK(lb_cifar_open(check_scratch_folder(), 0, &c, NULL) == LOWBIT_BAD_FORMAT);
}

static void check_floats(void) {
    const lb_normalization n = {255, {0.4914f, 0.4822f, 0.4465f}, {0.247f, 0.2435f, 0.2616f}};
    float *out = check_guarded(2 * LB_CIFAR_BYTES * sizeof *out, CHECK_GUARD_AFTER);
    const uint8_t *bytes = records(4, 1);
    lb_cifar c;
    lb_pixels pixels;
    check_context("floats");
    CHECK(lb_pixels_make(&n, &pixels, NULL) == LOWBIT_OK);
    if (!CHECK(lb_cifar_parse(bytes, 4 * (1 + LB_CIFAR_BYTES), 10, &c, NULL) == LOWBIT_OK)) return;
    lb_cifar_floats(&c, 1, 2, &pixels, out);
    for (int64_t i = 0; i < 2; i++)
        for (int64_t p = 0; p < LB_CIFAR_PIXELS; p++)
            for (int64_t ch = 0; ch < LB_CHANNELS; ch++) {
                const uint8_t code = bytes[(i + 1) * (1 + LB_CIFAR_BYTES) + 1 + ch * LB_CIFAR_PIXELS + p];
                const double want = (code / 255.0 - (double)n.mean[ch]) / (double)n.std[ch];
                const double got = (double)out[(i * LB_CIFAR_PIXELS + p) * LB_CHANNELS + ch];
                if (!CHECK(fabs(got - want) < 1e-6)) return;
            }
    const lb_normalization raw = {1, {0, 0, 0}, {1, 1, 1}};
    CHECK(lb_pixels_make(&raw, &pixels, NULL) == LOWBIT_OK && pixels.value[2][200] == 200);
    const lb_normalization wrong[] = {
        {0, {0, 0, 0}, {1, 1, 1}}, {255, {0, 0, 0}, {1, 0, 1}}, {255, {0, NAN, 0}, {1, 1, 1}}};
    for (size_t i = 0; i < LB_COUNT(wrong); i++)
        CHECK(lb_pixels_make(&wrong[i], &pixels, NULL) == LOWBIT_INVALID_ARGUMENT);
}

void subject_cifar(void) {
    check_kind(10, 0);
    check_kind(10, 10);
    check_kind(100, 0);
    check_kind(100, 100);
    check_doubt();
    check_floats();
}

/* ---- the data folder ---- */

/* The labels of the first images and the mean of red, as published; counts are those of the folder's README. */
static void check_file(const char *folder, const char *name, int32_t classes, int64_t count, const int32_t *labels) {
    char path[4096];
    lb_cifar c;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    check_context("%s", path);
    if (!CHECK(lb_cifar_open(path, 0, &c, NULL) == LOWBIT_OK)) return;
    CHECK(c.classes == classes && c.count == count);
    int64_t seen[100] = {0};
    for (int64_t i = 0; i < c.count; i++) seen[lb_cifar_label(&c, i)]++;
    for (int32_t i = 0; i < classes; i++) CHECK(seen[i] * classes > c.count / 2 && seen[i] * classes < c.count * 2);
    for (int i = 0; labels && i < 5; i++) CHECK(lb_cifar_label(&c, i) == labels[i]);
    double sum = 0;
    for (int64_t i = 0; i < c.count; i++)
        for (int p = 0; p < LB_CIFAR_PIXELS; p++) sum += lb_cifar_planes(&c, i)[p];
    CHECK(fabs(sum / (double)(c.count * LB_CIFAR_PIXELS) / 255 - (classes == 10 ? 0.4914 : 0.5071)) < 0.01);
    lb_cifar_close(&c);
}

void subject_cifar_data(void) {
    static const int32_t kTest10[] = {3, 8, 8, 0, 6}, kTest100[] = {49, 33, 72, 51, 71};
    const char *folder = getenv("LOWBIT_DATA");
    if (!folder) check_skip("LOWBIT_DATA names no folder with cifar10/ and cifar100/");
    check_file(folder, "cifar10/test_public.bin", 10, 5000, kTest10);
    check_file(folder, "cifar10/train_10k.bin", 10, 10000, NULL);
    check_file(folder, "cifar100/test_public.bin", 100, 5000, kTest100);
    check_file(folder, "cifar100/train_10k.bin", 100, 10000, NULL);
}
