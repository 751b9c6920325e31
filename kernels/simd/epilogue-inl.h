/* SPDX-License-Identifier: Apache-2.0 */
/* What follows the integer sums of a tile: scales of a group, then bias, residual and ReLU. Shared by all algorithms.
 * The order of operations is the law of docs/numerics.md; no multiply-add is fused.
 *
 * Sums and totals pass through memory, [row][column], so that this code exists once per number of vectors and not once
 * per kernel: a group costs a kernel far more than the few stores. */
#ifndef LOWBIT_KERNELS_SIMD_EPILOGUE_INL_H_
#define LOWBIT_KERNELS_SIMD_EPILOGUE_INL_H_

#include "kernels/simd/simd.h"

namespace {

/* Where a tile's integer sums mean something else than s * raw + corr. */
enum Offset { kCorrection, kZeroPoint, kMinimum };

HWY_INLINE VF32 LoadScale(uint32_t type, const void *array, size_t at) {
    const DF32 df;
    if (type == LOWBIT_SCALE_F32) return hn::LoadU(df, static_cast<const float *>(array) + at);
    const auto bits = hn::LoadU(hn::Rebind<uint16_t, DF32>(), static_cast<const uint16_t *>(array) + at);
    if (type == LOWBIT_SCALE_F16) return hn::PromoteTo(df, hn::BitCast(hn::Rebind<hwy::float16_t, DF32>(), bits));
    return hn::BitCast(df, hn::ShiftLeft<16>(hn::PromoteTo(DU32(), bits)));
}

template <size_t kVectors>
struct Epilogue {
    static constexpr size_t kWidth = kVectors * kColumns;

    /* Where vector j's columns of group g stand in scale, zero and min. */
    static HWY_INLINE size_t ScaleIndex(const lb_tile &tile, size_t j, size_t group) {
        const size_t column = j * kColumns;
        return tile.scale_at[column / LB_PANEL] + column % LB_PANEL + group * LB_PANEL;
    }

    static HWY_INLINE void LoadScales(const lb_tile &tile, const void *array, size_t group, VF32 (&to)[kVectors]) {
        LB_UNROLL
        for (size_t j = 0; j < kVectors; ++j) to[j] = LoadScale(tile.scale_type, array, ScaleIndex(tile, j, group));
    }

    /* code_bias - zero of every column. */
    static HWY_INLINE void LoadZeros(const lb_tile &tile, size_t group, int code_bias, VI32 (&to)[kVectors]) {
        LB_UNROLL
        for (size_t j = 0; j < kVectors; ++j)
            to[j] = hn::Sub(hn::Set(DI32(), code_bias), LoadBytes(tile.zero + ScaleIndex(tile, j, group)));
    }

    /* totals += f32(dot) * scale (+ f32(asum) * min) for one group and all rows. */
    template <Offset kOffset>
    static HWY_INLINE void AddRows(const lb_tile &tile, size_t group, size_t rows, int code_bias) {
        const DI32 d;
        const DF32 df;
        VF32 scale[kVectors], min[kVectors];
        VI32 zero[kVectors];
        LoadScales(tile, tile.scale, group, scale);
        if constexpr (kOffset == kMinimum) LoadScales(tile, tile.min, group, min);
        if constexpr (kOffset == kZeroPoint) LoadZeros(tile, group, code_bias, zero);
        const bool first = group == 0 && tile.start;
        const int32_t *sums = tile.sums;
        float *totals = tile.totals;
        for (size_t i = 0; i < rows; ++i, sums += kWidth, totals += kWidth) {
            const int32_t asum = tile.asum[group * rows + i], corr = tile.corr[group * rows + i];
            LB_UNROLL
            for (size_t j = 0; j < kVectors; ++j) {
                VI32 dot = hn::Load(d, sums + j * kColumns);
                if constexpr (kOffset == kZeroPoint)
                    dot = hn::Add(dot, hn::Mul(zero[j], hn::Set(d, asum)));
                else
                    dot = hn::Add(hn::ShiftLeftSame(dot, static_cast<int>(tile.shift)), hn::Set(d, corr));
                const VF32 before = first ? hn::Zero(df) : hn::Load(df, totals + j * kColumns);
                VF32 t = hn::Add(before, hn::Mul(hn::ConvertTo(df, dot), scale[j]));
                if constexpr (kOffset == kMinimum)
                    t = hn::Add(t, hn::Mul(hn::Set(df, static_cast<float>(asum)), min[j]));
                hn::Store(t, df, totals + j * kColumns);
            }
        }
    }

    static HWY_NOINLINE void AddGroup(const lb_tile &tile, size_t group, size_t rows, int code_bias) {
        if (tile.zero)
            AddRows<kZeroPoint>(tile, group, rows, code_bias);
        else if (tile.min)
            AddRows<kMinimum>(tile, group, rows, code_bias);
        else
            AddRows<kCorrection>(tile, group, rows, code_bias);
    }

    static HWY_INLINE VI32 LoadBytes(const uint8_t *at) {
        return hn::PromoteTo(DI32(), hn::LoadU(hn::Rebind<uint8_t, DI32>(), at));
    }

    /* A single row walks all groups in one call, panel after panel; the next tile is this far on for each group. */
    static constexpr size_t kNextTile = (kWidth + LB_PANEL - 1) / LB_PANEL * LB_PANEL;

