/* SPDX-License-Identifier: Apache-2.0 */
/* GELU and SiLU: the fixed sequences against the long double functions of the C library, in units in the last place;
 * what they do with zeros, infinities and NaN; and the same bits from every kernel. */
#include "kernels/simd/activations.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

#include "kernels/base/base.h"
#include "tests/check.h"
#include "tests/problems.h"

static long double exact(uint32_t act, long double x) {
    const long double pi = 3.14159265358979323846264338327950288L;
    switch (act) {
        case LOWBIT_ACT_GELU: return x * 0.5L * erfcl(-x / sqrtl(2));
        case LOWBIT_ACT_GELU_TANH: return x / (1 + expl(-2 * sqrtl(2 / pi) * (x + 0.044715L * x * x * x)));
        default: return x / (1 + expl(-x));
    }
}

/* What docs/numerics.md promises: errors in units of the last place of the exact value. */
static const struct {
    uint32_t act;
    float from, to;
    double ulps;
} kBounds[] = {
    {LOWBIT_ACT_GELU, -13, 0, 8},       {LOWBIT_ACT_GELU, 0, 13, 6},          {LOWBIT_ACT_GELU_TANH, -3, 0, 6.5},
    {LOWBIT_ACT_GELU_TANH, -5, -3, 17}, {LOWBIT_ACT_GELU_TANH, -10, -5, 180}, {LOWBIT_ACT_GELU_TANH, 0, 10, 2},
    {LOWBIT_ACT_SILU, -87, 0, 3.5},     {LOWBIT_ACT_SILU, 0, 87, 2},
};

static double error_of(uint32_t act, float x) {
    const long double want = exact(act, x);
    int exponent;
    frexpl(want, &exponent);
    return (double)(fabsl((long double)lb_activate(act, x) - want) / ldexpl(1, exponent - FLT_MANT_DIG));
}

/* Half of the points spread evenly, half over the exponents. */
static float point_in(float from, float to) {
    if (check_random() & 1) return check_random_float(from, to);
    const float far = fabsf(from) > fabsf(to) ? from : to;
    const float x = ldexpf(far * check_random_float(0.5f, 1), -(int)check_random_in(0, 60));
    return x > from && x < to ? x : far * 0.999f;
}

static void check_errors(void) {
    for (size_t b = 0; b < LB_COUNT(kBounds); b++) {
        double worst = 0;
        for (int i = 0; i < 100000; i++)
            worst = fmax(worst, error_of(kBounds[b].act, point_in(kBounds[b].from, kBounds[b].to)));
        check_context("function %u in %g .. %g: %.2f ulp", kBounds[b].act, (double)kBounds[b].from,
                      (double)kBounds[b].to, worst);
        CHECK(worst <= kBounds[b].ulps && worst >= kBounds[b].ulps / 3);
    }
}

static void check_specials(void) {
    for (uint32_t act = LOWBIT_ACT_GELU; act <= LOWBIT_ACT_SILU; act++) {
        check_context("function %u", act);
        CHECK(lb_activate(act, 0.0f) == 0 && !signbit(lb_activate(act, 0.0f)));
        CHECK(lb_activate(act, -0.0f) == 0 && signbit(lb_activate(act, -0.0f)));
        CHECK(lb_activate(act, INFINITY) == INFINITY);
        CHECK(lb_activate(act, -INFINITY) == 0);
        CHECK(lb_activate(act, FLT_MAX) == FLT_MAX);
        CHECK(lb_activate(act, -FLT_MAX) == 0);
        CHECK(isnan(lb_activate(act, NAN)) && isnan(lb_activate(act, -NAN)));
    }
    CHECK(lb_activate(LOWBIT_ACT_RELU, NAN) == 0 && lb_activate(LOWBIT_ACT_NONE, 3) == 3);
}

void subject_activations(void) {
    check_errors();
    check_specials();
}

/* ---- every kernel ---- */

/* Zeros, infinities, NaN, subnormals, the places where a select turns, and anything. */
static float any_value(void) {
    static const float kSpecial[] = {
        0.0f, -0.0f, INFINITY, -INFINITY, NAN,     FLT_MAX, -FLT_MAX,    FLT_MIN,     -FLT_MIN,   13,       -13,
        -10,  10,    -87,      87,        -1e-42f, 1e-42f,  -12.999999f, -9.9999990f, -86.99999f, 0x1p-60f, -0x1p-60f};
    switch (check_random_in(0, 2)) {
        case 0: return kSpecial[check_random_in(0, LB_COUNT(kSpecial) - 1)];
        case 1: return check_random_float(-15, 15);
        default: return ldexpf(check_random_float(-1, 1), (int)check_random_in(-149, 127));
    }
}

/* A is 0, so that y before the function is the bias: every value that there is can be asked for. */
void subject_activations_kernels(void) {
    static const char *const kProblems[] = {"i8a8:m13n200k8+bias+relu", "i8a8:m13n200k8+bias+gelu",
                                            "i4g32a8:m5n200k64+bias+gelu_tanh", "b1a8:m3n200k8+bias+silu",
                                            "i2a8:m1n200k8+bias+gelu_tanh"};
    lowbit_ctx *ctx = NULL;
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    for (int round = 0; round < 10; round++)
        for (size_t p = 0; p < LB_COUNT(kProblems); p++) {
            sample s = sample_make(ctx, kProblems[p], DATA_RANDOM);
            for (int64_t i = 0; i < (s.problem.m - 1) * s.a_stride + s.problem.k; i++) s.a[i] = 0;
            for (int64_t n = 0; n < s.problem.n; n++) s.bias[n] = any_value();
            sample_check_kernels(ctx, &s, kProblems[p]);
            sample_free(ctx, &s);
        }
    lowbit_ctx_destroy(ctx);
}
