/* SPDX-License-Identifier: Apache-2.0 */
/* The algorithms `xor`, `and`, `and2` and `and4`: products of bits by counting them.
 *
 * A 32-bit lane of a line of 1-bit codes c is 32 k of one column, and a word of A (LB_A_BITS) is the same 32 k of a bit
 * plane of one row, broadcast to all lanes. With planes of the two's complement codes a of 2 or 4 bits,
 *   sum a * c = sum over planes p of +-2^p * popcount(plane_p & c)            the top one of several is negative
 * and with both sides in {-1, 1}, as bits, the sum is k - 2 * popcount(a ^ c): padding is 0 on both sides and counts
 * nothing.
 *
 * A vocabulary counts in one of two ways. PopcountPlain adds the counts of every line; where a level has no popcount
 * of its own lanes, bytes take those of up to 31 lines (8 * 31 < 256) before they are widened. PopcountTree adds the
 * bits of eight lines to each other first, in carry-save adders of two instructions, and counts the last carry alone:
 * for levels that have the first (vpternlog) and not the second. */
#ifndef LOWBIT_KERNELS_SIMD_POPCOUNT_INL_H_
#define LOWBIT_KERNELS_SIMD_POPCOUNT_INL_H_

#include "kernels/simd/dot-inl.h"

namespace {

HWY_INLINE VU8 BroadcastWord(const uint32_t *word) { return hn::BitCast(DU8(), hn::Set(DU32(), *word)); }

/* The bits that are counted. */
template <bool kXor>
HWY_INLINE VU8 Meet(VU8 x, VU8 y) {
    return kXor ? hn::Xor(x, y) : hn::And(x, y);
}

/* A popcount vocabulary:
 *     Codes Split(VU8 line): a line as every row wants it, kSplitWork instructions
 *     Count Add<xor>(Count, Codes, const uint32_t *a): adds the bits of one plane of A, which has kWords words for 32
 * k; kCountWork instructions VI32 Widen(VI32, Count), after at most kDepthLines lines from Zero() */

#if HWY_ARCH_X86

HWY_INLINE VU8 NibbleCounts() {
    alignas(16) static constexpr uint8_t kCounts[16] = {0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4};
    return hn::LoadDup128(DU8(), kCounts);
}

struct Nibbles {
    VU8 low, high;
};

HWY_INLINE Nibbles SplitNibbles(VU8 bytes) {
    const VU8 mask = hn::Set(DU8(), 0x0f);
    const VU8 shifted = hn::BitCast(DU8(), hn::ShiftRight<4>(hn::BitCast(DU16(), bytes)));
    return {hn::And(bytes, mask), hn::And(shifted, mask)};
}

/* In this order, which gcc 12 would change and then need a move to come back to the count's register. */
HWY_INLINE VU8 AddNibbleCounts(VU8 count, Nibbles n) {
    const VU8 table = NibbleCounts();
    count = Keep(hn::Add(count, hn::TableLookupBytes(table, n.low)));
    return Keep(hn::Add(count, hn::TableLookupBytes(table, n.high)));
}

/* Bytes to their columns; all are at most 255. */
HWY_INLINE VI32 WidenBytes(VI32 acc, VU8 bytes) {
    return hn::Add(acc, Madd(Maddubs(bytes, hn::Set(DI8(), 1)), hn::Set(DI16(), 1)));
}

/* Levels that look counts up: nibbles of lines are made once for all rows, those of A are in its panel. */
struct NibbleOps {
    using Count = VU8;
    using Codes = Nibbles;
    static constexpr size_t kPorts = StagedOps::kPorts, kSplitWork = 3, kCountWork = 6, kWords = 2, kDepthLines = 31;

    static HWY_INLINE Codes Split(VU8 line) { return SplitNibbles(line); }
    static HWY_INLINE Codes Word(const uint32_t *a) { return {BroadcastWord(a), BroadcastWord(a + 1)}; }
    static HWY_INLINE Count Zero() { return hn::Zero(DU8()); }
    template <bool kXor>
    static HWY_INLINE Count Add(Count count, Codes line, Codes a) {
        return AddNibbleCounts(count, {Meet<kXor>(line.low, a.low), Meet<kXor>(line.high, a.high)});
    }
    static HWY_INLINE VI32 Widen(VI32 acc, Count count) { return WidenBytes(acc, count); }
};

#if HWY_TARGET <= HWY_AVX3
#if defined(__AVX512VPOPCNTDQ__)
/* Each lane counts its own bits. */
struct LaneOps {
    using Count = VI32;
    using Codes = VU8;
    static constexpr size_t kPorts = 2, kSplitWork = 0, kCountWork = 3, kWords = 1, kDepthLines = 1 << 16;

