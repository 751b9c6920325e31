/* SPDX-License-Identifier: Apache-2.0 */
/* Counting bits by tables that know two rows of A: the way of `xor`, `and`, `and2` and `and4` for several rows where
 * pshufb looks up bytes and nothing counts bits.
 *
 * Where all bytes of a vector are the same four k, of as many columns, the nibbles of A at those k are the same for all
 * of them, and choose a table: of a nibble of W, how many bits it has in common with A's, or differs in. So nothing is
 * left to xor; and since such a count is at most 4, a byte of the table holds those of two rows, and three of its bytes
 * can be added before the halves are taken apart: 28 instructions for a vector, two rows and the eight nibbles of 32 k,
 * where nibbles that meet A's before they are looked up take 48. Lines do not stand so: a part of K of the tile's
 * columns is turned over once, for all blocks of rows, into nibbles in the L1 cache. */
#ifndef LOWBIT_KERNELS_SIMD_POPCOUNT_PAIRS_INL_H_
#define LOWBIT_KERNELS_SIMD_POPCOUNT_PAIRS_INL_H_

#include "kernels/simd/popcount-inl.h"

/* Where a level has 16 registers: the others have trees, or count bits. */
#define LB_HAS_PAIRS (HWY_ARCH_X86 && !LB_HAS_TREES)

#if LB_HAS_PAIRS

namespace {

/* Nibbles of a lane of a line: of bytes 0 .. 3 the lower ones, then the upper ones. */
constexpr size_t kLaneNibbles = 8;

/* Of each two nibbles of A, the first row's the lower one: counts for the 16 nibbles of W, those of the first row the
 * lower halves. */
template <bool kXor>
struct PairTables {
    alignas(LB_LINE) uint8_t at[256][16];

    static constexpr int Bits(unsigned nibble) {
        return static_cast<int>((nibble & 1) + (nibble >> 1 & 1) + (nibble >> 2 & 1) + (nibble >> 3 & 1));
    }
    static constexpr int Count(unsigned a, unsigned w) { return Bits(kXor ? a ^ w : a & w); }
    constexpr PairTables() : at() {
        for (unsigned a = 0; a < 256; ++a)
            for (unsigned w = 0; w < 16; ++w) at[a][w] = static_cast<uint8_t>(Count(a & 15, w) + 16 * Count(a >> 4, w));
    }
};
template <bool kXor>
constexpr PairTables<kXor> kPairTables;

/* Bytes b of the lanes of four vectors to vector b: byte i of a lane is that of vector i. */
HWY_INLINE void TransposeBytes(VU8 (&v)[4]) {
    const auto swap = [](VU8 &x, VU8 &y, auto d, auto shift) {
        using D = decltype(d);
        using Wide = hn::RepartitionToWide<D>;
        constexpr int kShift = decltype(shift)::value;
        const auto up = hn::BitCast(d, hn::ShiftLeft<kShift>(hn::BitCast(Wide(), y)));
        const auto down = hn::BitCast(d, hn::ShiftRight<kShift>(hn::BitCast(Wide(), x)));
        y = hn::BitCast(DU8(), hn::OddEven(hn::BitCast(d, y), down));
        x = hn::BitCast(DU8(), hn::OddEven(up, hn::BitCast(d, x)));
    };
    swap(v[0], v[2], DU16(), Tag<16>());
    swap(v[1], v[3], DU16(), Tag<16>());
    swap(v[0], v[1], DU8(), Tag<8>());
    swap(v[2], v[3], DU8(), Tag<8>());
}

/* The eight nibbles of the lanes of four vectors: byte i of a lane is of vector i. */
HWY_INLINE void TurnNibbles(VU8 (&v)[4], VU8 (&nibbles)[kLaneNibbles]) {
    TransposeBytes(v);
    LB_UNROLL
    for (size_t b = 0; b < 4; ++b) {
        const Nibbles split = SplitNibbles(v[b]);
        nibbles[b] = split.low;
        nibbles[b + 4] = split.high;
    }
}

/* Counts of two rows in kSets vectors of turned columns: bytes, of at most kDepthLines lines; and 16 bits, of the even
 * bytes and of the odd ones. */
template <size_t kSets>
struct PairCounts {
    static constexpr size_t kDepthLines = 7; /* 7 * 8 * 4 < 256 */
    /* Instructions for four vectors of a line: eight lookups and five sums of theirs, thrice five that part them; and
     * widening. */
    static constexpr size_t kWork = 28 + (2 * 4 + kDepthLines - 1) / kDepthLines;

