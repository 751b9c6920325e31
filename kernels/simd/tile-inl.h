/* SPDX-License-Identifier: Apache-2.0 */
/* The `tile` algorithm of AMX: 16 rows x 16 columns x 64 k in one instruction, four of them side by side.
 *
 * A line of 8-bit codes is a row of a tile register as it stands. Narrower codes are expanded first: a part of K of the
 * tile's columns becomes rows of int8 values in the L1 cache, once, and all blocks of rows of A multiply with those.
 * Where there are groups, what a code means (s * c - o, or c - zero, times the multiplier of a progressive group) is
 * settled in that pass, so that nothing is left to correct at each group's end.
 *
 * Between two parts of K the sums go through memory, which costs as much as an eighth of a part of 512. With groups
 * they must at every group's end: there the products of one group drain while the next ones are multiplied, into
 * totals that stay in vector registers. */
#ifndef LOWBIT_KERNELS_SIMD_TILE_INL_H_
#define LOWBIT_KERNELS_SIMD_TILE_INL_H_

#include "kernels/simd/dot-inl.h"
#include "kernels/simd/tile_block-inl.h"

namespace {

void TileEnter(const lb_tile *tile) {
    static constexpr TileConfig kConfigs[] = {TileConfigOf(16), TileConfigOf(32), TileConfigOf(64)};
    TileConfigure(kConfigs[tile->step_k / 32]);
}

/* Multiplied values are signed: a book's as they are. */
struct TileCodes : UnsignedDirect {
    template <int kBits>
    static constexpr int kCodeBias = kBits == 8 ? 128 : 0;
};

/* kRowTiles x kPanels registers of sums. */
template <int kCode, size_t kRowTiles, size_t kPanels>
struct Tile {
    static constexpr bool kValues = kCode != 8;
    using Block = TileBlock<kRowTiles, kPanels, kValues ? kSignedBytes : kUnsignedBytes>;
    using Ahead = TileAhead<kPanels>;
    using Decode = Decoder<TileCodes, kCode>;
    static constexpr int kBias = kValues ? Decode::kBias : 0;
    static constexpr size_t kFields = kFieldsOf<kCode>, kLineK = 4 * kFields;
    static constexpr size_t kRows = Block::kRows, kWidth = Block::kWidth;
    using Out = Epilogue<kPanels>;

    /* Where the columns' registers come from: 64 bytes for 4 k. */
    struct Columns {
        const uint8_t *panel[kPanels];
        explicit HWY_INLINE Columns(const lb_tile &t) {
            for (size_t p = 0; p < kPanels; ++p) panel[p] = kValues ? t.values + p * PanelBytes(t) : t.lines[p];
        }
    };

    static HWY_INLINE size_t Lines(const lb_tile &t) { return lb_tile_lines(&t); }
    /* Values of one panel of the part, in whole registers. */
    static HWY_INLINE size_t PanelBytes(const lb_tile &t) {
        return (Lines(t) * kLineK + kTileK - 1) / kTileK * kTileBytes;
    }

    /* ---- expanding ---- */

    /* Codes of one group to factor * c - offset, both in 32-bit lanes. A product of a code and a factor stays below
     * 256 (lowbit_weights, multipliers), so two of them are multiplied at once in 16 bits. */
    template <bool kFold>
    static HWY_INLINE void ExpandGroup(const Decode &decode, const uint8_t *lines, size_t count, hn::Vec<DU32> factor,
                                       hn::Vec<DU32> offset, ptrdiff_t ahead, uint8_t *to) {
        const DU8 d;
        const auto twice = hn::BitCast(DU16(), hn::Or(factor, hn::ShiftLeft<16>(factor)));
        const auto bytes = hn::BitCast(d, hn::Mul(offset, hn::Set(DU32(), 0x01010101)));
        for (size_t l = 0; l < count; ++l) {
            if (ahead) __builtin_prefetch(lines + l * LB_LINE + ahead);
            VU8 line = hn::LoadU(d, lines + l * LB_LINE);
            ForFields<kCode>([&](auto field) {
                VU8 v = decode.template Take<decltype(field)::value>(line);
                if constexpr (kFold) v = hn::Sub(hn::BitCast(d, hn::Mul(hn::BitCast(DU16(), v), twice)), bytes);
                hn::Store(v, d, to + decltype(field)::value * LB_LINE);
            });
            to += kFields * LB_LINE;
        }
    }

    static HWY_INLINE hn::Vec<DU32> LoadBytes(const uint8_t *at) { return hn::BitCast(DU32(), Out::LoadBytes(at)); }

