/* SPDX-License-Identifier: Apache-2.0 */
/* neoni8mm: usdot (Armv8.2 with i8mm: Cortex-A510 and A710, Neoverse V1 and N2, and newer). */
#include "kernels/simd/arm_ops.h"
#include "kernels/simd/unit.h"

LB_UNIT_TARGET(HWY_NEON);

namespace {

/* usdot reads codes as unsigned, so that nothing is subtracted from any width. */
struct Ops : UnsignedLanes {
    static HWY_INLINE Acc Dot(Acc acc, VU8 w, VI8 a) { return VI32{vusdotq_s32(acc.raw, w.raw, a.raw)}; }
    template <int kLane>
    static HWY_INLINE Acc Dot(Acc acc, VU8 w, Lane<kLane> a) {
        __asm__("usdot %0.4s, %1.16b, %2.4b[%3]" : "+w"(acc.raw) : "w"(w.raw), "w"(a.fours), "i"(kLane));
        return acc;
    }
};

constexpr lb_kernel kKernels[] = {
    DotRow<DotInPlace, Ops, 8, 1, 8>(),     DotRow<DotDirect, Ops, 8, 2, 8>(),
    DotRow<DotDirect, Ops, 8, 3, 4>(),      DotRow<DotDirect, Ops, 8, 4, 4>(),
    DotRow<DotDirect, Ops, 8, 6, 4>(),      DotRow<DotDirect, Ops, 8, 8, 2>(),
    DotRow<DotInPlace, Ops, 4, 1, 8>(),     DotRow<DotDirect, Ops, 4, 2, 4>(),
    DotRow<DotDirect, Ops, 4, 3, 4>(),      DotRow<DotDirect, Ops, 4, 4, 4>(),
    DotRow<DotDirect, Ops, 4, 6, 4>(),      DotRow<DotDirect, Ops, 4, 8, 2>(),
    DotRow<DotInPlace, Ops, 2, 1, 4>(),     DotRow<DotDirect, Ops, 2, 2, 4>(),
    DotRow<DotDirect, Ops, 2, 3, 4>(),      DotRow<DotDirect, Ops, 2, 4, 4>(),
    DotRow<DotDirect, Ops, 2, 6, 4>(),      DotRow<DotDirect, Ops, 2, 8, 2>(),
    DotRow<DotInPlace, Ops, 1, 1, 2>(),     DotRow<DotDirect, Ops, 1, 2, 4>(),
    DotRow<DotDirect, Ops, 1, 3, 4>(),      DotRow<DotDirect, Ops, 1, 4, 4>(),
    DotRow<DotDirect, Ops, 1, 6, 4>(),      DotRow<DotDirect, Ops, 1, 8, 2>(),
    DotRow<DotTrits, Ops, kTrits, 1, 8>(),  DotRow<DotTrits, Ops, kTrits, 2, 2>(),
    DotRow<DotDirect, Ops, kTrits, 3, 4>(), DotRow<DotDirect, Ops, kTrits, 4, 4>(),
    DotRow<DotDirect, Ops, kTrits, 8, 2>(), DotRow<DotDirect, Ops, kBook, 1, 8>(),
    DotRow<DotDirect, Ops, kBook, 2, 4>(),  DotRow<DotDirect, Ops, kBook, 3, 4>(),
    DotRow<DotDirect, Ops, kBook, 4, 4>(),  DotRow<DotDirect, Ops, kBook, 6, 4>(),
    DotRow<DotDirect, Ops, kBook, 8, 2>(),  L1Row<L1Direct, Ops, 1, 4>(),
    L1Row<L1Direct, Ops, 4, 4>(),           LB_BIT_ROWS,
    DigitsDirect<Ops, 8, 1, 4>(),           DigitsDirect<Ops, 8, 2, 4>(),
    DigitsDirect<Ops, 8, 4, 2>(),           DigitsDirect<Ops, 4, 1, 4>(),
    DigitsDirect<Ops, 4, 2, 4>(),           DigitsDirect<Ops, 4, 4, 2>(),
    DigitsDirect<Ops, 2, 1, 4>(),           DigitsDirect<Ops, 2, 2, 4>(),
    DigitsDirect<Ops, 2, 4, 2>(),           DigitsDirect<Ops, 1, 1, 4>(),
    DigitsDirect<Ops, 1, 2, 4>(),           DigitsDirect<Ops, 1, 4, 2>(),
    DigitsDirect<Ops, kTrits, 1, 4>(),      DigitsDirect<Ops, kTrits, 2, 4>(),
    DigitsDirect<Ops, kTrits, 4, 2>(),      DigitsDirect<Ops, kBook, 1, 4>(),
    DigitsDirect<Ops, kBook, 2, 4>(),       DigitsDirect<Ops, kBook, 4, 2>(),
};

}  // namespace

LB_EXPORT_UNIT(neoni8mm) = {LOWBIT_ISA_NEONI8MM, LB_KERNELS, LB_ROWS, &kBitsOps, LB_PROBES};
