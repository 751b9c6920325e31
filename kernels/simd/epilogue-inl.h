/* SPDX-License-Identifier: Apache-2.0 */
/* What follows the integer sums of a tile: scales of a group, then bias, residual and ReLU. Shared by all algorithms.
 * The order of operations is the law of docs/numerics.md; no multiply-add is fused. */
#ifndef LOWBIT_KERNELS_SIMD_EPILOGUE_INL_H_
#define LOWBIT_KERNELS_SIMD_EPILOGUE_INL_H_

#include "kernels/simd/simd.h"

namespace {

/* Where vector j's columns of group g stand in scale, zero and min. */
HWY_INLINE size_t ScaleIndex(const lb_tile &tile, size_t j, size_t group) {
    const size_t column = j * kColumns;
    return tile.scale_at[column / LB_PANEL] + column % LB_PANEL + group * LB_PANEL;
}

HWY_INLINE VF32 LoadScale(uint32_t type, const void *array, size_t at) {
    const DF32 df;
    if (type == LOWBIT_SCALE_F32) return hn::LoadU(df, static_cast<const float *>(array) + at);
    const auto *half = static_cast<const uint16_t *>(array) + at;
    const hn::Rebind<uint16_t, DF32> d16;
    const auto bits = hn::LoadU(d16, half);
    if (type == LOWBIT_SCALE_F16) return hn::PromoteTo(df, hn::BitCast(hn::Rebind<hwy::float16_t, DF32>(), bits));
    return hn::BitCast(df, hn::ShiftLeft<16>(hn::PromoteTo(DU32(), bits)));
}

/* dot[g] of vector j for row i, from the raw sums. */
HWY_INLINE VI32 CorrectDot(const lb_tile &tile, VI32 raw, size_t row_at, size_t scale_at, int code_bias) {
    const DI32 d;
    if (HWY_UNLIKELY(tile.zero != nullptr)) {
        const auto zero = hn::PromoteTo(d, hn::LoadU(hn::Rebind<uint8_t, DI32>(), tile.zero + scale_at));
        const VI32 offset = hn::Sub(hn::Set(d, code_bias), zero);
        return hn::Add(raw, hn::Mul(offset, hn::Set(d, tile.asum[row_at])));
    }
    const VI32 scaled = tile.shift ? hn::ShiftLeft<1>(raw) : raw;
    return hn::Add(scaled, hn::Set(d, tile.corr[row_at]));
}

/* t of one tile between groups. In memory: integer accumulators take the registers. */
template <size_t kRows, size_t kVectors>
struct Totals {
    alignas(64) float t[kRows * kVectors * kColumns];

    HWY_INLINE void Clear() {
        LB_UNROLL
        for (size_t v = 0; v < kRows * kVectors; ++v) hn::Store(hn::Zero(DF32()), DF32(), t + v * kColumns);
    }

    HWY_INLINE float *At(size_t i, size_t j) { return t + (i * kVectors + j) * kColumns; }
};

/* t += f32(dot[g]) * scale[g], and the minima's part. A raw tile keeps the bits of dot itself instead. */
template <size_t kRows, size_t kVectors>
HWY_INLINE void AddGroup(const lb_tile &tile, size_t group, int code_bias, const VI32 (&raw)[kRows][kVectors],
                         Totals<kRows, kVectors> &totals) {
    const DF32 df;
    LB_UNROLL
    for (size_t j = 0; j < kVectors; ++j) {
        const size_t at = ScaleIndex(tile, j, group);
        const VF32 scale = tile.raw ? hn::Zero(df) : LoadScale(tile.scale_type, tile.scale, at);
        LB_UNROLL
        for (size_t i = 0; i < kRows; ++i) {
            const size_t row_at = group * kRows + i;
            float *to = totals.At(i, j);
            const VI32 dot = CorrectDot(tile, raw[i][j], row_at, at, code_bias);
            if (HWY_UNLIKELY(tile.raw)) {
                hn::Store(hn::BitCast(df, dot), df, to);
                continue;
            }
            VF32 t = hn::Add(hn::Load(df, to), hn::Mul(hn::ConvertTo(df, dot), scale));
            if (HWY_UNLIKELY(tile.min != nullptr)) {
                const VF32 sum = hn::Set(df, static_cast<float>(tile.asum[row_at]));
                t = hn::Add(t, hn::Mul(sum, LoadScale(tile.scale_type, tile.min, at)));
            }
            hn::Store(t, df, to);
        }
    }
}

/* out = relu(((t * ascale) + bias) + residual), or the bits of dot. */
template <size_t kRows, size_t kVectors>
HWY_INLINE void Finish(const lb_tile &tile, Totals<kRows, kVectors> &totals) {
    const DF32 df;
    for (size_t i = 0; i < kRows; ++i) {
        LB_UNROLL
        for (size_t j = 0; j < kVectors; ++j) {
            const size_t column = j * kColumns;
            VF32 y = hn::Load(df, totals.At(i, j));
            if (!tile.raw) {
                y = hn::Mul(y, hn::Set(df, tile.ascale[i]));
                if (tile.bias) y = hn::Add(y, hn::LoadU(df, tile.bias + column));
                if (tile.residual) y = hn::Add(y, hn::LoadU(df, tile.residual + i * tile.residual_stride + column));
                if (tile.relu) y = hn::IfThenElseZero(hn::Gt(y, hn::Zero(df)), y);
            }
            hn::StoreU(y, df, static_cast<float *>(tile.out) + i * tile.out_stride + column);
        }
    }
}

}  // namespace

#endif
