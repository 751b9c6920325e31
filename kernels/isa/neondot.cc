/* SPDX-License-Identifier: Apache-2.0 */
/* neondot: sdot (Armv8.2 with dotprod: Cortex-A76, Neoverse N1 and newer). */
#include "kernels/simd/unit.h"

LB_UNIT_TARGET(HWY_NEON);

namespace {

/* sdot reads both operands as signed. Codes below 8 bits are positive anyway; 8-bit ones lose 128 by an xor. */
struct Ops : UnsignedDirect {
    template <int kBits>
    static constexpr int kCodeBias = kBits == 8 ? 128 : 0;
    template <int kBits, int kField>
    static HWY_INLINE VU8 Codes(VU8 line) {
        return kBits == 8 ? hn::Xor(line, hn::Set(DU8(), 0x80)) : Field<kBits, kField>(line);
    }
    static HWY_INLINE Acc Dot(Acc acc, VU8 w, VI8 a) {
        return VI32{vdotq_s32(acc.raw, vreinterpretq_s8_u8(w.raw), a.raw)};
    }
};

constexpr lb_kernel kKernels[] = {
    DotRow<DotDirect, Ops, 8, 1, 8>(),
    DotRow<DotDirect, Ops, 8, 2, 4>(),
    DotRow<DotDirect, Ops, 8, 4, 4>(),
    DotRow<DotDirect, Ops, 8, 6, 4>(),
    DotRow<DotDirect, Ops, 4, 1, 8>(),
    DotRow<DotDirect, Ops, 4, 2, 4>(),
    DotRow<DotDirect, Ops, 4, 4, 4>(),
    DotRow<DotDirect, Ops, 4, 6, 4>(),
    DotRow<DotDirect, Ops, 2, 1, 8>(),
    DotRow<DotDirect, Ops, 2, 2, 4>(),
    DotRow<DotDirect, Ops, 2, 4, 4>(),
    DotRow<DotDirect, Ops, 2, 6, 4>(),
    DotRow<DotDirect, Ops, 1, 1, 8>(),
    DotRow<DotDirect, Ops, 1, 2, 4>(),
    DotRow<DotDirect, Ops, 1, 4, 4>(),
    DotRow<DotDirect, Ops, 1, 6, 4>(),
    L1Row<L1Direct, Ops, 1, 4>(),
    L1Row<L1Direct, Ops, 6, 3>(),
    LB_BIT_ROWS,
};

}  // namespace

LB_EXPORT_UNIT(neondot) = {LOWBIT_ISA_NEONDOT, LB_KERNELS, QuantizeRow, PackRow, &kBitsOps, LB_PROBES};
