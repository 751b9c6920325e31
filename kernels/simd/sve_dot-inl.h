/* SPDX-License-Identifier: Apache-2.0 */
/* The algorithm `dot` of SVE: sdot. */
#ifndef LOWBIT_KERNELS_SIMD_SVE_DOT_INL_H_
#define LOWBIT_KERNELS_SIMD_SVE_DOT_INL_H_

#include "kernels/simd/sve-inl.h"

namespace {

/* Take<field>(line, table), for fields in ascending order, is one as signed bytes less kBias, in its place if kInPlace
 * and if it is positive there; `line` may hold what is left of it. kWork: instructions for all fields. */
template <int kCode, bool kInPlace>
struct SveDecoder {
    static constexpr int kBits = kCode, kBias = kBits == 8 ? 128 : 0;
    static constexpr size_t kFields = 8 / kBits, kWork = kBits == 8 ? 1 : kInPlace ? kFields : 2 * kFields - 2;

    template <int kField>
    static HWY_INLINE svint8_t Take(svuint8_t &line, svuint8_t) {
        const svbool_t all = svptrue_b8();
        constexpr bool kTop = kField == 8 / kBits - 1;
        constexpr uint8_t kMask = static_cast<uint8_t>((1 << kBits) - 1);
        if constexpr (kBits == 8)
            return svreinterpret_s8_u8(sveor_u8_x(all, line, svdup_n_u8(0x80)));
        else if constexpr (kTop)
            return svreinterpret_s8_u8(svlsr_n_u8_x(all, line, 8 - kBits));
        else if constexpr (kInPlace || kField == 0)
            return svreinterpret_s8_u8(svand_u8_x(all, line, SveSet(static_cast<uint8_t>(kMask << (kBits * kField)))));
        else
            return svreinterpret_s8_u8(svand_u8_x(all, svlsr_n_u8_x(all, line, kBits * kField), SveSet(kMask)));
    }
};

/* The table has the values of a book. */
template <>
struct SveDecoder<kBook, false> {
    static constexpr int kBias = 128;
    static constexpr size_t kWork = 4;

    template <int kField>
    static HWY_INLINE svint8_t Take(svuint8_t &line, svuint8_t table) {
        return svreinterpret_s8_u8(
            svtbl_u8(table, svreinterpret_u8_s8(SveDecoder<4, false>::Take<kField>(line, table))));
    }
};

/* Digits of a fraction of 256: three times a byte has the first in its upper half and the others in the lower one,
 * which two additions make before the multiplication overwrites the byte. */
template <>
struct SveDecoder<kTrits, false> {
    static constexpr int kBias = 0;
    static constexpr size_t kWork = 5 + 4 * 2;

    template <int kField>
    static HWY_INLINE svint8_t Take(svuint8_t &line, svuint8_t) {
        const svbool_t all = svptrue_b8();
        const svuint8_t x = line;
        if constexpr (kField < 4) line = svadd_u8_x(all, x, svadd_u8_x(all, x, x));
        return svreinterpret_s8_u8(svmulh_u8_x(all, x, SveSet(3)));
    }
};

/* Of a direct way, an accumulator for each row; one row leaves fields in place, as DotInPlace does, and has one for
 * each place. */
template <int kCodeOf, size_t kRowsOf, size_t kVectorsOf>
struct SveDot : SveWay<kRowsOf, kVectorsOf, kFieldsOf<kCodeOf> * kRowsOf> {
    static constexpr size_t kRows = kRowsOf, kVectors = kVectorsOf, kFields = kFieldsOf<kCodeOf>;
    static constexpr bool kInPlace = kRows == 1 && kCodeOf < 8 && kCodeOf != kTrits;
    using Decoder = SveDecoder<kCodeOf, kInPlace>;
    static constexpr int kCode = kCodeOf, kBias = Decoder::kBias, kLayout = LB_A_S8;
    static constexpr size_t kWork = kFields * kRows + Decoder::kWork;
    static constexpr size_t kAccs = kInPlace ? (kFields > 2 ? kFields - 1 : 1) : kRows;

    template <size_t>
    static HWY_INLINE svuint8_t Table(const lb_tile &tile) {
        if constexpr (kCode != kBook) return svdup_n_u8(0);
        return sveor_n_u8_x(svptrue_b8(), svld1rq_u8(svptrue_b8(), tile.book), 0x80);
    }

