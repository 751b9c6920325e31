/* SPDX-License-Identifier: Apache-2.0 */
/* The `dot` algorithm: a tile of mr rows x nr columns, integer products accumulated exactly, group by group.
 *
 * One line gives as many operands of a byte dot product as it has fields (decode-inl.h); each is multiplied with four
 * activations that are broadcast to all lanes. The ways to accumulate, all with the same interface:
 *   DotDirect   a level's dot product adds into 32 bits (direct vocabulary)
 *   DotInPlace  the same for one row: fields are masked but not shifted (where codes are read as signed, all but the
 *               top one), each has its own accumulator, and the
 *               accumulators are shifted once at the end. Halves the decoding, which is all that one row pays for.
 *               Exact: K/P * 255 * 128 < 2^31 for K <= 131071 and P >= 2
 *   DotStaged   through 16 bits, widened before they can overflow (staged vocabulary)
 *   DotStagedInPlace  the same for one row of 1 or 2 bits: the upper half of each byte is shifted down once, the fields
 *               of a half are masked but not shifted. Exact as DotInPlace is
 *   DotWide     8-bit codes, and values of books, on staged levels: two 16-bit multiply-adds
 *   DotTrits    few rows of trits: dot_trits-inl.h
 *   DotRows     DotDirect from rows where they are: dot_rows-inl.h
 * The group and output part is in epilogue-inl.h. Accumulators are arrays of vectors that unrolling turns into
 * registers: mr * nv of them and a few more must fit the register file, which is what bounds the tiles of a unit. */
#ifndef LOWBIT_KERNELS_SIMD_DOT_INL_H_
#define LOWBIT_KERNELS_SIMD_DOT_INL_H_

#include "kernels/simd/decode-inl.h"
#include "kernels/simd/epilogue-inl.h"
#include "kernels/simd/lines-inl.h"
#include "kernels/simd/simd.h"

