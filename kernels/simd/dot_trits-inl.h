/* SPDX-License-Identifier: Apache-2.0 */
/* One more way of `dot`, for few rows of five ternary codes in a byte on levels whose dot product adds into 32 bits: no
 * digit is taken out at all. With x_0 = x and x_(f+1) = 3 x_f mod 256, field f is c_f = (3 x_f - x_(f+1)) / 256, so
 *
 *     256 * sum over f of a_f c_f = 3 * sum a_f x_f - sum a_f x_(f+1):
 *
 * two dot products of whole bytes and the two additions of 3 x_f, where the digit would cost three or four
 * instructions more than one of those. A dot product that reads x as signed sees x - 256 where x > 127; from x - 128,
 * which is 3-fold mod 256 just as well, the same formula gives c_f - 1.
 *
 * Exact: both sums are right modulo 2^32, and their difference is below 2^31, because a block of kMostLines holds
 * 20 * kMostLines k with |a c| <= 256: 32000 * 256 * 256 < 2^31. */
#ifndef LOWBIT_KERNELS_SIMD_DOT_TRITS_INL_H_
#define LOWBIT_KERNELS_SIMD_DOT_TRITS_INL_H_

#include "kernels/simd/dot-inl.h"

namespace {

template <class Ops, int kCodeOf, size_t kRows, size_t kVectors>
struct DotTrits {
    static_assert(kCodeOf == kTrits, "the digits of no other coding follow from each other");
    static constexpr bool kSigned = Ops::template kCodeBias<8> != 0;
    static constexpr int kCode = kTrits, kBias = kSigned, kLayout = LB_A_S8;
    static constexpr size_t kFields = kFieldsOf<kTrits>, kFours = kFields * kRows;
    static constexpr size_t kTogether = Ops::template kLinesTogether<kFours>;
    static constexpr size_t kWork = 2 * kFields * (kRows * Ops::kDotWork + 1) + kSigned;
    static constexpr size_t kMostLines = 1600;
    using A = int8_t;

    /* Sums of x_f in the first rows, of x_(f+1) in the others. */
    using Accs = typename Ops::Acc[2 * kRows][kVectors];

    template <size_t kCount>
    static HWY_INLINE void Take(const Lines<kVectors> &lines, size_t first, const A *a, Accs &acc) {
        const typename Ops::template Fours<kCount * kFours> fours(a);
        lines.template Prefetch<kCount>(first);
        ForEach<kCount>([&](auto at) {
            constexpr int kAt = decltype(at)::value;
            VU8 x[kVectors];
            LB_UNROLL
            for (size_t j = 0; j < kVectors; ++j) {
                x[j] = lines.Load(first + kAt, j);
                if constexpr (kSigned) x[j] = hn::Xor(x[j], hn::Set(DU8(), 0x80));
            }
            ForFields<kTrits>([&](auto field) {
                ForEach<kRows>([&](auto row) {
                    constexpr int kRow = decltype(row)::value;
                    const auto four = fours.template Four<kAt * kFours + decltype(field)::value * kRows + kRow>();
                    LB_UNROLL
                    for (size_t j = 0; j < kVectors; ++j) acc[kRow][j] = Ops::Dot(acc[kRow][j], x[j], four);
                });
                LB_UNROLL
                for (size_t j = 0; j < kVectors; ++j) x[j] = hn::Add(x[j], hn::Add(x[j], x[j]));
                ForEach<kRows>([&](auto row) {
                    constexpr int kRow = decltype(row)::value;
                    const auto four = fours.template Four<kAt * kFours + decltype(field)::value * kRows + kRow>();
                    LB_UNROLL
                    for (size_t j = 0; j < kVectors; ++j)
                        acc[kRows + kRow][j] = Ops::Dot(acc[kRows + kRow][j], x[j], four);
                });
            });
        });
    }

    static HWY_INLINE void Sums(const Lines<kVectors> &lines, size_t first, size_t count, const A *a,
                                VI32 (&sum)[kRows][kVectors]) {
        for (size_t l = 0; l < count; l += kMostLines) {
            Accs acc;
            Fill(acc, Ops::Start(hn::Zero(DI32())));
            TakeAll<DotTrits>(lines, first + l, HWY_MIN(kMostLines, count - l), a + l * kFours * 4, acc);
            LB_UNROLL
            for (size_t i = 0; i < kRows; ++i) {
                LB_UNROLL
                for (size_t j = 0; j < kVectors; ++j) {
                    const VI32 x = Ops::Sum(acc[i][j]), next = Ops::Sum(acc[kRows + i][j]);
                    const VI32 digits = hn::Sub(hn::Add(x, hn::Add(x, x)), next);
                    sum[i][j] = hn::Add(sum[i][j], hn::ShiftRight<8>(digits));
                }
            }
        }
    }
};

}  // namespace

#endif
