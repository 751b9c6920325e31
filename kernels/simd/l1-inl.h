/* SPDX-License-Identifier: Apache-2.0 */
/* The `l1` algorithm: distances instead of products (AdderNet, Chen et al. 2020), -sum |a - v| over int8 codes.
 *
 * |a - v| = 2 max(a, v) - a - v. So a tile adds up maxima, one instruction where a product has none; the sum of v is
 * the columns' and costs a row's share of each line, the sum of a is in the row's correction (kernels/prepare.c). Ones
 * take the place of the codes in the level's byte dot product, or in its sums of neighbouring bytes. */
#ifndef LOWBIT_KERNELS_SIMD_L1_INL_H_
#define LOWBIT_KERNELS_SIMD_L1_INL_H_

#include "kernels/simd/dot-inl.h"

namespace {

/* What both ways share: lines of 8-bit codes as signed values, and the end of a stretch of lines,
 * sum += columns - 2 * maxima. */
template <class Ops, int kBitsOf, size_t kRows, size_t kVectors>
struct L1Lines {
    static constexpr int kBits = kBitsOf, kCode = kBits, kBias = 0, kLayout = LB_A_S8;
    static constexpr size_t kFields = 1;
    static_assert(kBits == 8, "the codes are int8");
    using A = int8_t;

    static HWY_INLINE VU8 Ones() { return hn::Set(DU8(), 1); }

    static HWY_INLINE void Load(const Lines<kVectors> &lines, size_t l, VI8 (&v)[kVectors]) {
        lines.Prefetch(l);
        LB_UNROLL
        for (size_t j = 0; j < kVectors; ++j)
            v[j] = hn::BitCast(DI8(), hn::Xor(lines.Load(l, j), hn::Set(DU8(), 0x80)));
    }

    static HWY_INLINE void Add(const VI32 (&columns)[1][kVectors], const VI32 (&maxima)[kRows][kVectors],
                               VI32 (&sum)[kRows][kVectors]) {
        LB_UNROLL
        for (size_t i = 0; i < kRows; ++i) {
            LB_UNROLL
            for (size_t j = 0; j < kVectors; ++j)
                sum[i][j] = hn::Add(sum[i][j], hn::Sub(columns[0][j], hn::Add(maxima[i][j], maxima[i][j])));
        }
    }
};

/* Straight into 32 bits. */
template <class Ops, int kBitsOf, size_t kRows, size_t kVectors>
struct L1Direct : L1Lines<Ops, kBitsOf, kRows, kVectors> {
    using Base = L1Lines<Ops, kBitsOf, kRows, kVectors>;
    static constexpr size_t kWork = (kRows + 1) * (1 + Ops::kDotWork);

    static HWY_INLINE void Sums(const Lines<kVectors> &lines, size_t first, size_t count, const int8_t *a,
                                VI32 (&sum)[kRows][kVectors]) {
        typename Ops::Acc maxima[kRows][kVectors], columns[1][kVectors];
        Fill(maxima, Ops::Start(hn::Zero(DI32())));
        Fill(columns, Ops::Start(hn::Zero(DI32())));
        for (size_t l = first; l < first + count; ++l, a += kRows * 4) {
            VI8 v[kVectors];
            Base::Load(lines, l, v);
            LB_UNROLL
            for (size_t j = 0; j < kVectors; ++j) columns[0][j] = Ops::Dot(columns[0][j], Base::Ones(), v[j]);
            LB_UNROLL
            for (size_t i = 0; i < kRows; ++i) {
                const VI8 four = BroadcastFour(a + i * 4);
                LB_UNROLL
                for (size_t j = 0; j < kVectors; ++j)
                    maxima[i][j] = Ops::Dot(maxima[i][j], Base::Ones(), hn::Max(v[j], four));
            }
        }
        VI32 column_sums[1][kVectors], maximum_sums[kRows][kVectors];
        SumAll<Ops>(columns, column_sums);
        SumAll<Ops>(maxima, maximum_sums);
        Base::Add(column_sums, maximum_sums, sum);
    }
};

/* Through 16 bits, which hold as many lines as they would of 1-bit codes. */
template <class Ops, int kBitsOf, size_t kRows, size_t kVectors>
struct L1Staged : L1Lines<Ops, kBitsOf, kRows, kVectors> {
    using Base = L1Lines<Ops, kBitsOf, kRows, kVectors>;
    using Acc16 = typename Ops::Acc16;
    static constexpr size_t kDepthLines = Ops::template kDepth<1>;
    static constexpr size_t kWork = (kRows + 1) * (1 + Ops::kStageWork);

    template <size_t kCount>
    static HWY_INLINE void Widened(const Acc16 (&staged)[kCount][kVectors], VI32 (&sums)[kCount][kVectors]) {
        typename Ops::Acc acc[kCount][kVectors];
        Fill(acc, Ops::Start(hn::Zero(DI32())));
        WidenAll<Ops>(staged, acc);
        SumAll<Ops>(acc, sums);
    }

    static HWY_INLINE void Stage(const Lines<kVectors> &lines, size_t first, size_t count, const int8_t *a,
                                 VI32 (&sum)[kRows][kVectors]) {
        Acc16 maxima[kRows][kVectors], columns[1][kVectors];
        Fill(maxima, Ops::Zero16());
        Fill(columns, Ops::Zero16());
        for (size_t l = first; l < first + count; ++l, a += kRows * 4) {
            VI8 v[kVectors];
            Base::Load(lines, l, v);
            LB_UNROLL
            for (size_t j = 0; j < kVectors; ++j) columns[0][j] = Ops::MulAdd(columns[0][j], Base::Ones(), v[j]);
            LB_UNROLL
            for (size_t i = 0; i < kRows; ++i) {
                const VI8 four = BroadcastFour(a + i * 4);
                LB_UNROLL
                for (size_t j = 0; j < kVectors; ++j)
                    maxima[i][j] = Ops::MulAdd(maxima[i][j], Base::Ones(), hn::Max(v[j], four));
            }
        }
        VI32 column_sums[1][kVectors], maximum_sums[kRows][kVectors];
        Widened(columns, column_sums);
        Widened(maxima, maximum_sums);
        Base::Add(column_sums, maximum_sums, sum);
    }

    static HWY_INLINE void Sums(const Lines<kVectors> &lines, size_t first, size_t count, const int8_t *a,
                                VI32 (&sum)[kRows][kVectors]) {
        for (size_t l = 0; l < count; l += kDepthLines)
            Stage(lines, first + l, HWY_MIN(kDepthLines, count - l), a + l * kRows * 4, sum);
    }
};

/* A row of the unit's table. */
template <template <class, int, size_t, size_t> class Way, class Ops, size_t kRows, size_t kVectors>
constexpr lb_kernel L1Row() {
    lb_kernel row = DotRow<Way, Ops, 8, kRows, kVectors>();
    row.algorithm = LB_ALGORITHM_L1;
    return row;
}

}  // namespace

#endif
