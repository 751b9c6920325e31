/* SPDX-License-Identifier: Apache-2.0 */
/* What follows the integer sums of a tile: scales of a group, then bias, residual and ReLU. Shared by all algorithms.
 * The order of operations is the law of docs/numerics.md; no multiply-add is fused.
 *
 * What a group costs inside K stands in the kernels, on sums in registers: a group of 32 has but a few lines. The rest
 * exists once per number of vectors and not once per kernel; there sums and totals come from memory, [row][column]. */
#ifndef LOWBIT_KERNELS_SIMD_EPILOGUE_INL_H_
#define LOWBIT_KERNELS_SIMD_EPILOGUE_INL_H_

#include "kernels/simd/simd.h"
#if HWY_ARCH_X86
#include "kernels/simd/x86_ops.h"
#endif

namespace {

HWY_INLINE VF32 LoadScale(uint32_t type, const void *array, size_t at) {
    const DF32 df;
    if (type == LOWBIT_SCALE_F32) return hn::LoadU(df, static_cast<const float *>(array) + at);
    const auto bits = hn::LoadU(hn::Rebind<uint16_t, DF32>(), static_cast<const uint16_t *>(array) + at);
    if (type == LOWBIT_SCALE_F16) return hn::PromoteTo(df, hn::BitCast(hn::Rebind<hwy::float16_t, DF32>(), bits));
    return hn::BitCast(df, hn::ShiftLeft<16>(hn::PromoteTo(DU32(), bits)));
}

/* x * y for an x that fits 16 bits and a y of at most 255 in magnitude. */
HWY_INLINE VI32 MulShort(VI32 x, VI32 y) {
#if HWY_ARCH_X86
    /* pmulld takes two instructions on one port. The lower halves are multiplied; x's upper half meets zeros. */
    return Madd(hn::BitCast(DI16(), x), hn::BitCast(DI16(), hn::And(y, hn::Set(DI32(), 0xffff))));
#else
    return hn::Mul(x, y);
#endif
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

    /* Zeros where there are none, as with zero points. */
    static HWY_INLINE void LoadMinima(const lb_tile &tile, size_t group, VF32 (&to)[kVectors]) {
        LB_UNROLL
        for (size_t j = 0; j < kVectors; ++j) to[j] = hn::Zero(DF32());
        if (tile.min) LoadScales(tile, tile.min, group, to);
    }

    /* code_bias - zero of every column. */
    static HWY_INLINE void LoadZeros(const lb_tile &tile, size_t group, int code_bias, VI32 (&to)[kVectors]) {
        LB_UNROLL
        for (size_t j = 0; j < kVectors; ++j) {
            to[j] = hn::Zero(DI32());
            if (!tile.zero) continue;
            const auto zero = hn::LoadU(hn::Rebind<uint8_t, DI32>(), tile.zero + ScaleIndex(tile, j, group));
            to[j] = hn::Sub(hn::Set(DI32(), code_bias), hn::PromoteTo(DI32(), zero));
        }
    }

    /* t = +0 for all rows. */
    static HWY_INLINE void ClearTotals(const lb_tile &tile, size_t rows) {
        for (size_t at = 0; at < rows * kWidth; at += kColumns) hn::Store(hn::Zero(DF32()), DF32(), tile.totals + at);
    }

    /* What the integer sums of a group start from: its correction. */
    template <size_t kRows>
    static HWY_INLINE void StartCorrections(const lb_tile &tile, size_t group, VI32 (&sum)[kRows][kVectors]) {
        LB_UNROLL
        for (size_t i = 0; i < kRows; ++i) {
            const VI32 corr = hn::Set(DI32(), tile.corr[group * kRows + i]);
            LB_UNROLL
            for (size_t j = 0; j < kVectors; ++j) sum[i][j] = corr;
        }
    }
    /* With zero points (code_bias - zero) * asum, where asum fits 16 bits. */
    template <size_t kRows>
    static HWY_INLINE void StartZeros(const lb_tile &tile, size_t group, int code_bias, VI32 (&sum)[kRows][kVectors]) {
        VI32 zero[kVectors];
        LoadZeros(tile, group, code_bias, zero);
        LB_UNROLL
        for (size_t i = 0; i < kRows; ++i) {
            const VI32 asum = hn::Set(DI32(), tile.asum[group * kRows + i]);
            LB_UNROLL
            for (size_t j = 0; j < kVectors; ++j) sum[i][j] = MulShort(asum, zero[j]);
        }
    }

    /* totals += f32(dot) * scale (+ f32(asum) * min) for one group, whose sums have started from its correction. */
    template <size_t kRows>
    static HWY_INLINE void AddSums(const lb_tile &tile, size_t group, VI32 (&sum)[kRows][kVectors]) {
        const DF32 df;
        if (tile.shift) { /* the correction is still to come: its half may be no integer */
            LB_UNROLL
            for (size_t i = 0; i < kRows; ++i) {
                const VI32 corr = hn::Set(DI32(), tile.corr[group * kRows + i]);
                LB_UNROLL
                for (size_t j = 0; j < kVectors; ++j) sum[i][j] = hn::Add(hn::Add(sum[i][j], sum[i][j]), corr);
            }
        }
        VF32 scale[kVectors], min[kVectors];
        LoadScales(tile, tile.scale, group, scale);
        LoadMinima(tile, group, min);
        float *total = tile.totals;
        LB_UNROLL
        for (size_t i = 0; i < kRows; ++i, total += kWidth) {
            VF32 t[kVectors];
            LB_UNROLL
            for (size_t j = 0; j < kVectors; ++j)
                t[j] = hn::Add(hn::Load(df, total + j * kColumns), hn::Mul(hn::ConvertTo(df, sum[i][j]), scale[j]));
            if (tile.min) {
                const VF32 asum = hn::Set(df, static_cast<float>(tile.asum[group * kRows + i]));
                LB_UNROLL
                for (size_t j = 0; j < kVectors; ++j) t[j] = hn::Add(t[j], hn::Mul(asum, min[j]));
            }
            LB_UNROLL
            for (size_t j = 0; j < kVectors; ++j) hn::Store(t[j], df, total + j * kColumns);
        }
    }

    /* The same for a group whose raw sums have come to memory. */
    static HWY_NOINLINE void AddGroup(const lb_tile &tile, size_t group, size_t rows, int code_bias) {
        const DI32 d;
        const DF32 df;
        VF32 scale[kVectors], min[kVectors];
        VI32 zero[kVectors];
        LoadScales(tile, tile.scale, group, scale);
        LoadZeros(tile, group, code_bias, zero);
        LoadMinima(tile, group, min);
        for (size_t i = 0; i < rows; ++i) {
            const size_t at = group * rows + i;
            const VF32 asum = hn::Set(df, static_cast<float>(tile.asum[at]));
            for (size_t j = 0; j < kVectors; ++j) {
                float *total = tile.totals + i * kWidth + j * kColumns;
                const VI32 raw = hn::Load(d, tile.sums + i * kWidth + j * kColumns);
                const VF32 dot = hn::ConvertTo(df, Dot(tile, raw, zero[j], at));
                VF32 t = hn::Add(hn::Load(df, total), hn::Mul(dot, scale[j]));
                if (tile.min) t = hn::Add(t, hn::Mul(asum, min[j]));
                hn::Store(t, df, total);
            }
        }
    }

    /* The dot product from a raw sum; `at` is the row's place in corr and asum. */
    static HWY_INLINE VI32 Dot(const lb_tile &tile, VI32 raw, VI32 zero, size_t at) {
        const DI32 d;
        const VI32 constant = tile.zero ? hn::Mul(zero, hn::Set(d, tile.asum[at])) : hn::Set(d, tile.corr[at]);
        return hn::Add(hn::ShiftLeftSame(raw, static_cast<int>(tile.shift)), constant);
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
        LoadZeros(tile, 0, code_bias, zero);
        for (size_t i = 0; i < rows; ++i)
            for (size_t j = 0; j < kVectors; ++j) {
                const VI32 raw = hn::Load(d, tile.sums + i * kWidth + j * kColumns);
                hn::StoreU(Dot(tile, raw, zero[j], i), d,
                           static_cast<int32_t *>(tile.out) + i * tile.out_stride + j * kColumns);
            }
    }
};

}  // namespace

#endif
