/* SPDX-License-Identifier: Apache-2.0 */
/* The algorithm `lut`: sums of activations from tables in the place of products, for one row of A and codes of 1 bit.
 *
 * Four bits of a byte of a line are four fields of one k % 4, and an index into 16 entries: the sum of the activations
 * whose bits are set. It is from -512 to 508, and 512 more are 32 * high + low, both below 32, so that two tables of
 * bytes hold it (LB_A_TABLES). A line has eight entries for a column: they add up in bytes, lines in 16 bits, and what
 * the bias has added is taken off at once.
 *
 * A byte shuffle looks all bytes of a vector up in one table, so those of the same k % 4 must stand together, where a
 * line has four k of each column in turn. That is a transposition of four vectors, which a level brings as a struct:
 *     Load(lines, l, first, bytes): of vectors first .. first + 3 of line l, the bytes of each k % 4
 *     Words     16-bit sums of bytes: Add(bytes), and AddParts(low, high, sum): sum[4] += low + 32 * high */
#ifndef LOWBIT_KERNELS_SIMD_LUT_INL_H_
#define LOWBIT_KERNELS_SIMD_LUT_INL_H_

#include "kernels/simd/dot-inl.h"

namespace {

constexpr size_t kTable = 16, kLineTables = 256; /* bytes */
constexpr int kEntryBias = 512;

#if HWY_ARCH_X86

/* A byte shuffle brings the bytes of each k % 4 together in a lane, of every next vector one lane further; blends,
 * which are not confined to the ports of shuffles, do the rest. Then the columns of k % 4 = j stand j lanes too far. */
struct Transposition {
    /* Instructions for four vectors. More than a third are shuffles, for which there are one or two ports of three. */
    static constexpr size_t kPorts = 2, kWork = 4 + 8 + 3, kAddWork = 5, kEndWork = 24;

    struct Orders {
        uint8_t of[4][16];
    };
    static constexpr Orders OrdersOf() {
        Orders orders = {};
        for (size_t v = 0; v < 4; ++v)
            for (size_t j = 0; j < 4; ++j)
                for (size_t i = 0; i < 4; ++i) orders.of[v][(j + v) % 4 * 4 + i] = static_cast<uint8_t>(4 * i + j);
        return orders;
    }

    using VU32 = hn::Vec<DU32>;

    /* Lanes 1 and 3 of `odd`, or 2 and 3 of `upper`. */
    static HWY_INLINE VU32 BlendOdd(VU32 other, VU32 odd) { return hn::OddEven(odd, other); }
    static HWY_INLINE VU32 BlendUpper(VU32 other, VU32 upper) {
        const hn::Repartition<uint64_t, DU8> d;
        return hn::BitCast(DU32(), hn::OddEven(hn::BitCast(d, upper), hn::BitCast(d, other)));
    }

    template <size_t kVectors>
    static HWY_INLINE void Load(const Lines<kVectors> &lines, size_t l, size_t first, VU8 (&bytes)[4]) {
        alignas(16) static constexpr Orders kOrder = OrdersOf();
        VU32 c[4];
        LB_UNROLL
        for (size_t v = 0; v < 4; ++v)
            c[v] = hn::BitCast(DU32(),
                               hn::TableLookupBytes(lines.Load(l, first + v), hn::LoadDup128(DU8(), kOrder.of[v])));
        const VU32 c01 = BlendOdd(c[0], c[1]), c23 = BlendOdd(c[2], c[3]);
        const VU32 c30 = BlendOdd(c[3], c[0]), c12 = BlendOdd(c[1], c[2]);
        bytes[0] = hn::BitCast(DU8(), BlendUpper(c01, c23));
        bytes[1] = hn::BitCast(DU8(), hn::Shuffle0321(BlendUpper(c30, c12)));
        bytes[2] = hn::BitCast(DU8(), hn::Shuffle1032(BlendUpper(c23, c01)));
        bytes[3] = hn::BitCast(DU8(), hn::Shuffle2103(BlendUpper(c12, c30)));
    }