namespace {

template <int kValue>
struct Tag {
    static constexpr int value = kValue;
};

/* Calls step(Tag<0>) .. step(Tag<kCount - 1>). */
template <size_t kCount, int kFirst = 0, class Step>
HWY_INLINE void ForEach(const Step &step) {
    if constexpr (kFirst < static_cast<int>(kCount)) {
        step(Tag<kFirst>());
        ForEach<kCount, kFirst + 1>(step);
    }
}

/* The same for each field of a line. */
template <int kCode, class Step>
HWY_INLINE void ForFields(const Step &step) {
    ForEach<kFieldsOf<kCode>>(step);
}

template <class V, size_t kRows, size_t kVectors>
HWY_INLINE void Fill(V (&acc)[kRows][kVectors], V value) {
    LB_UNROLL
    for (size_t i = 0; i < kRows; ++i) {
        LB_UNROLL
        for (size_t j = 0; j < kVectors; ++j) acc[i][j] = value;
    }
}

/* sum = what the sums start from: those that an earlier part of K has left, or that StartZeros has. */
template <size_t kRows, size_t kVectors>
HWY_INLINE void LoadSums(const int32_t *sums, VI32 (&sum)[kRows][kVectors]) {
    LB_UNROLL
    for (size_t i = 0; i < kRows; ++i) {
        LB_UNROLL
        for (size_t j = 0; j < kVectors; ++j) sum[i][j] = hn::Load(DI32(), sums + (i * kVectors + j) * kColumns);
    }
}

template <size_t kRows, size_t kVectors>
HWY_INLINE void StoreSums(const VI32 (&sum)[kRows][kVectors], int32_t *sums) {
    LB_UNROLL
    for (size_t i = 0; i < kRows; ++i) {
        LB_UNROLL
        for (size_t j = 0; j < kVectors; ++j) hn::Store(sum[i][j], DI32(), sums + (i * kVectors + j) * kColumns);
    }
}

/* Accumulators of a vocabulary from sums, and back. */
template <class Ops, size_t kRows, size_t kVectors>
HWY_INLINE void StartAll(const VI32 (&sum)[kRows][kVectors], typename Ops::Acc (&acc)[kRows][kVectors]) {
    LB_UNROLL
    for (size_t i = 0; i < kRows; ++i) {
        LB_UNROLL
        for (size_t j = 0; j < kVectors; ++j) acc[i][j] = Ops::Start(sum[i][j]);
    }
}

template <class Ops, size_t kRows, size_t kVectors>
HWY_INLINE void SumAll(const typename Ops::Acc (&acc)[kRows][kVectors], VI32 (&sum)[kRows][kVectors]) {
    LB_UNROLL
    for (size_t i = 0; i < kRows; ++i) {
        LB_UNROLL
        for (size_t j = 0; j < kVectors; ++j) sum[i][j] = Ops::Sum(acc[i][j]);
    }
}

/* 16-bit sums into the accumulators. */
template <class Ops, size_t kRows, size_t kVectors>
HWY_INLINE void WidenAll(const typename Ops::Acc16 (&staged)[kRows][kVectors],
                         typename Ops::Acc (&acc)[kRows][kVectors]) {
    LB_UNROLL
    for (size_t i = 0; i < kRows; ++i) {
        LB_UNROLL
        for (size_t j = 0; j < kVectors; ++j) acc[i][j] = Ops::Widen(acc[i][j], staged[i][j]);
    }
}

/* Accumulators of fields in place from the sums of the row, which the first takes. */
template <class Ops, size_t kAccs, size_t kVectors>
HWY_INLINE void StartFields(const VI32 (&sum)[kVectors], typename Ops::Acc (&acc)[kAccs][kVectors]) {
    Fill(acc, Ops::Start(hn::Zero(DI32())));
    LB_UNROLL
    for (size_t j = 0; j < kVectors; ++j) acc[0][j] = Ops::Start(sum[j]);
}

/* Sums of fields in place to those of the row: accumulator f counts 2^(kBits * f) times. */
template <class Ops, int kBits, size_t kAccs, size_t kVectors>
HWY_INLINE void SumFields(const typename Ops::Acc (&acc)[kAccs][kVectors], VI32 (&sum)[kVectors]) {
    LB_UNROLL
    for (size_t j = 0; j < kVectors; ++j) {
        sum[j] = Ops::Sum(acc[0][j]);
        ForEach<kAccs>([&](auto at) LB_STEP {
            constexpr int kAt = decltype(at)::value;
            if constexpr (kAt > 0) sum[j] = hn::Add(sum[j], hn::ShiftRight<kBits * kAt>(Ops::Sum(acc[kAt][j])));
        });
    }
}

/* Lines by way's Take<lines>(lines, first, a, acc), as many in turn as share loads of A. */
template <class Way, size_t kVectors, class Accs>
HWY_INLINE void TakeAll(const Lines<kVectors> &lines, size_t first, size_t count, const int8_t *a, Accs &acc) {
    const size_t end = first + count;
    for (; first + Way::kTogether <= end; first += Way::kTogether, a += Way::kTogether * Way::kFours * 4)
        Way::template Take<Way::kTogether>(lines, first, a, acc);
    if constexpr (Way::kTogether > 1)
        for (; first < end; ++first, a += Way::kFours * 4) Way::template Take<1>(lines, first, a, acc);
}

/* Each way below is a struct with kBias (what it subtracts from codes), kLayout (of A), kWork (vector instructions for
 * one vector of a line, what ESTIMATE ranks by), and
 *     Sums(lines, first, count, a, sum)
 * which adds to sum[row][vector] the products of lines first .. first + count - 1; `a` points at the A panel's element
 * for the first of them. */
template <class Ops, int kCodeOf, size_t kRows, size_t kVectors>
struct DotDirect {
    using Decode = Decoder<Ops, kCodeOf>;
    static constexpr int kCode = kCodeOf, kBias = Decode::kBias, kLayout = LB_A_S8;
    static constexpr size_t kFields = kFieldsOf<kCode>, kFours = kFields * kRows;
    static constexpr size_t kTogether = Ops::template kLinesTogether<kFours>;
    static constexpr size_t kWork = kFields * kRows * Ops::kDotWork + Decode::kWork;
    using A = int8_t;

