/* SPDX-License-Identifier: Apache-2.0 */
/* Quantizing a row of activations to int8, by its absmax or by a fixed scale, or to three digits of that: codes, and
 * the sum of each group.
 *
 * |x| is compared as an integer (sign bit cleared), whose order is that of the floats and puts infinities and NaNs
 * above every finite value, so one maximum finds both the scale and a non-finite element. */
#ifndef LOWBIT_KERNELS_SIMD_ROWS_INL_H_
#define LOWBIT_KERNELS_SIMD_ROWS_INL_H_

#include <math.h>

#include "kernels/simd/requant-inl.h"
#include "kernels/simd/simd.h"

namespace {

constexpr int32_t kInfinityBits = 0x7f800000;
constexpr float kLeastMagnitude = 0x1p-100f;

HWY_INLINE int32_t MagnitudeBits(float x) {
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits & 0x7fffffff;
}

HWY_INLINE int32_t LargestMagnitudeBits(const float *x, size_t k) {
    const DI32 d;
    const VI32 mask = hn::Set(d, 0x7fffffff);
    VI32 most[4] = {hn::Zero(d), hn::Zero(d), hn::Zero(d), hn::Zero(d)};
    size_t at = 0;
    for (; at + 4 * kColumns <= k; at += 4 * kColumns) {
        LB_UNROLL
        for (size_t u = 0; u < 4; ++u) {
            const VI32 bits = hn::BitCast(d, hn::LoadU(DF32(), x + at + u * kColumns));
            most[u] = hn::Max(most[u], hn::And(bits, mask));
        }
    }
    for (; at + kColumns <= k; at += kColumns)
        most[0] = hn::Max(most[0], hn::And(hn::BitCast(d, hn::LoadU(DF32(), x + at)), mask));
    const VI32 all = hn::Max(hn::Max(most[0], most[1]), hn::Max(most[2], most[3]));
    int32_t largest = hn::GetLane(hn::MaxOfLanes(d, all));
    for (; at < k; ++at) largest = HWY_MAX(largest, MagnitudeBits(x[at]));
    return largest;
}

/* kColumns codes of x * r as 32-bit integers. Added to 1.5 * 2^23, a float below 2^22 rounds to an integer, half to
 * even, which stands in its low bits. No clamp: |x| <= max gives |x * (q / max)| <= q * (1 + 2^-23), which rounds
 * to q at most. */
struct AbsmaxCodes {
    VF32 r;

    HWY_INLINE VI32 operator()(VF32 x) const {
        const VF32 rounder = hn::Set(DF32(), 0x1.8p23f);
        return hn::Sub(hn::BitCast(DI32(), hn::Add(hn::Mul(x, r), rounder)), hn::BitCast(DI32(), rounder));
    }
};

/* 1 or -1. */
struct SignCodes {
    HWY_INLINE VI32 operator()(VF32 x) const {
        const auto below = hn::RebindMask(DI32(), hn::Lt(x, hn::Zero(DF32())));
        return hn::IfThenElse(below, hn::Set(DI32(), -1), hn::Set(DI32(), 1));
    }
};

/* 1 or 0. */
struct StepCodes {
    HWY_INLINE VI32 operator()(VF32 x) const {
        return hn::IfThenElseZero(hn::RebindMask(DI32(), hn::Gt(x, hn::Zero(DF32()))), hn::Set(DI32(), 1));
    }
};

/* Codes x[0..count) of one group; returns their sum. Prefetches what stands `ahead` elements further: the next
 * row, which otherwise is waited for. */
template <class Codes>
HWY_INLINE int32_t QuantizeGroup(const float *x, size_t count, size_t ahead, const Codes &codes_of, int8_t *codes) {
    const DI32 d;
    const hn::Rebind<int8_t, DI32> d8;
    VI32 sum = hn::Zero(d);
    size_t at = 0;
    for (; at + kColumns <= count; at += kColumns) {
        if (kColumns == 16 || at % 16 == 0) __builtin_prefetch(x + at + ahead);
        const VI32 c = codes_of(hn::LoadU(DF32(), x + at));
        sum = hn::Add(sum, c);
        hn::StoreU(hn::DemoteTo(d8, c), d8, codes + at);
    }
    if (at < count) { /* the tail through a padded copy, whose zeros need not have code 0 */
        alignas(64) float padded[kColumns] = {};
        alignas(64) int8_t tail[kColumns];
        memcpy(padded, x + at, (count - at) * sizeof(float));
        const VI32 c = hn::IfThenElseZero(hn::FirstN(d, count - at), codes_of(hn::Load(DF32(), padded)));
        sum = hn::Add(sum, c);
        hn::StoreU(hn::DemoteTo(d8, c), d8, tail);
        memcpy(codes + at, tail, count - at);
    }
    return hn::GetLane(hn::SumOfLanes(d, sum));
}

template <class Codes>
HWY_INLINE void QuantizeGroups(const float *x, size_t k, size_t ahead, size_t group, const Codes &codes_of,
                               int8_t *codes, size_t padded, int32_t *sums) {
    for (size_t at = 0, g = 0; at < k; at += group, ++g)
        sums[g] = QuantizeGroup(x + at, HWY_MIN(group, k - at), ahead, codes_of, codes + at);
    memset(codes + k, 0, padded - k);
}

/* Integers of three digits, by two multiplications with powers of two that no float alone could replace. */
struct FixedPoint {
    VF32 first, second;

    /* The scale is 2^exponent. */
    explicit HWY_INLINE FixedPoint(int exponent)
        : first(hn::Set(DF32(), PowerOfTwo(-exponent / 2))),
          second(hn::Set(DF32(), PowerOfTwo(-exponent - -exponent / 2))) {}
    HWY_INLINE VI32 operator()(VF32 x) const { return hn::NearestInt(hn::Mul(hn::Mul(x, first), second)); }

