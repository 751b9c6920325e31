/* SPDX-License-Identifier: Apache-2.0 */
/* The algorithms `fma` and `l1f`: rows of A stay floats, weights are decoded to floats, and every term (terms-inl.h:
 * products, distances) is added to the one sum of its output, k by k in ascending order. So the bits of a kernel's
 * results depend on no part, block or thread.
 *
 * Few rows decode in registers: s * c - o is multiplied, and the scale of a group with its sum (FmaTile). Many rows
 * share what the first block of them decodes: a part of K as floats in the L1 cache, scales and offsets included
 * (FmaMany). */
#ifndef LOWBIT_KERNELS_SIMD_FMA_INL_H_
#define LOWBIT_KERNELS_SIMD_FMA_INL_H_

#include "kernels/simd/decode_float-inl.h"
#include "kernels/simd/dot-inl.h"
#include "kernels/simd/terms-inl.h"

namespace {

template <size_t kRows, size_t kVectors>
HWY_INLINE void LoadFloats(const float *from, VF32 (&to)[kRows][kVectors]) {
    LB_UNROLL
    for (size_t i = 0; i < kRows; ++i) {
        LB_UNROLL
        for (size_t j = 0; j < kVectors; ++j) to[i][j] = hn::Load(DF32(), from + (i * kVectors + j) * kColumns);
    }
}

template <size_t kRows, size_t kVectors>
HWY_INLINE void StoreFloats(const VF32 (&from)[kRows][kVectors], float *to) {
    LB_UNROLL
    for (size_t i = 0; i < kRows; ++i) {
        LB_UNROLL
        for (size_t j = 0; j < kVectors; ++j) hn::Store(from[i][j], DF32(), to + (i * kVectors + j) * kColumns);
    }
}

/* acc[i][j] += the term of a[i] and w[j] */
template <class Term, size_t kRows, size_t kVectors>
HWY_INLINE void AddTerms(const Term &term, const VF32 (&w)[kVectors], const float *a, VF32 (&acc)[kRows][kVectors]) {
    LB_UNROLL
    for (size_t i = 0; i < kRows; ++i) {
        const VF32 x = hn::Set(DF32(), a[i]);
        LB_UNROLL
        for (size_t j = 0; j < kVectors; ++j) acc[i][j] = term.Add(w[j], x, acc[i][j]);
    }
}

/* Calls use(k, w) for the k of line l: w[j] is vector j of the columns, as v. */
template <class Decoder, size_t kVectors, class Use>
HWY_INLINE void DecodeLine(const Decoder &decoder, const Lines<kVectors> &lines, size_t l, const Use &use) {
    typename Decoder::State state[kVectors];
    LB_UNROLL
    for (size_t j = 0; j < kVectors; ++j) state[j] = decoder.Start(lines.Load(l, j));
    ForEach<Decoder::kFields>([&](auto field) {
        constexpr int kField = decltype(field)::value;
        typename Decoder::Stage stage[kVectors];
        LB_UNROLL
        for (size_t j = 0; j < kVectors; ++j) stage[j] = decoder.template Next<kField>(state[j]);
        ForEach<Decoder::kInField>([&](auto index) {
            constexpr int kIndex = decltype(index)::value;
            VF32 w[kVectors];
            LB_UNROLL
            for (size_t j = 0; j < kVectors; ++j) w[j] = decoder.template Value<kField, kIndex>(stage[j]);
            use(size_t{kField * Decoder::kInField + kIndex}, w);
        });
    });
}

/* What stands beside the sums of float activations: scales, and offsets that are made up for by the sums of A. */
template <size_t kVectors>
struct FloatGroups {
    using Out = Epilogue<kVectors>;
    static constexpr size_t kWidth = kVectors * kColumns;

    /* Of one group, what a sum of A * v is multiplied with, what is added to v, and the minima. */
    VF32 scale[kVectors], offset[kVectors], min[kVectors];