    template <size_t kCount>
    static HWY_INLINE void Take(const Lines<kVectors> &lines, size_t first, const A *a,
                                typename Ops::Acc (&acc)[kRows][kVectors]) {
        const Decode decode(lines.book);
        const typename Ops::template Fours<kCount * kFours> fours(a);
        lines.template Prefetch<kCount>(first);
        ForEach<kCount>([&](auto at) LB_STEP {
            constexpr int kAt = decltype(at)::value;
            VU8 line[kVectors];
            LB_UNROLL
            for (size_t j = 0; j < kVectors; ++j) line[j] = lines.Load(first + kAt, j);
            ForFields<kCode>([&](auto field) LB_STEP {
                constexpr int kField = decltype(field)::value;
                VU8 codes[kVectors];
                LB_UNROLL
                for (size_t j = 0; j < kVectors; ++j) codes[j] = decode.template Take<kField>(line[j]);
                ForEach<kRows>([&](auto row) LB_STEP {
                    constexpr int kRow = decltype(row)::value;
                    const auto four = fours.template Four<kAt * kFours + kField * kRows + kRow>();
                    LB_UNROLL
                    for (size_t j = 0; j < kVectors; ++j) acc[kRow][j] = Ops::Dot(acc[kRow][j], codes[j], four);
                });
            });
        });
    }

    static HWY_INLINE void Sums(const Lines<kVectors> &lines, size_t first, size_t count, const A *a,
                                VI32 (&sum)[kRows][kVectors]) {
        typename Ops::Acc acc[kRows][kVectors];
        StartAll<Ops>(sum, acc);
        TakeAll<DotDirect>(lines, first, count, a, acc);
        SumAll<Ops>(acc, sum);
    }
};

template <class Ops, int kBitsOf, size_t kRows, size_t kVectors>
struct DotInPlace {
    static constexpr int kBits = kBitsOf, kCode = kBits, kBias = Ops::template kCodeBias<kBits>, kLayout = LB_A_S8;
    static constexpr size_t kFields = 8 / kBits, kFours = kFields;
    static constexpr size_t kTogether = Ops::template kLinesTogether<kFours>;
    static constexpr size_t kWork = kFields * Ops::kDotWork + (kBits < 8 ? kFields : Ops::template kCodesWork<8>);
    /* One for each place in a byte: fields that are shifted down meet in the first. */
    static constexpr size_t kTopShift = Ops::template kInPlaceShift<kBits, 8 / kBits - 1>;
    static constexpr size_t kAccs = kTopShift || kFields == 1 ? kFields : kFields - 1;
    static_assert(kRows == 1, "registers go to the fields");
    using A = int8_t;

    template <size_t kCount>
    static HWY_INLINE void Take(const Lines<kVectors> &lines, size_t first, const A *a,
                                typename Ops::Acc (&acc)[kAccs][kVectors]) {
        const typename Ops::template Fours<kCount * kFours> fours(a);
        lines.template Prefetch<kCount>(first);
        ForEach<kCount>([&](auto at) LB_STEP {
            constexpr int kAt = decltype(at)::value;
            VU8 line[kVectors];
            LB_UNROLL
            for (size_t j = 0; j < kVectors; ++j) line[j] = lines.Load(first + kAt, j);
            ForFields<kBits>([&](auto field) LB_STEP {
                constexpr int kField = decltype(field)::value;
                constexpr int kAcc = Ops::template kInPlaceShift<kBits, kField> / kBits;
                const auto four = fours.template Four<kAt * kFours + kField>();
                LB_UNROLL
                for (size_t j = 0; j < kVectors; ++j)
                    acc[kAcc][j] = Ops::Dot(acc[kAcc][j], Ops::template InPlace<kBits, kField>(line[j]), four);
            });
        });
    }

    static HWY_INLINE void Sums(const Lines<kVectors> &lines, size_t first, size_t count, const A *a,
                                VI32 (&sum)[kRows][kVectors]) {
        typename Ops::Acc acc[kAccs][kVectors];
        StartFields<Ops>(sum[0], acc);
        TakeAll<DotInPlace>(lines, first, count, a, acc);
        SumFields<Ops, kBits>(acc, sum[0]);
    }
};

template <class Ops, int kCodeOf, size_t kRows, size_t kVectors>
struct DotStaged {
    using Decode = Decoder<typename Ops::Fields, kCodeOf>;
    static constexpr int kCode = kCodeOf, kBias = Decode::kBias, kLayout = LB_A_S8;
    static constexpr size_t kFields = kFieldsOf<kCode>;
    static constexpr size_t kDepthLines = Ops::template kDepth<kBitsOf<kCode>> / kFields;
    static constexpr size_t kWork =
        kFields * kRows * Ops::kStageWork + Decode::kWork + kRows * Ops::kStageWork / kDepthLines;
    static constexpr size_t kStep = kFields * kRows * 4; /* of A for a line */
    using A = int8_t;

