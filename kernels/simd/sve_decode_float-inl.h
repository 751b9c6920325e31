/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of every coding as SVE vectors of floats: decode_float-inl.h for vectors of any length.
 *
 * Field<field>(line, table0, table1, use), for fields in ascending order, calls use(Tag<i>, value) for the kInField k
 * of a field in turn; `line` may hold what is left of it. kWork = vector instructions for a line. No conversion of
 * integers to floats is among them: those have one pipe, or half of one, where the others have two or four. */
#ifndef LOWBIT_KERNELS_SIMD_SVE_DECODE_FLOAT_INL_H_
#define LOWBIT_KERNELS_SIMD_SVE_DECODE_FLOAT_INL_H_

#include "kernels/simd/sve_dot-inl.h"

namespace {

/* The halves of every lane as floats whose lower halves are 0. */
HWY_INLINE svfloat32_t SveLowerHalf(svuint8_t lanes) {
    return svreinterpret_f32_u32(svlsl_n_u32_x(svptrue_b32(), svreinterpret_u32_u8(lanes), 16));
}
HWY_INLINE svfloat32_t SveUpperHalf(svuint8_t lanes) {
    return svreinterpret_f32_u32(svand_n_u32_x(svptrue_b32(), svreinterpret_u32_u8(lanes), 0xffff0000));
}

/* Values of at most 16 codes are int8, whose floats end in 16 zeros: their upper two bytes are looked up apart from
 * each other for all four k of a lane, and woven together. */
template <int kCode>
struct SveDecodeCodes {
    using Decoder = SveDecoder<kCode, false>;
    static constexpr int kFields = kFieldsOf<kCode>, kInField = 4;
    static constexpr size_t kWork = Decoder::kWork + 8 * kFields;

    /* Byte 2 or 3 of the sixteen floats. */
    template <size_t kTable>
    static HWY_INLINE svuint8_t Table(const lb_tile &tile) {
        const auto *bytes = reinterpret_cast<const uint8_t *>(tile.table);
        return svget4_u8(svld4_u8(svptrue_pat_b8(SV_VL16), bytes), 2 + kTable);
    }
    template <int kField, class Use>
    static HWY_INLINE void Field(svuint8_t &line, svuint8_t table0, svuint8_t table1, const Use &use) {
        const svuint8_t codes = svreinterpret_u8_s8(Decoder::template Take<kField>(line, table0));
        const svuint8_t low = svtbl_u8(table0, codes), high = svtbl_u8(table1, codes);
        const svuint8_t even = svtrn1_u8(low, high), odd = svtrn2_u8(low, high);
        use(Tag<0>(), SveLowerHalf(even));
        use(Tag<1>(), SveLowerHalf(odd));
        use(Tag<2>(), SveUpperHalf(even));
        use(Tag<3>(), SveUpperHalf(odd));
    }
};

/* Codes of 8 bits in the mantissa of 2^23 or, a byte further up, of 2^15: subtracting that and 128 leaves the value. */
struct SveDecodeBytes {
    static constexpr int kFields = 1, kInField = 4;
    static constexpr size_t kWork = 9;

    template <size_t kTable>
    static HWY_INLINE svuint8_t Table(const lb_tile &) {
        return svreinterpret_u8_f32(svdup_n_f32(kTable == 0 ? 0x1p23f : 0x1p15f));
    }
    template <int, class Use>
    static HWY_INLINE void Field(svuint8_t &line, svuint8_t table0, svuint8_t table1, const Use &use) {
        const svbool_t first = svptrue_b32(), second = svtrn1_b8(svpfalse_b(), first);
        const svuint8_t upper = svreinterpret_u8_u32(svlsr_n_u32_x(first, svreinterpret_u32_u8(line), 16));
        const svfloat32_t over0 = svdup_n_f32(0x1p23f + 128), over1 = svdup_n_f32(0x1p15f + 128);
        use(Tag<0>(), svsub_f32_x(first, svreinterpret_f32_u8(svsel_u8(first, line, table0)), over0));
        use(Tag<1>(), svsub_f32_x(first, svreinterpret_f32_u8(svsel_u8(second, line, table1)), over1));
        use(Tag<2>(), svsub_f32_x(first, svreinterpret_f32_u8(svsel_u8(first, upper, table0)), over0));
        use(Tag<3>(), svsub_f32_x(first, svreinterpret_f32_u8(svsel_u8(second, upper, table1)), over1));
    }
};

struct SveDecodeHalves : SveNoTables {
    static constexpr int kFields = 1, kInField = 2;
    static constexpr size_t kWork = 2;

    template <int, class Use>
    static HWY_INLINE void Field(svuint8_t &line, svuint8_t, svuint8_t, const Use &use) {
        use(Tag<0>(), SveLowerHalf(line));
        use(Tag<1>(), SveUpperHalf(line));
    }
};

/* Floats are taken as they stand. */
struct SveDecodeFloats {
    static constexpr int kFields = 1, kInField = 1;
    static constexpr size_t kWork = 0;
};

/* What decodes the lines of a coding. */
template <int kCoding>
struct SveDecoderOf;
#define LB_SVE_DECODER(coding, ...)                                                                                    \
    template <>                                                                                                        \
    struct SveDecoderOf<coding> {                                                                                      \
        using Type = __VA_ARGS__;                                                                                      \
    }
LB_SVE_DECODER(LB_CODING_W1, SveDecodeCodes<1>);
LB_SVE_DECODER(LB_CODING_W2, SveDecodeCodes<2>);
LB_SVE_DECODER(LB_CODING_W4, SveDecodeCodes<4>);
LB_SVE_DECODER(LB_CODING_W8, SveDecodeBytes);
LB_SVE_DECODER(LB_CODING_T5, SveDecodeCodes<kTrits>);
LB_SVE_DECODER(LB_CODING_C4, SveDecodeCodes<4>);
LB_SVE_DECODER(LB_CODING_BF16, SveDecodeHalves);
LB_SVE_DECODER(LB_CODING_F32, SveDecodeFloats);
#undef LB_SVE_DECODER

}  // namespace

#endif
