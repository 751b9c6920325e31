/* SPDX-License-Identifier: Apache-2.0 */
/* The algorithm `rows`: DotDirect from rows of A where they are, in pieces (LB_A_ROWS). */
#ifndef LOWBIT_KERNELS_SIMD_DOT_ROWS_INL_H_
#define LOWBIT_KERNELS_SIMD_DOT_ROWS_INL_H_

#include "kernels/simd/dot-inl.h"

namespace {

template <class Ops, int kCodeOf, size_t kRows, size_t kVectors>
struct DotRows {
    using Decode = Decoder<Ops, kCodeOf>;
    static constexpr int kCode = kCodeOf, kBias = Decode::kBias, kLayout = LB_A_ROWS;
    static constexpr size_t kFields = kFieldsOf<kCode>;
    static constexpr size_t kTogether = Ops::template kLinesTogether<kFields>;
    static constexpr size_t kWork = kFields * kRows * Ops::kDotWork + Decode::kWork;

    /* kCount lines from `at` of the panels on, and so many elements of the rows from k on. */
    template <size_t kCount>
    static HWY_INLINE void Take(const Decode &decode, const uint8_t *const (&at)[kVectors],
                                const int8_t *const (&row)[kRows], size_t k,
                                typename Ops::Acc (&acc)[kRows][kVectors]) {
        ForEach<kCount>([&](auto line_at) LB_STEP {
            constexpr int kAt = decltype(line_at)::value;
            VU8 line[kVectors];
            LB_UNROLL
            for (size_t j = 0; j < kVectors; ++j) line[j] = hn::LoadU(DU8(), at[j] + kAt * LB_LINE);
            ForFields<kCode>([&](auto field) LB_STEP {
                constexpr int kField = decltype(field)::value;
                VU8 codes[kVectors];
                LB_UNROLL
                for (size_t j = 0; j < kVectors; ++j) codes[j] = decode.template Take<kField>(line[j]);
                ForEach<kRows>([&](auto at_row) LB_STEP {
                    constexpr int kRow = decltype(at_row)::value;
                    const typename Ops::template Fours<kCount * kFields> fours(row[kRow] + k);
                    const auto four = fours.template Four<kAt * kFields + kField>();
                    LB_UNROLL
                    for (size_t j = 0; j < kVectors; ++j) acc[kRow][j] = Ops::Dot(acc[kRow][j], codes[j], four);
                });
            });
        });
    }

    /* Lines first .. last - 1, which lie in one piece, whose elements begin at k. Pointers to the rows fill the integer
     * registers: what is prefetched comes before the loop, a few lines at a time, and not within it. */
    static HWY_INLINE void TakePiece(const Lines<kVectors> &lines, size_t first, size_t last,
                                     const int8_t *const (&row)[kRows], size_t k,
                                     typename Ops::Acc (&acc)[kRows][kVectors]) {
        constexpr size_t kLineK = 4 * kFields, kFew = 16;
        const Decode decode(lines.book);
        while (first < last) {
            const size_t few = HWY_MIN(kFew, last - first), end = k + few * kLineK;
            const uint8_t *at[kVectors];
            LB_UNROLL
            for (size_t j = 0; j < kVectors; ++j) at[j] = lines.at[j] + first * LB_LINE;
            lines.PrefetchFew(first, few);
            first += few;
            for (; k + kTogether * kLineK <= end; k += kTogether * kLineK) {
                Take<kTogether>(decode, at, row, k, acc);
                LB_UNROLL
                for (size_t j = 0; j < kVectors; ++j) at[j] += kTogether * LB_LINE;
            }
            if constexpr (kTogether > 1)
                for (; k < end; k += kLineK) {
                    Take<1>(decode, at, row, k, acc);
                    LB_UNROLL
                    for (size_t j = 0; j < kVectors; ++j) at[j] += LB_LINE;
                }
        }
    }

    /* The pieces from line `first` on that are the same for all rows, by one row; or else the others. True: there were
     * such, too. */
    template <size_t kTaken>
    static HWY_INLINE bool TakePieces(const Lines<kVectors> &lines, size_t first, size_t count, RowsFrom a,
                                      typename Ops::Acc (&acc)[kTaken][kVectors]) {
        constexpr size_t kLineK = 4 * kFields;
        bool left = false;
        for (size_t last; count > 0; count -= last - first, first = last, a.pieces += kRows, a.k = 0) {
            last = first + HWY_MIN(count, (a.piece_k - a.k) / kLineK);
            if (a.pieces[kRows - 1] ? kTaken == 1 : kTaken > 1) {
                left = true;
                continue;
            }
            const int8_t *row[kTaken];
            LB_UNROLL
            for (size_t i = 0; i < kTaken; ++i) row[i] = a.pieces[i];
            DotRows<Ops, kCode, kTaken, kVectors>::TakePiece(lines, first, last, row, a.k, acc);
        }
        return left;
    }

    static HWY_INLINE void Sums(const Lines<kVectors> &lines, size_t first, size_t count, RowsFrom a,
                                VI32 (&sum)[kRows][kVectors]) {
        static_assert(kRows > 1, "the last pointer says something of the first");
        typename Ops::Acc acc[kRows][kVectors];
        StartAll<Ops>(sum, acc);
        const bool shared = TakePieces(lines, first, count, a, acc);
        SumAll<Ops>(acc, sum);
        if (!shared) return;
        typename Ops::Acc one[1][kVectors];
        VI32 more[1][kVectors];
        Fill(more, hn::Zero(DI32()));
        StartAll<Ops>(more, one);
        TakePieces(lines, first, count, a, one);
        SumAll<Ops>(one, more);
        LB_UNROLL
        for (size_t i = 0; i < kRows; ++i) {
            LB_UNROLL
            for (size_t j = 0; j < kVectors; ++j) sum[i][j] = hn::Add(sum[i][j], more[0][j]);
        }
    }
};

}  // namespace

#endif