    using Acc16 = typename Ops::Acc16;

    static HWY_INLINE void Line(const Lines<kVectors> &lines, size_t l, const A *a, Acc16 (&staged)[kRows][kVectors]) {
        const Decode decode(lines.book);
        VU8 line[kVectors];
        lines.Prefetch(l);
        LB_UNROLL
        for (size_t j = 0; j < kVectors; ++j) line[j] = lines.Load(l, j);
        ForFields<kCode>([&](auto field) LB_STEP {
            constexpr int kField = decltype(field)::value;
            VU8 codes[kVectors];
            LB_UNROLL
            for (size_t j = 0; j < kVectors; ++j) codes[j] = decode.template Take<kField>(line[j]);
            LB_UNROLL
            for (size_t i = 0; i < kRows; ++i) {
                const VI8 four = BroadcastFour(a + (kField * kRows + i) * 4);
                LB_UNROLL
                for (size_t j = 0; j < kVectors; ++j) staged[i][j] = Ops::MulAdd(staged[i][j], codes[j], four);
            }
        });
    }

    /* kCount lines into 16-bit sums, and those into the accumulators. Short stages are written out. */
    template <size_t kCount>
    static HWY_INLINE void Stage(const Lines<kVectors> &lines, size_t first, const A *a,
                                 typename Ops::Acc (&acc)[kRows][kVectors]) {
        Acc16 staged[kRows][kVectors];
        Fill(staged, Ops::Zero16());
        if constexpr (kCount <= 4) {
            LB_UNROLL
            for (size_t l = 0; l < kCount; ++l) Line(lines, first + l, a + l * kStep, staged);
        } else {
            for (size_t l = 0; l < kCount; ++l) Line(lines, first + l, a + l * kStep, staged);
        }
        WidenAll<Ops>(staged, acc);
    }

    static HWY_INLINE void Sums(const Lines<kVectors> &lines, size_t first, size_t count, const A *a,
                                VI32 (&sum)[kRows][kVectors]) {
        typename Ops::Acc acc[kRows][kVectors];
        StartAll<Ops>(sum, acc);
        size_t l = 0;
        for (; l + kDepthLines <= count; l += kDepthLines) Stage<kDepthLines>(lines, first + l, a + l * kStep, acc);
        for (; l < count; ++l) Stage<1>(lines, first + l, a + l * kStep, acc);
        SumAll<Ops>(acc, sum);
    }
};

/* The halves of a byte share what shifts them, one instruction for all fields of the upper one, and an accumulator for
 * each field of a half. */
template <class Ops, int kBitsOf, size_t kRows, size_t kVectors>
struct DotStagedInPlace {
    static constexpr int kBits = kBitsOf, kCode = kBits, kBias = 0, kLayout = LB_A_S8;
    static constexpr size_t kFields = 8 / kBits, kHalf = kFields / 2;
    /* A line adds two fields to a sum; those of the last one weigh most. */
    static constexpr size_t kDepthLines = Ops::template kDepth<kBits> / (2 << (kBits * (kHalf - 1)));
    static constexpr size_t kWork =
        1 + kFields * (1 + Ops::kStageWork) + (kHalf * Ops::kStageWork + kDepthLines - 1) / kDepthLines;
    static_assert(kRows == 1 && kBits < 4, "registers go to the fields");
    using A = int8_t;
    using Acc16 = typename Ops::Acc16;

    static HWY_INLINE void Line(const Lines<kVectors> &lines, size_t l, const A *a, Acc16 (&staged)[kHalf][kVectors]) {
        VU8 low[kVectors], high[kVectors];
        lines.Prefetch(l);
        LB_UNROLL
        for (size_t j = 0; j < kVectors; ++j) {
            low[j] = lines.Load(l, j);
            high[j] = hn::BitCast(DU8(), hn::ShiftRight<4>(hn::BitCast(DU16(), low[j])));
        }
        ForFields<2 * kBits>([&](auto field) LB_STEP {
            constexpr int kField = decltype(field)::value;
            const VI8 a_low = BroadcastFour(a + kField * 4), a_high = BroadcastFour(a + (kField + kHalf) * 4);
            LB_UNROLL
            for (size_t j = 0; j < kVectors; ++j) {
                staged[kField][j] = Ops::MulAdd(staged[kField][j], FieldInPlace<kBits, kField>(low[j]), a_low);
                staged[kField][j] = Ops::MulAdd(staged[kField][j], FieldInPlace<kBits, kField>(high[j]), a_high);
            }
        });
    }