    HWY_INLINE FloatGroups(const lb_tile &tile, size_t group) {
        const DF32 df;
        const VF32 o = hn::Set(df, static_cast<float>(tile.value_offset));
        LB_UNROLL
        for (size_t j = 0; j < kVectors; ++j) {
            const size_t at = Out::ScaleIndex(tile, j, group);
            scale[j] = !tile.scale ? hn::Set(df, 1.0f)
                       : tile.mult ? Bytes(tile.mult + at)
                                   : LoadScale(tile.scale_type, tile.scale, at);
            offset[j] = tile.zero ? hn::Sub(o, Bytes(tile.zero + at)) : tile.min ? o : hn::Zero(df);
            min[j] = tile.min ? LoadScale(tile.scale_type, tile.min, at) : hn::Zero(df);
        }
    }
    static HWY_INLINE VF32 Bytes(const uint8_t *at) { return hn::ConvertTo(DF32(), Out::LoadBytes(at)); }

    /* The same where values take all of it in: the scale of a progressive group's column, too. */
    static HWY_INLINE FloatGroups OfValues(const lb_tile &tile, size_t group) {
        FloatGroups g(tile, group);
        LB_UNROLL
        for (size_t j = 0; j < kVectors; ++j)
            if (tile.mult)
                g.scale[j] = hn::Mul(g.scale[j], LoadScale(tile.scale_type, tile.scale, Out::RowScaleIndex(tile, j)));
        return g;
    }

    /* (v + offset) * scale + min for columns of vector j: v + offset is an integer, and plain values have neither. */
    template <bool kPlain>
    HWY_INLINE VF32 Value(VF32 v, size_t j) const {
        return kPlain ? hn::Mul(v, scale[j]) : hn::MulAdd(hn::Add(v, offset[j]), scale[j], min[j]);
    }

    /* totals = or += what the sums of the group come to. */
    template <size_t kRows>
    static HWY_INLINE void Add(const lb_tile &tile, size_t group, VF32 (&sum)[kRows][kVectors]) {
        const DF32 df;
        const FloatGroups g(tile, group);
        const bool first = group == 0 && tile.start;
        float *total = tile.totals;
        LB_UNROLL
        for (size_t i = 0; i < kRows; ++i, total += kWidth) {
            const VF32 row_sum = hn::Set(df, tile.row_sums ? tile.row_sums[group * kRows + i] : 0.0f);
            LB_UNROLL
            for (size_t j = 0; j < kVectors; ++j) {
                VF32 t = first ? hn::Zero(df) : hn::Load(df, total + j * kColumns);
                if (tile.row_sums) sum[i][j] = hn::MulAdd(row_sum, g.offset[j], sum[i][j]);
                t = tile.scale ? hn::MulAdd(sum[i][j], g.scale[j], t) : sum[i][j];
                if (tile.min) t = hn::MulAdd(row_sum, g.min[j], t);
                hn::Store(t, df, total + j * kColumns);
            }
        }
    }

    /* Totals to the output; those of progressive groups still lack the scale of their column. */
    static HWY_NOINLINE void Finish(const lb_tile &tile, size_t rows) {
        if (!tile.mult) return Out::Finish(tile, rows);
        VF32 scale[kVectors];
        LB_UNROLL
        for (size_t j = 0; j < kVectors; ++j)
            scale[j] = LoadScale(tile.scale_type, tile.scale, Out::RowScaleIndex(tile, j));
        Out::FinishRows(tile, rows, [&](size_t i, size_t j) {
            return hn::Mul(hn::Load(DF32(), tile.totals + i * kWidth + j * kColumns), scale[j]);
        });
    }
};

template <class Decoder, size_t kRows, size_t kVectors, class Term>
struct FmaTile {
    static constexpr size_t kLineK = static_cast<size_t>(Decoder::kFields) * Decoder::kInField;
    static constexpr size_t kDecodeWork = Decoder::kWork;
    /* Lines of one k are taken four at a time. */
    static constexpr size_t kStep = kLineK < 4 ? 4 / kLineK : 1;
    using Groups = FloatGroups<kVectors>;

