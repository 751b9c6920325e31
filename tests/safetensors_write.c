/* SPDX-License-Identifier: Apache-2.0 */
/* Writing safetensors: what is written reads back, aligned as promised, and a refusal leaves the old file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernels/base/base.h"
#include "nn/safetensors.h"
#include "tests/check.h"

static char path[128];

static lb_tensor tensor(const char *name, const char *dtype, int64_t rows, int64_t cols, const void *data) {
    lb_tensor t = {.name = name, .dtype = lb_dtype_of(dtype), .rank = 2, .shape = {rows, cols}, .data = data};
    CHECK(t.dtype && lb_tensor_size(&t));
    return t;
}

static bool nothing_left(void) {
    char fresh[160];
    snprintf(fresh, sizeof fresh, "%s.%ld.tmp", path, (long)getpid());
    return access(fresh, F_OK) != 0;
}

static void check_round_trip(void) {
    uint8_t data[4096];
    for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)check_random();
    const lb_tensor tensors[] = {
        tensor("odd", "I8", 3, 7, data),        tensor("halves", "F16", 5, 3, data + 100),
        tensor("blob1", "U8", 2, 64, data + 1), tensor("wide", "I64", 1, 3, data + 7),
        tensor("floats", "F32", 3, 3, data),    tensor("blob0", "U8", 5, 64, data + 2000),
        tensor("none", "F32", 0, 5, NULL),      tensor("\xC3\xA4\"\\\n", "BF16", 2, 3, data),
    };
    const lb_text_pair metadata[] = {{"format", "pt"}, {"recipe", "w8a8: \"all\"\n"}};
    lb_safetensors f;
    check_context("round trip");
    CHECK(lb_safetensors_write(path, tensors, LB_COUNT(tensors), metadata, 2, NULL) == LOWBIT_OK && nothing_left());
    if (!CHECK(lb_safetensors_open(path, &f, NULL) == LOWBIT_OK)) return;
    CHECK(f.count == LB_COUNT(tensors) && f.metadata_count == 2);
    for (size_t i = 0; i < 2; i++) {
        const char *text = lb_safetensors_text(&f, metadata[i].key);
        CHECK(text && strcmp(text, metadata[i].value) == 0);
    }
    for (size_t i = 0; i < LB_COUNT(tensors); i++) {
        const lb_tensor *want = &tensors[i], *got = lb_safetensors_find(&f, want->name);
        check_context("tensor %s", want->name);
        if (!CHECK(got != NULL)) continue;
        CHECK(got->dtype == want->dtype && got->rank == 2 && got->bytes == want->bytes);
        CHECK(memcmp(got->shape, want->shape, sizeof got->shape) == 0);
        CHECK(want->bytes == 0 || memcmp(got->data, want->data, (size_t)want->bytes) == 0);
        const uintptr_t align = want->bytes % 64 == 0 ? 64 : (uintptr_t)want->dtype->bits / 8;
        CHECK((uintptr_t)got->data % align == 0);
    }
    CHECK(f.tensors[0].data == f.mapped.bytes + f.mapped.length - 21 - 30 - 12 - 24 - 36 - 128 - 320);
    lb_safetensors_close(&f);
}

/* One tensor and one pair of metadata, of which something is wrong. */
static void check_refused(const char *what, const lb_tensor *tensors, size_t count, const char *value) {
    const lb_text_pair pairs[] = {{"key", value}};
    lowbit_error error = LOWBIT_ERROR_INIT;
    check_context("%s", what);
    CHECK(lb_safetensors_write(path, tensors, count, pairs, 1, &error) == LOWBIT_INVALID_ARGUMENT);
    CHECK(error.message[0] != 0 && nothing_left());
}

static void check_refusals(void) {
    static const uint8_t kData[64];
    const lb_tensor good = tensor("x", "U8", 8, 8, kData);
    lb_tensor bad[2] = {good, good};
    check_refused("two of a name", bad, 2, "v");
    bad[0].name = "__metadata__";
    check_refused("the name of the metadata", bad, 1, "v");
    bad[0].name = "\xFF";
    check_refused("a name that is not UTF-8", bad, 1, "v");
    bad[0].name = NULL;
    check_refused("no name", bad, 1, "v");
    check_refused("metadata that are not UTF-8", &good, 1, "\xC3");
    bad[0] = good;
    bad[0].dtype = NULL;
    check_refused("no type", bad, 1, "v");
    bad[0] = good;
    bad[0].bytes = 63;
    check_refused("other bytes", bad, 1, "v");
    bad[0] = good;
    bad[0].data = NULL;
    check_refused("no data", bad, 1, "v");
    bad[0] = good;
    bad[0].rank = LB_TENSOR_RANK + 1;
    check_refused("too many dimensions", bad, 1, "v");
    lb_safetensors f;
    check_context("the file of before");
    CHECK(lb_safetensors_open(path, &f, NULL) == LOWBIT_OK && f.count == 8);
    lb_safetensors_close(&f);
    CHECK(lb_safetensors_write("/proc/none/x", &good, 1, NULL, 0, NULL) == LOWBIT_IO);
    CHECK(lb_safetensors_write(path, &good, 1, NULL, 0, NULL) == LOWBIT_OK);
    CHECK(lb_safetensors_open(path, &f, NULL) == LOWBIT_OK && f.count == 1 && f.metadata_count == 0);
    lb_safetensors_close(&f);
    CHECK(lb_safetensors_write(path, NULL, 0, NULL, 0, NULL) == LOWBIT_OK);
    CHECK(lb_safetensors_open(path, &f, NULL) == LOWBIT_OK && f.count == 0);
    lb_safetensors_close(&f);
}

void subject_safetensors_write(void) {
    snprintf(path, sizeof path, "%s/a.safetensors", check_scratch_folder());
    check_round_trip();
    check_refusals();
}