    static HWY_INLINE Codes Split(VU8 line) { return line; }
    static HWY_INLINE Codes Word(const uint32_t *a) { return BroadcastWord(a); }
    static HWY_INLINE Count Zero() { return hn::Zero(DI32()); }
    /* Not hn::Add: gcc 12 adds into the other register and moves that back, or runs out of them. */
    template <bool kXor>
    static HWY_INLINE Count Add(Count count, Codes line, Codes a) {
        const VI32 ones{_mm512_popcnt_epi32(Meet<kXor>(line, a).raw)};
        __asm__("vpaddd %1, %0, %0" : "+v"(count.raw) : "v"(ones.raw));
        return count;
    }
    static HWY_INLINE VI32 Widen(VI32 acc, Count count) { return hn::Add(acc, count); }
};
#endif

#define LB_HAS_TREES 1

/* What a carry-save adder makes of three bits: their sum's lower bit, and the upper one. */
HWY_INLINE VU8 SumBits(VU8 x, VU8 y, VU8 z) { return VU8{_mm512_ternarylogic_epi32(x.raw, y.raw, z.raw, 0x96)}; }
HWY_INLINE VU8 CarryBits(VU8 x, VU8 y, VU8 z) { return VU8{_mm512_ternarylogic_epi32(x.raw, y.raw, z.raw, 0xe8)}; }

/* The bits of many vectors: those of vectors that are no eight yet, and of each eight the one that stands for eight. */
struct Tree {
    VU8 ones, twos, fours, eights; /* bits, bits, bits, counts in bytes */

    static constexpr size_t kVectors = 8;
    static constexpr size_t kMost = 31; /* times that Add may be called */
    /* For each of the eight: Meet, seven adders, a count. */
    static constexpr size_t kWork64 = 64 + 64 * (7 * 2 + 7) / 8;

    HWY_INLINE void Clear() { ones = twos = fours = eights = hn::Zero(DU8()); }

    /* at(0) .. at(7) are the vectors. */
    template <class At>
    HWY_INLINE void Add(const At &at) {
        VU8 carry[2];
        LB_UNROLL
        for (size_t half = 0; half < 2; ++half) {
            VU8 pair[2];
            LB_UNROLL
            for (size_t i = 0; i < 2; ++i) {
                const VU8 x = at(4 * half + 2 * i), y = at(4 * half + 2 * i + 1);
                pair[i] = CarryBits(ones, x, y);
                ones = SumBits(ones, x, y);
            }
            carry[half] = CarryBits(twos, pair[0], pair[1]);
            twos = SumBits(twos, pair[0], pair[1]);
        }
        eights = AddNibbleCounts(eights, SplitNibbles(CarryBits(fours, carry[0], carry[1])));
        fours = SumBits(fours, carry[0], carry[1]);
    }

    /* Counts in bytes of all that is no eight: at most 7 * 8. */
    HWY_INLINE VU8 Rest() const {
        const VU8 zero = hn::Zero(DU8());
        const VU8 four = AddNibbleCounts(zero, SplitNibbles(fours)), two = AddNibbleCounts(zero, SplitNibbles(twos));
        const VU8 upper = hn::Add(hn::Add(four, four), two);
        return AddNibbleCounts(hn::Add(upper, upper), SplitNibbles(ones));
    }
};
#endif

#else

/* cnt counts every byte. */
struct ByteOps {
    using Count = VU8;
    using Codes = VU8;
    static constexpr size_t kPorts = 2, kSplitWork = 0, kCountWork = 3, kWords = 1, kDepthLines = 31;

    static HWY_INLINE Codes Split(VU8 line) { return line; }
    static HWY_INLINE Codes Word(const uint32_t *a) { return BroadcastWord(a); }
    static HWY_INLINE Count Zero() { return hn::Zero(DU8()); }
    template <bool kXor>
    static HWY_INLINE Count Add(Count count, Codes line, Codes a) {
        return VU8(vaddq_u8(count.raw, vcntq_u8(Meet<kXor>(line, a).raw)));
    }
    static HWY_INLINE VI32 Widen(VI32 acc, Count count) {
        return VI32(vreinterpretq_s32_u32(vpadalq_u16(vreinterpretq_u32_s32(acc.raw), vpaddlq_u8(count.raw))));
    }
};

#endif

#ifndef LB_HAS_TREES
#define LB_HAS_TREES 0
#endif

#if defined(__AVX512VPOPCNTDQ__)
using LevelBits = LaneOps;
#elif HWY_ARCH_X86
using LevelBits = NibbleOps;
#else
using LevelBits = ByteOps;
#endif

/* What A is: bits that differ from those of the codes count -1, or planes of which each counts a power of two. */
template <bool kIsXor, size_t kPlaneCount>
struct BitsOf {
    static constexpr bool kXor = kIsXor;
    static constexpr size_t kPlanes = kPlaneCount;
    static_assert(kPlanes == 1 || !kXor, "signs are one plane");
    static constexpr uint8_t kAlgorithm = kXor           ? LB_ALGORITHM_XOR
                                          : kPlanes == 1 ? LB_ALGORITHM_AND
                                          : kPlanes == 2 ? LB_ALGORITHM_AND2
                                                         : LB_ALGORITHM_AND4;

