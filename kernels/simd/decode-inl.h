/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding a vector of a packed line, field by field. Templates name what the lines hold by a number: codes of 1, 2, 4
 * or 8 bits by their bits, five ternary codes in a byte by kTrits, codes of 4 bits that a book translates by kBook. */
#ifndef LOWBIT_KERNELS_SIMD_DECODE_INL_H_
#define LOWBIT_KERNELS_SIMD_DECODE_INL_H_

#include "kernels/simd/simd.h"

namespace {

constexpr int kTrits = 5, kBook = 16;

template <int kCode>
constexpr size_t kFieldsOf = kCode == kTrits  ? 5
                             : kCode == kBook ? 2
                                              : 8 / kCode;

/* Bits of what decoding makes of a field. */
template <int kCode>
constexpr int kBitsOf = kCode == kTrits  ? 2
                        : kCode == kBook ? 8
                                         : kCode;

template <int kCode>
constexpr uint8_t kCodingOf = kCode == kTrits  ? LB_CODING_T5
                              : kCode == kBook ? LB_CODING_C4
                              : kCode == 1     ? LB_CODING_W1
                              : kCode == 2     ? LB_CODING_W2
                              : kCode == 4     ? LB_CODING_W4
                                               : LB_CODING_W8;

/* Field kField of a line of codes of 4 bits by a table of 16 bytes that stands in every 16 bytes of `book`; and vector
 * instructions for both fields. */
#if defined(__AVX512VBMI__)
constexpr size_t kLookupWork = 3;
template <int kField>
HWY_INLINE VU8 Lookup(VU8 book, VU8 line) {
    /* vpermb reads six bits of an index, and the table repeats: the upper two may be anything. */
    const auto index = hn::ShiftRight<4 * kField>(hn::BitCast(DU16(), line));
    return VU8{_mm512_permutexvar_epi8(index.raw, book.raw)};
}
#else
constexpr size_t kLookupWork = 5;
template <int kField>
HWY_INLINE VU8 Lookup(VU8 book, VU8 line) {
    const VU8 index = kField == 0 ? hn::And(line, hn::Set(DU8(), 15)) : hn::ShiftRight<4>(line);
    return hn::TableLookupBytes(book, index);
}
#endif

/* Take<field>(line), for fields in ascending order, gives codes less kBias, for a vocabulary's dot product; `line` may
 * hold what is left of it. kWork: vector instructions for all fields of a vector. */
template <class Ops, int kCode>
struct Decoder {
    static constexpr int kBias = Ops::template kCodeBias<kCode>;
    static constexpr size_t kWork = Ops::template kCodesWork<kCode>;

    explicit HWY_INLINE Decoder(const uint8_t *) {}
    template <int kField>
    HWY_INLINE VU8 Take(VU8 &line) const {
        return Ops::template Codes<kCode, kField>(line);
    }
};

/* Values + 128, or, where those bytes are read as signed, the values. */
template <class Ops>
struct Decoder<Ops, kBook> {
    static constexpr int kBias = Ops::template kCodeBias<8>;
    static constexpr size_t kWork = kLookupWork;

    VU8 book;

    explicit HWY_INLINE Decoder(const uint8_t *values) : book(hn::Load(DU8(), values)) {
        if constexpr (kBias == 128) book = hn::Xor(book, hn::Set(DU8(), 0x80));
    }
    template <int kField>
    HWY_INLINE VU8 Take(VU8 &line) const {
        return Lookup<kField>(book, line);
    }
};

/* A byte x is a fraction of 256 whose first digit c is floor(3x / 256); 3x mod 256 holds the others. Averages round up,
 * so
 *     avg(x, avg(x, 253)) = floor((x + 127 + floor(x / 2) + 1) / 2) = 64 + floor(3x / 4),
 * the top two bits of which are c + 1. */
template <class Ops>
struct Decoder<Ops, kTrits> {
    static constexpr int kBias = -1;
    static constexpr size_t kWork = 5 * 4 + 4 * 2;

    explicit HWY_INLINE Decoder(const uint8_t *) {}
    template <int kField>
    HWY_INLINE VU8 Take(VU8 &line) const {
        const VU8 x = line;
        if constexpr (kField < 4) line = hn::Add(x, hn::Add(x, x));
        return Ops::template Codes<2, 3>(hn::AverageRound(x, hn::AverageRound(x, hn::Set(DU8(), 253))));
    }
};

}  // namespace

#endif