    template <class... Both>
    static HWY_INLINE void Line(const int8_t *a, svuint8_t table, svuint8_t, Both &&...both) {
        ForFields<kCode>(LB_SVE_EACH(field) {
            constexpr size_t kField = decltype(field)::value, kPlace = kField + 1 < kFields ? kField : 0;
            ForEach<kVectors>(LB_SVE_EACH(vector) {
                constexpr size_t kVector = decltype(vector)::value;
                const svint8_t codes = Decoder::template Take<kField>(Pick<kVector>(both...), table);
                ForEach<kRows>(LB_SVE_EACH(row) {
                    constexpr size_t kRow = decltype(row)::value, kAcc = kInPlace ? kPlace : kRow;
                    svint32_t &sum = Pick<kVectors + kAcc * kVectors + kVector>(both...);
                    sum = svdot_s32(sum, codes, svreinterpret_s8_s32(SveWord(a, kField * kRows + kRow)));
                });
            });
        });
    }

    template <size_t kRow, size_t kVector, class... Accs>
    static HWY_INLINE svint32_t Sum(Accs &...acc) {
        svint32_t sum = Pick<kRow * kVectors + kVector>(acc...);
        if constexpr (kInPlace)
            ForEach<kAccs - 1>(LB_SVE_EACH(place) {
                constexpr size_t kPlace = decltype(place)::value + 1;
                const svint32_t high = Pick<kPlace * kVectors + kVector>(acc...);
                sum = svadd_s32_x(svptrue_b32(), sum, svasr_n_s32_x(svptrue_b32(), high, kCode * kPlace));
            });
        return sum;
    }
};

/* One row of five trits in a byte, which takes no digit out: dot_trits-inl.h has the formula, and the proof. */
template <int kCodeOf, size_t kRowsOf, size_t kVectorsOf>
struct SveTrits : SveWay<kRowsOf, kVectorsOf, kFieldsOf<kTrits> * kRowsOf> {
    static_assert(kCodeOf == kTrits && kRowsOf == 1, "more rows share digits");
    static constexpr size_t kVectors = kVectorsOf, kFields = kFieldsOf<kTrits>, kAccs = 2;
    static constexpr int kCode = kTrits, kBias = 1, kLayout = LB_A_S8;
    static constexpr size_t kWork = 2 * kFields + kFields + 1, kMostLines = 1600;

    template <class... Both>
    static HWY_INLINE void Line(const int8_t *a, svuint8_t, svuint8_t, Both &&...both) {
        const svbool_t all = svptrue_b8();
        ForEach<kVectors>(LB_SVE_EACH(vector) {
            constexpr size_t kVector = decltype(vector)::value;
            svuint8_t x = sveor_n_u8_x(all, Pick<kVector>(both...), 0x80);
            svint32_t &sum = Pick<kVectors + kVector>(both...), &next = Pick<2 * kVectors + kVector>(both...);
            ForFields<kTrits>(LB_SVE_EACH(field) {
                const svint8_t four = svreinterpret_s8_s32(SveWord(a, decltype(field)::value));
                sum = svdot_s32(sum, svreinterpret_s8_u8(x), four);
                x = svmul_n_u8_x(all, x, 3);
                next = svdot_s32(next, svreinterpret_s8_u8(x), four);
            });
        });
    }

    template <size_t, size_t kVector, class... Accs>
    static HWY_INLINE svint32_t Sum(Accs &...acc) {
        const svbool_t all = svptrue_b32();
        const svint32_t x = svmul_n_s32_x(all, Pick<kVector>(acc...), 3);
        return svasr_n_s32_x(all, svsub_s32_x(all, x, Pick<kVectors + kVector>(acc...)), 8);
    }
};

/* A row of the unit's table. */
template <int kCode, size_t kRows, size_t kVectors>
constexpr lb_kernel SveDotRow() {
    using W = std::conditional_t<kCode == kTrits && kRows == 1, SveTrits<kCode, kRows, kVectors>,
                                 SveDot<kCode, kRows, kVectors>>;
    return DotRowOf<W, kRows, kVectors * kPanelVectors>(SignedLanes::kPorts, &SveTile<W>);
}

}  // namespace

#endif
