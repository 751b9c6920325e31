/* SPDX-License-Identifier: Apache-2.0 */
/* The `digits` algorithm: float rows of A, given as integers of three balanced digits of eight bits, are three rows of
 * a tile of `dot` each, which share one decoding of the weights. The sums of the digits are integers; a group ends in
 *
 *     join(dot) = (f32(dot2) * 256 + f32(dot1)) * 256 + f32(dot0)
 *     t         = t + (join(dot) * unit) * scale             unit: a power of two
 *
 * Multiplying by a power of two is exact, so a fused multiply-add and two operations give the same bits, and what is
 * not exact is done in one order: results are the same on every level. Fields in place would save one instruction in
 * nine of a line and cost six at the end of a group. */
#ifndef LOWBIT_KERNELS_SIMD_DIGITS_INL_H_
#define LOWBIT_KERNELS_SIMD_DIGITS_INL_H_

#include "kernels/simd/dot-inl.h"

namespace {

HWY_INLINE VF32 Join(VI32 low, VI32 middle, VI32 high) {
    const DF32 df;
    const VF32 base = hn::Set(df, 256.0f);
    const VF32 upper = hn::MulAdd(hn::ConvertTo(df, high), base, hn::ConvertTo(df, middle));
    return hn::MulAdd(upper, base, hn::ConvertTo(df, low));
}

/* The end of a group, and of the product, whose sums are those of digits. */
template <size_t kVectors>
struct Digits {
    using Out = Epilogue<kVectors>;
    static constexpr size_t kWidth = Out::kWidth;

    /* What the sums of a group start from: its correction, unless codes count twice. */
    template <size_t kSums>
    static HWY_INLINE void Start(const lb_tile &tile, size_t group, int code_bias, bool is_short,
                                 VI32 (&sum)[kSums][kVectors]) {
        if (tile.zero && is_short) return Out::StartZeros(tile, group, code_bias, sum);
        if (!tile.zero && !tile.shift) return Out::StartCorrections(tile, group, sum);
        Fill(sum, hn::Zero(DI32()));
        if (!tile.zero) return;
        VI32 zero[kVectors];
        Out::LoadZeros(tile, group, code_bias, zero);
        LB_UNROLL
        for (size_t i = 0; i < kSums; ++i) {
            const VI32 asum = hn::Set(DI32(), tile.asum[group * kSums + i]);
            LB_UNROLL
            for (size_t j = 0; j < kVectors; ++j) sum[i][j] = hn::Mul(asum, zero[j]);
        }
    }

    /* totals += join(dot) * unit * scale (+ row_sum * min) for one group. */
    template <size_t kSums>
    static HWY_INLINE void Add(const lb_tile &tile, size_t group, VI32 (&sum)[kSums][kVectors]) {
        const DF32 df;
        constexpr size_t kRows = kSums / LB_DIGITS;
        VF32 scale[kVectors], min[kVectors];
        Out::EndSums(tile, group, sum);
        Out::LoadScales(tile, tile.scale, group, scale);
        Out::LoadMinima(tile, group, min);
        /* Not a loop: gcc 12 unrolls it too late for registers. */
        ForEach<kRows>([&](auto row) LB_STEP {
            constexpr size_t kRow = decltype(row)::value, kAt = kRow * LB_DIGITS;
            const VF32 unit = hn::Set(df, tile.units[kRow]);
            const VF32 row_sum = hn::Set(df, tile.min ? tile.row_sums[group * kRows + kRow] : 0.0f);
            float *total = tile.totals + kRow * kWidth;
            LB_UNROLL
            for (size_t j = 0; j < kVectors; ++j) {
                const VF32 dot = hn::Mul(Join(sum[kAt][j], sum[kAt + 1][j], sum[kAt + 2][j]), unit);
                VF32 t = hn::Add(hn::Load(df, total + j * kColumns), hn::Mul(dot, scale[j]));
                if (tile.min) t = hn::Add(t, hn::Mul(row_sum, min[j]));
                hn::Store(t, df, total + j * kColumns);
            }
        });
    }

    /* The integer totals of progressive groups, three of each row, to the output. */
    static HWY_NOINLINE void FinishMultiplied(const lb_tile &tile, size_t rows) {
        const DF32 df;
        VF32 scale[kVectors];
        LB_UNROLL
        for (size_t j = 0; j < kVectors; ++j)
            scale[j] = LoadScale(tile.scale_type, tile.scale, Out::RowScaleIndex(tile, j));
        Out::FinishRows(tile, rows, [&](size_t i, size_t j) LB_STEP {
            const float *at = tile.totals + i * LB_DIGITS * kWidth + j * kColumns;
            const auto total = [&](size_t d) LB_STEP { return hn::BitCast(DI32(), hn::Load(df, at + d * kWidth)); };
            const VF32 dot = hn::Mul(Join(total(0), total(1), total(2)), hn::Set(df, tile.units[i]));
            return hn::Add(hn::Zero(df), hn::Mul(dot, scale[j]));
        });
    }
};

template <class Way, size_t kRows, size_t kVectors, size_t kLineA>
void DigitsTile(const lb_tile *tile_pointer) {
    using Out = Epilogue<kVectors>;
    constexpr size_t kSums = LB_DIGITS * kRows;
    const lb_tile &tile = *tile_pointer;
    const Lines<kVectors> lines(tile);
    const auto *a = static_cast<const typename Way::A *>(tile.a);
    if (tile.start && !tile.resume) Out::ClearTotals(tile, tile.mult ? kSums : kRows);
    for (size_t g = 0; g < tile.groups; ++g) {
        const size_t first = g * tile.lines_per_group, count = lb_tile_group_lines(&tile, g);
        const bool resume = g == 0 && tile.resume, suspend = g + 1 == tile.groups && tile.suspend;
        VI32 sum[kSums][kVectors];
        if (resume)
            LoadSums(tile.sums, sum);
        else
            Digits<kVectors>::Start(tile, g, Way::kBias, !suspend && count * 4 * Way::kFields <= kShortGroup, sum);
        Way::Sums(lines, first, count, a + first * kLineA * kSums, sum);
        if (suspend) return StoreSums(sum, tile.sums);
        if (tile.mult)
            Out::AddMultiplied(tile, g, sum);
        else
            Digits<kVectors>::Add(tile, g, sum);
    }
    if (!tile.finish) return;
    if (tile.mult)
        Digits<kVectors>::FinishMultiplied(tile, kRows);
    else
        Out::Finish(tile, kRows);
}

/* A row of the unit's table: that of `dot` for three times the rows, whose groups end in so many instructions. */
template <template <class, int, size_t, size_t> class Way, class Ops, int kCode, size_t kRows, size_t kVectors>
constexpr lb_kernel DigitsRow() {
    constexpr size_t kSums = LB_DIGITS * kRows;
    using W = Way<Ops, kCode, kSums, kVectors>;
    lb_kernel kernel = DotRowOf<W, kSums, kVectors>(Ops::kPorts, &DigitsTile<W, kRows, kVectors, 4 * W::kFields>);
    kernel.algorithm = LB_ALGORITHM_DIGITS;
    kernel.mr = kRows;
    kernel.group_cost = static_cast<uint32_t>(64 * (6 + 10 * kRows) / Ops::kPorts * LB_PANEL / kColumns);
    return kernel;
}

template <class Ops, int kCode, size_t kRows, size_t kVectors>
constexpr lb_kernel DigitsDirect() {
    return DigitsRow<DotDirect, Ops, kCode, kRows, kVectors>();
}

}  // namespace

#endif