    static HWY_INLINE VU8 AddBytes(VU8 sum, VU8 entries) { return Keep(hn::Add(sum, entries)); }

    /* The bytes at odd places, and those at even places plus 256 times the odd ones. */
    class Words {
      public:
        HWY_INLINE Words() : all(hn::Zero(DU16())), odd(all) {}

        HWY_INLINE void Add(VU8 bytes) {
            const VU16 x = hn::BitCast(DU16(), bytes);
            all = hn::Add(all, x);
            odd = hn::Add(odd, hn::ShiftRight<8>(x));
        }

        static HWY_INLINE void AddParts(const Words &low, const Words &high, VI32 *sum) {
            const DU16 d;
            const VU16 low_even = low.Even(), high_even = high.Even();
            const VU16 l0 = hn::InterleaveLower(d, low_even, low.odd), l1 = hn::InterleaveUpper(d, low_even, low.odd);
            const VU16 h0 = hn::InterleaveLower(d, high_even, high.odd);
            const VU16 h1 = hn::InterleaveUpper(d, high_even, high.odd);
            sum[0] = hn::Add(sum[0], Join(hn::InterleaveLower(d, l0, h0)));
            sum[1] = hn::Add(sum[1], Join(hn::InterleaveUpper(d, l0, h0)));
            sum[2] = hn::Add(sum[2], Join(hn::InterleaveLower(d, l1, h1)));
            sum[3] = hn::Add(sum[3], Join(hn::InterleaveUpper(d, l1, h1)));
        }

      private:
        VU16 all, odd;

        HWY_INLINE VU16 Even() const { return hn::Sub(all, hn::ShiftLeft<8>(odd)); }
        static HWY_INLINE VI32 Join(VU16 parts) {
            return Madd(hn::BitCast(DI16(), parts), hn::BitCast(DI16(), hn::Set(DU32(), 32 << 16 | 1)));
        }
    };
};

#else

/* ld4 takes every fourth byte of a panel's line. It costs what it does on Cortex-A72. */
struct Transposition {
    static constexpr size_t kPorts = 2, kWork = 20, kAddWork = 2, kEndWork = 8;

    template <size_t kVectors>
    static HWY_INLINE void Load(const Lines<kVectors> &lines, size_t l, size_t first, VU8 (&bytes)[4]) {
        hn::LoadInterleaved4(DU8(), lines.at[first] + l * LB_LINE, bytes[0], bytes[1], bytes[2], bytes[3]);
    }

    /* In this order: gcc 12 otherwise looks everything up first, and spills it. */
    static HWY_INLINE VU8 AddBytes(VU8 sum, VU8 entries) {
        sum = hn::Add(sum, entries);
        __asm__("" : "+w"(sum.raw));
        return sum;
    }

    class Words {
      public:
        HWY_INLINE Words() : first(vdupq_n_u16(0)), last(first) {}

        HWY_INLINE void Add(VU8 bytes) {
            first = vaddw_u8(first, vget_low_u8(bytes.raw));
            last = vaddw_high_u8(last, bytes.raw);
        }

        static HWY_INLINE void AddParts(const Words &low, const Words &high, VI32 *sum) {
            AddHalf(low.first, high.first, sum);
            AddHalf(low.last, high.last, sum + 2);
        }

      private:
        uint16x8_t first, last;

