/* SPDX-License-Identifier: Apache-2.0 */
/* neondot: sdot (Armv8.2 with dotprod: Cortex-A76, Neoverse N1 and newer). */
#include "kernels/simd/arm_ops.h"
#include "kernels/simd/unit.h"

LB_UNIT_TARGET(HWY_NEON);

namespace {

struct Ops : SignedLanes {
    static HWY_INLINE Acc Dot(Acc acc, VU8 w, VI8 a) {
        return VI32{vdotq_s32(acc.raw, vreinterpretq_s8_u8(w.raw), a.raw)};
    }
    template <int kLane>
    static HWY_INLINE Acc Dot(Acc acc, VU8 w, Lane<kLane> a) {
        __asm__("sdot %0.4s, %1.16b, %2.4b[%3]" : "+w"(acc.raw) : "w"(w.raw), "w"(a.fours), "i"(kLane));
        return acc;
    }
};

constexpr lb_kernel kKernels[] = {LB_LANE_ROWS};

}  // namespace

LB_EXPORT_UNIT(neondot) = {LOWBIT_ISA_NEONDOT, LB_KERNELS, LB_ROWS, &kBitsOps, LB_PROBES, &kDepthwiseDirect<Ops>};
