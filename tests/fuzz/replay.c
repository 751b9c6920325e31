/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target under any compiler.
 *
 *     replay                  the target's own corpus, then mutations of it for 10 seconds, or LOWBIT_FUZZ_SECONDS:
 * always the same ones in the same order, or those of LOWBIT_TEST_SEED replay FILE...          inputs that a fuzzer has
 * found replay --write FOLDER   writes the corpus, for libFuzzer to start from */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/fuzz/fuzz.h"

enum { ROOM = 1 << 16, MUTATIONS = 50 };

static uint64_t state = 1;

static uint64_t next(uint64_t below) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
}

/* A few bytes of other values, sometimes a shorter input. The first bytes, where headers are, get their share. */
static size_t mutate(uint8_t *data, size_t size) {
    for (uint64_t changes = 1 + next(4); changes > 0; changes--) {
        const size_t at = (size_t)next(next(2) ? size : (size < 65 ? size : 65));
        data[at] = next(2) ? (uint8_t)next(256) : (uint8_t)(data[at] ^ 1u << next(8));
    }
    return next(8) ? size : 1 + (size_t)next(size);
}

/* An input in memory of exactly its size. */
static void run(const uint8_t *data, size_t size) {
    uint8_t *exact = malloc(size ? size : 1);
    fuzz_require(exact != NULL, "memory");
    memcpy(exact, data, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

/* The value of a variable, or what stands for it. */
static uint64_t setting(const char *name, uint64_t otherwise) {
    const char *text = getenv(name);
    return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static int run_corpus(void) {
    static uint8_t seed[ROOM], changed[ROOM];
    const uint64_t first = setting("LOWBIT_TEST_SEED", 1);
    const double end = now() + (double)setting("LOWBIT_FUZZ_SECONDS", 10);
    size_t inputs = 0, size;
    for (size_t i = 0; (size = fuzz_seed(i, seed, ROOM)) > 0; i++, inputs++) run(seed, size);
    const size_t seeds = inputs;
    state = first ? first : 1;
    for (size_t turn = 0; seeds && now() < end; turn++) {
        size = fuzz_seed(turn % seeds, seed, ROOM);
        for (int i = 0; i < MUTATIONS; i++, inputs++) {
            memcpy(changed, seed, size);
            run(changed, mutate(changed, size));
        }
    }
    printf("%zu inputs, mutated by seed %llu\n", inputs, (unsigned long long)first);
    return inputs == 0;
}

static int run_file(const char *path) {
    static uint8_t data[ROOM];
    FILE *file = fopen(path, "rb");
    if (!file) return perror(path), 1;
    const size_t size = fread(data, 1, sizeof data, file);
    fclose(file);
    printf("%s: %zu bytes\n", path, size);
    run(data, size);
    return 0;
}

static int write_corpus(const char *folder) {
    static uint8_t seed[ROOM];
    size_t size;
    for (size_t i = 0; (size = fuzz_seed(i, seed, ROOM)) > 0; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/seed-%zu", folder, i);
        FILE *file = fopen(path, "wb");
        if (!file) return perror(path), 1;
        const size_t written = fwrite(seed, 1, size, file);
        if (fclose(file) != 0 || written != size) return perror(path), 1;
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "--write") == 0) return write_corpus(argv[2]);
    int bad = argc < 2 ? run_corpus() : 0;
    for (int i = 1; i < argc; i++) bad |= run_file(argv[i]);
    return bad;
}
