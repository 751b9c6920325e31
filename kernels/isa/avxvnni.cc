/* SPDX-License-Identifier: Apache-2.0 */
/* avxvnni: 256-bit vpdpbusd (Alder Lake and newer clients). */
#include "kernels/simd/unit.h"

LB_UNIT_TARGET(HWY_AVX2);

namespace {

struct Ops : UnsignedDirect {
    /* Not the intrinsic: gcc 12 copies the accumulator before and after it, which costs a third of the loop. */
    static HWY_INLINE Acc Dot(Acc acc, VU8 w, VI8 a) {
        __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(acc.raw) : "x"(w.raw), "x"(a.raw));
        return acc;
    }
};

constexpr lb_kernel kKernels[] = {
    DotRow<DotInPlace, Ops, 8, 1, 4>(),     DotRow<DotDirect, Ops, 8, 2, 4>(),
    DotRow<DotDirect, Ops, 8, 4, 2>(),      DotRow<DotDirect, Ops, 8, 6, 2>(),
    DotRow<DotRows, Ops, 8, 6, 2>(),        DotRow<DotRows, Ops, 4, 4, 2>(),
    DotRow<DotRows, Ops, 2, 4, 2>(),        DotRow<DotRows, Ops, 1, 4, 2>(),
    DotRow<DotRows, Ops, kTrits, 4, 2>(),   DotRow<DotRows, Ops, kBook, 4, 2>(),
    DotRow<DotInPlace, Ops, 4, 1, 4>(),     DotRow<DotDirect, Ops, 4, 2, 4>(),
    DotRow<DotDirect, Ops, 4, 4, 2>(),      DotRow<DotDirect, Ops, 4, 5, 2>(),
    DotRow<DotInPlace, Ops, 2, 1, 2>(),     DotRow<DotDirect, Ops, 2, 2, 4>(),
    DotRow<DotDirect, Ops, 2, 4, 2>(),      DotRow<DotDirect, Ops, 2, 6, 2>(),
    DotRow<DotInPlace, Ops, 1, 1, 1>(),     DotRow<DotDirect, Ops, 1, 2, 4>(),
    DotRow<DotDirect, Ops, 1, 4, 2>(),      DotRow<DotDirect, Ops, 1, 6, 2>(),
    DotRow<DotTrits, Ops, kTrits, 1, 4>(),  DotRow<DotTrits, Ops, kTrits, 2, 2>(),
    DotRow<DotDirect, Ops, kTrits, 4, 2>(), DotRow<DotDirect, Ops, kBook, 1, 4>(),
    DotRow<DotDirect, Ops, kBook, 2, 4>(),  DotRow<DotDirect, Ops, kBook, 4, 2>(),
    L1Row<L1Direct, Ops, 1, 4>(),           L1Row<L1Direct, Ops, 3, 2>(),
    L1Row<L1Direct, Ops, 10, 1>(),          LB_BIT_ROWS,
    DigitsDirect<Ops, 8, 1, 2>(),           DigitsDirect<Ops, 8, 2, 2>(),
    DigitsDirect<Ops, 8, 4, 1>(),           DigitsDirect<Ops, 4, 1, 2>(),
    DigitsDirect<Ops, 4, 2, 1>(),           DigitsDirect<Ops, 4, 4, 1>(),
    DigitsDirect<Ops, 2, 1, 2>(),           DigitsDirect<Ops, 2, 2, 2>(),
    DigitsDirect<Ops, 2, 4, 1>(),           DigitsDirect<Ops, 1, 1, 2>(),
    DigitsDirect<Ops, 1, 2, 2>(),           DigitsDirect<Ops, 1, 4, 1>(),
    DigitsDirect<Ops, kTrits, 1, 2>(),      DigitsDirect<Ops, kTrits, 2, 1>(),
    DigitsDirect<Ops, kBook, 1, 2>(),       DigitsDirect<Ops, kBook, 2, 1>(),
};

}  // namespace

LB_EXPORT_UNIT(avxvnni) = {LOWBIT_ISA_AVXVNNI, LB_KERNELS, LB_ROWS, &kBitsOps, LB_PROBES, &kDepthwiseDirect<Ops>};