    static HWY_INLINE void Line(const Term &term, const Decoder &decoder, const Lines<kVectors> &lines, size_t l,
                                const float *a, VF32 (&acc)[kRows][kVectors]) {
        DecodeLine(decoder, lines, l,
                   [&](size_t k, const VF32(&w)[kVectors]) { AddTerms(term, w, a + k * kRows, acc); });
    }

    static HWY_INLINE void Sums(const Term &term, const Decoder &decoder, const Lines<kVectors> &lines, size_t first,
                                size_t count, const float *a, VF32 (&acc)[kRows][kVectors]) {
        size_t l = first;
        const size_t end = first + count;
        for (; l + kStep <= end; l += kStep, a += kStep * kLineK * kRows) {
            lines.template Prefetch<kStep>(l);
            LB_UNROLL
            for (size_t i = 0; i < kStep; ++i) Line(term, decoder, lines, l + i, a + i * kLineK * kRows, acc);
        }
        for (; l < end; ++l, a += kLineK * kRows) {
            lines.Prefetch(l);
            Line(term, decoder, lines, l, a, acc);
        }
    }

    static void Run(const lb_tile *tile_pointer) {
        const lb_tile &tile = *tile_pointer;
        const Lines<kVectors> lines(tile);
        const Decoder decoder(tile);
        const Term term;
        const auto *a = static_cast<const float *>(tile.a);
        auto *kept = reinterpret_cast<float *>(tile.sums);
        for (size_t g = 0; g < tile.groups; ++g) {
            const size_t first = g * tile.lines_per_group;
            VF32 acc[kRows][kVectors];
            if (g == 0 && tile.resume)
                LoadFloats(kept, acc);
            else
                Fill(acc, hn::Zero(DF32()));
            Sums(term, decoder, lines, first, lb_tile_group_lines(&tile, g), a + first * kLineK * kRows, acc);
            if (g + 1 == tile.groups && tile.suspend) return StoreFloats(acc, kept);
            Groups::Add(tile, g, acc);
        }
        if (tile.finish) Groups::Finish(tile, kRows);
    }
};

/* Many rows: one sum for all of K, which waits in the totals between parts. Columns are lines of floats as they stand,
 * or values that the first block of rows expands, in the order in which products take them: [k][vector]. */
template <class Decoder, size_t kRows, size_t kVectors, class Term>
struct FmaMany {
    static constexpr size_t kLineK = static_cast<size_t>(Decoder::kFields) * Decoder::kInField;
    static constexpr size_t kDecodeWork = Decoder::kWork;
    static constexpr size_t kWidth = kVectors * kColumns;
    static constexpr bool kExpands = kLineK > 1;
    using Groups = FloatGroups<kVectors>;

    template <bool kPlain>
    static HWY_INLINE void ExpandGroup(const lb_tile &tile, const Decoder &decoder, const Lines<kVectors> &lines,
                                       size_t group, float *to) {
        const Groups g = Groups::OfValues(tile, group);
        const size_t first = group * tile.lines_per_group, end = first + lb_tile_group_lines(&tile, group);
        const ptrdiff_t ahead = tile.blocks == 1 ? tile.ahead_offset : 0;
        for (size_t l = first; l < end; ++l) {
            LB_UNROLL
            for (size_t j = 0; j < kVectors; ++j)
                if (j * kColumns % LB_PANEL == 0) __builtin_prefetch(lines.at[j] + l * LB_LINE + ahead);
            DecodeLine(decoder, lines, l, [&](size_t k, const VF32(&w)[kVectors]) {
                LB_UNROLL
                for (size_t j = 0; j < kVectors; ++j)
                    hn::Store(g.template Value<kPlain>(w[j], j), DF32(), to + (l * kLineK + k) * kWidth + j * kColumns);
            });
        }
    }

