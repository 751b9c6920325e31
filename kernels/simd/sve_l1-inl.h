/* SPDX-License-Identifier: Apache-2.0 */
/* The algorithm `l1` of SVE, distances by maxima as in l1-inl.h: -2 times each row's are added up, and the values of
 * the columns once for all rows. */
#ifndef LOWBIT_KERNELS_SIMD_SVE_L1_INL_H_
#define LOWBIT_KERNELS_SIMD_SVE_L1_INL_H_

#include "kernels/simd/sve-inl.h"

namespace {

template <int kCodeOf, size_t kRowsOf, size_t kVectorsOf>
struct SveL1 : SveWay<kRowsOf, kVectorsOf, kRowsOf> {
    static_assert(kCodeOf == 8, "the codes are int8");
    static constexpr size_t kRows = kRowsOf, kVectors = kVectorsOf, kAccs = kRows + 1, kFields = 1;
    static constexpr int kCode = kCodeOf, kBias = 0, kLayout = LB_A_S8;
    static constexpr size_t kWork = 2 * (kRows + 1);

    template <class... Both>
    static HWY_INLINE void Line(const int8_t *a, svuint8_t, svuint8_t, Both &&...both) {
        const svbool_t all = svptrue_b8();
        const svint8_t one = svreinterpret_s8_u8(SveSet(1)), minus_two = svreinterpret_s8_u8(SveSet(0xfe));
        ForEach<kVectors>(LB_SVE_EACH(vector) {
            constexpr size_t kVector = decltype(vector)::value;
            const svint8_t v = svreinterpret_s8_u8(sveor_n_u8_x(all, Pick<kVector>(both...), 0x80));
            svint32_t &column = Pick<kVectors + kRows * kVectors + kVector>(both...);
            column = svdot_s32(column, v, one);
            ForEach<kRows>(LB_SVE_EACH(row) {
                constexpr size_t kRow = decltype(row)::value;
                svint32_t &sum = Pick<kVectors + kRow * kVectors + kVector>(both...);
                sum = svdot_s32(sum, svmax_s8_x(all, v, svreinterpret_s8_s32(SveWord(a, kRow))), minus_two);
            });
        });
    }

    template <size_t kRow, size_t kVector, class... Accs>
    static HWY_INLINE svint32_t Sum(Accs &...acc) {
        return svadd_s32_x(svptrue_b32(), Pick<kRow * kVectors + kVector>(acc...),
                           Pick<kRows * kVectors + kVector>(acc...));
    }
};

/* A row of the unit's table. */
template <size_t kRows, size_t kVectors>
constexpr lb_kernel SveL1Row() {
    using W = SveL1<8, kRows, kVectors>;
    lb_kernel row = DotRowOf<W, kRows, kVectors * kPanelVectors>(SignedLanes::kPorts, &SveTile<W>);
    row.algorithm = LB_ALGORITHM_L1;
    return row;
}

}  // namespace

#endif
