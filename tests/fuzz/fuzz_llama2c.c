/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints of llama2.c: any bytes. What is taken lies inside, is found by its name and has values.
 *
 * An input is seven bytes, the numbers of the header (the last bit of the first: the vocabulary is negative), and a
 * byte whose last bit says whether the file is made as long as they want, up to a bound; the rest are its data. */
#include <stdlib.h>
#include <string.h>

#include "nn/llama2c.h"
#include "tests/fuzz/fuzz.h"

enum { NUMBERS = 7, FRONT = NUMBERS + 1, MOST = 1 << 18, VOCABULARY = 5 };

/* Bytes of such a file, for small numbers. */
static size_t wanted(const int32_t *n, bool shared) {
    const size_t dim = (size_t)n[0], hidden = (size_t)n[1], layers = (size_t)n[2], words = (size_t)n[VOCABULARY];
    if (n[3] == 0) return 0;
    const size_t head = dim / (size_t)n[3], kv = head * (size_t)n[4];
    const size_t each = 2 * dim + 2 * dim * dim + 2 * dim * kv + 3 * dim * hidden;
    return 4 * (NUMBERS + (shared ? 1 : 2) * words * dim + layers * each + dim + (size_t)n[6] * head);
}

static void check_file(const uint8_t *bytes, size_t length) {
    lb_safetensors file;
    lb_config config = {.classes = 0};
    lowbit_error error = LOWBIT_ERROR_INIT;
    if (lb_llama2c_parse(bytes, length, &file, &config, &error) != LOWBIT_OK) {
        fuzz_require(error.message[0] != 0, "a refusal has a reason");
        return;
    }
    fuzz_require(lb_llama2c_is(bytes, length), "what is read is such a file");
    fuzz_require(config.heads >= 1 && config.heads % config.kv_heads == 0, "heads divide");
    for (size_t i = 0; i < file.count; i++) {
        const lb_tensor *t = &file.tensors[i];
        const uint8_t *at = t->data;
        fuzz_require(at >= bytes && (size_t)(at - bytes) + (size_t)t->bytes <= length, "data lie inside");
        fuzz_require(lb_safetensors_find(&file, t->name) == t, "a tensor is found by its name");
        float *values = malloc((size_t)t->bytes);
        fuzz_require(values && lb_tensor_floats(t, values, NULL) == LOWBIT_OK, "and has values");
        free(values);
    }
    lb_safetensors_close(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    int32_t n[NUMBERS];
    if (size < FRONT) return 0;
    for (int i = 0; i < NUMBERS; i++) n[i] = data[i];
    n[0] /= 2;
    const bool shared = !(data[0] & 1);
    size_t length = size - FRONT + sizeof n;
    if (data[NUMBERS] & 1) length = wanted(n, shared);
    if (length < sizeof n || length > MOST) return 0;
    uint8_t *bytes = calloc(length, 1);
    fuzz_require(bytes != NULL, "memory");
    if (!shared) n[VOCABULARY] = -n[VOCABULARY];
    memcpy(bytes, n, sizeof n);
    const size_t rest = size - FRONT < length - sizeof n ? size - FRONT : length - sizeof n;
    memcpy(bytes + sizeof n, data + FRONT, rest);
    check_file(bytes, length);
    if (size > FRONT) check_file(data + FRONT, size - FRONT); /* any bytes */
    free(bytes);
    return 0;
}

size_t fuzz_seed(size_t index, uint8_t *data, size_t room) {
    static const uint8_t kSeeds[][FRONT] = {{16, 6, 2, 4, 2, 5, 3, 1},
                                            {17, 6, 2, 4, 2, 5, 3, 1},
                                            {8, 3, 1, 2, 2, 2, 1, 1},
                                            {16, 6, 2, 3, 2, 5, 3, 1},
                                            {16, 6, 2, 4, 2, 5, 3, 0}};
    if (index >= sizeof kSeeds / sizeof *kSeeds || room < FRONT + 32) return 0;
    memcpy(data, kSeeds[index], FRONT);
    memset(data + FRONT, (int)index, 32);
    return FRONT + 32;
}
