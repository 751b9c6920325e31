/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/net_damage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/net_file.h"
#include "tests/check.h"

static long read_file(const char *path, uint8_t **bytes) {
    FILE *file = fopen(path, "rb");
    if (!CHECK(file != NULL)) return 0;
    fseek(file, 0, SEEK_END);
    const long size = ftell(file);
    rewind(file);
    *bytes = malloc((size_t)size);
    CHECK(*bytes && fread(*bytes, 1, (size_t)size, file) == (size_t)size);
    fclose(file);
    return size;
}

/* 64-byte aligned memory of exactly so many bytes, so that a sanitizer sees one too many. */
static lowbit_status open_bytes(const uint8_t *bytes, long size, lowbit_error *error) {
    void *copy = NULL;
    lb_safetensors file;
    lb_net net;
    lb_net_about about;
    if (posix_memalign(&copy, 64, size ? (size_t)size : 1) != 0) return LOWBIT_NO_MEMORY;
    memcpy(copy, bytes, (size_t)size);
    lowbit_status status = lb_safetensors_parse(copy, (size_t)size, &file, error);
    if (status == LOWBIT_OK) status = lb_net_read(&file, LOWBIT_OPEN_VERIFY, &net, &about, error);
    if (status == LOWBIT_OK) lb_net_free(&net);
    free(copy);
    return status;
}

void net_damage_check(const char *path) {
    uint8_t *bytes = NULL;
    lowbit_error error = LOWBIT_ERROR_INIT;
    const long size = read_file(path, &bytes);
    if (!bytes) return;
    CHECK(open_bytes(bytes, size, &error) == LOWBIT_OK);
    for (int i = 0; i < 300 && check_failures() == 0; i++) {
        const long at = (long)check_random_in(0, size - 1);
        const int bit = (int)check_random_in(0, 7);
        check_context("bit %d of byte %ld of %ld", bit, at, size);
        bytes[at] ^= (uint8_t)(1 << bit);
        error.message[0] = 0;
        CHECK(open_bytes(bytes, size, &error) != LOWBIT_OK && error.message[0]);
        bytes[at] ^= (uint8_t)(1 << bit);
    }
    for (int i = 0; i < 50 && check_failures() == 0; i++) {
        const long length = (long)check_random_in(0, size - 1);
        check_context("%ld of %ld bytes", length, size);
        CHECK(open_bytes(bytes, length, &error) != LOWBIT_OK);
    }
    free(bytes);
}
