/* SPDX-License-Identifier: Apache-2.0 */
/* Codes of 8 bits: the integer form over all of int32 with every multiplier and shift, where its roundings differ,
 * the helper that makes multipliers, and the float form on what is not a number. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"
#include "tests/check.h"
#include "tests/problems.h"

/* ---- the integer form ---- */

/* Ends of int32, numbers next to powers of two, and anything. */
static int32_t any_int(void) {
    static const int32_t kSpecial[] = {INT32_MIN, INT32_MIN + 1, INT32_MAX, INT32_MAX - 1, 0, 1, -1};
    switch (check_random_in(0, 3)) {
        case 0: return kSpecial[check_random_in(0, LB_COUNT(kSpecial) - 1)];
        case 1: return (int32_t)check_random();
        case 2:
            return (int32_t)((1 << check_random_in(0, 29)) + check_random_in(-2, 2)) * (check_random() & 1 ? 1 : -1);
        default: return (int32_t)check_random() >> check_random_in(0, 30);
    }
}

/* A sample whose A stands for zeros: the sum that is rescaled is the bias, any int32. Shifts bring most of them into
 * the range of the codes. */
static sample make_sums(const lowbit_ctx *ctx, const char *problem, int32_t *sums, int32_t *multipliers,
                        int32_t *shifts) {
    sample s = sample_make(ctx, problem, DATA_RANDOM);
    const int32_t most = s.problem.residual ? 14 : 30;
    if (!s.requant.multipliers) sample_integer_form(&s);
    for (int64_t i = 0; i < (s.problem.m - 1) * s.a_stride + s.problem.k; i++) s.a[i] = 0;
    for (int64_t n = 0; n < s.problem.n; n++) {
        sums[n] = any_int();
        multipliers[n] = random_multiplier();
        int32_t bits = 0;
        while (bits < 31 && llabs((long long)sums[n]) >> bits) bits++;
        const int32_t shift =
            check_random() % 4 ? 8 - bits + (int32_t)check_random_in(-9, 2) : (int32_t)check_random_in(-31, most);
        shifts[n] = shift < -31 ? -31 : shift > most ? most : shift;
    }
    s.requant.multipliers = multipliers;
    s.requant.shifts = shifts;
    s.requant.bias = sums;
    return s;
}

/* round(x * m * 2^(e - 31)) as a long double of 64 bits: exact before it is rounded, to a float first where that is
 * the form. */
static long double rescaled(int32_t x, int32_t m, int32_t e, uint32_t rounding) {
    const long double exact = ldexpl((long double)x * m, e - 31);
    if (rounding == LOWBIT_ROUND_FLOAT) return rintl((float)ldexpl((long double)(float)x * (float)m, e - 31));
    if (rounding == LOWBIT_ROUND_SINGLE || e >= 0) return floorl(exact + 0.5L);
    return roundl(ldexpl(floorl(ldexpl((long double)x * m, -31) + 0.5L), e)); /* roundl: half away from 0 */
}

/* The reference against long doubles, then every kernel against the reference. Returns how many codes the roundings
 * give differently. */
static int check_sums(const lowbit_ctx *ctx, const char *problem) {
    enum { N = 200 };
    int32_t sums[N], multipliers[N], shifts[N];
    uint8_t codes[LOWBIT_ROUND_FLOAT + 1][N];
    int different = 0;
    sample s = make_sums(ctx, problem, sums, multipliers, shifts);
    const lowbit_requant *q = &s.requant;
    for (uint32_t rounding = 0; rounding <= LOWBIT_ROUND_FLOAT; rounding++) {
        s.requant.rounding = rounding;
        check_context("%s rounding %u", problem, rounding);
        memcpy(codes[rounding], sample_reference(ctx, &s), N);
        for (int64_t n = 0; n < N && !s.problem.residual; n++) {
            const long double r = rescaled(sums[n], multipliers[n], shifts[n], rounding) + q->zero;
            const int32_t want = (int32_t)(r < q->low ? q->low : r > q->high ? q->high : r);
            CHECK(codes[rounding][n] == (uint8_t)want);
        }
        sample_check_kernels(ctx, &s, problem);
    }
    for (int n = 0; n < N; n++) {
        const int twice = (int8_t)(codes[0][n] - codes[LOWBIT_ROUND_DOUBLE][n]);
        const int floats = (int8_t)(codes[0][n] - codes[LOWBIT_ROUND_FLOAT][n]);
        different += twice != 0;
        CHECK(twice >= -1 && twice <= 1 && floats >= -1 && floats <= 1);
    }
    sample_free(ctx, &s);
    return different;
}

