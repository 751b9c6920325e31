/* SPDX-License-Identifier: Apache-2.0 */
/* Codes of 1 to 7 bits and ternary digits: include/lowbit/bits.h has the formulas.
 *
 * A unit is the fewest codes, a power of two, that fill whole bytes: 2 codes of 4 bits, 4 of 2 or 6, 8 of the others.
 * Neighbours are joined pairwise, 8-bit lanes into 16, into 32, into 64, until a lane holds the unit as one number;
 * then one table lookup per 16 bytes drops the lane's empty bytes and, for BIG, turns the number around. Unpacking
 * walks the same way back. */
#ifndef LOWBIT_KERNELS_SIMD_CODES_INL_H_
#define LOWBIT_KERNELS_SIMD_CODES_INL_H_

#include "kernels/simd/bits-inl.h"

namespace {
namespace bits {

template <uint32_t kBits>
struct Unit {
    static constexpr size_t kCodes = kBits == 4 ? 2 : kBits % 2 == 0 ? 4 : 8; /* and bytes of a lane */
    static constexpr size_t kBytes = kCodes * kBits / 8;                      /* when packed */
    static constexpr size_t kBlock = 2 * kBits;                               /* packed bytes of 16 codes */
};

struct Table16 {
    alignas(16) uint8_t index[16];
};

/* Byte j of 16 packed codes comes from this byte of the lanes; 0x80 gives zero. */
template <uint32_t kBits, uint32_t kOrder>
constexpr Table16 GatherTable() {
    using U = Unit<kBits>;
    Table16 t = {};
    for (size_t j = 0; j < 16; j++) {
        const size_t byte = kOrder == LOWBIT_BITS_BIG ? U::kBytes - 1 - j % U::kBytes : j % U::kBytes;
        t.index[j] = static_cast<uint8_t>(j < U::kBlock ? j / U::kBytes * U::kCodes + byte : 0x80);
    }
    return t;
}

/* The inverse: byte p of the lanes comes from this packed byte. */
template <uint32_t kBits, uint32_t kOrder>
constexpr Table16 SpreadTable() {
    using U = Unit<kBits>;
    Table16 t = {};
    for (size_t p = 0; p < 16; p++) {
        const size_t lane = p / U::kCodes, byte = p % U::kCodes;
        const size_t from = kOrder == LOWBIT_BITS_BIG ? U::kBytes - 1 - byte : byte;
        t.index[p] = static_cast<uint8_t>(byte < U::kBytes ? lane * U::kBytes + from : 0x80);
    }
    return t;
}

/* Vectors of 16-byte blocks, in memory one block every kBlock bytes. */
template <size_t kBlock, class D>
HWY_INLINE hn::Vec<D> LoadBlocks(D d, const uint8_t *in) {
    if constexpr (hn::MaxLanes(D()) > 16) {
        const hn::Half<D> half;
        const auto low = LoadBlocks<kBlock>(half, in);
        return hn::Combine(d, LoadBlocks<kBlock>(half, in + hn::Lanes(half) / 16 * kBlock), low);
    } else {
        return hn::LoadU(d, in);
    }
}

template <size_t kBlock, class D>
HWY_INLINE void StoreBlocks(D d, hn::Vec<D> v, uint8_t *out) {
    if constexpr (hn::MaxLanes(D()) > 16) {
        const hn::Half<D> half;
        StoreBlocks<kBlock>(half, hn::LowerHalf(half, v), out);
        StoreBlocks<kBlock>(half, hn::UpperHalf(half, v), out + hn::Lanes(half) / 16 * kBlock);
    } else {
        hn::StoreU(v, d, out);
    }
}

/* Two neighbours of kWidth bits, each in its own half of a lane of T, become one number. */
template <uint32_t kOrder, class T, uint32_t kWidth, class V>
HWY_INLINE V Join(V bytes) {
    const hn::Repartition<T, Bytes> d;
    constexpr int kHalf = sizeof(T) * 4;
    const auto low = hn::Set(d, static_cast<T>((T{1} << kWidth) - 1));
    const auto high = hn::ShiftLeft<kWidth>(low);
    const auto x = hn::BitCast(d, bytes);
    const auto joined = kOrder == LOWBIT_BITS_BIG ? hn::OrAnd(hn::ShiftRight<kHalf>(x), hn::ShiftLeft<kWidth>(x), high)
                                                  : hn::OrAnd(hn::And(x, low), hn::ShiftRight<kHalf - kWidth>(x), high);
    return hn::BitCast(Bytes(), joined);
}

/* The inverse. */
template <uint32_t kOrder, class T, uint32_t kWidth, class V>
HWY_INLINE V Split(V bytes) {
    const hn::Repartition<T, Bytes> d;
    constexpr int kHalf = sizeof(T) * 4;
    const auto low = hn::Set(d, static_cast<T>((T{1} << kWidth) - 1));
    const auto high = hn::ShiftLeft<kHalf>(low);
    const auto x = hn::BitCast(d, bytes);
    const auto split = kOrder == LOWBIT_BITS_BIG
                           ? hn::OrAnd(hn::And(hn::ShiftLeft<kHalf>(x), high), hn::ShiftRight<kWidth>(x), low)
                           : hn::OrAnd(hn::And(x, low), hn::ShiftLeft<kHalf - kWidth>(x), high);
    return hn::BitCast(Bytes(), split);
}

/* Lanes that hold one packed byte each: narrowing and widening have instructions of their own. */
template <uint32_t kBits>
using ByteLane = hn::Repartition<hwy::UnsignedFromSize<Unit<kBits>::kCodes>, Bytes>;

/* Packs a vector of codes; writes up to Reach() bytes. */
template <uint32_t kBits, uint32_t kOrder>
HWY_INLINE void PackCodeVector(hn::Vec<Bytes> v, uint8_t *out) {
    using U = Unit<kBits>;
    const Bytes d;
    v = Join<kOrder, uint16_t, kBits>(v);
    if constexpr (U::kCodes >= 4) v = Join<kOrder, uint32_t, 2 * kBits>(v);
    if constexpr (U::kCodes >= 8) v = Join<kOrder, uint64_t, 4 * kBits>(v);
    if constexpr (U::kBytes == 1 && kBits != 1) {
        const hn::Rebind<uint8_t, ByteLane<kBits>> narrow;
        hn::StoreU(hn::TruncateTo(narrow, hn::BitCast(ByteLane<kBits>(), v)), narrow, out);
    } else {
        static constexpr Table16 kGather = GatherTable<kBits, kOrder>();
        StoreBlocks<U::kBlock>(d, hn::TableLookupBytesOr0(v, hn::LoadDup128(d, kGather.index)), out);
    }
}

/* Unpacks a vector of codes; reads up to Reach() bytes. */
template <uint32_t kBits, uint32_t kOrder>
HWY_INLINE hn::Vec<Bytes> UnpackCodeVector(const uint8_t *in) {
    using U = Unit<kBits>;
    const Bytes d;
    auto v = hn::Zero(d);
    if constexpr (U::kBytes == 1 && kBits != 1) {
        const hn::Rebind<uint8_t, ByteLane<kBits>> narrow;
        v = hn::BitCast(d, hn::PromoteTo(ByteLane<kBits>(), hn::LoadU(narrow, in)));
    } else {
        static constexpr Table16 kSpread = SpreadTable<kBits, kOrder>();
        v = hn::TableLookupBytesOr0(LoadBlocks<U::kBlock>(d, in), hn::LoadDup128(d, kSpread.index));
    }
    if constexpr (U::kCodes >= 8) v = Split<kOrder, uint64_t, 4 * kBits>(v);
    if constexpr (U::kCodes >= 4) v = Split<kOrder, uint32_t, 2 * kBits>(v);
    return Split<kOrder, uint16_t, kBits>(v);
}

/* Bytes from the packed side's pointer that PackCodeVector and UnpackCodeVector may touch. */
template <uint32_t kBits>
HWY_INLINE size_t Reach() {
    const size_t blocks = hn::Lanes(Bytes()) / 16, block = Unit<kBits>::kBlock;
    return Unit<kBits>::kBytes == 1 && kBits != 1 ? blocks * block : (blocks - 1) * block + 16;
}

/* How many codes of n, a multiple of kWord, can be packed or unpacked by whole vectors without leaving the packed side.
 */
template <uint32_t kBits>
HWY_INLINE size_t WholeWords(size_t n) {
    const size_t bytes = n / 8 * kBits + (n % 8 * kBits + 7) / 8,
                 beyond = Reach<kBits>() - hn::Lanes(Bytes()) * kBits / 8;
    size_t words = n / kWord;
    while (words > 0 && words * kWord * kBits / 8 + beyond > bytes) words--;
    return words * kWord;
}

template <uint32_t kBits, uint32_t kOrder>
uint8_t PackCodes(const uint8_t *codes, size_t n, uint8_t *out) {
    const Bytes d;
    const size_t N = hn::Lanes(d), step = N * kBits / 8, whole = WholeWords<kBits>(n);
    const size_t bytes = n / 8 * kBits + (n % 8 * kBits + 7) / 8;
    auto seen = hn::Zero(d);
    size_t i = 0, o = 0;
    while (i < whole) {
        hwy::Prefetch(codes + i + kAhead);
        for (size_t v = 0; v < kWord; v += N, i += N, o += step) {
            const auto x = hn::LoadU(d, codes + i);
            seen = hn::Or(seen, x);
            PackCodeVector<kBits, kOrder>(x, out + o);
        }
    }
    for (; i < n; i += N, o += step) {
        alignas(64) uint8_t last[kWord] = {}, packed[2 * kWord];
        memcpy(last, codes + i, HWY_MIN(N, n - i));
        const auto v = hn::Load(d, last);
        seen = hn::Or(seen, v);
        PackCodeVector<kBits, kOrder>(v, packed);
        memcpy(out + o, packed, HWY_MIN(step, bytes - o));
    }
    alignas(64) uint8_t lanes[kWord];
    hn::Store(seen, d, lanes);
    uint8_t all = 0;
    for (size_t l = 0; l < N; l++) all |= lanes[l];
    return all;
}

template <uint32_t kBits, uint32_t kOrder, bool kStream>
HWY_INLINE size_t UnpackCodeWords(const uint8_t *in, uint8_t *codes, size_t i, size_t n) {
    const Bytes d;
    const size_t N = hn::Lanes(d), end = i + WholeWords<kBits>(n - i);
    size_t o = i / 8 * kBits;
    while (i < end) {
        if (!kStream) PrefetchStore(codes + i + kAhead);
        for (size_t v = 0; v < kWord; v += N, i += N, o += N * kBits / 8) {
            const auto x = UnpackCodeVector<kBits, kOrder>(in + o);
            if (kStream) {
                hn::Stream(x, d, codes + i);
            } else {
                hn::StoreU(x, d, codes + i);
            }
        }
    }
    return i;
}

/* Codes i .. n-1, where i is a multiple of 8: through a buffer that a whole vector may be read from. */
template <uint32_t kBits, uint32_t kOrder>
HWY_INLINE void UnpackCodesShort(const uint8_t *in, uint8_t *codes, size_t i, size_t n) {
    const Bytes d;
    for (; i < n; i += hn::Lanes(d)) {
        const size_t left = HWY_MIN(hn::Lanes(d), n - i);
        alignas(64) uint8_t last[kWord], packed[2 * kWord] = {};
        memcpy(packed, in + i / 8 * kBits, (left * kBits + 7) / 8);
        hn::Store(UnpackCodeVector<kBits, kOrder>(packed), d, last);
        memcpy(codes + i, last, left);
    }
}

template <uint32_t kBits, uint32_t kOrder>
void UnpackCodes(const uint8_t *in, uint8_t *codes, size_t n, uint32_t stream) {
    size_t i = 0;
    /* As UnpackBits: stores around the caches are aligned, the head is a whole number of bytes. */
    if (stream && reinterpret_cast<uintptr_t>(codes) % 8 == 0 && n >= kWord) {
        i = (kWord - reinterpret_cast<uintptr_t>(codes) % kWord) % kWord;
        UnpackCodesShort<kBits, kOrder>(in, codes, 0, i);
        i = UnpackCodeWords<kBits, kOrder, true>(in, codes, i, n);
        hwy::FlushStream();
    }
    i = UnpackCodeWords<kBits, kOrder, false>(in, codes, i, n);
    UnpackCodesShort<kBits, kOrder>(in, codes, i, n);
}

/* The doors of the table: order and width become template arguments. */
uint8_t PackCodesOf(const uint8_t *codes, size_t n, uint8_t *out, uint32_t bits, uint32_t order) {
    using Pack = uint8_t (*)(const uint8_t *, size_t, uint8_t *);
    static constexpr Pack kPack[2][7] = {{PackCodes<1, 0>, PackCodes<2, 0>, PackCodes<3, 0>, PackCodes<4, 0>,
                                          PackCodes<5, 0>, PackCodes<6, 0>, PackCodes<7, 0>},
                                         {PackCodes<1, 1>, PackCodes<2, 1>, PackCodes<3, 1>, PackCodes<4, 1>,
                                          PackCodes<5, 1>, PackCodes<6, 1>, PackCodes<7, 1>}};
    return kPack[order][bits - 1](codes, n, out);
}

void UnpackCodesOf(const uint8_t *in, uint8_t *codes, size_t n, uint32_t bits, uint32_t order, uint32_t stream) {
    using Unpack = void (*)(const uint8_t *, uint8_t *, size_t, uint32_t);
    static constexpr Unpack kUnpack[2][6] = {{UnpackCodes<2, 0>, UnpackCodes<3, 0>, UnpackCodes<4, 0>,
                                              UnpackCodes<5, 0>, UnpackCodes<6, 0>, UnpackCodes<7, 0>},
                                             {UnpackCodes<2, 1>, UnpackCodes<3, 1>, UnpackCodes<4, 1>,
                                              UnpackCodes<5, 1>, UnpackCodes<6, 1>, UnpackCodes<7, 1>}};
    if (bits == 1) return UnpackBitsOf(in, codes, n, order, stream);
    kUnpack[order][bits - 2](in, codes, n, stream);
}

} /* namespace bits */
} /* namespace */

#endif
