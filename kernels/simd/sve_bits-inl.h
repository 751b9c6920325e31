/* SPDX-License-Identifier: Apache-2.0 */
/* The algorithms `xor`, `and`, `and2` and `and4` of SVE: popcount-inl.h says what they compute. Bytes are counted, and
 * a byte dot product adds the counts up, times what the plane is worth: 1, 2, 4, the negative of the top one, or -1 for
 * bits that differ. So all planes of a row share an accumulator, and nothing has to be widened in time. */
#ifndef LOWBIT_KERNELS_SIMD_SVE_BITS_INL_H_
#define LOWBIT_KERNELS_SIMD_SVE_BITS_INL_H_

#include "kernels/simd/popcount-inl.h"
#include "kernels/simd/sve-inl.h"

namespace {

template <class BitsOf, size_t kRowsOf, size_t kVectorsOf>
struct SveBits : SveWay<kRowsOf, kVectorsOf, BitsOf::kPlanes * kRowsOf> {
    static constexpr size_t kRows = kRowsOf, kVectors = kVectorsOf, kPlanes = BitsOf::kPlanes;
    static constexpr int kBias = 0;
    static constexpr size_t kLineA = kPlanes, kPorts = SignedLanes::kPorts, kWork = 3 * kRows * kPlanes, kGroupWork = 0;
    static constexpr uint8_t kLayout = kBitLayout<1, kPlanes>, kAlgorithm = BitsOf::kAlgorithm;

    template <size_t kPlane>
    static constexpr int kWorth = BitsOf::kXor || (kPlane > 0 && kPlane + 1 == kPlanes) ? -(1 << kPlane) : 1 << kPlane;

    template <class... Both>
    static HWY_INLINE void Line(const int8_t *a, svuint8_t, svuint8_t, Both &&...both) {
        const svbool_t all = svptrue_b8();
        ForEach<kRows>(LB_SVE_EACH(row) {
            ForEach<kPlanes>(LB_SVE_EACH(plane) {
                constexpr size_t kRow = decltype(row)::value, kPlane = decltype(plane)::value;
                const svuint8_t word = svreinterpret_u8_s32(SveWord(a, kRow * kPlanes + kPlane));
                const svint8_t worth = svreinterpret_s8_u8(SveSet(static_cast<uint8_t>(kWorth<kPlane>)));
                ForEach<kVectors>(LB_SVE_EACH(vector) {
                    constexpr size_t kVector = decltype(vector)::value;
                    const svuint8_t line = Pick<kVector>(both...);
                    const svuint8_t met = BitsOf::kXor ? sveor_u8_x(all, line, word) : svand_u8_x(all, line, word);
                    svint32_t &sum = Pick<kVectors + kRow * kVectors + kVector>(both...);
                    sum = svdot_s32(sum, svreinterpret_s8_u8(svcnt_u8_x(all, met)), worth);
                });
            });
        });
    }
};

/* A row of the unit's table. */
template <class BitsOf, size_t kRows, size_t kVectors>
constexpr lb_kernel SveBitsRow() {
    using W = SveBits<BitsOf, kRows, kVectors>;
    return BitsRow<W, kRows, kVectors * kPanelVectors>(&SveTile<W>);
}

}  // namespace

#endif