void subject_requant(void) {
    lowbit_ctx *ctx = NULL;
    int different = 0;
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    for (int round = 0; round < 40 && check_failures() < 20; round++) {
        different += check_sums(ctx, "i8a8s:m3n200k4:s8+bias");
        different += check_sums(ctx, "b1a8s:m1n200k40:u8+bias");
        check_sums(ctx, "i4a8s:m2n200k40:s8+bias+res");
    }
    check_context("%d codes differ", different);
    CHECK(different > 50 && different < 4000);
    lowbit_ctx_destroy(ctx);
}

/* The cases of METHODS and of gemmlowp that are easy to get wrong, by hand: with the multiplier 2^30, M = 2^(shift -
 * 1). */
void subject_requant_ties(void) {
    static const struct {
        int32_t sum, shift, codes[LOWBIT_ROUND_FLOAT + 1]; /* by single, double, float */
    } kCases[] = {
        {1, 0, {1, 1, 0}},      /* 0.5: half up */
        {-1, 0, {0, 0, 0}},     /* -0.5: half up, also in the double form, whose second rounding has nothing to do */
        {-3, -1, {-1, -1, -1}}, /* -0.75 */
        {-2, -1, {0, -1, 0}},   /* -0.5 after an exact first step: up, away */
        {2, -1, {1, 1, 0}},     /* 0.5 */
        {5, -2, {1, 1, 1}},     /* 0.625; first step 2.5 -> 3, then 0.75 */
        {3, -2, {0, 1, 0}},     /* 0.375; first step 1.5 -> 2, then 0.5 -> 1: rounded twice */
        {-6, -1, {-1, -2, -2}}, /* -1.5: up, away */
        {-5, -1, {-1, -1, -1}}, /* -1.25; -2.5 -> -2, then -1 */
        {INT32_MIN, -24, {-64, -64, -64}},
        {INT32_MAX, -24, {64, 64, 64}},
        {INT32_MIN, -31, {0, -1, 0}},
        {INT32_MAX, -31, {0, 1, 0}},
        {INT32_MIN, 0, {-128, -128, -128}},
        {INT32_MAX, 30, {127, 127, 127}},
        {INT32_MIN, 30, {-128, -128, -128}},
    };
    lowbit_ctx *ctx = NULL;
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    for (size_t i = 0; i < LB_COUNT(kCases); i++) {
        int32_t sums[1], multipliers[1], shifts[1];
        sample s = make_sums(ctx, "i8a8s:m1n1k4:s8+bias", sums, multipliers, shifts);
        sums[0] = kCases[i].sum, multipliers[0] = 1 << 30, shifts[0] = kCases[i].shift;
        s.requant.zero = 0, s.requant.low = -128, s.requant.high = 127;
        for (uint32_t rounding = 0; rounding <= LOWBIT_ROUND_FLOAT; rounding++) {
            s.requant.rounding = rounding;
            check_context("sum %d shift %d rounding %u", sums[0], shifts[0], rounding);
            CHECK(*(int8_t *)sample_reference(ctx, &s) == kCases[i].codes[rounding]);
            sample_check_kernels(ctx, &s, "ties");
        }
        sample_free(ctx, &s);
    }
    lowbit_ctx_destroy(ctx);
}

/* ---- the helper ---- */

