/* SPDX-License-Identifier: Apache-2.0 */
/* Files of tensors: any bytes. What is taken lies inside, is found by its name, has values, and when it is written
 * again reads as the same.
 *
 * An input is a header and data; its first byte says whether the length in front is made right (bit 0), since a fuzzer
 * that changes a header's length would do little else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nn/safetensors.h"
#include "tests/fuzz/fuzz.h"
#include "tests/safetensors.h"

enum { MOST_ELEMENTS = 1 << 16, LENGTH = 8, FLAG = 1, FIRST = FLAG + LENGTH };

static void check_tensor(const lb_safetensors *file, const lb_tensor *t, const uint8_t *data, size_t size) {
    const uint8_t *at = t->data;
    lowbit_error error = LOWBIT_ERROR_INIT;
    fuzz_require(at >= data && t->bytes >= 0 && (size_t)(at - data) + (size_t)t->bytes <= size, "data lie inside");
    fuzz_require(lb_safetensors_find(file, t->name) == t, "a tensor is found by its name");
    fuzz_require(t->elements <= 2 * (int64_t)size, "elements have bits");
    float *values = malloc((size_t)t->elements * sizeof *values + 1);
    fuzz_require(values != NULL, "memory");
    const lowbit_status status = lb_tensor_floats(t, values, &error);
    fuzz_require(status == LOWBIT_OK || (status == LOWBIT_UNSUPPORTED && error.message[0]), "values or a reason");
    free(values);
}

/* Through a file in memory's folder, once in a while: a system call costs more than all the rest. */
static void check_again(const lb_safetensors *file) {
    static unsigned turn;
    char path[64];
    lb_safetensors again;
    if (turn++ % 64 != 0) return;
    snprintf(path, sizeof path, "/tmp/lowbit-fuzz-%ld.safetensors", (long)getpid());
    fuzz_require(
        lb_safetensors_write(path, file->tensors, file->count, file->metadata, file->metadata_count, NULL) == LOWBIT_OK,
        "what reads is written");
    fuzz_require(lb_safetensors_open(path, &again, NULL) == LOWBIT_OK, "and reads again");
    unlink(path);
    fuzz_require(again.count == file->count && again.metadata_count == file->metadata_count, "with as much");
    for (size_t i = 0; i < file->count; i++) {
        const lb_tensor *t = file->by_name[i], *u = again.by_name[i];
        fuzz_require(strcmp(t->name, u->name) == 0 && t->dtype == u->dtype && t->bytes == u->bytes, "of the same kind");
        fuzz_require(t->bytes == 0 || memcmp(t->data, u->data, (size_t)t->bytes) == 0, "and the same data");
    }
    lb_safetensors_close(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < FLAG) return 0;
    const size_t length = size - FLAG;
    uint8_t *bytes = malloc(length ? length : 1);
    lb_safetensors file;
    lowbit_error error = LOWBIT_ERROR_INIT;
    fuzz_require(bytes != NULL, "memory");
    memcpy(bytes, data + FLAG, length);
    if ((data[0] & 1) && length > LENGTH) {
        const uint8_t *end = bytes + length;
        while (end > bytes + LENGTH && end[-1] != '}') end--; /* the last one ends the header, as a rule */
        const size_t header = (size_t)(end - bytes) - LENGTH;
        for (int i = 0; i < LENGTH; i++) bytes[i] = (uint8_t)((uint64_t)header >> 8 * i);
    }
    const lowbit_status status = lb_safetensors_parse(bytes, length, &file, &error);
    if (status == LOWBIT_OK) {
        for (size_t i = 0; i < file.count; i++) check_tensor(&file, &file.tensors[i], bytes, length);
        check_again(&file);
        lb_safetensors_close(&file);
    } else {
        fuzz_require(error.message[0] != 0, "a refusal has a reason");
    }
    free(bytes);
    return 0;
}

size_t fuzz_seed(size_t index, uint8_t *data, size_t room) {
    static const struct {
        const char *header;
        size_t data;
    } kSeeds[] = {
        {"{}", 0},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}}   ", 24},
        {"{\"__metadata__\":{\"format\":\"pt\",\"k\":\"v\"},"
         "\"a\":{\"dtype\":\"BF16\",\"shape\":[],\"data_offsets\":[12,14]},"
         "\"b\":{\"dtype\":\"I8\",\"shape\":[3,2,2],\"data_offsets\":[0,12]},"
         "\"c\":{\"dtype\":\"F16\",\"shape\":[0],\"data_offsets\":[14,14]}}",
         14},
        {"{\"w\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[0,16]},"
         "\"v\":{\"dtype\":\"I64\",\"shape\":[1,1],\"data_offsets\":[16,24]},"
         "\"u\":{\"dtype\":\"F4\",\"shape\":[4,2],\"data_offsets\":[24,28]},"
         "\"t\":{\"dtype\":\"U64\",\"shape\":[1],\"data_offsets\":[28,36]}}",
         36},
    };
    const size_t seed = index / 2;
    if (seed >= sizeof kSeeds / sizeof *kSeeds || FIRST + strlen(kSeeds[seed].header) + kSeeds[seed].data > room)
        return 0;
    data[0] = index % 2 == 0;
    return FLAG + safetensors_make(kSeeds[seed].header, kSeeds[seed].data, data + FLAG);
}
