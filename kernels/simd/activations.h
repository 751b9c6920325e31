/* SPDX-License-Identifier: Apache-2.0 */
/* GELU and SiLU as one fixed sequence of + - * /, select and integer bit operations: the constants, and the sequence in
 * C for the reference and the scalar unit. activations-inl.h is the same sequence in Highway, line by line, so that
 * both give the same bits. docs/numerics.md has the formulas, where they come from, and the errors. */
#ifndef LOWBIT_KERNELS_SIMD_ACTIVATIONS_H_
#define LOWBIT_KERNELS_SIMD_ACTIVATIONS_H_

#include <stdint.h>

#include "kernels/formats/scale.h"
#include "lowbit/gemm.h"

/* exp(-x) is taken as 0 from here on: the last integer for which 2^n stays a normal number. */
#define LB_EXP_LIMIT 87.0f
#define LB_LOG2_E 0x1.715476p+0f
/* ln 2 in two parts; the first has 9 bits, so that its products with integers are exact. */
#define LB_LN2_HIGH 0x1.63p-1f
#define LB_LN2_LOW -0x1.bd0106p-13f
/* Adding this rounds to an integer, half to even, and leaves it in the low bits. */
#define LB_ROUND_TO_INTEGER 0x1.8p+23f
/* e^r = 1 + r + r^2 (E2 + E3 r + ... + E6 r^4) for |r| <= ln(2) / 2, within 2^-28 */
#define LB_EXP_2 0.499999932f
#define LB_EXP_3 0.166665176f
#define LB_EXP_4 0.0416684244f
#define LB_EXP_5 0.00836907405f
#define LB_EXP_6 0.00138137580f

/* exp(z^2 / 2) erfc(z / sqrt 2) / 2 = u (T0 + T1 u + ... + T8 u^8), u = 3 / (z + 3), 0 <= z <= 13, within 2^-24.6 */
#define LB_TAIL_LIMIT 13.0f
#define LB_TAIL_CENTER 3.0f
#define LB_TAIL_0 0.132951302f
#define LB_TAIL_1 0.133639341f
#define LB_TAIL_2 0.111937969f
#define LB_TAIL_3 0.121871679f
#define LB_TAIL_4 -0.0581330830f
#define LB_TAIL_5 0.226072785f
#define LB_TAIL_6 -0.277678536f
#define LB_TAIL_7 0.132770032f
#define LB_TAIL_8 -0.0234314699f

/* The upper 12 bits of a significand, whose square is exact. */
#define LB_UPPER_BITS 0xfffff000u

/* gelu_tanh(x) = x / (1 + exp(-x (TANH_1 + TANH_3 x^2))): 2 sqrt(2 / pi) in two parts, and 0.044715 times that. The
 * exponent reaches what exp can do at TANH_LIMIT. */
#define LB_TANH_LIMIT 10.0f
#define LB_TANH_1 1.59576917f
#define LB_TANH_1_LOW -4.53406804e-8f
#define LB_TANH_3 0.0713548163f

static inline float lb_act_abs(float x) { return lb_bits_float(lb_float_bits(x) & 0x7fffffffu); }

/* exp(-z - more), 0 <= z + more <= LB_EXP_LIMIT, more far below z */
static inline float lb_exp_negative(float z, float more) {
    const float shifted = (z + more) * -LB_LOG2_E + LB_ROUND_TO_INTEGER;
    const float n = shifted - LB_ROUND_TO_INTEGER;
    const float r = (((-z) - n * LB_LN2_HIGH) - n * LB_LN2_LOW) - more;
    float p = LB_EXP_6;
    p = p * r + LB_EXP_5;
    p = p * r + LB_EXP_4;
    p = p * r + LB_EXP_3;
    p = p * r + LB_EXP_2;
    p = (p * (r * r) + r) + 1.0f;
    return lb_bits_float(lb_float_bits(p) + (lb_float_bits(shifted) << 23));
}

/* x Phi(x) = max(x, 0) - |x| Phi(-|x|): no cancellation on either side of 0. The exponent z^2 / 2 keeps what rounding
 * z^2 would lose. */
static inline float lb_gelu(float x) {
    const float magnitude = lb_act_abs(x);
    const float z = magnitude < LB_TAIL_LIMIT ? magnitude : LB_TAIL_LIMIT;
    const float upper = lb_bits_float(lb_float_bits(z) & LB_UPPER_BITS);
    const float e = lb_exp_negative((upper * upper) * 0.5f, ((z - upper) * (z + upper)) * 0.5f);
    const float u = LB_TAIL_CENTER / (z + LB_TAIL_CENTER);
    float p = LB_TAIL_8;
    p = p * u + LB_TAIL_7;
    p = p * u + LB_TAIL_6;
    p = p * u + LB_TAIL_5;
    p = p * u + LB_TAIL_4;
    p = p * u + LB_TAIL_3;
    p = p * u + LB_TAIL_2;
    p = p * u + LB_TAIL_1;
    p = p * u + LB_TAIL_0;
    const float tail = (z * (p * u)) * e; /* in this order nothing is subnormal, which would be slow */
    return (x < 0.0f ? 0.0f : x) - (magnitude < LB_TAIL_LIMIT ? tail : 0.0f);
}

/* x / (1 + exp(-w)) for w of the sign of x and |w| = z + more; x exp(-|w|) / (1 + exp(-|w|)) below 0, so that nothing
 * overflows. Where `inside` is 0, exp(-|w|) counts as 0. */
static inline float lb_times_logistic(float x, int inside, float z, float more) {
    const float e = lb_exp_negative(z, more), below = inside ? x * e : 0.0f;
    return (x < 0.0f ? below : x) / (e + 1.0f);
}

/* The exponent is z (TANH_1 + TANH_3 z^2) with the rounding errors of the sum and of the product carried along. */
static inline float lb_gelu_tanh(float x) {
    const float magnitude = lb_act_abs(x);
    const int inside = magnitude < LB_TANH_LIMIT;
    const float z = inside ? magnitude : LB_TANH_LIMIT;
    const float cubic = (z * z) * LB_TANH_3, sum = cubic + LB_TANH_1;
    const float rest = ((LB_TANH_1 - sum) + cubic) + LB_TANH_1_LOW;
    const float z_upper = lb_bits_float(lb_float_bits(z) & LB_UPPER_BITS);
    const float sum_upper = lb_bits_float(lb_float_bits(sum) & LB_UPPER_BITS);
    const float more = (z - z_upper) * sum + z_upper * ((sum - sum_upper) + rest);
    return lb_times_logistic(x, inside, z_upper * sum_upper, more);
}

static inline float lb_silu(float x) {
    const float magnitude = lb_act_abs(x);
    const int inside = magnitude < LB_EXP_LIMIT;
    return lb_times_logistic(x, inside, inside ? magnitude : LB_EXP_LIMIT, 0.0f);
}

/* LOWBIT_ACT_*: ReLU makes a NaN 0, the others keep it. */
static inline float lb_activate(uint32_t act, float x) {
    switch (act) {
        case LOWBIT_ACT_RELU: return x > 0.0f ? x : 0.0f;
        case LOWBIT_ACT_GELU: return lb_gelu(x);
        case LOWBIT_ACT_GELU_TANH: return lb_gelu_tanh(x);
        case LOWBIT_ACT_SILU: return lb_silu(x);
        default: return x;
    }
}

#endif