    static HWY_INLINE void Stage(const Lines<kVectors> &lines, size_t first, size_t count, const A *a,
                                 typename Ops::Acc (&acc)[kHalf][kVectors]) {
        Acc16 staged[kHalf][kVectors];
        Fill(staged, Ops::Zero16());
        for (size_t l = 0; l < count; ++l) Line(lines, first + l, a + l * kFields * 4, staged);
        WidenAll<Ops>(staged, acc);
    }

    static HWY_INLINE void Sums(const Lines<kVectors> &lines, size_t first, size_t count, const A *a,
                                VI32 (&sum)[kRows][kVectors]) {
        typename Ops::Acc acc[kHalf][kVectors];
        StartFields<Ops>(sum[0], acc);
        for (size_t l = 0; l < count; l += kDepthLines)
            Stage(lines, first + l, HWY_MIN(kDepthLines, count - l), a + l * kFields * 4, acc);
        SumFields<Ops, kBits>(acc, sum[0]);
    }
};

template <class Ops, int kCodeOf, size_t kRows, size_t kVectors>
struct DotWide {
    using Decode = Decoder<typename Ops::Fields, kCodeOf>;
    static constexpr int kCode = kCodeOf, kBias = Decode::kBias, kLayout = LB_A_S16;
    static constexpr size_t kFields = kFieldsOf<kCode>;
    static constexpr size_t kWork = kFields * (4 * kRows + 2) + Decode::kWork;
    static_assert(kBitsOf<kCode> == 8, "fewer bits fit the staged way");
    using A = int16_t;

    static HWY_INLINE void Sums(const Lines<kVectors> &lines, size_t first, size_t count, const A *a,
                                VI32 (&sum)[kRows][kVectors]) {
        const Decode decode(lines.book);
        typename Ops::Acc acc[kRows][kVectors];
        StartAll<Ops>(sum, acc);
        for (size_t l = first; l < first + count; ++l) {
            VU8 line[kVectors];
            lines.Prefetch(l);
            LB_UNROLL
            for (size_t j = 0; j < kVectors; ++j) line[j] = lines.Load(l, j);
            ForFields<kCode>([&](auto field) LB_STEP {
                VI16 even[kVectors], odd[kVectors];
                LB_UNROLL
                for (size_t j = 0; j < kVectors; ++j) {
                    const VU8 codes = decode.template Take<decltype(field)::value>(line[j]);
                    even[j] = Ops::Even(codes);
                    odd[j] = Ops::Odd(codes);
                }
                LB_UNROLL
                for (size_t i = 0; i < kRows; ++i) {
                    const A *four = a + (decltype(field)::value * kRows + i) * 4;
                    const VI16 a02 = BroadcastPair(four), a13 = BroadcastPair(four + 2);
                    LB_UNROLL
                    for (size_t j = 0; j < kVectors; ++j)
                        acc[i][j] = Ops::MulAddWide(Ops::MulAddWide(acc[i][j], even[j], a02), odd[j], a13);
                }
            });
            a += kFields * kRows * 4;
        }
        SumAll<Ops>(acc, sum);
    }
};

/* A group of at most this many k has a sum of A that fits 16 bits. */
constexpr size_t kShortGroup = 256;

/* Where the rows are from some line on. */
struct RowsFrom {
    const int8_t *const *pieces;
    size_t k, piece_k;

