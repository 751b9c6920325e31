/* SPDX-License-Identifier: Apache-2.0 */
/* Five ternary digits per byte: include/lowbit/bits.h has the formula.
 *
 * Packing is one 64-bit multiplication for five codes: of x = sum c_i 2^8i and m = sum 3^i 2^8(4-i), byte 4 of x * m is
 * sum c_i 3^i, and no byte below it carries, since none exceeds 2 * (3 + 9 + 27 + 81) = 240. Vectors do no better.
 * Unpacking reads the digits from a 16-bit fraction: 270 is 65536 / 243 rounded up, so f = 270 b is b / 243 in units of
 * 2^-16 and 3 f has the first digit (that of 81) above the point. Lane i takes t = f * 3^(4-i) mod 2^16 in one product;
 * its digit is 3 t >> 16. The tests try all 243 bytes. */
#ifndef LOWBIT_KERNELS_SIMD_TRITS_INL_H_
#define LOWBIT_KERNELS_SIMD_TRITS_INL_H_

#include "kernels/simd/codes-inl.h"

namespace {
namespace bits {

constexpr uint64_t kFiveBytes = 0xFFFFFFFFFFu;

/* Packs five codes in the low bytes of x; the sixth to eighth are ignored. bad gathers what marks a code above 2. */
HWY_INLINE uint8_t PackFive(uint64_t x, uint64_t &bad) {
    x &= kFiveBytes;
    bad |= (x | (x + 0x7D7D7D7D7Du)) & 0x8080808080u;
    return static_cast<uint8_t>(x * 0x0103091B51u >> 32);
}

uint64_t PackTrits(const uint8_t *codes, size_t n, uint8_t *out) {
    constexpr size_t kStep = 60; /* close to a line of memory: one prefetch */
    uint64_t bad = 0;
    size_t i = 0;
    for (; i + kStep + 3 <= n; i += kStep) {
        hwy::Prefetch(codes + i + kAhead);
        for (size_t f = 0; f < kStep; f += 5) *out++ = PackFive(LoadWord(codes + i + f, 8), bad);
    }
    for (; i < n; i += 5) *out++ = PackFive(LoadWord(codes + i, HWY_MIN(size_t{5}, n - i)), bad);
    return bad;
}

/* A block is 15 codes, three packed bytes: which of these a lane reads, and 270 * 3^(4-i) of its even and odd lanes. */
enum : size_t { kTritCodes = 15, kTritBytes = 3 };
alignas(16) constexpr uint8_t kTritByte[16] = {0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 0x80};
alignas(16) constexpr uint16_t kTritEven[8] = {21870, 2430, 270, 7290, 810, 21870, 2430, 270};
alignas(16) constexpr uint16_t kTritOdd[8] = {7290, 810, 21870, 2430, 270, 7290, 810, 0};

template <class V>
HWY_INLINE V TritDigit(V byte, V weight) {
    return hn::MulHigh(hn::Mul(byte, weight), hn::Set(hn::DFromV<V>(), 3));
}

/* Unpacks a vector of blocks: reads 16 bytes from every third byte, writes 16 to every fifteenth. seen gathers the
 * largest byte. */
HWY_INLINE void UnpackTritVector(const uint8_t *in, uint8_t *codes, hn::Vec<Bytes> &seen) {
    const Bytes d;
    const hn::Repartition<uint16_t, Bytes> d16;
    const auto b = hn::TableLookupBytesOr0(LoadBlocks<kTritBytes>(d, in), hn::LoadDup128(d, kTritByte));
    seen = hn::Max(seen, b);
    const auto x = hn::BitCast(d16, b);
    const auto even = TritDigit(hn::And(x, hn::Set(d16, 0xFF)), hn::LoadDup128(d16, kTritEven));
    const auto odd = TritDigit(hn::ShiftRight<8>(x), hn::LoadDup128(d16, kTritOdd));
    StoreBlocks<kTritCodes>(d, hn::BitCast(d, hn::Or(even, hn::ShiftLeft<8>(odd))), codes);
}

uint64_t UnpackTrits(const uint8_t *in, uint8_t *codes, size_t n) {
    const Bytes d;
    const size_t blocks = hn::Lanes(d) / 16, step = blocks * kTritCodes;
    /* What a vector reads and writes behind the codes that it is for. */
    const size_t reach_in = (blocks - 1) * kTritBytes + 16, reach_out = step + 1, bytes = (n + 4) / 5;
    auto seen = hn::Zero(d);
    size_t i = 0, o = 0;
    for (; i + reach_out <= n && o + reach_in <= bytes; i += step, o += step / 5)
        UnpackTritVector(in + o, codes + i, seen);
    for (; i < n; i += step, o += step / 5) {
        alignas(64) uint8_t last[kWord] = {}, unpacked[kWord];
        memcpy(last, in + o, HWY_MIN(step / 5, bytes - o));
        UnpackTritVector(last, unpacked, seen);
        memcpy(codes + i, unpacked, HWY_MIN(step, n - i));
    }
    alignas(64) uint8_t lanes[kWord];
    hn::Store(seen, d, lanes);
    uint64_t bad = 0;
    for (size_t l = 0; l < hn::Lanes(d); l++) bad |= lanes[l] > 242;
    return bad;
}

} /* namespace bits */
} /* namespace */

#endif
