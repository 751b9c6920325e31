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

constexpr lb_kernel kKernels[] = {LB_LANE_ROWS};

}  // namespace

LB_EXPORT_UNIT(neoni8mm) = {LOWBIT_ISA_NEONI8MM, LB_KERNELS, LB_ROWS, &kBitsOps, LB_PROBES, &kDepthwiseDirect<Ops>};
