/* SPDX-License-Identifier: Apache-2.0 */
/* The direct vocabularies of NEON: dot products that take four activations from a lane of a register, so that one load
 * brings those of four dot products. A load that broadcasts would occupy a vector pipe beside the load pipe on most
 * cores. */
#ifndef LOWBIT_KERNELS_SIMD_ARM_OPS_H_
#define LOWBIT_KERNELS_SIMD_ARM_OPS_H_

#include <type_traits>

#include "kernels/simd/simd.h"

namespace {

template <int kLaneOf>
struct Lane {
    static constexpr int kLane = kLaneOf;
    int8x16_t fours;
};

/* kCount times four activations: a load for every four of them, where the first is used. */
template <size_t kCount>
class Lanes {
  public:
    explicit HWY_INLINE Lanes(const int8_t *a) : at(a) {}
    template <size_t kFour>
    HWY_INLINE Lane<kFour % 4> Four() const {
        return {vld1q_s8(at + kFour / 4 * 16)};
    }

  private:
    const int8_t *at;
};

struct UnsignedLanes : UnsignedDirect {
    /* A register of activations is used up by so many lines. */
    template <size_t kFours>
    static constexpr size_t kLinesTogether = kFours % 4 == 0   ? 1
                                             : kFours % 2 == 0 ? 2
                                                               : 4;
    template <size_t kCount>
    using Fours = std::conditional_t<kCount % 4 == 0, Lanes<kCount>, Broadcasts<kCount>>;

    /* NEON shifts bytes, so that the top field needs no mask. */
    template <int kBits>
    static constexpr size_t kCodesWork = kBits == 8 ? 0 : 2 * (8 / kBits) - 2;
    template <int kBits, int kField>
    static HWY_INLINE VU8 Codes(VU8 line) {
        if constexpr (kBits < 8 && kField == 8 / kBits - 1) return VU8{vshrq_n_u8(line.raw, 8 - kBits)};
        return Field<kBits, kField>(line);
    }
};

/* For dot products that read codes as signed. Those below 8 bits are positive anyway, in their places too except for
 * the top one, which is shifted down; 8-bit ones lose 128 by an xor. */
struct SignedLanes : UnsignedLanes {
    template <int kBits>
    static constexpr int kCodeBias = kBits == 8 ? 128 : 0;
    template <int kBits>
    static constexpr size_t kCodesWork = kBits == 8 ? 1 : UnsignedLanes::kCodesWork<kBits>;
    template <int kBits, int kField>
    static HWY_INLINE VU8 Codes(VU8 line) {
        if constexpr (kBits == 8) return hn::Xor(line, hn::Set(DU8(), 0x80));
        return UnsignedLanes::Codes<kBits, kField>(line);
    }
    template <int kBits, int kField>
    static constexpr bool kTop = kField == 8 / kBits - 1;
    template <int kBits, int kField>
    static constexpr int kInPlaceShift = kTop<kBits, kField> ? 0 : kBits *kField;
    template <int kBits, int kField>
    static HWY_INLINE VU8 InPlace(VU8 line) {
        if constexpr (kTop<kBits, kField>) return Codes<kBits, kField>(line);
        return FieldInPlace<kBits, kField>(line);
    }
};

}  // namespace

/* Rows of a unit's table, of its vocabulary Ops: the levels with a dot product. */
#define LB_LANE_ROWS                                                                                                   \
    DotRow<DotRows, Ops, 8, 4, 4>(), DotRow<DotRows, Ops, 4, 4, 4>(), DotRow<DotRows, Ops, 2, 4, 4>(),                 \
        DotRow<DotRows, Ops, 1, 4, 4>(), DotRow<DotRows, Ops, kTrits, 4, 4>(), DotRow<DotRows, Ops, kBook, 4, 4>(),    \
        DotRow<DotInPlace, Ops, 8, 1, 8>(), DotRow<DotDirect, Ops, 8, 2, 8>(), DotRow<DotDirect, Ops, 8, 3, 4>(),      \
        DotRow<DotDirect, Ops, 8, 4, 4>(), DotRow<DotDirect, Ops, 8, 6, 4>(), DotRow<DotDirect, Ops, 8, 8, 2>(),       \
        DotRow<DotInPlace, Ops, 4, 1, 8>(), DotRow<DotDirect, Ops, 4, 2, 4>(), DotRow<DotDirect, Ops, 4, 3, 4>(),      \
        DotRow<DotDirect, Ops, 4, 4, 4>(), DotRow<DotDirect, Ops, 4, 6, 4>(), DotRow<DotDirect, Ops, 4, 8, 2>(),       \
        DotRow<DotInPlace, Ops, 2, 1, 4>(), DotRow<DotDirect, Ops, 2, 2, 4>(), DotRow<DotDirect, Ops, 2, 3, 4>(),      \
        DotRow<DotDirect, Ops, 2, 4, 4>(), DotRow<DotDirect, Ops, 2, 6, 4>(), DotRow<DotDirect, Ops, 2, 8, 2>(),       \
        DotRow<DotInPlace, Ops, 1, 1, 2>(), DotRow<DotDirect, Ops, 1, 2, 4>(), DotRow<DotDirect, Ops, 1, 3, 4>(),      \
        DotRow<DotDirect, Ops, 1, 4, 4>(), DotRow<DotDirect, Ops, 1, 6, 4>(), DotRow<DotDirect, Ops, 1, 8, 2>(),       \
        DotRow<DotTrits, Ops, kTrits, 1, 8>(), DotRow<DotTrits, Ops, kTrits, 2, 2>(),                                  \
        DotRow<DotDirect, Ops, kTrits, 3, 4>(), DotRow<DotDirect, Ops, kTrits, 4, 4>(),                                \
        DotRow<DotDirect, Ops, kTrits, 8, 2>(), DotRow<DotDirect, Ops, kBook, 1, 8>(),                                 \
        DotRow<DotDirect, Ops, kBook, 2, 4>(), DotRow<DotDirect, Ops, kBook, 3, 4>(),                                  \
        DotRow<DotDirect, Ops, kBook, 4, 4>(), DotRow<DotDirect, Ops, kBook, 6, 4>(),                                  \
        DotRow<DotDirect, Ops, kBook, 8, 2>(), L1Row<L1Direct, Ops, 1, 4>(), L1Row<L1Direct, Ops, 4, 4>(),             \
        LB_BIT_ROWS, LB_LANE_DIGITS(8), LB_LANE_DIGITS(4), LB_LANE_DIGITS(2), LB_LANE_DIGITS(1),                       \
        LB_LANE_DIGITS(kTrits), LB_LANE_DIGITS(kBook)

#define LB_LANE_DIGITS(code)                                                                                           \
    DigitsDirect<Ops, code, 1, 4>(), DigitsDirect<Ops, code, 2, 4>(), DigitsDirect<Ops, code, 4, 2>()

#endif
