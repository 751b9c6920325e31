/* SPDX-License-Identifier: Apache-2.0 */
/* The only place that configures Highway: tags, vectors, and the five-op vocabulary that a unit brings. A unit includes
 * this first; its compiler flags choose the static target, and LB_UNIT_TARGET refuses one lower than the unit means,
 * since a missing flag would lower it silently. */
#ifndef LOWBIT_KERNELS_SIMD_SIMD_H_
#define LOWBIT_KERNELS_SIMD_SIMD_H_

#include <string.h>

#include "hwy/highway.h"

#include "kernels/simd/ukernel.h"
#include "lowbit/context.h"
#include "lowbit/weights.h"

/* LB_UNIT_TARGET(HWY_AVX2): the target that the unit's flags must have selected. */
#define LB_UNIT_TARGET(target) static_assert(HWY_TARGET == (target), "the unit's compiler flags do not reach " #target)

/* LB_EXPORT_UNIT(avx2) = {...}; the unit's one global symbol. */
#define LB_EXPORT_UNIT(level)                                                                                          \
    extern "C" __attribute__((visibility("hidden"))) const lb_isa_unit lb_unit_##level;                                \
    const lb_isa_unit lb_unit_##level

/* The two table fields that list kKernels, which every unit defines. */
#define LB_KERNELS kKernels, sizeof kKernels / sizeof kKernels[0]

/* Unrolls the loop that follows completely: accumulators are arrays that must become registers. */
#if defined(__clang__)
#define LB_UNROLL _Pragma("clang loop unroll(full)")
#else
#define LB_UNROLL _Pragma("GCC unroll 64")
#endif

/* What follows the parameters of a lambda: it is inlined, also where two tiles share it. Highway's HWY_ATTR is not
 * needed, since the flags of a unit reach lambdas as well, and clang 23 warns of a feature in it that it knows no
 * longer. */
#define LB_STEP __attribute__((always_inline))

namespace {

namespace hn = hwy::HWY_NAMESPACE;

/* Full vectors of the unit, at most one line long. */
using DU8 = hn::CappedTag<uint8_t, LB_LINE>;
using DI8 = hn::Repartition<int8_t, DU8>;
using DU16 = hn::Repartition<uint16_t, DU8>;
using DI16 = hn::Repartition<int16_t, DU8>;
using DU32 = hn::Repartition<uint32_t, DU8>;
using DI32 = hn::Repartition<int32_t, DU8>;
using DF32 = hn::Repartition<float, DU8>;
using VU8 = hn::Vec<DU8>;
using VI8 = hn::Vec<DI8>;
using VU16 = hn::Vec<DU16>;
using VI16 = hn::Vec<DI16>;
using VI32 = hn::Vec<DI32>;
using VF32 = hn::Vec<DF32>;

/* Columns that one vector of a line holds: 16, 8 or 4. */
constexpr size_t kColumns = hn::MaxLanes(DI32());

/* Lanes shifted by those of another vector. Not hn::Shl and hn::Shr, which Highway forgot to mark as inline: gcc 16
 * leaves a weak copy of one in a unit. */
HWY_INLINE VI32 ShiftUp(VI32 x, VI32 by) { return x << by; }
HWY_INLINE VI32 ShiftDown(VI32 x, VI32 by) { return x >> by; }

/* To the nearest integer, for |x| < 2^31: on x86 hn::NearestInt sees to all others, too, which takes longer. */
HWY_INLINE VI32 NearestSmall(VF32 x) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
    return VI32{_mm512_cvtps_epi32(x.raw)};
#elif HWY_ARCH_X86 && HWY_TARGET == HWY_AVX2
    return VI32{_mm256_cvtps_epi32(x.raw)};
#elif HWY_ARCH_X86
    return VI32{_mm_cvtps_epi32(x.raw)};
#else
    return hn::NearestInt(x);
#endif
}

/* Field kField of a line of kBits-bit codes, shifted down to bit 0. */
template <int kBits, int kField>
HWY_INLINE VU8 Field(VU8 line) {
    if constexpr (kBits == 8) {
        return line;
    } else {
        const VU8 mask = hn::Set(DU8(), static_cast<uint8_t>((1 << kBits) - 1));
        if constexpr (kField == 0) return hn::And(line, mask);
        return hn::And(hn::BitCast(DU8(), hn::ShiftRight<kBits * kField>(hn::BitCast(DU16(), line))), mask);
    }
}

