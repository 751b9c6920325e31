/* SPDX-License-Identifier: Apache-2.0 */
/* The raw steps that the probes of one level are made of, and what the level lacks. */
#ifndef LOWBIT_KERNELS_SIMD_PROBE_OPS_INL_H_
#define LOWBIT_KERNELS_SIMD_PROBE_OPS_INL_H_

#include "kernels/simd/simd.h"

namespace {
namespace probe {

constexpr hn::ScalableTag<uint8_t> d8;
constexpr hn::ScalableTag<uint16_t> du16;
constexpr hn::ScalableTag<int16_t> d16;
constexpr hn::ScalableTag<int32_t> d32;
using V8 = hn::VFromD<decltype(d8)>;
using V16 = hn::VFromD<decltype(d16)>;
using V32 = hn::VFromD<decltype(d32)>;

constexpr size_t kBytes = HWY_MAX_BYTES; /* of a vector: static targets know it */
constexpr size_t kVectors = 64 / kBytes; /* of a line */

#if HWY_ARCH_X86

constexpr size_t kRegisters = HWY_TARGET <= HWY_AVX3 ? 32 : 16;

/* Hides the value from the compiler, at no cost. */
template <class V>
HWY_INLINE void Pin(V &v) {
    __asm__ volatile("" : "+v"(v.raw));
}
/* The value must be in a register here. */
template <class V>
HWY_INLINE void Use(V v) {
    __asm__ volatile("" : : "v"(v.raw) : "memory");
}

constexpr int kCodeBias = 0; /* what Biased() and SplitCodes() take from every code */

#if HWY_MAX_BYTES == 64
#define LB_MM(op) _mm512_##op
#elif HWY_MAX_BYTES == 32
#define LB_MM(op) _mm256_##op
#else
#define LB_MM(op) _mm_##op
#endif

#if defined(__AVX512VNNI__) || defined(__AVXVNNI__)
#define LB_HAS_DOT 1

HWY_INLINE V32 DotAdd(V32 acc, V8 codes, V8 a) {
#if defined(__AVX512VNNI__)
    return V32{LB_MM(dpbusd_epi32)(acc.raw, codes.raw, a.raw)};
#else
    return V32{LB_MM(dpbusd_avx_epi32)(acc.raw, codes.raw, a.raw)};
#endif
}
HWY_INLINE V8 Biased(V8 codes) { return codes; }

/* Field f, times 2^FieldShift. */
template <size_t kWidth>
HWY_INLINE V8 Field(V8 line, V8 mask, size_t) {
    return hn::And(line, mask);
}
template <size_t kWidth>
constexpr size_t FieldShift(size_t f) {
    return kWidth * f;
}
#else
#define LB_HAS_DOT 0
#endif

/* acc += the sums of two neighbouring products, in s16. Codes below 128 never saturate. */
HWY_INLINE V16 PairsAdd(V16 acc, V8 codes, V8 a) { return hn::Add(acc, V16{LB_MM(maddubs_epi16)(codes.raw, a.raw)}); }

/* acc += neighbouring pairs of s16. */
HWY_INLINE V32 Widen(V32 acc, V16 pairs) {
    return hn::Add(acc, V32{LB_MM(madd_epi16)(pairs.raw, hn::Set(d16, 1).raw)});
}

/* A vector of codes or activations as even and odd s16 pairs, which pmaddwd multiplies without loss. */
struct Split {
    V16 even, odd;
};
using ExactCodes = Split;
using ExactActivations = Split;

HWY_INLINE Split SplitCodes(V8 codes) {
    const auto words = hn::BitCast(du16, codes);
    return {hn::BitCast(d16, hn::And(words, hn::Set(du16, 255))), hn::BitCast(d16, hn::ShiftRight<8>(words))};
}
HWY_INLINE Split SplitActivations(V8 a) {
    const V16 words = hn::BitCast(d16, a);
    return {hn::ShiftRight<8>(hn::ShiftLeft<8>(words)), hn::ShiftRight<8>(words)};
}
HWY_INLINE void PinCodes(Split &codes) {
    Pin(codes.even);
    Pin(codes.odd);
}
HWY_INLINE V32 ExactAdd(V32 acc, const Split &codes, const Split &a) {
    acc = hn::Add(acc, V32{LB_MM(madd_epi16)(codes.even.raw, a.even.raw)});
    return hn::Add(acc, V32{LB_MM(madd_epi16)(codes.odd.raw, a.odd.raw)});
}

#undef LB_MM

#else /* NEON: its dot and its long multiplies are s8 x s8 */

constexpr size_t kRegisters = 32;

template <class V>
HWY_INLINE void Pin(V &v) {
    __asm__ volatile("" : "+w"(v.raw));
}
template <class V>
HWY_INLINE void Use(V v) {
    __asm__ volatile("" : : "w"(v.raw) : "memory");
}

constexpr int kCodeBias = 128;

HWY_INLINE V8 Biased(V8 codes) { return hn::Xor(codes, hn::Set(d8, 0x80)); }
HWY_INLINE int8x16_t Signed(V8 v) { return vreinterpretq_s8_u8(v.raw); }

#if defined(__ARM_FEATURE_DOTPROD)
#define LB_HAS_DOT 1

HWY_INLINE V32 DotAdd(V32 acc, V8 codes, V8 a) { return V32(vdotq_s32(acc.raw, Signed(codes), Signed(a))); }

/* The top field would be negative as s8, so it is shifted down instead: one instruction as well. */
template <size_t kWidth>
HWY_INLINE V8 Field(V8 line, V8 mask, size_t f) {
    return f + 1 == 8 / kWidth ? hn::ShiftRight<8 - kWidth>(line) : hn::And(line, mask);
}
template <size_t kWidth>
constexpr size_t FieldShift(size_t f) {
    return f + 1 == 8 / kWidth ? 0 : kWidth * f;
}
#else
#define LB_HAS_DOT 0
#endif

/* acc += two products for each lane, in s16. */
HWY_INLINE V16 PairsAdd(V16 acc, V8 codes, V8 a) {
    const int16x8_t low = vmlal_s8(acc.raw, vget_low_s8(Signed(codes)), vget_low_s8(Signed(a)));
    return V16(vmlal_high_s8(low, Signed(codes), Signed(a)));
}

HWY_INLINE V32 Widen(V32 acc, V16 pairs) { return V32(vpadalq_s16(acc.raw, pairs.raw)); }

using ExactCodes = V8;
using ExactActivations = V8;

HWY_INLINE V8 SplitCodes(V8 codes) { return Biased(codes); }
HWY_INLINE V8 SplitActivations(V8 a) { return a; }
HWY_INLINE void PinCodes(V8 &codes) { Pin(codes); }

/* A product of two s8 fits s16; two of them are added in s32. */
HWY_INLINE V32 ExactAdd(V32 acc, V8 codes, V8 a) {
    acc = V32(vpadalq_s16(acc.raw, vmull_s8(vget_low_s8(Signed(codes)), vget_low_s8(Signed(a)))));
    return V32(vpadalq_s16(acc.raw, vmull_high_s8(Signed(codes), Signed(a))));
}

#endif

}  // namespace probe
}  // namespace

#endif