    static HWY_INLINE float PowerOfTwo(int exponent) {
        const int32_t bits = (exponent + 127) * (1 << 23);
        float power;
        memcpy(&power, &bits, sizeof power);
        return power;
    }
};

/* Digits of kColumns elements, digit d to codes + d * padded and added to sum[d]. With 128 added to each digit an
 * integer is their bytes, without a borrow from one to the next. */
HWY_INLINE void PutDigits(VI32 integer, int8_t *codes, size_t padded, VI32 (&sum)[LB_DIGITS]) {
    const DI32 d;
    const hn::Rebind<int8_t, DI32> d8;
    const VI32 halves = hn::Set(d, 0x808080), bytes = hn::Xor(hn::Add(integer, halves), halves);
    const VI32 digits[LB_DIGITS] = {hn::ShiftRight<24>(hn::ShiftLeft<24>(bytes)),
                                    hn::ShiftRight<24>(hn::ShiftLeft<16>(bytes)),
                                    hn::ShiftRight<24>(hn::ShiftLeft<8>(bytes))};
    LB_UNROLL
    for (size_t digit = 0; digit < LB_DIGITS; ++digit) {
        sum[digit] = hn::Add(sum[digit], digits[digit]);
        hn::StoreU(hn::DemoteTo(d8, digits[digit]), d8, codes + digit * padded);
    }
}

/* Those of x[0..count), and their sums to sums[d * groups]. */
HWY_INLINE void DigitsOfGroup(const float *x, size_t count, size_t ahead, const FixedPoint &fixed, int8_t *codes,
                              size_t padded, int32_t *sums, size_t groups) {
    const DI32 d;
    VI32 sum[LB_DIGITS] = {hn::Zero(d), hn::Zero(d), hn::Zero(d)};
    size_t at = 0;
    for (; at + kColumns <= count; at += kColumns) {
        if (kColumns == 16 || at % 16 == 0) __builtin_prefetch(x + at + ahead);
        PutDigits(fixed(hn::LoadU(DF32(), x + at)), codes + at, padded, sum);
    }
    if (at < count) { /* the last ones through a padded copy, whose zeros have the digits 0 */
        alignas(64) float tail[kColumns] = {};
        memcpy(tail, x + at, (count - at) * sizeof(float));
        PutDigits(fixed(hn::Load(DF32(), tail)), codes + at, padded, sum);
    }
    LB_UNROLL
    for (size_t digit = 0; digit < LB_DIGITS; ++digit)
        sums[digit * groups] = hn::GetLane(hn::SumOfLanes(d, sum[digit]));
}

/* Row to three rows of codes. The exponent is that of the largest magnitude less 22, or one more where three digits,
 * whose most is 0x7f7f7f, would not hold it; of subnormal ones that of the least. */
void DigitsOfRow(const float *x, size_t k, size_t ahead, size_t group, int32_t bits, int8_t *codes, size_t padded,
                 int32_t *sums, float *scale) {
    const bool finite = bits < kInfinityBits;
    const size_t groups = (k + group - 1) / group;
    const int exponent = finite ? ((bits + 0x010101) >> 23) - 149 : 0;
    *scale = finite ? FixedPoint::PowerOfTwo(exponent / 2) * FixedPoint::PowerOfTwo(exponent - exponent / 2) : NAN;
    if (!finite) {
        memset(codes, 0, LB_DIGITS * padded);
        memset(sums, 0, LB_DIGITS * groups * sizeof *sums);
        return;
    }
    const FixedPoint fixed(exponent);
    for (size_t at = 0, g = 0; at < k; at += group, ++g)
        DigitsOfGroup(x + at, HWY_MIN(group, k - at), ahead, fixed, codes + at, padded, sums + g, groups);
    for (size_t digit = 0; digit < LB_DIGITS; ++digit) memset(codes + digit * padded + k, 0, padded - k);
}

void QuantizeRow(const float *x, size_t k, size_t ahead, size_t group, const lb_row_rule *rule, int8_t *codes,
                 size_t padded, int32_t *sums, float *scale) {
    const int32_t bits = LargestMagnitudeBits(x, k);
    if (rule->kind == LB_ROWS_DIGITS) return DigitsOfRow(x, k, ahead, group, bits, codes, padded, sums, scale);
    if (rule->kind != LB_ROWS_ABSMAX) {
        *scale = bits > kInfinityBits ? NAN : rule->kind == LB_ROWS_FIXED ? rule->scale : 1.0f;
        if (rule->kind == LB_ROWS_SIGN) return QuantizeGroups(x, k, ahead, group, SignCodes(), codes, padded, sums);
        if (rule->kind == LB_ROWS_STEP) return QuantizeGroups(x, k, ahead, group, StepCodes(), codes, padded, sums);
        const FixedCodes codes_of(1.0f / rule->scale, rule->zero, rule->low, rule->high);
        return QuantizeGroups(x, k, ahead, group, codes_of, codes, padded, sums);
    }
    const float most = static_cast<float>(rule->high);
    float largest;
    memcpy(&largest, &bits, sizeof largest);
    const bool finite = bits < kInfinityBits, zero = !finite || largest < kLeastMagnitude;
    *scale = !finite ? NAN : zero ? 0.0f : largest / most;
    if (zero) {
        memset(codes, 0, padded);
        memset(sums, 0, (k + group - 1) / group * sizeof *sums);
        return;
    }
    QuantizeGroups(x, k, ahead, group, AbsmaxCodes{hn::Set(DF32(), most / largest)}, codes, padded, sums);
}

}  // namespace

#endif
