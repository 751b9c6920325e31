/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/formats/scale.h"

/* Shifts out `drop` bits, rounding half to even. */
static uint32_t shift_round(uint32_t value, uint32_t drop) {
    const uint32_t kept = value >> drop, rest = value & ((1u << drop) - 1), half = 1u << (drop - 1);
    return kept + (rest > half || (rest == half && (kept & 1)));
}

uint16_t lb_f16_from_float(float x) {
    const uint32_t bits = lb_float_bits(x), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) return (uint16_t)(sign | 0x7e00);
    if (magnitude >= 0x477ff000) return (uint16_t)(sign | 0x7c00); /* 65520 and more round to infinity */
    if (magnitude >= 0x38800000) return (uint16_t)(sign | shift_round(magnitude - 0x38000000, 13));
    if (magnitude < 0x33000000) return (uint16_t)sign; /* below half of the least subnormal */
    const uint32_t exponent = magnitude >> 23, significand = (magnitude & 0x7fffff) | 0x800000;
    return (uint16_t)(sign | shift_round(significand, 126 - exponent));
}

float lb_f16_to_float(uint16_t half) {
    const uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 0x3ff;
    if (exponent == 31) return lb_bits_float(sign | 0x7f800000 | fraction << 13);
    if (exponent) return lb_bits_float(sign | (exponent + 112) << 23 | fraction << 13);
    const float subnormal = (float)fraction * 0x1p-24f;
    return sign ? -subnormal : subnormal;
}

uint16_t lb_bf16_from_float(float x) {
    const uint32_t bits = lb_float_bits(x);
    if ((bits & 0x7fffffff) > 0x7f800000) return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float lb_scale_round(uint32_t type, float x) {
    switch (type) {
        case LOWBIT_SCALE_F16: return lb_f16_to_float(lb_f16_from_float(x));
        case LOWBIT_SCALE_BF16: return lb_bf16_to_float(lb_bf16_from_float(x));
        default: return x;
    }
}

void lb_scale_store(uint32_t type, void *array, int64_t i, float x) {
    switch (type) {
        case LOWBIT_SCALE_F16: ((uint16_t *)array)[i] = lb_f16_from_float(x); break;
        case LOWBIT_SCALE_BF16: ((uint16_t *)array)[i] = lb_bf16_from_float(x); break;
        default: ((float *)array)[i] = x;
    }
}

float lb_scale_load(uint32_t type, const void *array, int64_t i) {
    switch (type) {
        case LOWBIT_SCALE_F16: return lb_f16_to_float(((const uint16_t *)array)[i]);
        case LOWBIT_SCALE_BF16: return lb_bf16_to_float(((const uint16_t *)array)[i]);
        default: return ((const float *)array)[i];
    }
}
