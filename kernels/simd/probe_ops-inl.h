/* SPDX-License-Identifier: Apache-2.0 */
/* The raw steps that the probes of one level are made of, and what the level lacks. */
#ifndef LOWBIT_KERNELS_SIMD_PROBE_OPS_INL_H_
#define LOWBIT_KERNELS_SIMD_PROBE_OPS_INL_H_

#include <utility>

#include "kernels/simd/simd.h"
#if HWY_ARCH_X86
#include "kernels/simd/x86_ops.h"
#endif

namespace {
namespace probe {

constexpr DU8 d8;
constexpr DI16 d16;
constexpr DI32 d32;

constexpr size_t kBytes = kColumns * 4;       /* of a vector */
constexpr size_t kVectors = LB_LINE / kBytes; /* of a line */

/* f(0), f(1) .. f(N - 1), written out before the compiler's first pass, so that arrays of vectors become registers. */
template <class F, size_t... I>
HWY_INLINE void UnrollThese(F f, std::index_sequence<I...>) {
    (f(I), ...);
}
template <size_t N, class F>
HWY_INLINE void Unroll(F f) {
    UnrollThese(f, std::make_index_sequence<N>());
}

/* The body of an unrolled loop: Unroll<8>(LB_EACH(i) { ... }); */
#define LB_EACH(i) [&](size_t i) __attribute__((always_inline))

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

#if defined(__AVX512VNNI__) || defined(__AVXVNNI__)
#define LB_HAS_DOT 1

HWY_INLINE VI32 DotAdd(VI32 acc, VU8 codes, VU8 a) {
#if defined(__AVX512VNNI__)
    return VI32{_mm512_dpbusd_epi32(acc.raw, codes.raw, a.raw)};
#else
    return VI32{_mm256_dpbusd_avx_epi32(acc.raw, codes.raw, a.raw)};
#endif
}
HWY_INLINE VU8 Biased(VU8 codes) { return codes; }

/* Field f, times 2^FieldShift. */
template <size_t kWidth>
HWY_INLINE VU8 Field(VU8 line, VU8 mask, size_t) {
    return hn::And(line, mask);
}
template <size_t kWidth>
constexpr size_t FieldShift(size_t f) {
    return kWidth * f;
}
#else
#define LB_HAS_DOT 0
#endif

HWY_INLINE VI16 PairsAdd(VI16 acc, VU8 codes, VU8 a) { return StagedOps::MulAdd(acc, codes, hn::BitCast(DI8(), a)); }
HWY_INLINE VI32 Widen(VI32 acc, VI16 pairs) { return StagedOps::Widen(acc, pairs); }

/* A vector of codes or activations as even and odd s16 pairs, which pmaddwd multiplies without loss. */
struct Split {
    VI16 even, odd;
};
using ExactCodes = Split;
using ExactActivations = Split;

HWY_INLINE Split SplitCodes(VU8 codes) { return {StagedOps::Even(codes), StagedOps::Odd(codes)}; }
HWY_INLINE Split SplitActivations(VU8 a) {
    const VI16 words = hn::BitCast(d16, a);
    return {hn::ShiftRight<8>(hn::ShiftLeft<8>(words)), hn::ShiftRight<8>(words)};
}
HWY_INLINE void PinCodes(Split &codes) {
    Pin(codes.even);
    Pin(codes.odd);
}
HWY_INLINE VI32 ExactAdd(VI32 acc, const Split &codes, const Split &a) {
    return StagedOps::MulAddWide(StagedOps::MulAddWide(acc, codes.even, a.even), codes.odd, a.odd);
}

#if defined(__AMX_INT8__) || defined(__AMXINT8__) /* gcc; clang 14 */
#define LB_HAS_TILES 1
#else
#define LB_HAS_TILES 0
#endif

#else /* NEON: its dot and its long multiplies are s8 x s8 */

#define LB_HAS_TILES 0

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

HWY_INLINE VU8 Biased(VU8 codes) { return hn::Xor(codes, hn::Set(d8, 0x80)); }
HWY_INLINE int8x16_t Signed(VU8 v) { return vreinterpretq_s8_u8(v.raw); }

#if defined(__ARM_FEATURE_DOTPROD)
#define LB_HAS_DOT 1

HWY_INLINE VI32 DotAdd(VI32 acc, VU8 codes, VU8 a) { return VI32(vdotq_s32(acc.raw, Signed(codes), Signed(a))); }

/* The top field would be negative as s8, so it is shifted down instead: one instruction as well. */
template <size_t kWidth>
HWY_INLINE VU8 Field(VU8 line, VU8 mask, size_t f) {
    return f + 1 == 8 / kWidth ? hn::ShiftRight<8 - kWidth % 8>(line) : hn::And(line, mask);
}
template <size_t kWidth>
constexpr size_t FieldShift(size_t f) {
    return f + 1 == 8 / kWidth ? 0 : kWidth * f;
}
#else
#define LB_HAS_DOT 0
#endif

/* acc += two products for each lane, in s16. */
HWY_INLINE VI16 PairsAdd(VI16 acc, VU8 codes, VU8 a) {
    const int16x8_t low = vmlal_s8(acc.raw, vget_low_s8(Signed(codes)), vget_low_s8(Signed(a)));
    return VI16(vmlal_high_s8(low, Signed(codes), Signed(a)));
}

HWY_INLINE VI32 Widen(VI32 acc, VI16 pairs) { return VI32(vpadalq_s16(acc.raw, pairs.raw)); }

using ExactCodes = VU8;
using ExactActivations = VU8;

HWY_INLINE VU8 SplitCodes(VU8 codes) { return Biased(codes); }
HWY_INLINE VU8 SplitActivations(VU8 a) { return a; }
HWY_INLINE void PinCodes(VU8 &codes) { Pin(codes); }

/* A product of two s8 fits s16; two of them are added in s32. */
HWY_INLINE VI32 ExactAdd(VI32 acc, VU8 codes, VU8 a) {
    acc = VI32(vpadalq_s16(acc.raw, vmull_s8(vget_low_s8(Signed(codes)), vget_low_s8(Signed(a)))));
    return VI32(vpadalq_s16(acc.raw, vmull_high_s8(Signed(codes), Signed(a))));
}

#endif

/* bf16 of an integer that needs no more bits. */
HWY_INLINE uint16_t HalfOf(int x) {
    const float value = static_cast<float>(x);
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return static_cast<uint16_t>(bits >> 16);
}

/* Modulo 2^32; Highway's reduction is signed in places, where overflow is undefined. */
HWY_INLINE uint32_t SumLanes(VI32 v) {
    uint32_t lanes[kColumns], sum = 0;
    hn::StoreU(hn::BitCast(DU32(), v), DU32(), lanes);
    for (uint32_t lane : lanes) sum += lane;
    return sum;
}

}  // namespace probe
}  // namespace

#endif
