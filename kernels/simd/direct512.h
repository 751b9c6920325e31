/* SPDX-License-Identifier: Apache-2.0 */
/* What the levels with 512-bit vpdpbusd share: the dot product, and the tiles of 32 registers. */
#ifndef LOWBIT_KERNELS_SIMD_DIRECT512_H_
#define LOWBIT_KERNELS_SIMD_DIRECT512_H_

#include "kernels/simd/unit.h"

namespace {

struct Direct512 : UnsignedDirect {
    /* Not the intrinsic: gcc 12 copies the accumulator before and after it, which costs a third of the loop. */
    static HWY_INLINE Acc Dot(Acc acc, VU8 w, VI8 a) {
        __asm__("vpdpbusd %2, %1, %0" : "+v"(acc.raw) : "v"(w.raw), "v"(a.raw));
        return acc;
    }
};

}  // namespace

/* Rows of a unit's table, of its vocabulary Ops. */
#define LB_DIRECT512_ROWS                                                                                              \
    DotRow<DotInPlace, Ops, 8, 1, 4>(), DotRow<DotDirect, Ops, 8, 2, 4>(), DotRow<DotDirect, Ops, 8, 4, 4>(),          \
        DotRow<DotDirect, Ops, 8, 8, 2>(), DotRow<DotDirect, Ops, 8, 12, 2>(), LB_ROWS512(8),                          \
        DotRow<DotInPlace, Ops, 4, 1, 4>(), DotRow<DotDirect, Ops, 4, 2, 4>(), DotRow<DotDirect, Ops, 4, 4, 4>(),      \
        DotRow<DotDirect, Ops, 4, 6, 4>(), DotRow<DotDirect, Ops, 4, 8, 2>(), DotRow<DotDirect, Ops, 4, 12, 2>(),      \
        LB_ROWS512(4), DotRow<DotInPlace, Ops, 2, 1, 4>(), DotRow<DotDirect, Ops, 2, 2, 4>(),                          \
        DotRow<DotDirect, Ops, 2, 3, 4>(), DotRow<DotDirect, Ops, 2, 4, 4>(), DotRow<DotDirect, Ops, 2, 6, 4>(),       \
        DotRow<DotDirect, Ops, 2, 8, 2>(), DotRow<DotDirect, Ops, 2, 12, 2>(), LB_ROWS512(2),                          \
        DotRow<DotInPlace, Ops, 1, 1, 2>(), DotRow<DotDirect, Ops, 1, 2, 4>(), DotRow<DotDirect, Ops, 1, 3, 4>(),      \
        DotRow<DotDirect, Ops, 1, 4, 4>(), DotRow<DotDirect, Ops, 1, 6, 4>(), DotRow<DotDirect, Ops, 1, 8, 2>(),       \
        DotRow<DotDirect, Ops, 1, 12, 2>(), LB_ROWS512(1), DotRow<DotTrits, Ops, kTrits, 1, 4>(),                      \
        DotRow<DotTrits, Ops, kTrits, 2, 2>(), DotRow<DotDirect, Ops, kTrits, 4, 4>(),                                 \
        DotRow<DotDirect, Ops, kTrits, 6, 4>(), DotRow<DotDirect, Ops, kTrits, 8, 2>(),                                \
        DotRow<DotDirect, Ops, kTrits, 12, 2>(), LB_ROWS512(kTrits), DotRow<DotDirect, Ops, kBook, 1, 4>(),            \
        DotRow<DotDirect, Ops, kBook, 2, 4>(), DotRow<DotDirect, Ops, kBook, 4, 4>(),                                  \
        DotRow<DotDirect, Ops, kBook, 6, 4>(), DotRow<DotDirect, Ops, kBook, 8, 2>(),                                  \
        DotRow<DotDirect, Ops, kBook, 12, 2>(), LB_ROWS512(kBook), L1Row<L1Direct, Ops, 1, 4>(),                       \
        L1Row<L1Direct, Ops, 4, 4>(), L1Row<L1Direct, Ops, 12, 2>(), LB_DIGITS512(8), LB_DIGITS512(4),                 \
        LB_DIGITS512(2), LB_DIGITS512(1), LB_DIGITS512(kTrits), LB_DIGITS512(kBook)

/* Four and seven rows: lines of images that are such a multiple. */
#define LB_ROWS512(code)                                                                                               \
    DotRow<DotRows, Ops, code, 4, 4>(), DotRow<DotRows, Ops, code, 7, 2>(), DotRow<DotRows, Ops, code, 8, 1>(),        \
        DotRow<DotRows, Ops, code, 8, 2>()

#define LB_DIGITS512(code)                                                                                             \
    DigitsDirect<Ops, code, 1, 4>(), DigitsDirect<Ops, code, 2, 4>(), DigitsDirect<Ops, code, 4, 2>()

#endif
