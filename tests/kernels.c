/* SPDX-License-Identifier: Apache-2.0 */
/* Every row of the kernel table against the reference, bit for bit. Knows no kernel by name. */
#include <stdio.h>
#include <string.h>

#include "kernels/formats/format.h"
#include "tests/check.h"
#include "tests/problems.h"

/* Runs one kernel on a sample, output between guard pages with a stride beyond its rows. */
static void run_kernel(const lowbit_ctx *ctx, const sample *s, const char *kernel, const void *want) {
    lowbit_error error = LOWBIT_ERROR_INIT;
    lowbit_plan *plan = NULL;
    if (!CHECK(lowbit_plan_force(ctx, &s->problem, kernel, 1, &plan, &error) == LOWBIT_OK)) return;
    int64_t bytes = 0;
    CHECK(lowbit_workspace_size(plan, s->problem.m, &bytes, &error) == LOWBIT_OK);
    void *workspace = check_guarded((size_t)bytes, CHECK_GUARD_AFTER);
    const int64_t stride = s->problem.n + 1;
    float *out = check_guarded((size_t)((s->problem.m - 1) * stride + s->problem.n) * 4, CHECK_GUARD_AFTER);
    const lowbit_gemm_args args = sample_args(s, out, stride);
    if (CHECK(lowbit_gemm(plan, &args, workspace, bytes, NULL, &error) == LOWBIT_OK))
        sample_check(s, out, stride, want);
    for (int64_t m = 0; m + 1 < s->problem.m; m++) { /* the gap between rows is not ours */
        uint32_t gap;
        memcpy(&gap, &out[m * stride + s->problem.n], sizeof gap);
        CHECK(gap == 0xA5A5A5A5);
    }
    lowbit_plan_destroy(ctx, plan);
}

/* All enabled kernels of the problem's width. */
static void run_all(const lowbit_ctx *ctx, const char *problem, int data) {
    sample s = sample_make(ctx, problem, data);
    check_context("%s data %d", problem, data);
    const void *want = sample_reference(ctx, &s);
    const uint32_t width = lb_format_of(s.problem.weights.format)->bits;
    for (size_t i = 0; i < lowbit_kernel_count(); i++) {
        lowbit_kernel_info info = {.struct_size = sizeof info};
        lowbit_kernel_get(ctx, i, &info, NULL);
        if (!info.enabled || info.width != width) continue;
        check_context("%s data %d %s", problem, data, info.name);
        run_kernel(ctx, &s, info.name, want);
    }
    sample_free(ctx, &s);
}

static const char *const kWeights[] = {"i8",          "i4",          "i2",      "t2",       "b1",     "i4g32",
                                       "i4g16",       "i4zg32",      "i4mg64",  "i2g16",    "i2zg32", "i2m",
                                       "t2g64",       "b1g32",       "i8g32",   "i8zg128",  "i8z",    "i4g32:f32",
                                       "b1g128:bf16", "i2mg32:bf16", "i8m:f16", "i8g16:f16"};
static const char *const kSuffixes[] = {"", "+bias", "+bias+relu", "+relu+res", "+bias+res"};

void subject_kernels(void) {
    lowbit_ctx *ctx = NULL;
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    static const int kM[] = {1, 2, 3, 4, 5, 7, 8, 11, 12, 13, 17, 25},
                     kN[] = {1, 3, 15, 16, 17, 31, 33, 48, 63, 64, 65, 100, 130};
    static const int kK[] = {1, 3, 4, 5, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 128, 255, 256, 300, 1000};
    for (size_t w = 0; w < sizeof kWeights / sizeof *kWeights && check_failures() < 20; w++)
        for (int round = 0; round < 40; round++) {
            char problem[96];
            const int m = kM[check_random_in(0, 11)], n = kN[check_random_in(0, 12)], k = kK[check_random_in(0, 18)];
            snprintf(problem, sizeof problem, "%sa8:m%dn%dk%d%s", kWeights[w], m, n, k, kSuffixes[round % 5]);
            run_all(ctx, problem, round % DATA_KINDS);
        }
    lowbit_ctx_destroy(ctx);
}

void subject_kernels_raw(void) {
    lowbit_ctx *ctx = NULL;
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    static const char *const kRaw[] = {"i8", "i4", "i2", "t2", "b1", "i4z", "i2z", "i8z"};
    for (size_t w = 0; w < sizeof kRaw / sizeof *kRaw; w++)
        for (int round = 0; round < 12; round++) {
            char problem[96];
            snprintf(problem, sizeof problem, "%sa8:m%dn%dk%d:s32", kRaw[w], (int)check_random_in(1, 14),
                     (int)check_random_in(1, 70), (int)check_random_in(1, 400));
            run_all(ctx, problem, round % DATA_KINDS);
        }
    lowbit_ctx_destroy(ctx);
}

/* The longest exact row, all extremes: sums come within one product of 2^31. */
void subject_kernels_longest(void) {
    lowbit_ctx *ctx = NULL;
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    static const char *const kLongest[] = {"i8a8:m2n17k131071:s32", "i4a8:m2n17k131071",     "i2a8:m1n17k131071:s32",
                                           "t2a8:m2n16k131071",     "b1a8:m1n33k131071:s32", "i8za8:m1n16k65793:s32"};
    for (size_t i = 0; i < sizeof kLongest / sizeof *kLongest; i++) run_all(ctx, kLongest[i], DATA_CONSTANT);
    lowbit_ctx_destroy(ctx);
}