    HWY_INLINE RowsFrom(const lb_tile &tile, size_t rows, size_t more)
        : k(tile.piece_at + more), piece_k(tile.piece_k) {
        pieces = static_cast<const int8_t *const *>(tile.a);
        if (k < piece_k) return;
        pieces += k / piece_k * rows;
        k %= piece_k;
    }
};

/* A of a way from line `first` of the call on; its panel has kLineA elements of a row for each line. */
template <class Way, size_t kRows, size_t kLineA>
HWY_INLINE auto FromLine(const lb_tile &tile, size_t first) {
    if constexpr (Way::kLayout == LB_A_ROWS)
        return RowsFrom(tile, kRows, first * kLineA);
    else
        return static_cast<const typename Way::A *>(tile.a) + first * kLineA * kRows;
}

/* The tile function of one way: groups in ascending order,
 * then the output. A group that lies within the call goes from its correction through the registers to the totals; the
 * sums of others pass through memory. TileLines may prepare the lines before. */
template <class Way, size_t kRows, size_t kVectors, size_t kLineA, class TileLines = Lines<kVectors>>
void DotTile(const lb_tile *tile_pointer) {
    using Epilogue = Epilogue<kVectors>;
    const lb_tile &tile = *tile_pointer;
    const TileLines lines(tile);
    constexpr size_t kLineK = 4 * Way::kFields;
    const bool only = Epilogue::EndsOnly(tile);
    if (tile.start && !tile.resume && !only) Epilogue::ClearTotals(tile, kRows);
    for (size_t g = 0; g < tile.groups; ++g) {
        const bool last = g + 1 == tile.groups, resume = g == 0 && tile.resume;
        const size_t first = g * tile.lines_per_group;
        const size_t count = lb_tile_group_lines(&tile, g);
        const bool apart = tile.zero && count * kLineK > kShortGroup;
        const bool columns = tile.column_sums && !tile.mult;
        const bool whole = !(resume || (last && tile.suspend) || only || columns || apart);
        VI32 sum[kRows][kVectors];
        if (resume)
            LoadSums(tile.sums, sum);
        else if (whole && tile.zero)
            Epilogue::StartZeros(tile, g, Way::kBias, sum);
        else if (whole && !tile.shift)
            Epilogue::StartCorrections(tile, g, sum);
        else
            Fill(sum, hn::Zero(DI32()));
        Way::Sums(lines, first, count, FromLine<Way, kRows, kLineA>(tile, first), sum);
        if (whole) {
            if (tile.mult)
                Epilogue::AddMultiplied(tile, g, sum);
            else
                Epilogue::AddSums(tile, g, sum);
            if (last && tile.finish) Epilogue::FinishTotals(tile, kRows, Way::kBias);
            continue;
        }
        StoreSums(sum, tile.sums);
        if (last && tile.suspend) return;
        Epilogue::EndGroup(tile, g, kRows, Way::kBias);
    }
}

/* A row of the unit's table, for a tile of kVectors vectors. Its cost: vector instructions on the ports that a core has
 * for them and a quarter of a cycle for the line itself, or loads at two a cycle (each field's broadcast serves all
 * vectors), whichever takes longer. */
template <class W, size_t kRows, size_t kVectors>
constexpr lb_kernel DotRowOf(size_t ports, lb_tile_fn run) {
    constexpr size_t kWidth = kVectors * kColumns;
    static_assert(kWidth % LB_PANEL == 0 || LB_PANEL % kWidth == 0, "whole panels, or a part that divides one");
    constexpr size_t kBroadcasts = W::kFields * kRows * (W::kLayout == LB_A_S16 ? 2 : 1);
    const size_t work64 = 64 * W::kWork / ports + 16, loads64 = 32 * (1 + kBroadcasts / kVectors);
    const size_t cost = HWY_MAX(work64, loads64) * LB_PANEL / kColumns;
    /* Nine instructions a row, and for a single one two to bring its fields' sums together. */
    constexpr size_t kGroupWork = 9 * kRows + (kRows == 1 ? 2 * (W::kFields - 1) : 0);
    const size_t group_cost = 64 * kGroupWork / ports * LB_PANEL / kColumns;
    return lb_kernel{kCodingOf<W::kCode>,
                     W::kLayout == LB_A_ROWS ? LB_ALGORITHM_ROWS : LB_ALGORITHM_DOT,
                     W::kLayout,
                     W::kBias,
                     0,
                     0,
                     kRows,
                     kWidth,
                     static_cast<uint32_t>(cost),
                     static_cast<uint32_t>(group_cost),
                     run,
                     nullptr,
                     nullptr};
}

template <template <class, int, size_t, size_t> class Way, class Ops, int kCode, size_t kRows, size_t kVectors>
constexpr lb_kernel DotRow() {
    using W = Way<Ops, kCode, kRows, kVectors>;
    return DotRowOf<W, kRows, kVectors>(Ops::kPorts, &DotTile<W, kRows, kVectors, 4 * W::kFields>);
}

}  // namespace

#endif
