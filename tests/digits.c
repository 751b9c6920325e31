/* SPDX-License-Identifier: Apache-2.0 */
/* The algorithm `digits`: rows of floats as integers of three digits, by every level as docs/numerics.md has it, and
 * products with the same bits by every kernel, also where exponents are extreme. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kernels/base/base.h"
#include "kernels/formats/format.h"
#include "kernels/gemm.h"
#include "kernels/reference_float.h"
#include "kernels/ukernels.h"
#include "tests/check.h"
#include "tests/problems.h"

enum { MOST = 150, PADDED = 192, MOST_GROUPS = PADDED / 16 };

static float float_of(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* ---- rows ---- */

enum {
    KIND_RANDOM,
    KIND_EDGE,  /* the largest is near what three digits hold */
    KIND_TIES,  /* halves of a unit */
    KIND_MIXED, /* any finite bits */
    KIND_DENORMAL,
    KIND_HUGE,
    KIND_ZERO, /* of both signs */
    KIND_NAN,
    KIND_INFINITE,
    KINDS
};

static float largest_of(int kind) {
    const uint32_t exponent = (uint32_t)check_random_in(0, 254) << 23;
    switch (kind) {
        case KIND_EDGE: return float_of(exponent + 0x7efefe + (uint32_t)check_random_in(-2, 3));
        case KIND_TIES: return 0x1p22f + 1;
        case KIND_MIXED: return float_of(exponent + (uint32_t)check_random_in(0, 0x7fffff));
        case KIND_DENORMAL: return float_of((uint32_t)check_random_in(1, 0x7fffff));
        case KIND_HUGE: return FLT_MAX;
        case KIND_ZERO: return 0;
        default: return 1;
    }
}

static void fill_row(float *x, int64_t k, int kind) {
    const float largest = largest_of(kind), sign = check_random() & 1 ? -1.0f : 1.0f;
    for (int64_t i = 0; i < k; i++) {
        x[i] = check_random_float(-1, 1) * largest;
        if (kind == KIND_TIES) x[i] = (float)check_random_in(-(1 << 22), (1 << 22) - 1) + 0.5f;
        if (kind == KIND_MIXED && check_random() & 1) x[i] = ldexpf(x[i], -(int)check_random_in(0, 30));
    }
    x[check_random_in(0, k - 1)] = sign * (kind == KIND_NAN ? NAN : kind == KIND_INFINITE ? INFINITY : largest);
}

typedef struct digits_row {
    int8_t codes[LB_DIGITS * PADDED];
    int32_t sums[LB_DIGITS * MOST_GROUPS];
    float scale;
} digits_row;

/* docs/numerics.md in double; also that three digits hold every integer, and how far it is from its float. */
static void law(const float *x, int64_t k, int64_t group, size_t padded, digits_row *row) {
    const int64_t groups = lb_div_up(k, group);
    float largest = 0;
    bool finite = true;
    uint32_t bits;
    memset(row, 0, sizeof *row);
    for (int64_t i = 0; i < k; i++) {
        finite = finite && isfinite(x[i]);
        largest = fabsf(x[i]) > largest ? fabsf(x[i]) : largest;
    }
    memcpy(&bits, &largest, sizeof bits);
    const double scale = ldexp(1, (int)((bits + 65793) / (1 << 23)) - 149);
    row->scale = finite ? (float)scale : NAN;
    for (int64_t i = 0; finite && i < k; i++) {
        const double integer = rint((double)x[i] / scale);
        double left = integer;
        for (int64_t d = 0; d < LB_DIGITS; d++) {
            const double digit = left - 256 * floor((left + 128) / 256);
            row->codes[d * (int64_t)padded + i] = (int8_t)digit;
            row->sums[d * groups + i / group] += (int32_t)digit;
            left = (left - digit) / 256;
        }
        CHECK(left == 0);
        CHECK(fabs(integer * scale - (double)x[i]) <= 0x1.03p-23 * (double)largest);
    }
}

static void check_row(const lowbit_ctx *ctx, int side, int64_t k, int64_t group, int kind) {
    static const lb_row_rule kRule = {.kind = LB_ROWS_DIGITS};
    const size_t padded = (size_t)lb_round_up(k, LB_LINE), groups = (size_t)lb_div_up(k, group);
    float *x = check_guarded((size_t)k * sizeof *x, side);
    int8_t *codes = check_guarded(LB_DIGITS * padded, side);
    int32_t *sums = check_guarded(LB_DIGITS * groups * sizeof *sums, side);
    digits_row want;
    fill_row(x, k, kind);
    check_context("k %d group %d kind %d", (int)k, (int)group, kind);
    law(x, k, group, padded, &want);
    for (size_t u = 0; lb_unit_at(u); u++) {
        const lb_isa_unit *unit = lb_unit_at(u);
        float scale = 0;
        if (!(unit->isa & ctx->isa_enabled)) continue;
        check_context("%s: k %d group %d kind %d", lb_unit_name(unit), (int)k, (int)group, kind);
        memset(codes, 0xA5, LB_DIGITS * padded);
        unit->quantize_row(x, (size_t)k, 0, (size_t)group, &kRule, codes, padded, sums, &scale);
        CHECK(memcmp(codes, want.codes, LB_DIGITS * padded) == 0);
        CHECK(memcmp(sums, want.sums, LB_DIGITS * groups * sizeof *sums) == 0);
        CHECK(scale == want.scale || (isnan(scale) && isnan(want.scale)));
    }
    check_guard_free_all();
}

