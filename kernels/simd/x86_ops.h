/* SPDX-License-Identifier: Apache-2.0 */
/* The staged vocabulary of x86 levels without a byte dot product: maddubs, then madd with ones; and the exact product
 * for 8-bit codes, whose maddubs would saturate. */
#ifndef LOWBIT_KERNELS_SIMD_X86_OPS_H_
#define LOWBIT_KERNELS_SIMD_X86_OPS_H_

#include "kernels/simd/simd.h"

namespace {

#if HWY_TARGET <= HWY_AVX3
HWY_INLINE VI16 Maddubs(VU8 w, VI8 a) { return VI16{_mm512_maddubs_epi16(w.raw, a.raw)}; }
HWY_INLINE VI32 Madd(VI16 x, VI16 y) { return VI32{_mm512_madd_epi16(x.raw, y.raw)}; }
#elif HWY_TARGET == HWY_AVX2
HWY_INLINE VI16 Maddubs(VU8 w, VI8 a) { return VI16{_mm256_maddubs_epi16(w.raw, a.raw)}; }
HWY_INLINE VI32 Madd(VI16 x, VI16 y) { return VI32{_mm256_madd_epi16(x.raw, y.raw)}; }
#else
HWY_INLINE VI16 Maddubs(VU8 w, VI8 a) { return VI16{_mm_maddubs_epi16(w.raw, a.raw)}; }
HWY_INLINE VI32 Madd(VI16 x, VI16 y) { return VI32{_mm_madd_epi16(x.raw, y.raw)}; }
#endif

/* Holds an accumulator in its register: gcc 12 otherwise joins sums of several steps and spills what that needs. */
template <class V>
HWY_INLINE V Keep(V v) {
    __asm__("" : "+v"(v.raw));
    return v;
}

struct StagedOps {
    using Acc = VI32;
    using Acc16 = VI16;
    using Fields = UnsignedDirect;
    static constexpr size_t kPorts = sizeof(VU8) == 64 ? 2 : 3, kStageWork = 2;

    /* How many maddubs results of codes below 2^bits and activations down to -128 fit 16 bits: each is at most
     * 2 * 128 * (2^bits - 1) in magnitude, and -32768 fits. */
    template <int kBits>
    static constexpr int kDepth = 32768 / (256 * ((1 << kBits) - 1));

    static HWY_INLINE Acc Start(VI32 sum) { return sum; }
    static HWY_INLINE Acc16 Zero16() { return hn::Zero(DI16()); }
    static HWY_INLINE Acc16 MulAdd(Acc16 acc, VU8 w, VI8 a) { return Keep(hn::Add(acc, Maddubs(w, a))); }
    static HWY_INLINE Acc Widen(Acc acc, Acc16 staged) { return hn::Add(acc, Madd(staged, hn::Set(DI16(), 1))); }
    static HWY_INLINE VI32 Sum(Acc acc) { return acc; }

    /* 8-bit codes: the even and the odd bytes as 16-bit lanes against activations widened in pairs (LB_A_S16). */
    static HWY_INLINE VI16 Even(VU8 w) {
        return hn::BitCast(DI16(), hn::And(hn::BitCast(DU16(), w), hn::Set(DU16(), 0xff)));
    }
    static HWY_INLINE VI16 Odd(VU8 w) { return hn::BitCast(DI16(), hn::ShiftRight<8>(hn::BitCast(DU16(), w))); }
    static HWY_INLINE Acc MulAddWide(Acc acc, VI16 codes, VI16 a) { return Keep(hn::Add(acc, Madd(codes, a))); }
};

}  // namespace

#endif
