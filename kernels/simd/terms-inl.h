/* SPDX-License-Identifier: Apache-2.0 */
/* What one k adds to the sum of an output where rows of A stay floats: a product, or a distance less than nothing. */
#ifndef LOWBIT_KERNELS_SIMD_TERMS_INL_H_
#define LOWBIT_KERNELS_SIMD_TERMS_INL_H_

#include "kernels/simd/simd.h"

namespace {

/* a * w, by a multiply-add where the level has one. kWork = vector instructions. */
struct Products {
    static constexpr uint8_t kAlgorithm = LB_ALGORITHM_FMA;
    static constexpr size_t kWork = HWY_TARGET == HWY_SSE4 ? 2 : 1;
    HWY_INLINE VF32 Add(VF32 w, VF32 x, VF32 sum) const { return hn::MulAdd(w, x, sum); }
};

/* Keeps gcc from putting off additions to a sum until it needs the sum, and from spilling what they wait for. */
HWY_INLINE VF32 Added(VF32 sum) {
#if HWY_ARCH_X86
    __asm__("" : "+x"(sum.raw));
#else
    __asm__("" : "+w"(sum.raw));
#endif
    return sum;
}

/* -|a - w|. The maxima of int8 distances (l1-inl.h) would cancel here. x86 takes three instructions: a subtraction, a
 * mask, and one more subtraction, which is a multiply-add by 1 where the level has that: the same value from other
 * ports on cores that do not add where they multiply (Haswell, Zen). A compiler that saw the 1 would subtract. */
struct Distances {
    static constexpr uint8_t kAlgorithm = LB_ALGORITHM_L1F;
    static constexpr size_t kWork = HWY_ARCH_X86 ? 3 : 2;
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
    VF32 one;
    HWY_INLINE Distances() : one(hn::Set(DF32(), 1.0f)) { __asm__("" : "+v"(one.raw)); }
    HWY_INLINE VF32 Add(VF32 w, VF32 x, VF32 sum) const { return hn::NegMulAdd(hn::AbsDiff(w, x), one, sum); }
#else
    HWY_INLINE VF32 Add(VF32 w, VF32 x, VF32 sum) const { return Added(hn::Sub(sum, hn::AbsDiff(w, x))); }
#endif
};

}  // namespace

#endif