    VI16 even[2][kSets], odd[2][kSets];

    HWY_INLINE PairCounts() {
        Fill(even, hn::Zero(DI16()));
        Fill(odd, hn::Zero(DI16()));
    }

    /* The nibbles kFirst .. kFirst + kCount - 1: at most three. */
    template <size_t kFirst, size_t kCount>
    static HWY_INLINE void Some(const uint8_t (*tables)[16], const uint8_t *a, const uint8_t *nibbles,
                                VU8 (&counts)[2][kSets]) {
        VU8 both[kSets];
        ForEach<kCount>([&](auto at) {
            constexpr size_t kAt = decltype(at)::value;
            const VU8 table = hn::LoadDup128(DU8(), tables[a[kFirst + kAt]]);
            LB_UNROLL
            for (size_t s = 0; s < kSets; ++s) {
                const VU8 w = hn::Load(DU8(), nibbles + ((kFirst + kAt) * kSets + s) * sizeof(VU8));
                const VU8 found = hn::TableLookupBytes(table, w);
                both[s] = kAt == 0 ? found : Keep(hn::Add(both[s], found));
            }
        });
        LB_UNROLL
        for (size_t s = 0; s < kSets; ++s) {
            const Nibbles split = SplitNibbles(both[s]);
            counts[0][s] = Keep(hn::Add(counts[0][s], split.low));
            counts[1][s] = Keep(hn::Add(counts[1][s], split.high));
        }
    }

    HWY_INLINE void Widen(const VU8 (&counts)[2][kSets]) {
        LB_UNROLL
        for (size_t row = 0; row < 2; ++row) {
            LB_UNROLL
            for (size_t s = 0; s < kSets; ++s) {
                even[row][s] = hn::Add(even[row][s], StagedOps::Even(counts[row][s]));
                odd[row][s] = hn::Add(odd[row][s], StagedOps::Odd(counts[row][s]));
            }
        }
    }

    /* `a` goes on by kStep bytes with each line. */
    template <size_t kStep>
    HWY_INLINE void Add(const uint8_t (*tables)[16], const uint8_t *a, const uint8_t *nibbles, size_t lines) {
        for (size_t left = lines, some; left > 0; left -= some) {
            VU8 counts[2][kSets];
            Fill(counts, hn::Zero(DU8()));
            some = HWY_MIN(left, kDepthLines);
            for (size_t l = 0; l < some; ++l, a += kStep, nibbles += kLaneNibbles * kSets * sizeof(VU8)) {
                Some<0, 3>(tables, a, nibbles, counts);
                Some<3, 3>(tables, a, nibbles, counts);
                Some<6, 2>(tables, a, nibbles, counts);
            }
            Widen(counts);
        }
    }

    /* Those of the columns of vector kAt of the four that set s is made of. */
    template <int kAt>
    HWY_INLINE VI32 Column(size_t row, size_t s) const {
        const auto both = hn::BitCast(DU32(), kAt % 2 ? odd[row][s] : even[row][s]);
        if constexpr (kAt < 2) return hn::BitCast(DI32(), hn::And(both, hn::Set(DU32(), 0xffff)));
        return hn::BitCast(DI32(), hn::ShiftRight<16>(both));
    }
};

/* A tile's lines, turned when the first block of rows passes. */
template <size_t kVectors>
struct TurnedLines : Lines<kVectors> {
    static constexpr size_t kSets = kVectors / 4, kLineBytes = kLaneNibbles * kSets * sizeof(VU8);
    static_assert(kVectors % 4 == 0, "bytes of a lane are of four vectors");