    /* sum + what the counts of a plane are worth */
    template <size_t kPlane>
    static HWY_INLINE VI32 AddPlane(VI32 sum, VI32 counts) {
        const VI32 worth = hn::ShiftLeft<static_cast<int>(kPlane)>(counts);
        return kXor || (kPlane > 0 && kPlane + 1 == kPlanes) ? hn::Sub(sum, worth) : hn::Add(sum, worth);
    }
};
using Signs = BitsOf<true, 1>;
template <size_t kPlanes>
using Planes = BitsOf<false, kPlanes>;

/* The A panel of so many words and planes. */
template <size_t kWords, size_t kPlanes>
constexpr uint8_t kBitLayout = (kWords == 1 ? LB_A_BITS1 : LB_A_NIBBLES1) + (kPlanes == 4 ? 2 : kPlanes - 1);

/* Ways as in dot-inl.h; A is words. kWork counts a line of a vector. */
template <class Ops, class Bits, size_t kRows, size_t kVectors>
struct PopcountPlain {
    static constexpr size_t kFields = 8;
    static constexpr int kBias = 0;
    static constexpr size_t kPlanes = Bits::kPlanes, kLineA = kPlanes * Ops::kWords;
    static constexpr uint8_t kLayout = kBitLayout<Ops::kWords, kPlanes>, kAlgorithm = Bits::kAlgorithm;
    static constexpr size_t kPorts = Ops::kPorts, kWork = Ops::kSplitWork + kRows * kPlanes * Ops::kCountWork;
    static constexpr size_t kGroupWork = 4 * kPlanes; /* of a row */
    using A = uint32_t;
    using Count = typename Ops::Count;

    static HWY_INLINE void Stage(const Lines<kVectors> &lines, size_t first, size_t count, const A *a,
                                 VI32 (&sum)[kRows][kVectors]) {
        Count counts[kRows * kPlanes][kVectors];
        Fill(counts, Ops::Zero());
        for (size_t l = first; l < first + count; ++l, a += kRows * kLineA) {
            typename Ops::Codes codes[kVectors];
            lines.Prefetch(l);
            LB_UNROLL
            for (size_t j = 0; j < kVectors; ++j) codes[j] = Ops::Split(lines.Load(l, j));
            LB_UNROLL
            for (size_t i = 0; i < kRows * kPlanes; ++i) {
                const typename Ops::Codes word = Ops::Word(a + i * Ops::kWords);
                LB_UNROLL
                for (size_t j = 0; j < kVectors; ++j)
                    counts[i][j] = Ops::template Add<Bits::kXor>(counts[i][j], codes[j], word);
            }
        }
        LB_UNROLL
        for (size_t i = 0; i < kRows; ++i) {
            ForEach<kPlanes>([&](auto plane) {
                constexpr size_t kPlane = decltype(plane)::value;
                LB_UNROLL
                for (size_t j = 0; j < kVectors; ++j)
                    sum[i][j] = Bits::template AddPlane<kPlane>(
                        sum[i][j], Ops::Widen(hn::Zero(DI32()), counts[i * kPlanes + kPlane][j]));
            });
        }
    }

    static HWY_INLINE void Sums(const Lines<kVectors> &lines, size_t first, size_t count, const A *a,
                                VI32 (&sum)[kRows][kVectors]) {
        for (size_t l = 0; l < count; l += Ops::kDepthLines)
            Stage(lines, first + l, HWY_MIN(Ops::kDepthLines, count - l), a + l * kRows * kLineA, sum);
    }
};

#if LB_HAS_TREES
/* Eight lines at a time; the last few one by one, in nibbles. */
template <class Bits, size_t kRows, size_t kVectors>
struct PopcountTree {
    static constexpr size_t kFields = 8;
    static constexpr int kBias = 0;
    static constexpr size_t kPlanes = Bits::kPlanes, kLineA = kPlanes, kEach = kRows * kPlanes;
    static constexpr uint8_t kLayout = kBitLayout<1, kPlanes>, kAlgorithm = Bits::kAlgorithm;
    static constexpr size_t kPorts = 2, kWork = (kEach * Tree::kWork64 + 63) / 64;
    /* At its end three counts, and lines that were no eight. */
    static constexpr size_t kGroupWork = kPlanes * 36;
    static_assert(kEach * kVectors <= 4, "a tree has four registers");
    using A = uint32_t;

