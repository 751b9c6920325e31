/* SPDX-License-Identifier: Apache-2.0 */
/* softmax_scalar.h once more, in vectors: the same operations and sums in the same order, so the same bits. */
#ifndef LOWBIT_KERNELS_SIMD_SOFTMAX_INL_H_
#define LOWBIT_KERNELS_SIMD_SOFTMAX_INL_H_

#include <math.h>

#include "kernels/simd/activations-inl.h"
#include "kernels/simd/simd.h"

namespace {

/* Vectors of LB_SOFTEN_SUMS elements. */
constexpr size_t kSoftenVectors = LB_SOFTEN_SUMS / kColumns;

HWY_INLINE VF32 GreaterOf(VF32 x, VF32 most) { return hn::IfThenElse(hn::Gt(x, most), x, most); }

/* A maximum does not depend on the order. */
HWY_INLINE float Greatest(const float *x, size_t n) {
    VF32 most[4] = {Constant(-INFINITY), Constant(-INFINITY), Constant(-INFINITY), Constant(-INFINITY)};
    size_t at = 0;
    for (; at + 4 * kColumns <= n; at += 4 * kColumns) {
        LB_UNROLL
        for (size_t u = 0; u < 4; ++u) most[u] = GreaterOf(hn::LoadU(DF32(), x + at + u * kColumns), most[u]);
    }
    for (; at + kColumns <= n; at += kColumns) most[0] = GreaterOf(hn::LoadU(DF32(), x + at), most[0]);
    const VF32 all = GreaterOf(GreaterOf(most[0], most[1]), GreaterOf(most[2], most[3]));
    float greatest = hn::GetLane(hn::MaxOfLanes(DF32(), all)); /* none of them is a NaN */
    for (; at < n; ++at) greatest = x[at] > greatest ? x[at] : greatest;
    return greatest;
}

HWY_INLINE VF32 Soften(VF32 x, VF32 most) {
    const VF32 below = hn::Sub(most, x), limit = Constant(LB_EXP_LIMIT);
    const auto far = hn::Gt(below, limit);
    const VF32 z = hn::IfThenElse(far, limit, below);
    return hn::Add(hn::IfThenZeroElse(far, ExpNegative(z, Constant(0.0f))), hn::Sub(z, z));
}

/* LB_SOFTEN_SUMS elements: softens them and adds them to their sums. */
template <bool kFactors>
HWY_INLINE void SoftenSome(float *x, VF32 most, const float *factors, VF32 (&sums)[kSoftenVectors]) {
    LB_UNROLL
    for (size_t v = 0; v < kSoftenVectors; ++v) {
        const VF32 e = Soften(hn::LoadU(DF32(), x + v * kColumns), most);
        sums[v] = hn::Add(sums[v], e);
        hn::StoreU(kFactors ? hn::Mul(e, hn::LoadU(DF32(), factors + v * kColumns)) : e, DF32(), x + v * kColumns);
    }
}

template <bool kFactors>
HWY_INLINE float SoftenRowOf(float *x, size_t n, const float *factors) {
    const VF32 most = Constant(Greatest(x, n));
    alignas(64) float rest[LB_SOFTEN_SUMS], with[LB_SOFTEN_SUMS] = {}, each[LB_SOFTEN_SUMS];
    VF32 sums[kSoftenVectors];
    LB_UNROLL
    for (size_t v = 0; v < kSoftenVectors; ++v) sums[v] = Constant(0.0f);
    size_t at = 0;
    for (; at + LB_SOFTEN_SUMS <= n; at += LB_SOFTEN_SUMS) SoftenSome<kFactors>(x + at, most, factors + at, sums);
    if (at < n) { /* the tail through a padded copy, whose exponentials are 0 */
        const size_t bytes = (n - at) * sizeof *x;
        for (size_t i = 0; i < LB_SOFTEN_SUMS; ++i) rest[i] = -INFINITY;
        memcpy(rest, x + at, bytes);
        if (kFactors) memcpy(with, factors + at, bytes);
        SoftenSome<kFactors>(rest, most, with, sums);
        memcpy(x + at, rest, bytes);
    }
    LB_UNROLL
    for (size_t v = 0; v < kSoftenVectors; ++v) hn::Store(sums[v], DF32(), each + v * kColumns);
    for (size_t half = LB_SOFTEN_SUMS / 2; half > 0; half /= 2)
        for (size_t i = 0; i < half; ++i) each[i] += each[i + half];
    return each[0];
}

float SoftenRow(float *x, size_t n, const float *factors) {
    return factors ? SoftenRowOf<true>(x, n, factors) : SoftenRowOf<false>(x, n, x);
}

}  // namespace

#endif
