/* SPDX-License-Identifier: Apache-2.0 */
/* Which files a tokenizer is. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "kernels/base/base.h"
#include "nn/bpe.h"

enum { LONGEST_PATH = 4096 };

static lb_text text_of(const lb_mapped *mapped) { return (lb_text){(const char *)mapped->bytes, mapped->length}; }

static bool ends_with(const char *path, const char *end) {
    const size_t length = strlen(path), tail = strlen(end);
    return length >= tail && strcmp(path + length - tail, end) == 0;
}

/* merges.txt beside vocab.json. */
static lowbit_status open_gpt2(const char *path, lb_text vocabulary, lb_bpe *bpe, lowbit_error *error) {
    char beside[LONGEST_PATH];
    const char *slash = strrchr(path, '/');
    lb_mapped merges;
    snprintf(beside, sizeof beside, "%.*smerges.txt", slash ? (int)(slash - path) + 1 : 0, path);
    LB_TRY(lb_map_file(beside, &merges, error));
    const lowbit_status status = lb_bpe_parse_gpt2(vocabulary, text_of(&merges), bpe, error);
    lb_unmap(&merges);
    return status;
}

static lowbit_status open_file(const char *path, lb_bpe *bpe, lowbit_error *error) {
    lb_mapped mapped;
    lowbit_error reason = LOWBIT_ERROR_INIT;
    lowbit_status status;
    LB_TRY(lb_map_file(path, &mapped, error));
    if (ends_with(path, "vocab.json"))
        status = open_gpt2(path, text_of(&mapped), bpe, &reason);
    else if (ends_with(path, ".json"))
        status = lb_bpe_parse_json(text_of(&mapped), bpe, &reason);
    else
        status = lb_bpe_parse_llama2c(text_of(&mapped), bpe, &reason);
    lb_unmap(&mapped);
    return status == LOWBIT_OK ? status : lb_fail(error, status, "%.80s: %s", path, reason.message);
}

lowbit_status lb_bpe_open(const char *path, lb_bpe *bpe, lowbit_error *error) {
    static const char *const kFiles[] = {"tokenizer.json", "vocab.json", "tokenizer.bin"};
    char file[LONGEST_PATH];
    struct stat at;
    *bpe = (lb_bpe){.start = -1, .end = -1};
    LB_REQUIRE(strlen(path) < LONGEST_PATH - 32, error, LOWBIT_INVALID_ARGUMENT, "a path of %zu bytes", strlen(path));
    if (stat(path, &at) != 0 || !S_ISDIR(at.st_mode)) return open_file(path, bpe, error);
    for (size_t i = 0; i < LB_COUNT(kFiles); i++) {
        snprintf(file, sizeof file, "%.4000s/%s", path, kFiles[i]);
        if (stat(file, &at) == 0) return open_file(file, bpe, error);
    }
    return lb_fail(error, LOWBIT_NOT_FOUND, "%.80s has no tokenizer.json, vocab.json or tokenizer.bin", path);
}
