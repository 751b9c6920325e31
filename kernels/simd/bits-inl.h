/* SPDX-License-Identifier: Apache-2.0 */
/* Bits along the contiguous axis and down the columns of a matrix: include/lowbit/bits.h has the formulas.
 *
 * Packing a line is a compare and a move of the mask; the order BIG reverses every eight bytes before. Unpacking
 * spreads eight packed bytes over 64 lanes, keeps one bit in each and makes it 1: both orders cost the same. Down the
 * columns the lanes are columns, and a packed byte is built by acc = 2 * acc + bit, so no lane ever crosses another. */
#ifndef LOWBIT_KERNELS_SIMD_BITS_INL_H_
#define LOWBIT_KERNELS_SIMD_BITS_INL_H_

#include <string.h>

#include "hwy/cache_control.h"

#include "kernels/simd/bits.h"
#include "kernels/simd/simd.h"
#include "lowbit/bits.h"

namespace {
namespace bits {

using Bytes = hn::ScalableTag<uint8_t>;

/* How far ahead of its reads a loop asks for memory: without it, packing from L3 or DRAM waits for single lines where
 * the hardware does not prefetch. */
constexpr size_t kAhead = 1024;

constexpr size_t kWord =
    64; /* elements of eight packed bytes, and bytes of a cache line; whole vectors on every level */

alignas(64) constexpr uint8_t kReverse8[16] = {7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8};
alignas(64) constexpr uint8_t kByteOf[kWord] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2,
                                                2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 5, 5, 5, 5,
                                                5, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 6, 7, 7, 7, 7, 7, 7, 7, 7};
/* [order][element % 8] */
alignas(64) constexpr uint8_t kBitOf[2][16] = {{128, 64, 32, 16, 8, 4, 2, 1, 128, 64, 32, 16, 8, 4, 2, 1},
                                               {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128}};

template <uint32_t kOrder, class D>
HWY_INLINE void PackVector(D d, const uint8_t *in, uint8_t *out) {
    auto v = hn::LoadU(d, in);
    if (kOrder == LOWBIT_BITS_BIG) v = hn::TableLookupBytes(v, hn::LoadDup128(d, kReverse8));
    hn::StoreMaskBits(d, hn::Ne(v, hn::Zero(d)), out);
}

template <uint32_t kOrder>
void PackBits(const uint8_t *in, size_t n, uint8_t *out) {
    const Bytes d;
    const size_t N = hn::Lanes(d);
    size_t i = 0;
    for (; i + kWord <= n; i += kWord) {
        hwy::Prefetch(in + i + kAhead);
        for (size_t v = 0; v < kWord; v += N) PackVector<kOrder>(d, in + i + v, out + (i + v) / 8);
    }
    if (i == n) return;
    alignas(64) uint8_t last[kWord] = {}, packed[kWord / 8];
    memcpy(last, in + i, n - i);
    for (size_t v = 0; v < kWord; v += N) PackVector<kOrder>(d, last + v, packed + v / 8);
    memcpy(out + i / 8, packed, (n - i + 7) / 8);
}

/* Eight packed bytes into kWord elements. */
template <uint32_t kOrder, bool kStream>
HWY_INLINE void UnpackWord(uint64_t word, uint8_t *out) {
    const Bytes d;
    const hn::Repartition<uint64_t, Bytes> d64;
    const auto bit = hn::LoadDup128(d, kBitOf[kOrder]);
    const auto packed = hn::BitCast(d, hn::Set(d64, word));
    for (size_t v = 0; v < kWord; v += hn::Lanes(d)) {
        const auto spread = hn::TableLookupBytes(packed, hn::Load(d, kByteOf + v));
        const auto element = hn::Min(hn::And(spread, bit), hn::Set(d, 1));
        if (kStream) {
            hn::Stream(element, d, out + v);
        } else {
            hn::StoreU(element, d, out + v);
        }
    }
}

/* Fetches a line that will be written: doubles the speed of unpacking to DRAM. */
HWY_INLINE void PrefetchStore(uint8_t *at) { __builtin_prefetch(at, 1); }

HWY_INLINE uint64_t LoadWord(const uint8_t *in, size_t bytes) {
    uint64_t word = 0;
    memcpy(&word, in, bytes);
    return word;
}

template <uint32_t kOrder, bool kStream>
HWY_INLINE size_t UnpackWords(const uint8_t *in, uint8_t *out, size_t i, size_t n) {
    for (; i + kWord <= n; i += kWord) {
        if (!kStream) PrefetchStore(out + i + kAhead);
        UnpackWord<kOrder, kStream>(LoadWord(in + i / 8, 8), out + i);
    }
    return i;
}

template <uint32_t kOrder>
HWY_INLINE void UnpackShort(const uint8_t *in, uint8_t *out, size_t n) {
    alignas(64) uint8_t last[kWord];
    UnpackWord<kOrder, false>(LoadWord(in, (n + 7) / 8), last);
    memcpy(out, last, n);
}

template <uint32_t kOrder>
void UnpackBits(const uint8_t *in, uint8_t *out, size_t n, uint32_t stream) {
    size_t i = 0;
    /* Stores around the caches are aligned, and the head is whole bytes only where `out` is a multiple of 8. */
    if (stream && reinterpret_cast<uintptr_t>(out) % 8 == 0 && n >= kWord) {
        i = (kWord - reinterpret_cast<uintptr_t>(out) % kWord) % kWord;
        UnpackShort<kOrder>(in, out, i);
        i = UnpackWords<kOrder, true>(in, out, i, n);
        hwy::FlushStream();
    }
    i = UnpackWords<kOrder, false>(in, out, i, n);
    UnpackShort<kOrder>(in + i / 8, out + i, n - i);
}

/* The loops below take lb_bits_rows by value: behind a pointer, every store of a byte might change it.
 *
 * Row of a group of eight that enters the packed byte at step s, so that the last one ends in bit 0. */
template <uint32_t kOrder>
constexpr size_t RowAt(size_t s, size_t rows) {
    return kOrder == LOWBIT_BITS_BIG ? s : rows - 1 - s;
}

template <uint32_t kOrder, class D>
HWY_INLINE hn::Vec<D> PackColumns(D d, const uint8_t *in, ptrdiff_t stride, size_t rows) {
    auto acc = hn::Zero(d);
    for (size_t s = 0; s < rows; s++) {
        const auto v = hn::LoadU(d, in + static_cast<ptrdiff_t>(RowAt<kOrder>(s, rows)) * stride);
        acc = hn::Add(hn::Add(acc, acc), hn::Min(v, hn::Set(d, 1)));
    }
    if (kOrder == LOWBIT_BITS_BIG)
        for (size_t s = rows; s < 8; s++) acc = hn::Add(acc, acc);
    return acc;
}

/* One group of up to eight rows and all columns. The last vector overlaps the one before it. */
template <uint32_t kOrder, class D>
HWY_INLINE void PackGroup(D d, lb_bits_rows r, const uint8_t *in, uint8_t *out, size_t rows) {
    const size_t N = hn::Lanes(d);
    for (size_t c = 0; c < r.columns; c += N) {
        const size_t at = HWY_MIN(c, r.columns - N);
        hn::StoreU(PackColumns<kOrder>(d, in + at, r.in_stride, rows), d, out + at);
    }
}

/* Fewer columns than the shortest vector: by hand. */
template <uint32_t kOrder>
HWY_INLINE void PackGroupNarrow(lb_bits_rows r, const uint8_t *in, uint8_t *out, size_t rows) {
    for (size_t c = 0; c < r.columns; c++) {
        uint32_t acc = 0;
        for (size_t s = 0; s < rows; s++)
            acc = 2 * acc +
                  (in[static_cast<ptrdiff_t>(RowAt<kOrder>(s, rows)) * r.in_stride + static_cast<ptrdiff_t>(c)] != 0);
        out[c] = static_cast<uint8_t>(kOrder == LOWBIT_BITS_BIG ? acc << (8 - rows) : acc);
    }
}

/* Groups whose input and output lie without gaps, fewer than 16 columns: vectors read into the next row and write into
 * the next group, which is written afterwards. Returns how many groups had that room. */
template <uint32_t kOrder>
HWY_INLINE size_t PackDense(lb_bits_rows r) {
    const hn::CappedTag<uint8_t, 16> d;
    const size_t n = r.columns, reach = (16 + n - 1) / n; /* groups that a vector may touch */
    size_t g = 0;
    for (; g + reach <= r.length / 8; g++)
        hn::StoreU(PackColumns<kOrder>(d, r.in + g * 8 * n, static_cast<ptrdiff_t>(n), 8), d, r.out + g * n);
    return g;
}

template <uint32_t kOrder>
void PackRows(lb_bits_rows r) {
    const Bytes d;
    const hn::CappedTag<uint8_t, 16> d16;
    const ptrdiff_t n = static_cast<ptrdiff_t>(r.columns);
    const bool wide = r.columns >= hn::Lanes(d), dense = r.columns < 16 && r.in_stride == n && r.out_stride == n;
    for (size_t g = dense ? PackDense<kOrder>(r) : 0; 8 * g < r.length; g++) {
        const size_t rows = HWY_MIN(size_t{8}, r.length - 8 * g);
        const uint8_t *in = r.in + static_cast<ptrdiff_t>(8 * g) * r.in_stride;
        uint8_t *out = r.out + static_cast<ptrdiff_t>(g) * r.out_stride;
        if (wide && rows == 8) {
            PackGroup<kOrder>(d, r, in, out, 8);
        } else if (r.columns >= 16) {
            PackGroup<kOrder>(d16, r, in, out, rows);
        } else {
            PackGroupNarrow<kOrder>(r, in, out, rows);
        }
    }
}

template <bool kStream, class D>
HWY_INLINE void UnpackColumns(D d, hn::Vec<D> packed, uint8_t bit, uint8_t *out) {
    const auto element = hn::Min(hn::And(packed, hn::Set(d, bit)), hn::Set(d, 1));
    if (kStream) {
        hn::Stream(element, d, out);
    } else {
        hn::StoreU(element, d, out);
    }
}

/* One group of up to eight rows and all columns. The last vector overlaps the one before it. */
template <class D>
HWY_INLINE void UnpackGroup(D d, lb_bits_rows r, const uint8_t *in, uint8_t *out, size_t rows) {
    const size_t N = hn::Lanes(d);
    for (size_t c = 0; c < r.columns; c += N) {
        const size_t at = HWY_MIN(c, r.columns - N);
        const auto packed = hn::LoadU(d, in + at);
        for (size_t i = 0; i < rows; i++)
            UnpackColumns<false>(d, packed, kBitOf[r.order][i], out + at + static_cast<ptrdiff_t>(i) * r.out_stride);
    }
}

/* The same around the caches, for eight rows of whole lines: a line that is not completed at once is written twice. */
HWY_INLINE void UnpackGroupStream(lb_bits_rows r, const uint8_t *in, uint8_t *out) {
    const Bytes d;
    for (size_t c = 0; c < r.columns; c += kWord)
        for (size_t i = 0; i < 8; i++)
            for (size_t v = c; v < c + kWord; v += hn::Lanes(d))
                UnpackColumns<true>(d, hn::LoadU(d, in + v), kBitOf[r.order][i],
                                    out + v + static_cast<ptrdiff_t>(i) * r.out_stride);
}

HWY_INLINE void UnpackGroupNarrow(lb_bits_rows r, const uint8_t *in, uint8_t *out, size_t rows) {
    for (size_t i = 0; i < rows; i++, out += r.out_stride)
        for (size_t c = 0; c < r.columns; c++) out[c] = (in[c] & kBitOf[r.order][i]) != 0;
}

/* As PackDense: a vector reads into the next group and writes into the next row. */
HWY_INLINE size_t UnpackDense(lb_bits_rows r) {
    const hn::CappedTag<uint8_t, 16> d;
    const size_t n = r.columns, reach = (16 + n - 1) / n;
    size_t g = 0;
    for (; g + reach <= r.length / 8; g++) {
        const auto packed = hn::LoadU(d, r.in + g * n);
        for (size_t i = 0; i < 8; i++) UnpackColumns<false>(d, packed, kBitOf[r.order][i], r.out + (g * 8 + i) * n);
    }
    return g;
}

void UnpackRows(const lb_bits_rows *rows_of) {
    const lb_bits_rows r = *rows_of;
    const Bytes d;
    const hn::CappedTag<uint8_t, 16> d16;
    const size_t N = hn::Lanes(d);
    const ptrdiff_t n = static_cast<ptrdiff_t>(r.columns);
    const bool wide = r.columns >= N, dense = r.columns < 16 && r.in_stride == n && r.out_stride == n;
    const bool stream =
        r.stream && r.columns % kWord == 0 && (reinterpret_cast<uintptr_t>(r.out) | r.out_stride) % kWord == 0;
    for (size_t g = dense ? UnpackDense(r) : 0; 8 * g < r.length; g++) {
        const size_t rows = HWY_MIN(size_t{8}, r.length - 8 * g);
        const uint8_t *in = r.in + static_cast<ptrdiff_t>(g) * r.in_stride;
        uint8_t *out = r.out + static_cast<ptrdiff_t>(8 * g) * r.out_stride;
        if (stream && rows == 8) {
            UnpackGroupStream(r, in, out);
        } else if (wide && rows == 8) {
            UnpackGroup(d, r, in, out, 8);
        } else if (r.columns >= 16) {
            UnpackGroup(d16, r, in, out, rows);
        } else {
            UnpackGroupNarrow(r, in, out, rows);
        }
    }
    if (stream) hwy::FlushStream();
}

/* The doors of the table: the order becomes a template argument. */
void PackBitsOf(const uint8_t *in, size_t n, uint8_t *out, uint32_t order) {
    (order == LOWBIT_BITS_BIG ? PackBits<LOWBIT_BITS_BIG> : PackBits<LOWBIT_BITS_LITTLE>)(in, n, out);
}

void UnpackBitsOf(const uint8_t *in, uint8_t *out, size_t n, uint32_t order, uint32_t stream) {
    (order == LOWBIT_BITS_BIG ? UnpackBits<LOWBIT_BITS_BIG> : UnpackBits<LOWBIT_BITS_LITTLE>)(in, out, n, stream);
}

void PackRowsOf(const lb_bits_rows *r) {
    (r->order == LOWBIT_BITS_BIG ? PackRows<LOWBIT_BITS_BIG> : PackRows<LOWBIT_BITS_LITTLE>)(*r);
}

} /* namespace bits */
} /* namespace */

#endif