    static HWY_INLINE void ExpandPanel(const lb_tile &t, size_t p, uint8_t *to) {
        const DU32 d;
        const ptrdiff_t ahead = t.blocks == 1 ? t.ahead_offset : 0;
        const auto scale = hn::Set(d, t.value_scale), offset = hn::Set(d, t.value_offset);
        const Decode decode(t.book);
        if (kCode == kBook || (!t.mult && t.value_scale == 1 && t.value_offset == 0))
            return ExpandGroup<false>(decode, t.lines[p], Lines(t), scale, offset, ahead, to);
        if (!t.mult) return ExpandGroup<true>(decode, t.lines[p], Lines(t), scale, offset, ahead, to);
        for (size_t g = 0; g < t.groups; ++g) {
            const size_t first = g * t.lines_per_group, at = t.scale_at[p] + g * LB_PANEL;
            const size_t count = lb_tile_group_lines(&t, g);
            const auto mult = LoadBytes(t.mult + at), zero = t.zero ? LoadBytes(t.zero + at) : offset;
            ExpandGroup<true>(decode, t.lines[p] + first * LB_LINE, count, hn::Mul(mult, scale), hn::Mul(mult, zero),
                              ahead, to + first * kFields * LB_LINE);
        }
    }

    static HWY_NOINLINE void Expand(const lb_tile &t) {
        for (size_t p = 0; p < kPanels; ++p) ExpandPanel(t, p, t.values + p * PanelBytes(t));
    }

    /* ---- multiplying ---- */

    /* From the rows of A at the part's beginning to those at k: registers of kRows rows x 64 k follow one another. */
    static HWY_INLINE size_t RowsAt(size_t k) { return k / kTileK * kTileK * kRows + k % kTileK; }

    /* sums = or += products of k in [first, end) of the part. */
    static HWY_INLINE void Multiply(const lb_tile &t, const Columns &w, size_t first, size_t end, bool add, void *sums,
                                    Ahead &ahead) {
        if (add)
            Block::Load(sums);
        else
            Block::Zero();
        for (size_t k = first; k < end; k += t.step_k) {
            Block::Step(static_cast<const int8_t *>(t.a) + RowsAt(k), w.panel, k * LB_PANEL);
            ahead.Step();
        }
        Block::Store(sums);
    }

    /* ---- groups ---- */

    /* The products of one group with one register of rows and one of columns, to memory. Registers alternate. */
    template <int kSum, int kA, int kW>
    static HWY_INLINE void MultiplyGroup(const lb_tile &t, const int8_t *rows, const uint8_t *w, size_t g,
                                         int32_t *to) {
        const size_t first = g * t.lines_per_group * kLineK;
        const size_t end = first + lb_tile_group_lines(&t, g) * kLineK;
        TileZero<kSum>();
        for (size_t k = first; k < end; k += t.step_k) {
            TileLoad<kA>(rows + RowsAt(k), kTileRowBytes);
            TileLoad<kW>(w + k * LB_PANEL, kTileRowBytes);
            TileDot<kSum, kA, kW, Block::kProduct>();
        }
        TileStore<kSum>(to, kTileRowBytes);
    }

    /* total += f32(dot) * scale (+ f32(asum) * min) of one group, column by row of panel p; asum of its rows. */
    template <Offset kOffset>
    static HWY_INLINE void AddDrained(const lb_tile &t, size_t p, size_t g, const int32_t *drained, const int32_t *asum,
                                      VF32 (&total)[kTileRows]) {
        const DF32 df;
        const DI32 d;
        const size_t at = t.scale_at[p] + g * LB_PANEL;
        const VF32 scale = LoadScale(t.scale_type, t.scale, at);
        VF32 min;
        VI32 zero;
        if constexpr (kOffset == kMinimum) min = LoadScale(t.scale_type, t.min, at);
        if constexpr (kOffset == kZeroPoint) zero = Out::LoadBytes(t.zero + at);
        LB_UNROLL
        for (size_t i = 0; i < kTileRows; ++i) {
            VI32 dot = hn::Load(d, drained + i * LB_PANEL);
            if constexpr (kOffset == kZeroPoint) dot = hn::Sub(dot, hn::Mul(zero, hn::Set(d, asum[i])));
            total[i] = hn::Add(total[i], hn::Mul(hn::ConvertTo(df, dot), scale));
            if constexpr (kOffset == kMinimum)
                total[i] = hn::Add(total[i], hn::Mul(hn::Set(df, static_cast<float>(asum[i])), min));
        }
    }