    static HWY_NOINLINE void Expand(const lb_tile &tile) {
        const Decoder decoder(tile);
        const Lines<kVectors> lines(tile);
        auto *to = reinterpret_cast<float *>(tile.values);
        for (size_t g = 0; g < tile.groups; ++g) {
            if (tile.zero || tile.min)
                ExpandGroup<false>(tile, decoder, lines, g, to);
            else
                ExpandGroup<true>(tile, decoder, lines, g, to);
        }
    }

    /* Vector j of the columns of k. */
    struct Columns {
        const uint8_t *at[kVectors];
        static constexpr size_t kStep = kExpands ? kWidth * sizeof(float) : size_t{LB_LINE};
        explicit HWY_INLINE Columns(const lb_tile &tile) {
            const Lines<kVectors> lines(tile);
            LB_UNROLL
            for (size_t j = 0; j < kVectors; ++j)
                at[j] = kExpands ? tile.values + j * kColumns * sizeof(float) : lines.at[j];
        }
        HWY_INLINE VF32 Load(size_t k, size_t j) const {
            return hn::LoadU(DF32(), reinterpret_cast<const float *>(at[j] + k * kStep));
        }
    };

    template <size_t kCount>
    static HWY_INLINE void Terms(const Term &term, const Columns &columns, size_t k, const float *a,
                                 VF32 (&acc)[kRows][kVectors]) {
        LB_UNROLL
        for (size_t i = 0; i < kCount; ++i) {
            VF32 w[kVectors];
            LB_UNROLL
            for (size_t j = 0; j < kVectors; ++j) w[j] = columns.Load(k + i, j);
            AddTerms(term, w, a + (k + i) * kRows, acc);
        }
    }

    static void Run(const lb_tile *tile_pointer) {
        const lb_tile &tile = *tile_pointer;
        if (kExpands && tile.expand) Expand(tile);
        const Columns columns(tile);
        const Term term;
        const auto *a = static_cast<const float *>(tile.a);
        VF32 acc[kRows][kVectors];
        if (tile.start && !tile.resume)
            Fill(acc, hn::Zero(DF32()));
        else
            LoadFloats(tile.totals, acc);
        /* The next part of the weights, a line of the cache at a time. */
        const size_t count = lb_tile_lines(&tile) * kLineK, bytes = lb_tile_lines(&tile) * tile.ahead_step;
        const size_t stride = HWY_MAX(size_t{1}, (bytes * 4 + count - 1) / count);
        size_t k = 0;
        for (; k + 4 <= count; k += 4) {
            for (size_t at = 0; at < stride; at += LB_LINE) __builtin_prefetch(tile.ahead + k / 4 * stride + at, 0, 2);
            Terms<4>(term, columns, k, a, acc);
        }
        for (; k < count; ++k) Terms<1>(term, columns, k, a, acc);
        StoreFloats(acc, tile.totals);
        if (tile.finish) Epilogue<kVectors>::Finish(tile, kRows);
    }
};

/* Vector instructions that a core starts in a cycle. */
constexpr size_t kFloatPorts = 2;

/* A row of the unit's table. Its cost: vector instructions at two a cycle and a quarter of a cycle for the line itself;
 * of decoding, scaling and storing values that blocks of rows share, an eighth. */
template <int kCoding, class Few, size_t kRows, size_t kVectors, class Term = Products>
constexpr lb_kernel FmaFewRow() {
    constexpr size_t kWork = Few::kDecodeWork + Few::kLineK * kRows * Term::kWork;
    constexpr uint32_t kCost = (64 * kWork / kFloatPorts + 16) * LB_PANEL / kColumns;
    constexpr uint32_t kGroupCost = 64 * (3 + 3 * kRows) / kFloatPorts * LB_PANEL / kColumns;
    return lb_kernel{kCoding, Term::kAlgorithm, LB_A_F32,  0,       0,      0, kRows, kVectors * kColumns,
                     kCost,   kGroupCost,       &Few::Run, nullptr, nullptr};
}

template <int kCoding, class Many, size_t kRows, size_t kVectors, class Term = Products>
constexpr lb_kernel FmaSharedRow() {
    constexpr size_t kExpand = Many::kExpands ? Many::kDecodeWork + 2 * Many::kLineK : 0;
    constexpr size_t kWork8 = kExpand + 8 * Many::kLineK * kRows * Term::kWork;
    constexpr uint32_t kCost = (8 * kWork8 / kFloatPorts + 16) * LB_PANEL / kColumns;
    return lb_kernel{
        kCoding, Term::kAlgorithm, LB_A_F32, 0,      Many::kExpands ? 4 : 0, 1, kRows, kVectors * kColumns, kCost,
        0,       &Many::Run,       nullptr,  nullptr};
}

template <int kCoding, size_t kRows, size_t kVectors, class Term = Products>
constexpr lb_kernel FmaFew() {
    using Few = FmaTile<typename DecoderOf<kCoding>::Type, kRows, kVectors, Term>;
    return FmaFewRow<kCoding, Few, kRows, kVectors, Term>();
}

template <int kCoding, size_t kRows, size_t kVectors, class Term = Products>
constexpr lb_kernel FmaShared() {
    using Many = FmaMany<typename DecoderOf<kCoding>::Type, kRows, kVectors, Term>;
    return FmaSharedRow<kCoding, Many, kRows, kVectors, Term>();
}

}  // namespace

