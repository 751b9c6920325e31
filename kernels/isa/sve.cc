/* SPDX-License-Identifier: Apache-2.0 */
/* sve: vectors of any length (Armv8.2 with SVE: A64FX, Neoverse V1, V2 and N2, and newer). All but the products is the
 * code of NEON, which every CPU with SVE has: Highway is told to leave SVE to us. */
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#include "kernels/simd/sve_bits-inl.h"
#include "kernels/simd/sve_fma-inl.h"
#include "kernels/simd/sve_l1-inl.h"
#include "kernels/simd/unit.h"

LB_UNIT_TARGET(HWY_NEON);

namespace {

constexpr lb_kernel kKernels[] = {
    SveDotRow<8, 1, 8>(),
    SveDotRow<8, 2, 4>(),
    SveDotRow<8, 3, 4>(),
    SveDotRow<8, 4, 4>(),
    SveDotRow<8, 6, 4>(),
    SveDotRow<8, 8, 2>(),
    SveDotRow<4, 1, 8>(),
    SveDotRow<4, 2, 4>(),
    SveDotRow<4, 3, 4>(),
    SveDotRow<4, 4, 4>(),
    SveDotRow<4, 6, 4>(),
    SveDotRow<4, 8, 2>(),
    SveDotRow<2, 1, 4>(),
    SveDotRow<2, 2, 4>(),
    SveDotRow<2, 3, 4>(),
    SveDotRow<2, 4, 4>(),
    SveDotRow<2, 6, 4>(),
    SveDotRow<2, 8, 2>(),
    SveDotRow<1, 1, 2>(),
    SveDotRow<1, 2, 4>(),
    SveDotRow<1, 3, 4>(),
    SveDotRow<1, 4, 4>(),
    SveDotRow<1, 6, 4>(),
    SveDotRow<1, 8, 2>(),
    SveDotRow<kBook, 1, 8>(),
    SveDotRow<kBook, 2, 4>(),
    SveDotRow<kBook, 3, 4>(),
    SveDotRow<kBook, 4, 4>(),
    SveDotRow<kBook, 6, 4>(),
    SveDotRow<kBook, 8, 2>(),
    SveDotRow<kTrits, 1, 8>(),
    SveDotRow<kTrits, 2, 4>(),
    SveDotRow<kTrits, 3, 4>(),
    SveDotRow<kTrits, 4, 4>(),
    SveDotRow<kTrits, 8, 2>(),
    SveL1Row<1, 8>(),
    SveL1Row<4, 4>(),
    SveBitsRow<Signs, 1, 8>(),
    SveBitsRow<Signs, 4, 4>(),
    SveBitsRow<Signs, 6, 4>(),
    SveBitsRow<Planes<1>, 1, 8>(),
    SveBitsRow<Planes<1>, 4, 4>(),
    SveBitsRow<Planes<1>, 6, 4>(),
    SveBitsRow<Planes<2>, 1, 8>(),
    SveBitsRow<Planes<2>, 4, 4>(),
    SveBitsRow<Planes<2>, 6, 4>(),
    SveBitsRow<Planes<4>, 1, 8>(),
    SveBitsRow<Planes<4>, 4, 4>(),
    SveBitsRow<Planes<4>, 6, 4>(),
    LB_EACH_CODING(LB_SVE_FMA_ROWS),
};

}  // namespace

LB_EXPORT_UNIT(sve) = {LOWBIT_ISA_SVE, LB_KERNELS, LB_ROWS, &kBitsOps, LB_PROBES, &kDepthwiseStaged};
