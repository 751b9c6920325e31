/* SPDX-License-Identifier: Apache-2.0 */
/* What follows the integer sums of a tile: scales of a group, then bias, residual and activation function. Shared by
 * all algorithms. The order of operations is the law of docs/numerics.md; no multiply-add is fused.
 *
 * What a group costs inside K stands in the kernels, on sums in registers: a group of 32 has but a few lines. The rest
 * exists once per number of vectors and not once per kernel; there sums and totals come from memory, [row][column]. */
#ifndef LOWBIT_KERNELS_SIMD_EPILOGUE_INL_H_
#define LOWBIT_KERNELS_SIMD_EPILOGUE_INL_H_

#include "kernels/simd/activations-inl.h"
#include "kernels/simd/requant-inl.h"
#include "kernels/simd/simd.h"
#if HWY_ARCH_X86
#include "kernels/simd/x86_ops.h"
#endif

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

    /* The same for what progressive groups have but one of in a row. */
    static HWY_INLINE size_t RowScaleIndex(const lb_tile &tile, size_t j) {
        const size_t column = j * kColumns;
        return tile.row_scale_at[column / LB_PANEL] + column % LB_PANEL;
    }

    static HWY_INLINE void LoadScales(const lb_tile &tile, const void *array, size_t group, VF32 (&to)[kVectors]) {
        LB_UNROLL
        for (size_t j = 0; j < kVectors; ++j) to[j] = LoadScale(tile.scale_type, array, ScaleIndex(tile, j, group));
    }

    static HWY_INLINE VI32 LoadBytes(const uint8_t *at) {
        return hn::PromoteTo(DI32(), hn::LoadU(hn::Rebind<uint8_t, DI32>(), at));
    }

    /* A single row walks all groups in one call, panel after panel; the next tile is this far on for each group. */
    static constexpr size_t kNextTile = (kWidth + LB_PANEL - 1) / LB_PANEL * LB_PANEL;

    static HWY_INLINE void LoadMultipliers(const lb_tile &tile, size_t group, size_t rows, VI32 (&to)[kVectors]) {
        LB_UNROLL
        for (size_t j = 0; j < kVectors; ++j) {
            const uint8_t *at = tile.mult + ScaleIndex(tile, j, group);
            if (rows == 1 && j * kColumns % LB_PANEL == 0) __builtin_prefetch(at + kNextTile * tile.groups);
            to[j] = LoadBytes(at);
        }
    }

    /* code_bias - zero of every column. */
    static HWY_INLINE void LoadZeros(const lb_tile &tile, size_t group, int code_bias, VI32 (&to)[kVectors]) {
        LB_UNROLL
        for (size_t j = 0; j < kVectors; ++j)
            to[j] = hn::Sub(hn::Set(DI32(), code_bias), LoadBytes(tile.zero + ScaleIndex(tile, j, group)));
    }

    /* Zeros where there are none, as with zero points. */
    static HWY_INLINE void LoadMinima(const lb_tile &tile, size_t group, VF32 (&to)[kVectors]) {
        LB_UNROLL
        for (size_t j = 0; j < kVectors; ++j) to[j] = hn::Zero(DF32());
        if (tile.min) LoadScales(tile, tile.min, group, to);
    }

    /* Whether the call's group is the only one of all, and ends in it: it goes from its sums to the output. */
    static HWY_INLINE bool EndsOnly(const lb_tile &tile) {
        return tile.groups == 1 && tile.start && tile.finish && !tile.mult;
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

    /* Dot products from sums that have started from their correction, or, where codes count twice, not yet: half of it
     * may be no integer. */
    template <size_t kRows>
    static HWY_INLINE void EndSums(const lb_tile &tile, size_t group, VI32 (&sum)[kRows][kVectors]) {
        if (!tile.shift) return;
        LB_UNROLL
        for (size_t i = 0; i < kRows; ++i) {
            const VI32 corr = hn::Set(DI32(), tile.corr[group * kRows + i]);
            LB_UNROLL
            for (size_t j = 0; j < kVectors; ++j) sum[i][j] = hn::Add(hn::Add(sum[i][j], sum[i][j]), corr);
        }
    }

    /* totals, which hold the bits of integers, += mult * dot for one progressive group. */
    template <size_t kRows>
    static HWY_INLINE void AddMultiplied(const lb_tile &tile, size_t group, VI32 (&sum)[kRows][kVectors]) {
        const DF32 df;
        const DI32 d;
        VI32 mult[kVectors];
        EndSums(tile, group, sum);
        LoadMultipliers(tile, group, kRows, mult);
        float *total = tile.totals;
        LB_UNROLL
        for (size_t i = 0; i < kRows; ++i, total += kWidth) {
            LB_UNROLL
            for (size_t j = 0; j < kVectors; ++j) {
                const VI32 before = hn::BitCast(d, hn::Load(df, total + j * kColumns));
                const VI32 t = hn::Add(before, hn::Mul(mult[j], sum[i][j]));
                hn::Store(hn::BitCast(df, t), df, total + j * kColumns);
            }
        }
    }

    /* totals += f32(dot) * scale (+ f32(asum) * min) for one group. */
    template <size_t kRows>
    static HWY_INLINE void AddSums(const lb_tile &tile, size_t group, VI32 (&sum)[kRows][kVectors]) {
        const DF32 df;
        EndSums(tile, group, sum);
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

    /* -a_zero * column_sums of every column; zeros where A has no zero point. */
    static HWY_INLINE void LoadColumns(const lb_tile &tile, size_t group, VI32 (&to)[kVectors]) {
        const DI32 d;
        LB_UNROLL
        for (size_t j = 0; j < kVectors; ++j) {
            to[j] = hn::Zero(d);
            if (!tile.column_sums) continue;
            const size_t at = tile.mult ? RowScaleIndex(tile, j) : ScaleIndex(tile, j, group);
            const VI32 sum = hn::LoadU(d, tile.column_sums + at);
            to[j] = hn::Mul(hn::Set(d, -tile.a_zero), sum);
        }
    }

    /* What turns raw sums of one group into what it adds to the totals. */
    template <Offset kOffset>
    struct Terms {
        VF32 scale[kVectors], min[kVectors];
        VI32 zero[kVectors], column[kVectors];

        HWY_INLINE Terms(const lb_tile &tile, size_t group, int code_bias) {
            LoadScales(tile, tile.scale, group, scale);
            if constexpr (kOffset == kMinimum) LoadScales(tile, tile.min, group, min);
            if constexpr (kOffset == kZeroPoint) LoadZeros(tile, group, code_bias, zero);
            LoadColumns(tile, group, column);
        }

        /* before + f32(dot) * scale (+ f32(asum) * min) of vector j, for a row with these sums */
        HWY_INLINE VF32 Add(const lb_tile &tile, VF32 before, VI32 raw, int32_t asum, int32_t corr, size_t j) const {
            const DI32 d;
            const DF32 df;
            VI32 dot = raw;
            if constexpr (kOffset == kZeroPoint) {
                dot = hn::Add(dot, hn::Mul(zero[j], hn::Set(d, asum)));
            } else {
                if (tile.shift) dot = hn::Add(dot, dot);
                dot = hn::Add(dot, hn::Set(d, corr));
            }
            if (tile.column_sums) dot = hn::Add(dot, column[j]);
            VF32 t = hn::Add(before, hn::Mul(hn::ConvertTo(df, dot), scale[j]));
            if constexpr (kOffset == kMinimum) t = hn::Add(t, hn::Mul(hn::Set(df, static_cast<float>(asum)), min[j]));
            return t;
        }
    };

    /* The same for a group whose raw sums have come to memory: totals += its terms, for all rows. */
    template <Offset kOffset>
    static HWY_INLINE void AddRows(const lb_tile &tile, size_t group, size_t rows, int code_bias) {
        const DI32 d;
        const DF32 df;
        const Terms<kOffset> terms(tile, group, code_bias);
        const bool first = group == 0 && tile.start;
        const int32_t *sums = tile.sums;
        float *totals = tile.totals;
        for (size_t i = 0; i < rows; ++i, sums += kWidth, totals += kWidth) {
            const int32_t asum = tile.asum[group * rows + i], corr = tile.corr[group * rows + i];
            LB_UNROLL
            for (size_t j = 0; j < kVectors; ++j) {
                const VF32 before = first ? hn::Zero(df) : hn::Load(df, totals + j * kColumns);
                const VF32 t = terms.Add(tile, before, hn::Load(d, sums + j * kColumns), asum, corr, j);
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

    /* The dot product from a raw sum: zero is what LoadZeros gives, row_at the row's place in corr and asum. */
    static HWY_INLINE VI32 Dot(const lb_tile &tile, VI32 raw, VI32 zero, size_t row_at) {
        const DI32 d;
        if (tile.zero) return hn::Add(raw, hn::Mul(zero, hn::Set(d, tile.asum[row_at])));
        return hn::Add(tile.shift ? hn::Add(raw, raw) : raw, hn::Set(d, tile.corr[row_at]));
    }

    /* The same as AddMultiplied for a group whose raw sums have come to memory. */
    static HWY_NOINLINE void AddMultipliedRows(const lb_tile &tile, size_t group, size_t rows, int code_bias) {
        const DI32 d;
        const DF32 df;
        VI32 mult[kVectors], zero[kVectors];
        LoadMultipliers(tile, group, rows, mult);
        LB_UNROLL
        for (size_t j = 0; j < kVectors; ++j) zero[j] = hn::Zero(d);
        if (tile.zero) LoadZeros(tile, group, code_bias, zero);
        const bool first = group == 0 && tile.start;
        const int32_t *sums = tile.sums;
        float *totals = tile.totals;
        for (size_t i = 0; i < rows; ++i, sums += kWidth, totals += kWidth) {
            LB_UNROLL
            for (size_t j = 0; j < kVectors; ++j) {
                const VI32 dot = Dot(tile, hn::Load(d, sums + j * kColumns), zero[j], group * rows + i);
                const VI32 before = first ? hn::Zero(d) : hn::BitCast(d, hn::Load(df, totals + j * kColumns));
                hn::Store(hn::BitCast(df, hn::Add(before, hn::Mul(mult[j], dot))), df, totals + j * kColumns);
            }
        }
    }

    static HWY_INLINE void AddVectors(const void *array, size_t at, VF32 (&y)[kVectors]) {
        const float *x = static_cast<const float *>(array) + at;
        LB_UNROLL
        for (size_t j = 0; j < kVectors; ++j) y[j] = hn::Add(y[j], hn::LoadU(DF32(), x + j * kColumns));
    }

    template <class T, class V>
    static HWY_INLINE void Put(const lb_tile &tile, size_t i, size_t j, V y) {
        T *to = static_cast<T *>(tile.out) + i * tile.out_stride + j * kColumns;
        if (tile.stream)
            hn::Stream(y, hn::DFromV<V>(), to);
        else
            hn::StoreU(y, hn::DFromV<V>(), to);
    }

    static HWY_INLINE void PutFloat(const lb_tile &tile, size_t i, size_t j, VF32 y) {
        if (tile.out_kind == LOWBIT_OUT_F32) return Put<float>(tile, i, j, y);
        const lb_requant &q = *tile.requant;
        const int32_t half = HalfOf(tile.out_kind);
        const FixedCodes codes(q.reciprocal, q.zero - half, q.low - half, q.high - half);
        StoreCodes(codes(y), half, static_cast<uint8_t *>(tile.out) + i * tile.out_stride + j * kColumns);
    }

    /* ((t * ascale) + bias) + residual of row i, and ReLU; what another function follows goes back to the totals. */
    static HWY_INLINE void FinishRow(const lb_tile &tile, size_t i, VF32 (&y)[kVectors]) {
        LB_UNROLL
        for (size_t j = 0; j < kVectors; ++j) y[j] = hn::Mul(y[j], hn::Set(DF32(), tile.ascale[i]));
        if (tile.bias) AddVectors(tile.bias, 0, y);
        if (tile.residual) AddVectors(tile.residual, i * tile.residual_stride, y);
        LB_UNROLL
        for (size_t j = 0; j < kVectors; ++j) {
            if (tile.act > LOWBIT_ACT_RELU)
                hn::Store(y[j], DF32(), tile.totals + i * kWidth + j * kColumns);
            else
                PutFloat(tile, i, j, tile.act ? Relu(y[j]) : y[j]);
        }
    }

    template <class Function>
    static HWY_INLINE void ActivateRows(const lb_tile &tile, size_t rows, const Function &function) {
        for (size_t i = 0; i < rows; ++i)
            for (size_t j = 0; j < kVectors; ++j)
                PutFloat(tile, i, j, function(hn::Load(DF32(), tile.totals + i * kWidth + j * kColumns)));
    }

    /* The longer functions, in a pass of their own: the code exists once for a width, and the tile is in the L1 cache.
     */
    static HWY_NOINLINE void Activate(const lb_tile &tile, size_t rows) {
        switch (tile.act) {
            case LOWBIT_ACT_GELU: return ActivateRows(tile, rows, [](VF32 x) { return Gelu(x); });
            case LOWBIT_ACT_GELU_TANH: return ActivateRows(tile, rows, [](VF32 x) { return GeluTanh(x); });
            default: return ActivateRows(tile, rows, [](VF32 x) { return Silu(x); });
        }
    }

    /* Totals to the output: total(i, j) is vector j of row i. */
    template <class Total>
    static HWY_INLINE void FinishRows(const lb_tile &tile, size_t rows, const Total &total) {
        for (size_t i = 0; i < rows; ++i) {
            VF32 y[kVectors];
            LB_UNROLL
            for (size_t j = 0; j < kVectors; ++j) y[j] = total(i, j);
            FinishRow(tile, i, y);
        }
        if (tile.act > LOWBIT_ACT_RELU) Activate(tile, rows);
    }

    /* The totals of all groups to the output. */
    static HWY_NOINLINE void Finish(const lb_tile &tile, size_t rows) {
        FinishRows(tile, rows,
                   [&](size_t i, size_t j) { return hn::Load(DF32(), tile.totals + i * kWidth + j * kColumns); });
    }

    /* The sums of the only group to the output, through registers. */
    template <Offset kOffset>
    static HWY_INLINE void FinishSums(const lb_tile &tile, size_t rows, int code_bias) {
        const Terms<kOffset> terms(tile, 0, code_bias);
        FinishRows(tile, rows, [&](size_t i, size_t j) {
            const VI32 raw = hn::Load(DI32(), tile.sums + i * kWidth + j * kColumns);
            return terms.Add(tile, hn::Zero(DF32()), raw, tile.asum[i], tile.corr[i], j);
        });
    }

    /* The one integer that is scaled, of the only group or of progressive groups: what stands in their vectors of
     * columns, and what the sums or totals become with it. */
    struct Dots {
        VI32 zero[kVectors], column[kVectors];

        HWY_INLINE Dots(const lb_tile &tile, int code_bias) {
            LB_UNROLL
            for (size_t j = 0; j < kVectors; ++j) zero[j] = hn::Zero(DI32());
            if (tile.zero && !tile.mult) LoadZeros(tile, 0, code_bias, zero);
            LoadColumns(tile, 0, column);
        }
        HWY_INLINE VI32 At(const lb_tile &tile, size_t i, size_t j) const {
            const DI32 d;
            const size_t at = i * kWidth + j * kColumns;
            if (tile.mult) return hn::Add(hn::BitCast(d, hn::Load(DF32(), tile.totals + at)), column[j]);
            return hn::Add(Dot(tile, hn::Load(d, tile.sums + at), zero[j], i), column[j]);
        }
    };

    static HWY_INLINE void FinishRaw(const lb_tile &tile, size_t rows, int code_bias) {
        const Dots dots(tile, code_bias);
        for (size_t i = 0; i < rows; ++i)
            for (size_t j = 0; j < kVectors; ++j) Put<int32_t>(tile, i, j, dots.At(tile, i, j));
    }

    /* The integer form, a vector of columns at a time: its constants fill the registers. kPlain: a sum and what is
     * added to its row and to its column are all. */
    template <class Codes, bool kPlain>
    static HWY_INLINE void FinishColumns(const lb_tile &tile, size_t rows, int code_bias) {
        const Dots dots(tile, code_bias);
        const uint8_t *residual = static_cast<const uint8_t *>(tile.residual);
        const size_t out_stride = tile.out_stride, residual_stride = tile.residual_stride;
        for (size_t j = 0; j < kVectors; ++j) {
            const Codes codes(tile, j * kColumns);
            const VI32 column = dots.column[j];
            const int32_t *sums = tile.sums + j * kColumns, *corr = tile.corr;
            uint8_t *out = static_cast<uint8_t *>(tile.out) + j * kColumns;
            for (size_t i = 0; i < rows; ++i) {
                const VI32 dot =
                    kPlain ? hn::Add(hn::Add(hn::Load(DI32(), sums + i * kWidth), column), hn::Set(DI32(), corr[i]))
                           : dots.At(tile, i, j);
                codes.Put(dot, residual, i * residual_stride + j * kColumns, out + i * out_stride);
            }
        }
    }

    template <class Codes>
    static HWY_NOINLINE void FinishCodes(const lb_tile &tile, size_t rows, int code_bias) {
        if (tile.mult || tile.zero || tile.shift)
            FinishColumns<Codes, false>(tile, rows, code_bias);
        else
            FinishColumns<Codes, true>(tile, rows, code_bias);
    }

    static HWY_INLINE void FinishInteger(const lb_tile &tile, size_t rows, int code_bias) {
        if (tile.requant->rounding == LOWBIT_ROUND_FLOAT)
            FinishCodes<ScaledCodes>(tile, rows, code_bias);
        else
            FinishCodes<IntegerCodes>(tile, rows, code_bias);
    }

    /* The totals of progressive groups to a float output, through registers. */
    static HWY_INLINE void FinishMultiplied(const lb_tile &tile, size_t rows) {
        const Dots dots(tile, 0);
        VF32 scale[kVectors];
        LB_UNROLL
        for (size_t j = 0; j < kVectors; ++j) scale[j] = LoadScale(tile.scale_type, tile.scale, RowScaleIndex(tile, j));
        FinishRows(tile, rows, [&](size_t i, size_t j) {
            return hn::Add(hn::Zero(DF32()), hn::Mul(hn::ConvertTo(DF32(), dots.At(tile, i, j)), scale[j]));
        });
    }

    /* The one integer sum to the output. */
    static HWY_NOINLINE void FinishOnly(const lb_tile &tile, size_t rows, int code_bias) {
        if (tile.out_kind == LOWBIT_OUT_S32)
            FinishRaw(tile, rows, code_bias);
        else if (tile.multipliers)
            FinishInteger(tile, rows, code_bias);
        else if (tile.mult)
            FinishMultiplied(tile, rows);
        else if (tile.zero)
            FinishSums<kZeroPoint>(tile, rows, code_bias);
        else if (tile.min)
            FinishSums<kMinimum>(tile, rows, code_bias);
        else
            FinishSums<kCorrection>(tile, rows, code_bias);
    }

    /* The totals of all groups to the output. */
    static HWY_INLINE void FinishTotals(const lb_tile &tile, size_t rows, int code_bias) {
        if (tile.mult)
            FinishOnly(tile, rows, code_bias);
        else
            Finish(tile, rows);
    }

    /* What every algorithm calls when `sums` holds all of group `group` of the call: to the totals, and after the last
     * group to the output. A tile whose only group this is takes the short road. */
    static HWY_INLINE void EndGroup(const lb_tile &tile, size_t group, size_t rows, int code_bias) {
        if (EndsOnly(tile)) return FinishOnly(tile, rows, code_bias);
        if (tile.mult)
            AddMultipliedRows(tile, group, rows, code_bias);
        else
            AddGroup(tile, group, rows, code_bias);
        if (group + 1 == tile.groups && tile.finish) FinishTotals(tile, rows, code_bias);
    }
};

}  // namespace

#endif