    const uint8_t *nibbles; /* [line][nibble][set] */

    explicit HWY_INLINE TurnedLines(const lb_tile &tile) : Lines<kVectors>(tile), nibbles(tile.values) {
        if (tile.expand) Turn(tile.values);
    }
    HWY_INLINE void Turn(uint8_t *to) const {
        for (size_t l = 0; l < this->count; ++l, to += kLineBytes) {
            if (this->stream) this->Prefetch(l);
            LB_UNROLL
            for (size_t s = 0; s < kSets; ++s) {
                VU8 v[4], turned[kLaneNibbles];
                LB_UNROLL
                for (size_t i = 0; i < 4; ++i) v[i] = this->Load(l, 4 * s + i);
                TurnNibbles(v, turned);
                LB_UNROLL
                for (size_t i = 0; i < kLaneNibbles; ++i)
                    hn::Store(turned[i], DU8(), to + (i * kSets + s) * sizeof(VU8));
            }
        }
    }
};

/* A way as in dot-inl.h; A is bytes. */
template <class Bits, size_t kRows, size_t kVectors>
struct PopcountPairs {
    static constexpr size_t kFields = 8;
    static constexpr int kBias = 0;
    static constexpr size_t kPlanes = Bits::kPlanes, kLineA = 4 * kPlanes, kSets = kVectors / 4;
    static constexpr uint8_t kLayout = LB_A_PAIRS1 + (kPlanes == 4 ? 2 : kPlanes - 1), kAlgorithm = Bits::kAlgorithm;
    /* Of four vectors; turning them, 28 instructions and eight stores, is shared by eight blocks of rows or more. */
    static constexpr size_t kWork4 = kRows / 2 * kPlanes * PairCounts<kSets>::kWork + 36 / 8;
    static constexpr size_t kPorts = StagedOps::kPorts, kWork = (kWork4 + 3) / 4;
    static constexpr size_t kGroupWork = 4 * kPlanes;
    static_assert(kRows % 2 == 0, "rows go in pairs");
    using A = uint8_t;

    /* A part of K has no more lines than fit the scratch for turned ones, so that 16 bits hold its counts. */
    static HWY_INLINE void Sums(const TurnedLines<kVectors> &lines, size_t first, size_t count, const A *a,
                                VI32 (&sum)[kRows][kVectors]) {
        static_assert(LB_VALUES_MOST / TurnedLines<kVectors>::kLineBytes * 32 < 1 << 16, "counts of a part");
        if (!lines.stream) lines.PrefetchFew(first, count);
        const uint8_t *nibbles = lines.nibbles + first * lines.kLineBytes;
        for (size_t pair = 0; pair < kRows / 2; ++pair) { /* not unrolled: sums of so many rows are in memory anyway */
            ForEach<kPlanes>([&](auto plane) {
                constexpr size_t kPlane = decltype(plane)::value;
                PairCounts<kSets> counts;
                counts.template Add<kRows / 2 * kPlanes * kLaneNibbles>(
                    kPairTables<Bits::kXor>.at, a + (pair * kPlanes + kPlane) * kLaneNibbles, nibbles, count);
                LB_UNROLL
                for (size_t row = 0; row < 2; ++row) {
                    LB_UNROLL
                    for (size_t s = 0; s < kSets; ++s) {
                        ForEach<4>([&](auto at) {
                            VI32 &to = sum[2 * pair + row][4 * s + decltype(at)::value];
                            to = Bits::template AddPlane<kPlane>(to,
                                                                 counts.template Column<decltype(at)::value>(row, s));
                        });
                    }
                }
            });
        }
    }
};

/* A row of the unit's table. */
template <class Bits, size_t kRows, size_t kVectors>
constexpr lb_kernel PairsRow() {
    using W = PopcountPairs<Bits, kRows, kVectors>;
    return BitsRow<W, kRows, kVectors>(&DotTile<W, kRows, kVectors, W::kLineA, TurnedLines<kVectors>>);
}

}  // namespace

#endif

#endif
