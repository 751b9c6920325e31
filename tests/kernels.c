/* SPDX-License-Identifier: Apache-2.0 */
/* Every row of the kernel table against the reference, bit for bit. Knows no kernel by name. */
#include <stdio.h>

#include "kernels/base/base.h"
#include "kernels/formats/format.h"
#include "tests/check.h"
#include "tests/problems.h"

/* All enabled kernels that can compute the problem. */
static void run_all(const lowbit_ctx *ctx, const char *problem, int data) {
    char name[128];
    sample s = sample_make(ctx, problem, data);
    snprintf(name, sizeof name, "%s data %d", problem, data);
    sample_check_kernels(ctx, &s, name);
    sample_free(ctx, &s);
}

static bool supported(const lowbit_ctx *ctx, const char *text) {
    lowbit_problem problem = {.struct_size = sizeof problem};
    return CHECK(lowbit_problem_parse(text, &problem, NULL) == LOWBIT_OK) &&
           lowbit_supported(ctx, &problem, NULL) == LOWBIT_OK;
}

/* Offsets, groups and scale types behind the name of a format; those that are not legal for it are left out. */
static const char *const kVariants[] = {"",          "g16",   "g32",       "g64:bf16", "g96:f32",   "z",
                                        "zg32",      "zg128", "m:f16",     "mg64",     "mg32:bf16", "g16p",
                                        "g32p:bf16", "g96p",  "g128p:f32", "zg32p"};
static const char *const kActivations[] = {"a8", "a8s", "a4", "a4s", "a2", "a2s", "a1", "u1"};
static const char *const kSuffixes[] = {"",          "+bias",      "+bias+relu",     "+relu+res",
                                        "+bias+res", "+bias+gelu", "+gelu_tanh+res", "+bias+silu+res"};

void subject_kernels(void) {
    lowbit_ctx *ctx = NULL;
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    static const int kM[] = {1, 2, 3, 4, 5, 7, 8, 11, 12, 13, 17, 25, 33, 70, 131},
                     kN[] = {1, 3, 15, 16, 17, 31, 33, 48, 63, 64, 65, 100, 130};
    static const int kK[] = {1, 3, 4, 5, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 128, 255, 256, 300, 1000};
    const lb_format *f;
    for (size_t i = 0; (f = lb_format_at(i)) && check_failures() < 20; i++)
        for (int round = 0; round < 12 * (int)LB_COUNT(kVariants); round++) {
            char problem[96];
            const char *variant = kVariants[round / 12];
            const int m = kM[check_random_in(0, 14)], n = kN[check_random_in(0, 12)], k = kK[check_random_in(0, 18)];
            /* mostly 8 bits: the others are small ones of those to most kernels */
            const char *activations =
                kActivations[check_random_in(0, check_random() & 1 ? 1 : LB_COUNT(kActivations) - 1)];
            snprintf(problem, sizeof problem, "%s%s%s:m%dn%dk%d%s", f->name, variant, activations, m, n, k,
                     kSuffixes[round % (int)LB_COUNT(kSuffixes)]);
            if (supported(ctx, problem)) run_all(ctx, problem, round % DATA_KINDS);
        }
    lowbit_ctx_destroy(ctx);
}

/* Codes of 8 bits, in both forms. */
void subject_kernels_codes(void) {
    static const char *const kWeights[] = {"", "", "z", "z", "g32", "zg64:f32", "m", "mg32"};
    static const char *const kAfter[] = {"", "+bias", "+relu", "+res", "+bias+relu+res", "+gelu", "+bias+silu+res"};
    lowbit_ctx *ctx = NULL;
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    const lb_format *f;
    for (size_t i = 0; (f = lb_format_at(i)) && check_failures() < 20; i++)
        for (size_t round = 0; round < 14 * LB_COUNT(kWeights); round++) {
            char problem[96];
            snprintf(problem, sizeof problem, "%s%sa8%s:m%dn%dk%d%s%s", f->name, kWeights[round % LB_COUNT(kWeights)],
                     check_random() % 4 ? "s" : "", (int)check_random_in(1, 26), (int)check_random_in(1, 140),
                     (int)check_random_in(1, 400), check_random() & 1 ? ":s8" : ":u8",
                     kAfter[round / 6 % LB_COUNT(kAfter)]);
            if (supported(ctx, problem)) run_all(ctx, problem, (int)(round % DATA_KINDS));
        }
    lowbit_ctx_destroy(ctx);
}

void subject_kernels_raw(void) {
    lowbit_ctx *ctx = NULL;
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    const lb_format *f;
    for (size_t i = 0; (f = lb_format_at(i)); i++)
        for (int round = 0; round < 36; round++) {
            static const char *const kExact[] = {"", "z", "g32p", "zg64p"};
            char problem[96];
            snprintf(problem, sizeof problem, "%s%sa8%s:m%dn%dk%d:s32", f->name, kExact[round % 4],
                     round % 8 < 4 ? "s" : "", (int)check_random_in(1, 14), (int)check_random_in(1, 70),
                     (int)check_random_in(1, 400));
            if (supported(ctx, problem)) run_all(ctx, problem, round % DATA_KINDS);
        }
    lowbit_ctx_destroy(ctx);
}

/* The longest exact row, all extremes: sums come within one product of 2^31. */
void subject_kernels_longest(void) {
    lowbit_ctx *ctx = NULL;
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    const lb_format *f;
    for (size_t i = 0; (f = lb_format_at(i)); i++) {
        char problem[96];
        snprintf(problem, sizeof problem, "%sa8:m2n17k%d%s", f->name, LOWBIT_MAX_K, i % 2 ? "" : ":s32");
        if (supported(ctx, problem)) run_all(ctx, problem, DATA_CONSTANT);
    }
    run_all(ctx, "i8za8:m1n16k65793:s32", DATA_CONSTANT);
    run_all(ctx, "i4g32pa8:m2n17k131071:s32", DATA_CONSTANT);
    run_all(ctx, "b1g128pa8:m1n16k131071", DATA_CONSTANT);
    /* parts of K that end inside a group, and between groups */
    run_all(ctx, "i4g8192pa8:m17n17k20000", DATA_RANDOM);
    run_all(ctx, "i2zg16384pa8:m17n17k40000:s32", DATA_RANDOM);
    run_all(ctx, "s2g32pa8:m17n17k20000", DATA_RANDOM);
    for (int data = 0; data < DATA_KINDS; data++) {
        run_all(ctx, "i8a8s:m1n16k65793:s32", data);
        run_all(ctx, "i8za8s:m1n16k33025:s32", data);
        run_all(ctx, "i8ma8s:m2n17k33025", data);
    }
    lowbit_ctx_destroy(ctx);
}