    /* The totals of one register's rows and columns over all groups of the call. A group is added while the next one is
     * multiplied: what a tile stores is long in coming. */
    template <Offset kOffset>
    static HWY_INLINE void Drain(const lb_tile &t, size_t row_tile, size_t p, const uint8_t *w) {
        const DF32 df;
        alignas(64) int32_t drained[2][kTileRows * LB_PANEL];
        float *totals = t.totals + row_tile * kTileRows * kWidth + p * LB_PANEL;
        const int8_t *rows = static_cast<const int8_t *>(t.a) + row_tile * kTileBytes;
        const int32_t *asum = t.asum + row_tile * kTileRows;
        VF32 total[kTileRows];
        LB_UNROLL
        for (size_t i = 0; i < kTileRows; ++i) total[i] = t.start ? hn::Zero(df) : hn::Load(df, totals + i * kWidth);
        for (size_t g = 0; g < t.groups + 1; ++g) {
            int32_t *to = drained[g % 2];
            if (g < t.groups) {
                switch (g % 4) {
                    case 0: MultiplyGroup<kSum0, kRowsA0, kColumns0>(t, rows, w, g, to); break;
                    case 1: MultiplyGroup<kSum1, kRowsA1, kColumns1>(t, rows, w, g, to); break;
                    case 2: MultiplyGroup<kSum2, kRowsA0, kColumns0>(t, rows, w, g, to); break;
                    default: MultiplyGroup<kSum3, kRowsA1, kColumns1>(t, rows, w, g, to); break;
                }
            }
            if (g >= 1) AddDrained<kOffset>(t, p, g - 1, drained[(g - 1) % 2], asum + (g - 1) * kRows, total);
        }
        LB_UNROLL
        for (size_t i = 0; i < kTileRows; ++i) hn::Store(total[i], df, totals + i * kWidth);
    }

    static HWY_NOINLINE void DrainAll(const lb_tile &t, const Columns &w) {
        Ahead ahead(t, kRowTiles * kPanels, kValues);
        for (size_t p = 0; p < kPanels; ++p)
            for (size_t r = 0; r < kRowTiles; ++r) {
                if (t.zero)
                    Drain<kZeroPoint>(t, r, p, w.panel[p]);
                else if (t.min)
                    Drain<kMinimum>(t, r, p, w.panel[p]);
                else
                    Drain<kCorrection>(t, r, p, w.panel[p]);
                ahead.Step();
            }
        if (t.finish) Out::Finish(t, kRows);
    }

    static HWY_INLINE void AddGroups(const lb_tile &t, const Columns &w) {
        Ahead ahead(t, (Lines(t) * kLineK + t.step_k - 1) / t.step_k, kValues);
        for (size_t g = 0; g < t.groups; ++g) {
            const size_t first = g * t.lines_per_group * kLineK;
            const size_t count = lb_tile_group_lines(&t, g);
            Multiply(t, w, first, first + count * kLineK, g == 0 && t.resume, t.sums, ahead);
            if (g + 1 == t.groups && t.suspend) return;
            Out::EndGroup(t, g, kRows, 0);
        }
    }

    /* Progressive groups are in the values: one integer sum, which waits in the totals between parts. */
    static HWY_NOINLINE void AddFolded(const lb_tile &t, const Columns &w) {
        Ahead ahead(t, (Lines(t) * kLineK + kTileK - 1) / kTileK, kValues);
        Multiply(t, w, 0, Lines(t) * kLineK, !t.start || t.resume, t.totals, ahead);
        if (t.finish) Out::FinishOnly(t, kRows, 0);
    }

    static void Run(const lb_tile *tile_pointer) {
        const lb_tile &t = *tile_pointer;
        if (kValues && t.expand) Expand(t);
        const Columns w(t);
        if (kValues && t.mult)
            AddFolded(t, w);
        else if (kValues && t.groups > 1 && !t.column_sums)
            DrainAll(t, w);
        else
            AddGroups(t, w);
    }
};

/* A row of the unit's table. Its cost: 16 cycles for each multiplication, and for narrow codes twice the storing of
 * values or their decoding at an instruction a cycle, which do not overlap with it. A group drains in about 80 cycles
 * for each register of sums. */
template <int kCode, size_t kRowTiles>
constexpr lb_kernel TileRow() {
    constexpr size_t kPanels = 4 / kRowTiles;
    using T = Tile<kCode, kRowTiles, kPanels>;
    constexpr size_t kExpand = HWY_MAX(128 * T::kFields, 64 * T::Decode::kWork);
    constexpr uint32_t kCost = 64 * T::kFields * kRowTiles + (T::kValues ? kExpand : 0);
    return lb_kernel{
        kCodingOf<kCode>,    LB_ALGORITHM_TILE, LB_A_TILE, T::kBias, T::kValues, 0, T::kRows, T::kWidth, kCost,
        64 * 80 * kRowTiles, &T::Run,           TileEnter, TileLeave};
}

}  // namespace

#endif
