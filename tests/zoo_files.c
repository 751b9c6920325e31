/* SPDX-License-Identifier: Apache-2.0 */
/* Files of a small network of which something is wrong, and configurations beside them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kernels/base/base.h"
#include "nn/model.h"
#include "tests/check.h"

enum { MOST_TENSORS = 64, MOST_FLOATS = 4096 };

static char folder[256];
static char names[MOST_TENSORS][64];
static lb_tensor tensors[MOST_TENSORS];
static size_t count;
static float data[MOST_FLOATS];
static int convolutions; /* of the network that was opened last */

static void add(const char *layer, const char *tensor, int32_t rank, int64_t a, int64_t b, int64_t kernel) {
    lb_tensor *t = &tensors[count];
    snprintf(names[count], sizeof names[count], "%s.%s", layer, tensor);
    *t = (lb_tensor){.name = names[count++],
                     .dtype = lb_dtype_of("F32"),
                     .rank = rank,
                     .shape = {a, b, kernel, kernel},
                     .data = data};
}

static void add_norm(const char *layer, int64_t channels) {
    static const char *const kNames[] = {"weight", "bias", "running_mean", "running_var"};
    for (size_t i = 0; i < LB_COUNT(kNames); i++) add(layer, kNames[i], 1, channels, 0, 0);
}

/* A ResNet of one block a stage. shortcut: what its convolutions are called, NULL if it has none. */
static void make_resnet(int stages, const char *shortcut, const char *last) {
    char layer[64];
    count = 0;
    for (int i = 0; i < MOST_FLOATS; i++) data[i] = (float)(i % 7 + 1) / 8;
    add("conv1", "weight", 4, 2, 3, 3);
    add_norm("bn1", 2);
    for (int stage = 1; stage <= stages; stage++) {
        const int64_t width = (int64_t)1 << stage, inputs = stage > 1 ? width / 2 : width;
        for (int i = 1; i <= 2; i++) {
            snprintf(layer, sizeof layer, "layer%d.0.conv%d", stage, i);
            add(layer, "weight", 4, width, i == 1 ? inputs : width, 3);
            snprintf(layer, sizeof layer, "layer%d.0.bn%d", stage, i);
            add_norm(layer, width);
        }
        if (!shortcut || stage == 1) continue;
        snprintf(layer, sizeof layer, "layer%d.0.%s.0", stage, shortcut);
        add(layer, "weight", 4, width, inputs, 1);
        snprintf(layer, sizeof layer, "layer%d.0.%s.1", stage, shortcut);
        add_norm(layer, width);
    }
    add(last, "bias", 1, 5, 0, 0);
    add(last, "weight", 2, 5, (int64_t)1 << stages, 0);
}

/* akamaster's names: what most of the tests here are about. */
static void make_usual(void) { make_resnet(3, NULL, "linear"); }

/* Writes the tensors without number `without`, opens the folder and counts. */
static lowbit_status open_without(size_t without, lowbit_error *error) {
    lb_tensor written[MOST_TENSORS];
    char path[300];
    lb_opened o;
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (i != without) {
            written[n] = tensors[i];
            CHECK(lb_tensor_size(&written[n++]));
        }
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    CHECK(lb_safetensors_write(path, written, n, NULL, 0, NULL) == LOWBIT_OK);
    *error = (lowbit_error)LOWBIT_ERROR_INIT;
    const lowbit_status status = lb_model_open(folder, NULL, &o, error);
    if (status != LOWBIT_OK) return status;
    CHECK(strcmp(o.model->name, "resnet") == 0 && o.classes == 5);
    convolutions = 0;
    for (int64_t i = 0; i < o.graph.count; i++) convolutions += o.graph.nodes[i].op == LB_OP_CONV;
    lb_model_close(&o);
    return LOWBIT_OK;
}

static lowbit_status open_all(lowbit_error *error) { return open_without(count, error); }

static void check_tensors(void) {
    lowbit_error error;
    check_context("a whole file");
    CHECK(open_all(&error) == LOWBIT_OK);
    for (size_t i = 0; i < count; i++) {
        const bool optional = strcmp(tensors[i].name, "linear.bias") == 0;
        check_context("without %s", tensors[i].name);
        CHECK((open_without(i, &error) == LOWBIT_OK) == optional && (optional || error.message[0]));
        for (int32_t axis = 0; axis < tensors[i].rank; axis++) {
            const int64_t was = tensors[i].shape[axis], wrong[] = {was + 1, was - 1, 0};
            for (size_t w = 0; w < LB_COUNT(wrong); w++) {
                check_context("axis %d of %s is %d", axis, tensors[i].name, (int)wrong[w]);
                tensors[i].shape[axis] = wrong[w];
                CHECK(open_all(&error) != LOWBIT_OK && error.message[0]);
                tensors[i].shape[axis] = was;
            }
        }
    }
    check_context("a variance below 0");
    data[0] = -1;
    CHECK(open_all(&error) == LOWBIT_BAD_FORMAT && strstr(error.message, "bn1.running_var"));
    data[0] = 0.125f;
    check_context("a tensor of 2^40 x 0 elements");
    tensors[0].shape[0] = (int64_t)1 << 40, tensors[0].shape[1] = 0;
    CHECK(open_all(&error) == LOWBIT_BAD_FORMAT && strstr(error.message, "conv1.weight"));
    make_usual();
}