/* The same field left where it stands: 2^(kBits * kField) times its value, as an unsigned byte. */
template <int kBits, int kField>
HWY_INLINE VU8 FieldInPlace(VU8 line) {
    if constexpr (kBits == 8) return line;
    return hn::And(line, hn::Set(DU8(), static_cast<uint8_t>(((1 << kBits) - 1) << (kBits * kField))));
}

/* Vector instructions that shift and mask the fields of one vector of a line. */
template <int kBits>
constexpr size_t kShiftWork = kBits == 8 ? 0 : 2 * (8 / kBits) - 1;

/* A unit's vocabulary is a struct of static functions, in one of two families, and kPorts: vector instructions that a
 * core of the level starts in a cycle.
 *
 * Direct, for levels whose byte dot product adds four products straight into 32 bits:
 *     Acc Start(VI32);  Acc Dot(Acc, VU8 codes, four);  VI32 Sum(Acc);  kDotWork = instructions of Dot
 *     VU8 Codes<bits, field>(VU8 line): a field of a line, less kCodeBias<bits> where Dot reads signed codes;
 *     kCodesWork<bits> = instructions for all fields of a line
 *     VU8 InPlace<bits, field>(VU8 line): the same, or 2^kInPlaceShift<bits, field> times it where that takes one
 *     instruction only
 *     Fours<count>: activations as Dot takes them, those of kLinesTogether<fours of one line> lines
 * Staged, for levels that must pass through 16 bits. MulAdd adds the products of neighbouring bytes into 16-bit lanes
 * and may be repeated kDepth<bits> times before Widen:
 *     Acc16 Zero16();  Acc16 MulAdd(Acc16, VU8 codes, VI8 a);  Acc Widen(Acc, Acc16);  Acc Start(VI32);  VI32 Sum(Acc);
 *     kStageWork = instructions of MulAdd;  Fields: the Codes of a direct vocabulary that has unsigned ones
 * Start takes one 32-bit sum a column, and Sum gives it. */

/* 4 consecutive activations in every 32-bit lane. */
HWY_INLINE VI8 BroadcastFour(const int8_t *a) {
    int32_t four;
    memcpy(&four, a, sizeof four);
    return hn::BitCast(DI8(), hn::Set(DI32(), four));
}

/* kCount times four activations, each broadcast where it is used. */
template <size_t kCount>
class Broadcasts {
  public:
    explicit HWY_INLINE Broadcasts(const int8_t *a) : at(a) {}
    template <size_t kFour>
    HWY_INLINE VI8 Four() const {
        return BroadcastFour(at + kFour * 4);
    }

  private:
    const int8_t *at;
};

/* Activations of a vocabulary that takes one line at a time and wants a vector of each four. */
struct BroadcastFours {
    template <size_t kFours>
    static constexpr size_t kLinesTogether = 1;
    template <size_t kCount>
    using Fours = Broadcasts<kCount>;
};

/* What the direct vocabularies share, for levels whose dot product reads codes as unsigned: one vector is one
 * accumulator, and nothing is subtracted from a code. A unit's Ops adds Dot. */
struct UnsignedDirect : BroadcastFours {
    using Acc = VI32;
    static constexpr size_t kPorts = 2, kDotWork = 1;
    template <int kBits>
    static constexpr int kCodeBias = 0;
    template <int kBits>
    static constexpr size_t kCodesWork = kShiftWork<kBits>;
    template <int kBits, int kField>
    static HWY_INLINE VU8 Codes(VU8 line) {
        return Field<kBits, kField>(line);
    }
    template <int kBits, int kField>
    static constexpr int kInPlaceShift = kBits *kField;
    template <int kBits, int kField>
    static HWY_INLINE VU8 InPlace(VU8 line) {
        return FieldInPlace<kBits, kField>(line);
    }
    static HWY_INLINE Acc Start(VI32 sum) { return sum; }
    static HWY_INLINE VI32 Sum(Acc acc) { return acc; }
};

/* 2 consecutive 16-bit activations in every 32-bit lane. */
HWY_INLINE VI16 BroadcastPair(const int16_t *a) {
    int32_t pair;
    memcpy(&pair, a, sizeof pair);
    return hn::BitCast(DI16(), hn::Set(DI32(), pair));
}

}  // namespace

#endif
