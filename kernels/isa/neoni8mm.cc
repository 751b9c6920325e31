/* SPDX-License-Identifier: Apache-2.0 */
/* neoni8mm: usdot (Armv8.2 with i8mm: Cortex-A510 and A710, Neoverse V1 and N2, and newer). */
#include "kernels/simd/unit.h"

LB_UNIT_TARGET(HWY_NEON);

namespace {

/* usdot reads codes as unsigned, so that nothing is subtracted from any width and the fields of one row may stand in
 * place. */
struct Ops : UnsignedDirect {
    static HWY_INLINE Acc Dot(Acc acc, VU8 w, VI8 a) { return VI32{vusdotq_s32(acc.raw, w.raw, a.raw)}; }
};

constexpr lb_kernel kKernels[] = {
    DotRow<DotInPlace, Ops, 8, 1, 8>(),
    DotRow<DotDirect, Ops, 8, 2, 4>(),
    DotRow<DotDirect, Ops, 8, 4, 4>(),
    DotRow<DotDirect, Ops, 8, 6, 4>(),
    DotRow<DotInPlace, Ops, 4, 1, 8>(),
    DotRow<DotDirect, Ops, 4, 2, 4>(),
    DotRow<DotDirect, Ops, 4, 4, 4>(),
    DotRow<DotDirect, Ops, 4, 6, 4>(),
    DotRow<DotInPlace, Ops, 2, 1, 4>(),
    DotRow<DotDirect, Ops, 2, 2, 4>(),
    DotRow<DotDirect, Ops, 2, 4, 4>(),
    DotRow<DotDirect, Ops, 2, 6, 4>(),
    DotRow<DotInPlace, Ops, 1, 1, 2>(),
    DotRow<DotDirect, Ops, 1, 2, 4>(),
    DotRow<DotDirect, Ops, 1, 4, 4>(),
    DotRow<DotDirect, Ops, 1, 6, 4>(),
    L1Row<L1Direct, Ops, 1, 4>(),
    L1Row<L1Direct, Ops, 6, 3>(),
    LB_BIT_ROWS,
};

}  // namespace

LB_EXPORT_UNIT(neoni8mm) = {LOWBIT_ISA_NEONI8MM, LB_KERNELS, QuantizeRow, PackRow, &kBitsOps, LB_PROBES};
