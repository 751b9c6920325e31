/* SPDX-License-Identifier: Apache-2.0 */
/* Rounding to f16 and bf16: every half there and back, and floats of every kind against a rounding by arithmetic in
 * double, and against the compiler's own type where it has one. */
#include "kernels/formats/scale.h"

#include <float.h>
#include <math.h>

#include "tests/check.h"

/* _Float16 of clang before 15 needs instructions that the portable build lacks. */
#if defined(__FLT16_MAX__) && !defined(__clang__)
#define COMPILER_HALF 1
typedef _Float16 compiler_half;
#else
#define COMPILER_HALF 0
typedef float compiler_half;
#endif

typedef struct half_type {
    const char *name;
    uint32_t type;
    int digits, least_exponent; /* of the significand; of the least normal number */
    double most;                /* the largest finite number */
    float overflow;             /* the least that becomes infinite: half a step above */
} half_type;

static const half_type kTypes[] = {{"f16", LOWBIT_SCALE_F16, 11, -14, 65504.0, 65520.0f},
                                   {"bf16", LOWBIT_SCALE_BF16, 8, -126, 0x1.FEp127, 0x1.FFp127f}};

/* Nearest multiple of the quantum at x, ties to even, all exact in double. */
static float rounded(const half_type *t, float x) {
    if (!isfinite(x) || x == 0) return x;
    int exponent;
    frexpf(x, &exponent); /* |x| in [2^(exponent-1), 2^exponent) */
    if (exponent - 1 < t->least_exponent) exponent = t->least_exponent + 1;
    const double quantum = ldexp(1.0, exponent - t->digits), steps = fabs((double)x) / quantum;
    double whole = floor(steps);
    const double rest = steps - whole;
    if (rest > 0.5 || (rest == 0.5 && fmod(whole, 2) != 0)) whole += 1;
    const double value = whole * quantum;
    return copysignf(value > t->most ? INFINITY : (float)value, x);
}

static bool same(float a, float b) { return lb_float_bits(a) == lb_float_bits(b) || (isnan(a) && isnan(b)); }

static void check_float(const half_type *t, float x) {
    uint16_t stored;
    lb_scale_store(t->type, &stored, 0, x);
    const float back = lb_scale_load(t->type, &stored, 0), want = rounded(t, x);
    if (same(back, want) && same(lb_scale_round(t->type, x), want) &&
        (!COMPILER_HALF || t->type != LOWBIT_SCALE_F16 || same(back, (float)(compiler_half)x)))
        return;
    check_context("%s of %a (%08x): %a", t->name, x, lb_float_bits(x), back);
    CHECK(!"rounded wrongly");
}

/* Every stored value; the middle to its neighbour, and the floats beside that middle. */
static void check_all_halves(const half_type *t) {
    for (uint32_t bits = 0; bits < 65536; bits++) {
        const uint16_t half = (uint16_t)bits, next = (uint16_t)(bits + 1);
        const float x = lb_scale_load(t->type, &half, 0);
        uint16_t stored;
        lb_scale_store(t->type, &stored, 0, x);
        check_context("%s %04x", t->name, bits);
        if (isnan(x)) {
            CHECK(isnan(lb_scale_load(t->type, &stored, 0)) && (stored & 0x8000) == (half & 0x8000));
            continue;
        }
        CHECK(stored == half);
        if (isinf(x) || (half & 0x7fff) == 0x7fff) continue;
        const float above = lb_scale_load(t->type, &next, 0), end = copysignf(t->overflow, x);
        const float middle = isinf(above) ? end : (float)(((double)x + (double)above) / 2);
        check_float(t, middle);
        check_float(t, nextafterf(middle, 0));
        check_float(t, nextafterf(middle, copysignf(INFINITY, x)));
    }
}

void subject_scales(void) {
    for (int i = 0; i < 2; i++) {
        const half_type *t = &kTypes[i];
        check_all_halves(t);
        for (int random = 0; random < 300000; random++) check_float(t, lb_bits_float((uint32_t)check_random()));
        for (int random = 0; random < 300000; random++)
            check_float(t, ldexpf(check_random_float(-1, 1), (int)check_random_in(-26, 18)));
        static const float kEdges[] = {65504,     65519.99f, 65520,     65536,      FLT_MAX,   FLT_MIN,
                                       0x1p-24f,  0x1p-25f,  0x1p-126f, 0x1.8p-25f, 0x1p-133f, 0x1p-134f,
                                       0x1p-149f, 0,         INFINITY,  NAN};
        for (size_t e = 0; e < sizeof kEdges / sizeof *kEdges; e++) {
            check_float(t, kEdges[e]);
            check_float(t, -kEdges[e]);
        }
    }
}
