/* SPDX-License-Identifier: Apache-2.0 */
/* activations.h once more, in vectors: the same operations in the same order, so the same bits. */
#ifndef LOWBIT_KERNELS_SIMD_ACTIVATIONS_INL_H_
#define LOWBIT_KERNELS_SIMD_ACTIVATIONS_INL_H_

#include "kernels/simd/activations.h"
#include "kernels/simd/simd.h"

namespace {

HWY_INLINE VF32 Constant(float x) { return hn::Set(DF32(), x); }

/* p * x + next: two roundings */
HWY_INLINE VF32 HornerStep(VF32 p, VF32 x, float next) { return hn::Add(hn::Mul(p, x), Constant(next)); }

HWY_INLINE VF32 UpperBits(VF32 x) {
    return hn::BitCast(DF32(), hn::And(hn::BitCast(DU32(), x), hn::Set(DU32(), LB_UPPER_BITS)));
}

HWY_INLINE VF32 ExpNegative(VF32 z, VF32 more) {
    const DI32 di;
    const VF32 shifted = HornerStep(hn::Add(z, more), Constant(-LB_LOG2_E), LB_ROUND_TO_INTEGER);
    const VF32 n = hn::Sub(shifted, Constant(LB_ROUND_TO_INTEGER));
    VF32 r = hn::Sub(hn::Neg(z), hn::Mul(n, Constant(LB_LN2_HIGH)));
    r = hn::Sub(hn::Sub(r, hn::Mul(n, Constant(LB_LN2_LOW))), more);
    VF32 p = Constant(LB_EXP_6);
    p = HornerStep(p, r, LB_EXP_5);
    p = HornerStep(p, r, LB_EXP_4);
    p = HornerStep(p, r, LB_EXP_3);
    p = HornerStep(p, r, LB_EXP_2);
    p = hn::Add(hn::Add(hn::Mul(p, hn::Mul(r, r)), r), Constant(1.0f));
    return hn::BitCast(DF32(), hn::Add(hn::BitCast(di, p), hn::ShiftLeft<23>(hn::BitCast(di, shifted))));
}

HWY_INLINE VF32 Relu(VF32 x) { return hn::IfThenElseZero(hn::Gt(x, Constant(0.0f)), x); }

HWY_INLINE VF32 Gelu(VF32 x) {
    const VF32 magnitude = hn::Abs(x);
    const auto inside = hn::Lt(magnitude, Constant(LB_TAIL_LIMIT));
    const VF32 z = hn::IfThenElse(inside, magnitude, Constant(LB_TAIL_LIMIT));
    const VF32 upper = UpperBits(z), half = Constant(0.5f);
    const VF32 rest = hn::Mul(hn::Sub(z, upper), hn::Add(z, upper));
    const VF32 e = ExpNegative(hn::Mul(hn::Mul(upper, upper), half), hn::Mul(rest, half));
    const VF32 u = hn::Div(Constant(LB_TAIL_CENTER), hn::Add(z, Constant(LB_TAIL_CENTER)));
    VF32 p = Constant(LB_TAIL_8);
    p = HornerStep(p, u, LB_TAIL_7);
    p = HornerStep(p, u, LB_TAIL_6);
    p = HornerStep(p, u, LB_TAIL_5);
    p = HornerStep(p, u, LB_TAIL_4);
    p = HornerStep(p, u, LB_TAIL_3);
    p = HornerStep(p, u, LB_TAIL_2);
    p = HornerStep(p, u, LB_TAIL_1);
    p = HornerStep(p, u, LB_TAIL_0);
    const VF32 tail = hn::Mul(hn::Mul(z, hn::Mul(p, u)), e), zero = Constant(0.0f);
    return hn::Sub(hn::IfThenElse(hn::Lt(x, zero), zero, x), hn::IfThenElseZero(inside, tail));
}

HWY_INLINE VF32 TimesLogistic(VF32 x, hn::Mask<DF32> inside, VF32 z, VF32 more) {
    const VF32 e = ExpNegative(z, more), below = hn::IfThenElseZero(inside, hn::Mul(x, e));
    return hn::Div(hn::IfThenElse(hn::Lt(x, Constant(0.0f)), below, x), hn::Add(e, Constant(1.0f)));
}

HWY_INLINE VF32 GeluTanh(VF32 x) {
    const VF32 magnitude = hn::Abs(x), first = Constant(LB_TANH_1);
    const auto inside = hn::Lt(magnitude, Constant(LB_TANH_LIMIT));
    const VF32 z = hn::IfThenElse(inside, magnitude, Constant(LB_TANH_LIMIT));
    const VF32 cubic = hn::Mul(hn::Mul(z, z), Constant(LB_TANH_3)), sum = hn::Add(cubic, first);
    const VF32 rest = hn::Add(hn::Add(hn::Sub(first, sum), cubic), Constant(LB_TANH_1_LOW));
    const VF32 z_upper = UpperBits(z), sum_upper = UpperBits(sum);
    const VF32 more =
        hn::Add(hn::Mul(hn::Sub(z, z_upper), sum), hn::Mul(z_upper, hn::Add(hn::Sub(sum, sum_upper), rest)));
    return TimesLogistic(x, inside, hn::Mul(z_upper, sum_upper), more);
}

HWY_INLINE VF32 Silu(VF32 x) {
    const VF32 magnitude = hn::Abs(x), limit = Constant(LB_EXP_LIMIT);
    const auto inside = hn::Lt(magnitude, limit);
    return TimesLogistic(x, inside, hn::IfThenElse(inside, magnitude, limit), Constant(0.0f));
}

}  // namespace

#endif