        static HWY_INLINE void AddHalf(uint16x8_t low, uint16x8_t high, VI32 *sum) {
            const uint32x4_t s0 = vaddw_u16(vreinterpretq_u32_s32(sum[0].raw), vget_low_u16(low));
            const uint32x4_t s1 = vaddw_high_u16(vreinterpretq_u32_s32(sum[1].raw), low);
            sum[0] = VI32(vreinterpretq_s32_u32(vmlal_n_u16(s0, vget_low_u16(high), 32)));
            sum[1] = VI32(vreinterpretq_s32_u32(vmlal_high_n_u16(s1, high, 32)));
        }
    };
};

#endif

/* A way as in dot-inl.h; A is the tables of one row. Vectors come in sets of four, which share what they look up in. */
template <size_t kVectors>
struct Lut {
    static constexpr size_t kFields = 8, kSets = kVectors / 4;
    static constexpr int kCode = 1, kBias = 0, kLayout = LB_A_TABLES;
    /* 16-bit sums of lines of at most 8 * 31 each: signed, 128 * 248 < 2^15. */
    static constexpr size_t kDepthLines = 128;
    /* Halves of bytes, lookups and sums of four vectors. */
    static constexpr size_t kWork = (4 * 3 + 16 + 14 + Transposition::kWork + 2 * Transposition::kAddWork + 3) / 4;
    static constexpr size_t kGroupWork = 10 + Transposition::kEndWork / 4;
    static_assert(kVectors % 4 == 0, "whole sets");
    using A = uint8_t;
    using Words = Transposition::Words;

    /* sums = what the table has, or += that. */
    template <bool kFirst>
    static HWY_INLINE void LookUp(const A *table, const VU8 (&index)[kSets], VU8 (&sums)[kSets]) {
        const VU8 entries = hn::LoadDup128(DU8(), table);
        LB_UNROLL
        for (size_t s = 0; s < kSets; ++s) {
            const VU8 found = hn::TableLookupBytes(entries, index[s]);
            if constexpr (kFirst)
                sums[s] = found;
            else
                sums[s] = Transposition::AddBytes(sums[s], found);
        }
    }

    /* One half of the bytes of k % 4 = j, for all sets. */
    template <size_t kHalf, bool kFirst>
    static HWY_INLINE void TakeHalf(const VU8 (&index)[kSets], const A *tables, VU8 (&low)[kSets], VU8 (&high)[kSets]) {
        LookUp<kFirst>(tables + kHalf * kTable, index, low);
        LookUp<kFirst>(tables + (2 + kHalf) * kTable, index, high);
    }

    static HWY_INLINE void Line(const Lines<kVectors> &lines, size_t l, const A *a, Words (&low_words)[kSets],
                                Words (&high_words)[kSets]) {
        VU8 bytes[kSets][4], low[kSets], high[kSets];
        lines.Prefetch(l);
        LB_UNROLL
        for (size_t s = 0; s < kSets; ++s) Transposition::Load(lines, l, 4 * s, bytes[s]);
        ForEach<4>([&](auto k) {
            constexpr size_t kAt = decltype(k)::value;
            VU8 first[kSets], last[kSets];
            LB_UNROLL
            for (size_t s = 0; s < kSets; ++s) {
                first[s] = hn::And(bytes[s][kAt], hn::Set(DU8(), 15));
                last[s] = hn::ShiftRight<4>(bytes[s][kAt]);
            }
            TakeHalf<0, kAt == 0>(first, a + kAt * 4 * kTable, low, high);
            TakeHalf<1, false>(last, a + kAt * 4 * kTable, low, high);
        });
        LB_UNROLL
        for (size_t s = 0; s < kSets; ++s) {
            low_words[s].Add(low[s]);
            high_words[s].Add(high[s]);
        }
    }

    static HWY_INLINE void Block(const Lines<kVectors> &lines, size_t first, size_t count, const A *a,
                                 VI32 (&sum)[1][kVectors]) {
        Words low[kSets], high[kSets];
        for (size_t l = first; l < first + count; ++l, a += kLineTables) Line(lines, l, a, low, high);
        LB_UNROLL
        for (size_t s = 0; s < kSets; ++s) Words::AddParts(low[s], high[s], sum[0] + 4 * s);
    }

