/* SPDX-License-Identifier: Apache-2.0 */
/* sve: sdot on vectors of any length (Armv8.2 with SVE: A64FX, Neoverse V1, V2 and N2, and newer). All but the products
 * is the code of NEON, which every CPU with SVE has: Highway is told to leave SVE to us. */
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#include "kernels/simd/sve-inl.h"
#include "kernels/simd/unit.h"

LB_UNIT_TARGET(HWY_NEON);

namespace {

constexpr lb_kernel kKernels[] = {
    SveRow<8, 1, 4>(), SveRow<8, 2, 4>(), SveRow<8, 3, 4>(), SveRow<8, 4, 4>(), SveRow<8, 6, 4>(), SveRow<8, 8, 2>(),
    SveRow<4, 1, 4>(), SveRow<4, 2, 4>(), SveRow<4, 3, 4>(), SveRow<4, 4, 4>(), SveRow<4, 6, 4>(), SveRow<4, 8, 2>(),
    SveRow<2, 1, 4>(), SveRow<2, 2, 4>(), SveRow<2, 3, 4>(), SveRow<2, 4, 4>(), SveRow<2, 6, 4>(), SveRow<2, 8, 2>(),
    SveRow<1, 1, 2>(), SveRow<1, 2, 4>(), SveRow<1, 3, 4>(), SveRow<1, 4, 4>(), SveRow<1, 6, 4>(), SveRow<1, 8, 2>(),
};

}  // namespace

LB_EXPORT_UNIT(sve) = {LOWBIT_ISA_SVE, LB_KERNELS, LB_ROWS, &kBitsOps, LB_PROBES};
