/* SPDX-License-Identifier: Apache-2.0 */
/* neon: smull and smlal into 16 bits, widened by sadalp (Armv8.0). */
#include "kernels/simd/arm_ops.h"
#include "kernels/simd/fma-inl.h"
#include "kernels/simd/lut-inl.h"
#include "kernels/simd/unit.h"

LB_UNIT_TARGET(HWY_NEON);

namespace {

/* A product of two bytes has a 16-bit lane of its own, so accumulators are pairs of vectors, one for each half of the
 * bytes, and the two halves of a column's sums meet in Sum. */
struct Pair16 {
    int16x8_t low, high;
};
struct Pair32 {
    int32x4_t low, high;
};

struct Ops : BroadcastFours {
    using Acc = Pair32;
    using Acc16 = Pair16;
    using Fields = UnsignedLanes;
    static constexpr size_t kPorts = 2, kDotWork = 4, kStageWork = 2;
    /* A sum of d products is at most 128 * (2^bits - 1) * d in magnitude, and -32768 fits. */
    template <int kBits>
    static constexpr int kDepth = 32768 / (128 * ((1 << kBits) - 1));
    template <int kBits>
    static constexpr int kCodeBias = 128; /* only 8-bit codes go the direct way */
    template <int kBits>
    static constexpr size_t kCodesWork = 1;
    template <int kBits, int kField>
    static HWY_INLINE VU8 Codes(VU8 line) {
        return hn::Xor(line, hn::Set(DU8(), 0x80));
    }

    /* A column is two lanes. */
    static HWY_INLINE Acc Start(VI32 sum) {
        const int32x4_t zero = vdupq_n_s32(0);
        return Pair32{vzip1q_s32(sum.raw, zero), vzip2q_s32(sum.raw, zero)};
    }
    static HWY_INLINE Acc16 Zero16() { return Pair16{vdupq_n_s16(0), vdupq_n_s16(0)}; }
    static HWY_INLINE Acc16 MulAdd(Acc16 acc, VU8 w, VI8 a) {
        const int8x16_t codes = vreinterpretq_s8_u8(w.raw);
        return Pair16{vmlal_s8(acc.low, vget_low_s8(codes), vget_low_s8(a.raw)), vmlal_high_s8(acc.high, codes, a.raw)};
    }
    static HWY_INLINE Acc Widen(Acc acc, Acc16 staged) {
        return Pair32{vpadalq_s16(acc.low, staged.low), vpadalq_s16(acc.high, staged.high)};
    }
    /* One product fits 16 bits, two may not: (-128) * (-128) * 2 = 2^15. */
    static HWY_INLINE Acc Dot(Acc acc, VU8 w, VI8 a) {
        const int8x16_t codes = vreinterpretq_s8_u8(w.raw);
        return Widen(acc, Pair16{vmull_s8(vget_low_s8(codes), vget_low_s8(a.raw)), vmull_high_s8(codes, a.raw)});
    }
    static HWY_INLINE VI32 Sum(Acc acc) { return VI32{vpaddq_s32(acc.low, acc.high)}; }
};

constexpr lb_kernel kKernels[] = {
    DotRow<DotDirect, Ops, 8, 1, 4>(),
    DotRow<DotDirect, Ops, 8, 2, 2>(),
    DotRow<DotDirect, Ops, 8, 3, 2>(),
    DotRow<DotDirect, Ops, 8, 4, 1>(),
    DotRow<DotDirect, Ops, 8, 6, 1>(),
    DotRow<DotDirect, Ops, 8, 8, 1>(),
    DotRow<DotStaged, Ops, 4, 1, 2>(),
    DotRow<DotStaged, Ops, 4, 2, 2>(),
    DotRow<DotStaged, Ops, 4, 3, 2>(),
    DotRow<DotStaged, Ops, 4, 4, 1>(),
    DotRow<DotStaged, Ops, 4, 6, 1>(),
    DotRow<DotStaged, Ops, 2, 1, 2>(),
    DotRow<DotStaged, Ops, 2, 2, 2>(),
    DotRow<DotStaged, Ops, 2, 3, 2>(),
    DotRow<DotStaged, Ops, 2, 4, 1>(),
    DotRow<DotStaged, Ops, 2, 6, 1>(),
    DotRow<DotStaged, Ops, 1, 1, 2>(),
    DotRow<DotStaged, Ops, 1, 2, 2>(),
    DotRow<DotStaged, Ops, 1, 3, 2>(),
    DotRow<DotStaged, Ops, 1, 4, 1>(),
    DotRow<DotStaged, Ops, 1, 6, 1>(),
    DotRow<DotStaged, Ops, kTrits, 1, 2>(),
    DotRow<DotStaged, Ops, kTrits, 2, 2>(),
    DotRow<DotStaged, Ops, kTrits, 3, 2>(),
    DotRow<DotStaged, Ops, kTrits, 4, 1>(),
    DotRow<DotStaged, Ops, kTrits, 6, 1>(),
    DotRow<DotDirect, Ops, kBook, 1, 4>(),
    DotRow<DotDirect, Ops, kBook, 2, 2>(),
    DotRow<DotDirect, Ops, kBook, 3, 2>(),
    DotRow<DotDirect, Ops, kBook, 4, 1>(),
    DotRow<DotDirect, Ops, kBook, 6, 1>(),
    DotRow<DotDirect, Ops, kBook, 8, 1>(),
    L1Row<L1Staged, Ops, 1, 4>(),
    L1Row<L1Staged, Ops, 4, 2>(),
    LB_BIT_ROWS,
    LutRow<8>(),
    LB_FMA_KERNELS,
    LB_L1F_KERNELS,
    DigitsRow<DotStaged, Ops, 4, 1, 2>(),
    DigitsRow<DotStaged, Ops, 2, 1, 2>(),
    DigitsRow<DotStaged, Ops, 1, 1, 2>(),
    DigitsRow<DotStaged, Ops, kTrits, 1, 2>(),
};

}  // namespace

LB_EXPORT_UNIT(neon) = {LOWBIT_ISA_NEON, LB_KERNELS, LB_ROWS, &kBitsOps, LB_PROBES, &kDepthwiseStaged};