    static HWY_INLINE void Sums(const Lines<kVectors> &lines, size_t first, size_t count, const A *a,
                                VI32 (&sum)[1][kVectors]) {
        const VI32 too_much = hn::Set(DI32(), static_cast<int32_t>(count) * 8 * kEntryBias);
        LB_UNROLL
        for (size_t j = 0; j < kVectors; ++j) sum[0][j] = hn::Sub(sum[0][j], too_much);
        for (size_t l = 0; l < count; l += kDepthLines)
            Block(lines, first + l, HWY_MIN(kDepthLines, count - l), a + l * kLineTables, sum);
    }
};

/* A row of the unit's table. */
template <size_t kVectors>
constexpr lb_kernel LutRow() {
    using W = Lut<kVectors>;
    lb_kernel row = DotRowOf<W, 1, kVectors>(Transposition::kPorts, &DotTile<W, 1, kVectors, kLineTables>);
    row.algorithm = LB_ALGORITHM_LUT;
    row.group_cost = 64 * W::kGroupWork / Transposition::kPorts * LB_PANEL / kColumns;
    return row;
}

/* ---- tables ---- */

/* Vectors of one or both halves of a line's codes, which are 32. */
using DHalves = hn::CappedTag<uint8_t, 32>;
using DHalves16 = hn::Repartition<int16_t, DHalves>;
using VHalves16 = hn::Vec<DHalves16>;

/* Which of a half's eight 16-bit codes of two neighbouring j = k % 4 each index 2e takes: of[j / 2][field], none
 * where the field's bit is not in the index. Field 0, which only odd indices have, is given to all. */
struct Spread {
    uint8_t of[2][4][16];
};
constexpr Spread SpreadOf() {
    Spread spread = {};
    for (size_t upper = 0; upper < 2; ++upper)
        for (size_t f = 0; f < 4; ++f)
            for (size_t at = 0; at < 16; ++at)
                spread.of[upper][f][at] =
                    static_cast<uint8_t>(f == 0 || (at & ~size_t{1}) >> f & 1 ? 4 * f + 2 * upper + at % 2 : 0x80);
    return spread;
}

/* The tables of one k % 4 in both halves, low parts and then high ones. */
template <size_t kUpper>
HWY_INLINE void PutTable(VHalves16 codes, uint8_t *table) {
    alignas(16) static constexpr Spread kSpread = SpreadOf();
    const DHalves d;
    const DHalves16 d16;
    const auto take = [&](size_t field) {
        const auto from = hn::LoadDup128(d, kSpread.of[kUpper][field]);
        return hn::BitCast(d16, hn::TableLookupBytesOr0(hn::BitCast(d, codes), from));
    };
    const VHalves16 even = hn::Add(hn::Add(hn::Set(d16, kEntryBias), take(1)), hn::Add(take(2), take(3)));
    const VHalves16 odd = hn::Add(even, take(0));
    const VHalves16 low =
        hn::Or(hn::And(even, hn::Set(d16, 0x1f)), hn::And(hn::ShiftLeft<8>(odd), hn::Set(d16, 0x1f00)));
    const VHalves16 high = hn::Or(hn::ShiftRight<5>(even), hn::And(hn::ShiftLeft<3>(odd), hn::Set(d16, 0x1f00)));
    hn::Store(hn::BitCast(d, low), d, table);
    hn::Store(hn::BitCast(d, high), d, table + 2 * kTable);
}

/* LB_A_TABLES of so many lines of codes. */
void PutTables(const int8_t *codes, size_t lines, uint8_t *tables) {
    constexpr size_t kSpan = hn::MaxLanes(DHalves()), kLineK = 32;
    for (size_t l = 0; l < lines; ++l, codes += kLineK, tables += kLineTables)
        for (size_t at = 0; at < kLineK; at += kSpan) {
            const auto two = hn::BitCast(DHalves16(), hn::LoadU(hn::Repartition<int8_t, DHalves>(), codes + at));
            const VHalves16 even = hn::ShiftRight<8>(hn::ShiftLeft<8>(two)), odd = hn::ShiftRight<8>(two);
            uint8_t *to = tables + at * kTable / 16;
            PutTable<0>(even, to);
            PutTable<0>(odd, to + 4 * kTable);
            PutTable<1>(even, to + 8 * kTable);
            PutTable<1>(odd, to + 12 * kTable);
        }
}

}  // namespace

#define LB_PUT_TABLES PutTables

#endif