    static HWY_INLINE void Eights(const Lines<kVectors> &lines, size_t first, size_t count, const A *a,
                                  Tree (&tree)[kEach][kVectors]) {
        for (size_t l = first; l < first + count; l += Tree::kVectors, a += Tree::kVectors * kEach) {
            lines.template Prefetch<Tree::kVectors>(l);
            LB_UNROLL
            for (size_t i = 0; i < kEach; ++i) {
                LB_UNROLL
                for (size_t j = 0; j < kVectors; ++j)
                    tree[i][j].Add([&](size_t u) {
                        return Meet<Bits::kXor>(lines.Load(l + u, j), BroadcastWord(a + u * kEach + i));
                    });
            }
        }
    }

    static HWY_INLINE void Singles(const Lines<kVectors> &lines, size_t first, size_t count, const A *a,
                                   VU8 (&rest)[kEach][kVectors]) {
        for (size_t l = first; l < first + count; ++l, a += kEach) {
            lines.Prefetch(l);
            LB_UNROLL
            for (size_t i = 0; i < kEach; ++i) {
                LB_UNROLL
                for (size_t j = 0; j < kVectors; ++j)
                    rest[i][j] = AddNibbleCounts(
                        rest[i][j], SplitNibbles(Meet<Bits::kXor>(lines.Load(l, j), BroadcastWord(a + i))));
            }
        }
    }

    static HWY_INLINE void Stage(const Lines<kVectors> &lines, size_t first, size_t count, const A *a,
                                 VI32 (&sum)[kRows][kVectors]) {
        const size_t whole = count / Tree::kVectors * Tree::kVectors;
        Tree tree[kEach][kVectors];
        VU8 rest[kEach][kVectors];
        LB_UNROLL
        for (size_t i = 0; i < kEach; ++i) {
            LB_UNROLL
            for (size_t j = 0; j < kVectors; ++j) {
                tree[i][j].Clear();
                rest[i][j] = hn::Zero(DU8());
            }
        }
        if (whole > 0) {
            Eights(lines, first, whole, a, tree);
            LB_UNROLL
            for (size_t i = 0; i < kEach; ++i) {
                LB_UNROLL
                for (size_t j = 0; j < kVectors; ++j) rest[i][j] = tree[i][j].Rest();
            }
        }
        Singles(lines, first + whole, count - whole, a + whole * kEach, rest);
        LB_UNROLL
        for (size_t i = 0; i < kRows; ++i) {
            ForEach<kPlanes>([&](auto plane) {
                constexpr size_t kPlane = decltype(plane)::value;
                LB_UNROLL
                for (size_t j = 0; j < kVectors; ++j) {
                    const size_t at = i * kPlanes + kPlane;
                    const VI32 eights = hn::ShiftLeft<3>(WidenBytes(hn::Zero(DI32()), tree[at][j].eights));
                    sum[i][j] = Bits::template AddPlane<kPlane>(sum[i][j], WidenBytes(eights, rest[at][j]));
                }
            });
        }
    }

    static HWY_INLINE void Sums(const Lines<kVectors> &lines, size_t first, size_t count, const A *a,
                                VI32 (&sum)[kRows][kVectors]) {
        constexpr size_t kDepthLines = Tree::kVectors * Tree::kMost;
        for (size_t l = 0; l < count; l += kDepthLines)
            Stage(lines, first + l, HWY_MIN(kDepthLines, count - l), a + l * kEach, sum);
    }
};
#endif

/* A row of the unit's table. */
template <class W, size_t kRows, size_t kVectors>
constexpr lb_kernel BitsRow(lb_tile_fn run = &DotTile<W, kRows, kVectors, W::kLineA>) {
    constexpr size_t kWork64 = 64 * W::kWork / W::kPorts + 16, kLoads64 = 32 * (1 + kRows * W::kLineA / kVectors);
    constexpr uint32_t kCost = HWY_MAX(kWork64, kLoads64) * LB_PANEL / kColumns;
    constexpr uint32_t kGroupCost = 64 * (9 + W::kGroupWork) * kRows / W::kPorts * LB_PANEL / kColumns;
    return lb_kernel{LB_CODING_W1,        W::kAlgorithm, W::kLayout, W::kBias, 0,       0,      kRows,
                     kVectors * kColumns, kCost,         kGroupCost, run,      nullptr, nullptr};
}

template <class Ops, class Bits, size_t kRows, size_t kVectors>
constexpr lb_kernel PopcountRow() {
    return BitsRow<PopcountPlain<Ops, Bits, kRows, kVectors>, kRows, kVectors>();
}

#if LB_HAS_TREES
template <class Bits, size_t kRows, size_t kVectors>
constexpr lb_kernel TreeRow() {
    return BitsRow<PopcountTree<Bits, kRows, kVectors>, kRows, kVectors>();
}
#endif

}  // namespace

#endif