/* A unit's rows of one coding: one, two and four rows that decode for themselves, and many that share it. */
#if HWY_TARGET <= HWY_AVX3
#define LB_FMA_ROWS(coding)                                                                                            \
    FmaFew<coding, 1, 4>(), FmaFew<coding, 2, 4>(), FmaFew<coding, 4, 4>(), FmaShared<coding, 12, 2>()
#elif HWY_ARCH_X86
#define LB_FMA_ROWS(coding)                                                                                            \
    FmaFew<coding, 1, 4>(), FmaFew<coding, 2, 2>(), FmaFew<coding, 4, 2>(), FmaShared<coding, 6, 2>()
#else
#define LB_FMA_ROWS(coding)                                                                                            \
    FmaFew<coding, 1, 8>(), FmaFew<coding, 2, 4>(), FmaFew<coding, 4, 4>(), FmaShared<coding, 6, 4>()
#endif

/* rows(coding) of every coding, and all rows of `fma` of a unit. */
#define LB_EACH_CODING(rows)                                                                                           \
    rows(LB_CODING_W8), rows(LB_CODING_W4), rows(LB_CODING_W2), rows(LB_CODING_W1), rows(LB_CODING_T5),                \
        rows(LB_CODING_C4), rows(LB_CODING_BF16), rows(LB_CODING_F32)
#define LB_FMA_KERNELS LB_EACH_CODING(LB_FMA_ROWS)

/* Those of `l1f`. Sixteen registers hold four rows, beside a mask, a 1 and a difference. */
#define LB_L1F_TILE(make, coding, rows, vectors) make<coding, rows, vectors, Distances>()
#if HWY_TARGET <= HWY_AVX3
#define LB_L1F_ROWS(coding)                                                                                            \
    LB_L1F_TILE(FmaFew, coding, 1, 4), LB_L1F_TILE(FmaFew, coding, 2, 4), LB_L1F_TILE(FmaFew, coding, 4, 4),           \
        LB_L1F_TILE(FmaShared, coding, 12, 2)
#elif HWY_ARCH_X86
#define LB_L1F_ROWS(coding)                                                                                            \
    LB_L1F_TILE(FmaFew, coding, 1, 4), LB_L1F_TILE(FmaFew, coding, 2, 2), LB_L1F_TILE(FmaShared, coding, 4, 2)
#else
#define LB_L1F_ROWS(coding)                                                                                            \
    LB_L1F_TILE(FmaFew, coding, 1, 8), LB_L1F_TILE(FmaFew, coding, 2, 4), LB_L1F_TILE(FmaFew, coding, 4, 4),           \
        LB_L1F_TILE(FmaShared, coding, 6, 4)
#endif
#define LB_L1F_KERNELS LB_L1F_ROWS(LB_CODING_BF16), LB_L1F_ROWS(LB_CODING_F32)

#endif
