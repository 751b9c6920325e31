/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memmem */
#include "tests/net_damage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/net_file.h"
#include "nn/net_json.h"
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

/* Makes the sum of a file right, in its bytes. */
static void sign(const lb_safetensors *file) {
    char sum[LB_NET_CHECK];
    char *told = (char *)(uintptr_t)lb_safetensors_text(file, LB_NET_CHECK_KEY);
    if (!CHECK(told && strlen(told) == LB_NET_CHECK - 1)) return;
    lb_net_check(file->tensors, file->count, file->metadata, file->metadata_count, sum);
    memcpy(told, sum, LB_NET_CHECK);
}

/* 64-byte aligned memory of exactly so many bytes, so that a sanitizer sees one too many. */
static lowbit_status open_bytes(const uint8_t *bytes, long size, bool signs, lowbit_error *error) {
    void *copy = NULL;
    lb_safetensors file;
    lb_net net;
    lb_net_about about;
    if (posix_memalign(&copy, 64, size ? (size_t)size : 1) != 0) return LOWBIT_NO_MEMORY;
    memcpy(copy, bytes, (size_t)size);
    lowbit_status status = lb_safetensors_parse(copy, (size_t)size, &file, error);
    if (status == LOWBIT_OK && signs) sign(&file);
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
    CHECK(open_bytes(bytes, size, false, &error) == LOWBIT_OK);
    for (int i = 0; i < 300 && check_failures() == 0; i++) {
        const long at = (long)check_random_in(0, size - 1);
        const int bit = (int)check_random_in(0, 7);
        check_context("bit %d of byte %ld of %ld", bit, at, size);
        bytes[at] ^= (uint8_t)(1 << bit);
        error.message[0] = 0;
        CHECK(open_bytes(bytes, size, false, &error) != LOWBIT_OK && error.message[0]);
        bytes[at] ^= (uint8_t)(1 << bit);
    }
    for (int i = 0; i < 50 && check_failures() == 0; i++) {
        const long length = (long)check_random_in(0, size - 1);
        check_context("%ld of %ld bytes", length, size);
        CHECK(open_bytes(bytes, length, false, &error) != LOWBIT_OK);
    }
    free(bytes);
}

/* JSON within JSON has \" for quotes. */
static size_t spell(const char *word, char text[80]) {
    size_t length = 0;
    for (; *word; word++) {
        if (*word == '\'') text[length++] = '\\';
        text[length++] = *word == '\'' ? '"' : *word;
    }
    return length;
}

void net_damage_word(const char *path, const char *from, const char *to) {
    uint8_t *bytes = NULL;
    char old[80], new[80];
    lowbit_error error = LOWBIT_ERROR_INIT;
    const long size = read_file(path, &bytes);
    const size_t length = spell(from, old);
    uint8_t *at = bytes ? memmem(bytes, (size_t)size, old, length) : NULL;
    check_context("%s instead of %s", to, from);
    if (CHECK(at && spell(to, new) == length)) {
        memcpy(at, new, length);
        CHECK(open_bytes(bytes, size, true, &error) != LOWBIT_OK && error.message[0]);
    }
    free(bytes);
}