/* The names of those who train ResNets. */
static void check_names(void) {
    static const char *const kShortcuts[] = {"downsample", "shortcut"}, *const kLast[] = {"fc", "linear"};
    lowbit_error error;
    for (int stages = 3; stages <= 4; stages++)
        for (int i = 0; i < 4; i++) {
            check_context("%d stages, %s, %s", stages, kShortcuts[i / 2], kLast[i % 2]);
            make_resnet(stages, kShortcuts[i / 2], kLast[i % 2]);
            CHECK(open_all(&error) == LOWBIT_OK && convolutions == 2 + 2 * stages + (stages - 1));
        }
    make_usual();
    CHECK(open_all(&error) == LOWBIT_OK && convolutions == 8);
}

static void check_config(void) {
    static const struct {
        const char *text, *word; /* of the reason; NULL: it is accepted */
    } kConfigs[] = {
        {"{}", NULL},
        {"{\"model\": \"mine\", \"num_classes\": 5, \"layers\": [1, {\"a\": null}]}", NULL},
        {"{\"mean\": [0, 0, 0], \"std\": [1, 1, 1], \"image_size\": 16, \"stem\": \"cifar\"}", NULL},
        {"", "JSON"},
        {"[]", "object"},
        {"{\"num_classes\": 10}", "10 classes"},
        {"{\"num_classes\": 5.5}", "num_classes"},
        {"{\"num_classes\": -1}", "num_classes"},
        {"{\"image_size\": 1e9}", "image_size"},
        {"{\"image_size\": 1000000}", "image_size"},
        {"{\"mean\": [0, 0, 0]}", "std"},
        {"{\"std\": [1, 1, 1]}", "mean"},
        {"{\"mean\": [0, 0], \"std\": [1, 1, 1]}", "mean"},
        {"{\"mean\": [0, 0, 0], \"std\": [1, 0, 1]}", "std"},
        {"{\"mean\": [0, 1e300, 0], \"std\": [1, 1, 1]}", "mean"},
        {"{\"mean\": [0, \"0\", 0], \"std\": [1, 1, 1]}", "mean"},
        {"{\"input\": \"u8/127-1\"}", "input"},
        {"{\"stem\": \"large\"}", "stem"},
        {"{\"stem\": \"imagenet\"}", "stem"},
        {"{\"model\": 7}", "model"},
        {"{\"model\": \"0123456789012345678901234567890123456789012345678901234567890123\"}", "model"},
        {"{\"model\": \"a\", \"model\": \"b\"}", "JSON"},
    };
    lowbit_error error;
    for (size_t i = 0; i < LB_COUNT(kConfigs); i++) {
        check_context("config %s", kConfigs[i].text);
        check_put_file(folder, "config.json", kConfigs[i].text);
        const lowbit_status status = open_all(&error);
        CHECK((status == LOWBIT_OK) == !kConfigs[i].word);
        CHECK(!kConfigs[i].word || strstr(error.message, kConfigs[i].word));
    }
    static const lb_normalization kRaw = {1, {0, 0, 0}, {1, 1, 1}};
    static const char kTiny[] = "{\"mean\": [0, 0, 0], \"std\": [0.00392156862745098, 0.0039215686, 0.0039215686]}";
    lb_config config;
    check_context("pixels as they are");
    CHECK(lb_config_parse((const uint8_t *)kTiny, strlen(kTiny), &config, NULL) == LOWBIT_OK && config.normalized);
    CHECK(memcmp(&config.normalization, &kRaw, sizeof kRaw) == 0);
}

void subject_zoo_files(void) {
    lb_opened o;
    lowbit_error error = LOWBIT_ERROR_INIT;
    snprintf(folder, sizeof folder, "%.200s/resnet", check_scratch_folder());
    CHECK(mkdir(folder, 0700) == 0);
    make_usual();
    check_tensors();
    check_names();
    check_config();
    check_context("nothing there");
    CHECK(lb_model_open("/proc/none", NULL, &o, &error) == LOWBIT_NOT_FOUND);
    CHECK(lb_model_open(check_scratch_folder(), NULL, &o, &error) == LOWBIT_NOT_FOUND);
    count = 1;
    check_put_file(folder, "config.json", "{}");
    CHECK(open_all(&error) == LOWBIT_UNSUPPORTED && strstr(error.message, "layer4.0.conv1.weight"));
}
