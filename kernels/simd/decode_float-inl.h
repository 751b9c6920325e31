/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of every coding as vectors of floats: s * c - o, the values of a book, or the elements themselves.
 *
 * A decoder is made of a tile and gives one vector of columns for each k of a line, in two steps: what the four
 * (kInField) k of a field share, then each of them. State Start(VU8 line);  Stage Next<field>(State &);  VF32
 * Value<field, i>(Stage)    k = field * kInField + i kWork = vector instructions for a line */
#ifndef LOWBIT_KERNELS_SIMD_DECODE_FLOAT_INL_H_
#define LOWBIT_KERNELS_SIMD_DECODE_FLOAT_INL_H_

#include "kernels/simd/simd.h"

namespace {

/* Byte i of every 32-bit lane, which is signed. */
template <int kByte>
HWY_INLINE VF32 SignedByte(VI8 bytes) {
    const VI32 lanes = hn::BitCast(DI32(), bytes);
    if constexpr (kByte == 3) return hn::ConvertTo(DF32(), hn::ShiftRight<24>(lanes));
    return hn::ConvertTo(DF32(), hn::ShiftRight<24>(hn::ShiftLeft<24 - 8 * kByte>(lanes)));
}

/* Codes of at most 4 bits to values. */
#if HWY_TARGET <= HWY_AVX3
/* A permutation of floats by the low four bits of each lane, whatever stands above them: codes need no mask. */
struct SmallCodes {
    static constexpr bool kMasked = false;
    static constexpr size_t kStageWork = 0, kValueWork = 2;
    using Stage = VU8;
    VF32 table;
    explicit HWY_INLINE SmallCodes(const lb_tile &tile) : table(hn::Load(DF32(), tile.table)) {}
    HWY_INLINE Stage Look(VU8 codes) const { return codes; }
    /* The code that begins at bit kBit of every lane. */
    template <int kBit>
    HWY_INLINE VF32 Value(Stage codes) const {
        const __m512i index = kBit == 0 ? codes.raw : _mm512_srli_epi32(codes.raw, kBit);
        return VF32{_mm512_permutexvar_ps(index, table.raw)};
    }
};
#else
/* Sixteen bytes hold all values: four are looked up at once and widened one by one. */
struct SmallCodes {
    static constexpr bool kMasked = true;
    static constexpr size_t kStageWork = 1, kValueWork = 3;
    using Stage = VI8;
    VU8 table;
    explicit HWY_INLINE SmallCodes(const lb_tile &tile) : table(hn::BitCast(DU8(), hn::LoadU(DI8(), tile.bytes))) {}
    HWY_INLINE Stage Look(VU8 codes) const { return hn::BitCast(DI8(), hn::TableLookupBytes(table, codes)); }
    template <int kBit>
    HWY_INLINE VF32 Value(Stage values) const {
        return SignedByte<kBit / 8>(values);
    }
};
#endif

template <int kBits>
struct DecodeBits {
    static_assert(kBits <= 4, "values come from a table of 16");
    static constexpr int kFields = 8 / kBits, kInField = 4;
    static constexpr size_t kWork =
        4 * kFields * SmallCodes::kValueWork + kFields * (SmallCodes::kStageWork + (SmallCodes::kMasked ? 2 : 0));
    using State = VU8;
    using Stage = SmallCodes::Stage;
    SmallCodes codes;
    explicit HWY_INLINE DecodeBits(const lb_tile &tile) : codes(tile) {}
    HWY_INLINE State Start(VU8 line) const { return line; }
    template <int kField>
    HWY_INLINE Stage Next(State &line) const {
        if constexpr (SmallCodes::kMasked) return codes.Look(Field<kBits, kField>(line));
        return codes.Look(line);
    }
    template <int kField, int kByte>
    HWY_INLINE VF32 Value(Stage stage) const {
        return codes.template Value<8 * kByte + (SmallCodes::kMasked ? 0 : kBits * kField)>(stage);
    }
};

/* Five ternary digits of a byte: multiplied by three, the next one comes out at the top. */
struct DecodeTrits {
    static constexpr int kFields = 5, kInField = 4;
    static constexpr size_t kWork = 4 * 5 * SmallCodes::kValueWork + 5 * (SmallCodes::kStageWork + 9) + 2;
    struct State {
        hn::Vec<DU16> even, odd;
    };
    using Stage = SmallCodes::Stage;
    SmallCodes codes;
    explicit HWY_INLINE DecodeTrits(const lb_tile &tile) : codes(tile) {}
    HWY_INLINE State Start(VU8 line) const {
        const auto words = hn::BitCast(DU16(), line);
        return State{hn::And(words, hn::Set(DU16(), 0xff)), hn::ShiftRight<8>(words)};
    }
    template <int kField>
    HWY_INLINE Stage Next(State &x) const {
        const auto low = hn::Set(DU16(), 0xff);
        const auto even = hn::Add(x.even, hn::Add(x.even, x.even)), odd = hn::Add(x.odd, hn::Add(x.odd, x.odd));
        x.even = hn::And(even, low);
        x.odd = hn::And(odd, low);
        return codes.Look(hn::BitCast(DU8(), hn::Or(hn::ShiftRight<8>(even), hn::AndNot(low, odd))));
    }
    template <int kField, int kByte>
    HWY_INLINE VF32 Value(Stage stage) const {
        return codes.template Value<8 * kByte>(stage);
    }
};

/* Codes of 8 bits: o = 128. */
#if HWY_TARGET <= HWY_AVX3
/* A code that takes the place of the lowest byte of 2^23 makes 2^23 + c: two instructions, on two ports, for three on
 * one. */
struct DecodeBytes {
    static constexpr int kFields = 1, kInField = 4;
    static constexpr size_t kWork = 8;
    using State = VU8;
    using Stage = VU8;
    VU8 first; /* in every lane, where its lowest byte is */
    explicit HWY_INLINE DecodeBytes(const lb_tile &)
        : first(hn::BitCast(DU8(), hn::And(hn::Mul(hn::Iota(DU32(), 0), hn::Set(DU32(), 4)), hn::Set(DU32(), 15)))) {}
    HWY_INLINE State Start(VU8 line) const { return line; }
    template <int kField>
    HWY_INLINE Stage Next(State &line) const {
        return line;
    }
    template <int kField, int kByte>
    HWY_INLINE VF32 Value(Stage stage) const {
        const auto at = hn::Add(hn::BitCast(DU32(), first), hn::Set(DU32(), kByte));
        const auto base = hn::BitCast(DU8(), hn::Set(DF32(), 0x1p23f));
        const VU8 sum{_mm512_mask_shuffle_epi8(base.raw, 0x1111111111111111, stage.raw, hn::BitCast(DU8(), at).raw)};
        return hn::Sub(hn::BitCast(DF32(), sum), hn::Set(DF32(), 0x1p23f + 128));
    }
};
#else
struct DecodeBytes {
    static constexpr int kFields = 1, kInField = 4;
    static constexpr size_t kWork = 12;
    using State = VU8;
    using Stage = VI8;
    explicit HWY_INLINE DecodeBytes(const lb_tile &) {}
    HWY_INLINE State Start(VU8 line) const { return line; }
    template <int kField>
    HWY_INLINE Stage Next(State &line) const {
        return hn::BitCast(DI8(), hn::Xor(line, hn::Set(DU8(), 0x80)));
    }
    template <int kField, int kByte>
    HWY_INLINE VF32 Value(Stage stage) const {
        return SignedByte<kByte>(stage);
    }
};
#endif

struct DecodeHalves {
    static constexpr int kFields = 1, kInField = 2;
    static constexpr size_t kWork = 2;
    using State = VU8;
    using Stage = VU8;
    explicit HWY_INLINE DecodeHalves(const lb_tile &) {}
    HWY_INLINE State Start(VU8 line) const { return line; }
    template <int kField>
    HWY_INLINE Stage Next(State &line) const {
        return line;
    }
    template <int kField, int kHalf>
    HWY_INLINE VF32 Value(Stage stage) const {
        const auto lanes = hn::BitCast(DU32(), stage);
        if constexpr (kHalf == 0) return hn::BitCast(DF32(), hn::ShiftLeft<16>(lanes));
        return hn::BitCast(DF32(), hn::And(lanes, hn::Set(DU32(), 0xffff0000)));
    }
};

struct DecodeFloats {
    static constexpr int kFields = 1, kInField = 1;
    static constexpr size_t kWork = 0;
    using State = VU8;
    using Stage = VU8;
    explicit HWY_INLINE DecodeFloats(const lb_tile &) {}
    HWY_INLINE State Start(VU8 line) const { return line; }
    template <int kField>
    HWY_INLINE Stage Next(State &line) const {
        return line;
    }
    template <int kField, int kIndex>
    HWY_INLINE VF32 Value(Stage stage) const {
        return hn::BitCast(DF32(), stage);
    }
};

/* What decodes the lines of a coding. */
template <int kCoding>
struct DecoderOf;
#define LB_DECODER(coding, ...)                                                                                        \
    template <>                                                                                                        \
    struct DecoderOf<coding> {                                                                                         \
        using Type = __VA_ARGS__;                                                                                      \
    }
LB_DECODER(LB_CODING_W1, DecodeBits<1>);
LB_DECODER(LB_CODING_W2, DecodeBits<2>);
LB_DECODER(LB_CODING_W4, DecodeBits<4>);
LB_DECODER(LB_CODING_W8, DecodeBytes);
LB_DECODER(LB_CODING_T5, DecodeTrits);
LB_DECODER(LB_CODING_C4, DecodeBits<4>);
LB_DECODER(LB_CODING_BF16, DecodeHalves);
LB_DECODER(LB_CODING_F32, DecodeFloats);
#undef LB_DECODER

}  // namespace

#endif