    /* Progressive groups: totals, which hold the bits of integers, += mult * dot for one group and all rows. */
    static HWY_NOINLINE void AddMultiplied(const lb_tile &tile, size_t group, size_t rows, int code_bias) {
        const DI32 d;
        const DF32 df;
        VI32 mult[kVectors], zero[kVectors];
        LB_UNROLL
        for (size_t j = 0; j < kVectors; ++j) {
            const uint8_t *at = tile.mult + ScaleIndex(tile, j, group);
            if (rows == 1 && j * kColumns % LB_PANEL == 0) __builtin_prefetch(at + kNextTile * tile.groups);
            mult[j] = LoadBytes(at);
            zero[j] = hn::Zero(d);
        }
        if (tile.zero) LoadZeros(tile, group, code_bias, zero);
        const bool first = group == 0 && tile.start;
        const int32_t *sums = tile.sums;
        float *totals = tile.totals;
        for (size_t i = 0; i < rows; ++i, sums += kWidth, totals += kWidth) {
            const VI32 asum = hn::Set(d, tile.asum[group * rows + i]), corr = hn::Set(d, tile.corr[group * rows + i]);
            LB_UNROLL
            for (size_t j = 0; j < kVectors; ++j) {
                const VI32 raw = hn::ShiftLeftSame(hn::Load(d, sums + j * kColumns), static_cast<int>(tile.shift));
                const VI32 dot = hn::Add(raw, tile.zero ? hn::Mul(zero[j], asum) : corr);
                const VI32 before = first ? hn::Zero(d) : hn::BitCast(d, hn::Load(df, totals + j * kColumns));
                hn::Store(hn::BitCast(df, hn::Add(before, hn::Mul(mult[j], dot))), df, totals + j * kColumns);
            }
        }
    }

    /* What follows the last of them: the scales of the rows, and the output; or the integers themselves. */
    static HWY_NOINLINE void FinishMultiplied(const lb_tile &tile, size_t rows) {
        const DI32 d;
        const DF32 df;
        for (size_t i = 0; i < rows; ++i)
            for (size_t j = 0; j < kVectors; ++j) {
                const size_t column = j * kColumns;
                float *at = tile.totals + i * kWidth + column;
                const VI32 total = hn::BitCast(d, hn::Load(df, at));
                if (tile.raw) {
                    hn::StoreU(total, d, static_cast<int32_t *>(tile.out) + i * tile.out_stride + column);
                    continue;
                }
                const size_t scale_at = tile.row_scale_at[column / LB_PANEL] + column % LB_PANEL;
                const VF32 scale = LoadScale(tile.scale_type, tile.scale, scale_at);
                hn::Store(hn::Add(hn::Zero(df), hn::Mul(hn::ConvertTo(df, total), scale)), df, at);
            }
        if (!tile.raw) Finish(tile, rows);
    }

    static HWY_INLINE void AddVectors(const float *x, VF32 (&y)[kVectors]) {
        LB_UNROLL
        for (size_t j = 0; j < kVectors; ++j) y[j] = hn::Add(y[j], hn::LoadU(DF32(), x + j * kColumns));
    }

    /* out = relu(((t * ascale) + bias) + residual), a row at a time */
    static HWY_NOINLINE void Finish(const lb_tile &tile, size_t rows) {
        const DF32 df;
        for (size_t i = 0; i < rows; ++i) {
            VF32 y[kVectors];
            float *out = static_cast<float *>(tile.out) + i * tile.out_stride;
            LB_UNROLL
            for (size_t j = 0; j < kVectors; ++j)
                y[j] = hn::Mul(hn::Load(df, tile.totals + i * kWidth + j * kColumns), hn::Set(df, tile.ascale[i]));
            if (tile.bias) AddVectors(tile.bias, y);
            if (tile.residual) AddVectors(tile.residual + i * tile.residual_stride, y);
            LB_UNROLL
            for (size_t j = 0; j < kVectors; ++j) {
                if (tile.relu) y[j] = hn::IfThenElseZero(hn::Gt(y[j], hn::Zero(df)), y[j]);
                hn::StoreU(y[j], df, out + j * kColumns);
            }
        }
    }

    /* out = dot of the one group. */
    static HWY_NOINLINE void FinishRaw(const lb_tile &tile, size_t rows, int code_bias) {
        const DI32 d;
        VI32 zero[kVectors];
        LB_UNROLL
        for (size_t j = 0; j < kVectors; ++j) zero[j] = hn::Zero(d);
        if (tile.zero) LoadZeros(tile, 0, code_bias, zero);
        for (size_t i = 0; i < rows; ++i)
            for (size_t j = 0; j < kVectors; ++j) {
                const VI32 raw = hn::Load(d, tile.sums + i * kWidth + j * kColumns);
                const VI32 scaled = tile.zero ? hn::Mul(zero[j], hn::Set(d, tile.asum[i])) : hn::Set(d, tile.corr[i]);
                const VI32 dot = hn::Add(hn::ShiftLeftSame(raw, static_cast<int>(tile.shift)), scaled);
                hn::StoreU(dot, d, static_cast<int32_t *>(tile.out) + i * tile.out_stride + j * kColumns);
            }
    }
};

}  // namespace

#endif