void subject_digits_rows(void) {
    static const int64_t kGroups[] = {0, 16, 32, 48};
    lowbit_ctx *ctx = context_with(0);
    for (int64_t k = 1; k <= MOST && check_failures() < 20; k++)
        for (int kind = 0; kind < KINDS; kind++) {
            const int64_t group = kGroups[check_random_in(0, 3)];
            check_row(ctx, (int)(check_random() & 1), k, group ? group : k, kind);
        }
    lowbit_ctx_destroy(ctx);
}

/* ---- products ---- */

/* One kernel: within its bound, and the bits of `first`, which the first kernel fills. */
static void run_kernel(const lowbit_ctx *ctx, const sample *s, const char *kernel, const void *want, float **first) {
    const int64_t m = s->problem.m, n = s->problem.n;
    lowbit_plan *plan = NULL;
    int64_t bytes = 0;
    if (!CHECK(lowbit_plan_force(ctx, &s->problem, kernel, 1, &plan, NULL) == LOWBIT_OK)) return;
    CHECK(lowbit_workspace_size(plan, m, &bytes, NULL) == LOWBIT_OK);
    void *workspace = check_guarded((size_t)bytes, CHECK_GUARD_AFTER);
    float *out = check_guarded((size_t)(m * n) * sizeof *out, CHECK_GUARD_AFTER);
    const lowbit_gemm_args args = sample_args(s, out, n);
    CHECK(lowbit_gemm(plan, &args, workspace, bytes, NULL, NULL) == LOWBIT_OK);
    sample_check(s, out, n, want);
    if (*first)
        CHECK(check_same_floats(out, *first, m, n, n, n));
    else
        *first = out;
    lowbit_plan_destroy(ctx, plan);
}

/* Rows and scales times powers of two: what a row loses, a scale may have. */
static void spread_exponents(const lowbit_ctx *ctx, sample *s) {
    static const int kRows[] = {-148, -126, -100, -64, -1, 0, 30, 64, 100, 125}, kScales[] = {-100, -20, 0, 20, 120};
    lowbit_weights *w = &s->weights;
    const int64_t scales = w->n * lb_scale_groups(&w->type, w->k);
    for (int64_t m = 0; m < s->problem.m; m++) {
        const int exponent = kRows[check_random_in(0, (int)LB_COUNT(kRows) - 1)];
        for (int64_t k = 0; k < s->problem.k; k++)
            s->a[m * s->a_stride + k] = ldexpf(s->a[m * s->a_stride + k], exponent);
    }
    const int exponent = kScales[check_random_in(0, (int)LB_COUNT(kScales) - 1)];
    for (int64_t i = 0; i < scales; i++) w->scales[i] = ldexpf(w->scales[i], exponent);
    CHECK(lowbit_pack(ctx, w, s->blob, s->blob_bytes, NULL, NULL) == LOWBIT_OK);
    CHECK(lowbit_packed_open(s->blob, s->blob_bytes, LOWBIT_OPEN_VERIFY, &s->packed, NULL) == LOWBIT_OK);
}

static void run_all(const lowbit_ctx *ctx, const char *problem, int data, bool extreme) {
    lowbit_problem parsed = {.struct_size = sizeof parsed};
    if (lowbit_problem_parse(problem, &parsed, NULL) || lowbit_supported(ctx, &parsed, NULL)) return;
    sample s = sample_make(ctx, problem, data);
    if (extreme) spread_exponents(ctx, &s);
    const void *want = sample_float_reference(&s, LB_FACTORS_DIGITS);
    float *first = NULL;
    lb_kernel_ref kernel;
    for (size_t i = 0; lb_kernel_at(i, &kernel); i++) {
        lowbit_kernel_info info = {.struct_size = sizeof info};
        lowbit_kernel_get(ctx, i, &info, NULL);
        if (!info.enabled || kernel.kernel->algorithm != LB_ALGORITHM_DIGITS ||
            !lb_kernel_fits(kernel.kernel, &s.problem))
            continue;
        check_context("%s data %d %s", problem, data, info.name);
        run_kernel(ctx, &s, info.name, want, &first);
    }
    sample_free(ctx, &s);
}

void subject_digits(void) {
    static const char *const kFormats[] = {"i8", "i4", "i2", "s2", "b1", "t5", "nf4"};
    static const char *const kVariants[] = {"",      "g32", "g64:f32",  "z:f32", "zg32",
                                            "zg512", "m",   "mg64:f32", "g32p",  "zg96p:f32"};
    static const char *const kAfter[] = {"", "+bias+gelu", "+relu+res"};
    lowbit_ctx *ctx = context_with(0);
    for (size_t f = 0; f < LB_COUNT(kFormats) && check_failures() < 20; f++)
        for (size_t v = 0; v < LB_COUNT(kVariants); v++)
            for (int round = 0; round < 3; round++) {
                char problem[96];
                snprintf(problem, sizeof problem, "%s%saf:m%dn%dk%d%s", kFormats[f], kVariants[v],
                         (int)check_random_in(1, 9), (int)check_random_in(1, 140), (int)check_random_in(1, 1200),
                         kAfter[round]);
                run_all(ctx, problem, round, strstr(problem, ":f32") && !round);
            }
    /* parts of K that end inside a group, and the longest exact row */
    run_all(ctx, "i4g8192af:m9n17k9000", DATA_RANDOM, false);
    run_all(ctx, "i8af:m1n16k131071", DATA_CONSTANT, false);
    run_all(ctx, "i8zaf:m1n16k65793", DATA_EXTREME, false);
    lowbit_ctx_destroy(ctx);
}