void subject_requant_multipliers(void) {
    static const float kOne = 1;
    int32_t m = 0, e = 0;
    CHECK(lowbit_requant_multipliers(1, &kOne, 1, 1, &m, &e, NULL) == LOWBIT_OK && m == 1 << 30 && e == 1);
    CHECK(lowbit_requant_multipliers(0x1p-33f, &kOne, 1, 1, &m, &e, NULL) == LOWBIT_OK && m == 0 && e == 0);
    CHECK(lowbit_requant_multipliers(0x1p-32f, &kOne, 1, 1, &m, &e, NULL) == LOWBIT_OK && m == 1 << 30 && e == -31);
    CHECK(lowbit_requant_multipliers(0x1p29f, &kOne, 1, 1, &m, &e, NULL) == LOWBIT_OK && m == 1 << 30 && e == 30);
    CHECK(lowbit_requant_multipliers(0, &kOne, 1, 1, &m, &e, NULL) == LOWBIT_OK && m == 0 && e == 0);
    for (int i = 0; i < 10000; i++) {
        const float a = check_random_float(1e-4f, 1), out = check_random_float(1e-4f, 1);
        const float w = check_random_float(-1, 1);
        const double real = (double)a * w / out;
        check_context("%a * %a / %a", (double)a, (double)w, (double)out);
        CHECK(lowbit_requant_multipliers(a, &w, 1, out, &m, &e, NULL) == LOWBIT_OK);
        CHECK(llabs((long long)m) >= 1 << 30 && fabs(ldexp(m, e - 31) - real) <= fabs(real) * 0x1p-31);
    }
}

/* Scales that a network has: the integer form is the float form but for its roundings. */
void subject_requant_forms(void) {
    enum { N = 90 };
    lowbit_ctx *ctx = NULL;
    int apart = 0;
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    for (int round = 0; round < 20; round++) {
        int32_t multipliers[N], shifts[N];
        sample s = sample_make(ctx, "i8a8s:m3n90k100:s8+relu", DATA_RANDOM);
        s.requant.scale = 40;
        CHECK(lowbit_requant_multipliers(s.a_scale, s.weights.scales, N, 40, multipliers, shifts, NULL) == LOWBIT_OK);
        s.requant.multipliers = multipliers, s.requant.shifts = shifts;
        const int8_t *integer = sample_reference(ctx, &s);
        s.requant.multipliers = NULL;
        const int8_t *real = sample_reference(ctx, &s);
        for (int i = 0; i < 3 * N; i++) {
            CHECK(abs(integer[i] - real[i]) <= 1);
            apart += integer[i] != real[i];
        }
        sample_free(ctx, &s);
    }
    CHECK(apart < 50);
    lowbit_ctx_destroy(ctx);
}

/* ---- the float form ---- */

/* A is 0, so that y is the bias. */
void subject_requant_floats(void) {
    static const float kValues[] = {NAN,  INFINITY, -INFINITY, 0,      -0.0f, 0.5f, 1.5f,
                                    2.5f, -0.5f,    1e30f,     -1e30f, 3e9f,  -3e9f};
    lowbit_ctx *ctx = NULL;
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    for (int round = 0; round < 30; round++) {
        sample s = sample_make(ctx, round % 2 ? "i8a8:m5n70k8:s8+bias" : "i4g32a8:m5n70k64:u8+bias", DATA_RANDOM);
        for (int64_t i = 0; i < (s.problem.m - 1) * s.a_stride + s.problem.k; i++) s.a[i] = 0;
        for (int64_t n = 0; n < s.problem.n; n++) s.bias[n] = kValues[check_random_in(0, LB_COUNT(kValues) - 1)];
        s.requant.scale = round % 3 ? 1 : 0x1p-126f;
        sample_check_kernels(ctx, &s, "float form");
        s.bias[0] = NAN;
        const uint8_t *codes = sample_reference(ctx, &s);
        const int32_t zero = (int32_t)lb_max(s.requant.low, lb_min(s.requant.high, s.requant.zero));
        CHECK(codes[0] == (uint8_t)zero);
        sample_free(ctx, &s);
    }
    lowbit_ctx_destroy(ctx);
}
