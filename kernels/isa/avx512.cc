/* SPDX-License-Identifier: Apache-2.0 */
/* avx512: 512-bit vpmaddubsw through 16 bits, vpmaddwd for 8-bit codes (Skylake-SP). */
#include "kernels/simd/fma-inl.h"
#include "kernels/simd/unit.h"
#include "kernels/simd/x86_ops.h"

LB_UNIT_TARGET(HWY_AVX3);

namespace {

constexpr lb_kernel kKernels[] = {
    DotRow<DotWide, StagedOps, 8, 1, 4>(),
    DotRow<DotWide, StagedOps, 8, 2, 4>(),
    DotRow<DotWide, StagedOps, 8, 6, 2>(),
    DotRow<DotStaged, StagedOps, 4, 1, 4>(),
    DotRow<DotStaged, StagedOps, 4, 2, 4>(),
    DotRow<DotStaged, StagedOps, 4, 4, 2>(),
    DotRow<DotStaged, StagedOps, 4, 6, 2>(),
    DotRow<DotStaged, StagedOps, 2, 1, 4>(),
    DotRow<DotStaged, StagedOps, 2, 2, 4>(),
    DotRow<DotStaged, StagedOps, 2, 4, 2>(),
    DotRow<DotStaged, StagedOps, 2, 6, 2>(),
    DotRow<DotStagedInPlace, StagedOps, 1, 1, 4>(),
    DotRow<DotStaged, StagedOps, 1, 2, 4>(),
    DotRow<DotStaged, StagedOps, 1, 4, 2>(),
    DotRow<DotStaged, StagedOps, 1, 6, 2>(),
    DotRow<DotStaged, StagedOps, kTrits, 1, 4>(),
    DotRow<DotStaged, StagedOps, kTrits, 2, 4>(),
    DotRow<DotStaged, StagedOps, kTrits, 4, 2>(),
    DotRow<DotStaged, StagedOps, kTrits, 6, 2>(),
    DotRow<DotWide, StagedOps, kBook, 1, 4>(),
    DotRow<DotWide, StagedOps, kBook, 2, 4>(),
    DotRow<DotWide, StagedOps, kBook, 6, 2>(),
    L1Row<L1Staged, StagedOps, 1, 4>(),
    L1Row<L1Staged, StagedOps, 4, 4>(),
    L1Row<L1Staged, StagedOps, 12, 2>(),
    LB_BIT_ROWS,
    LB_FMA_KERNELS,
    LB_L1F_KERNELS,
    DigitsRow<DotWide, StagedOps, 8, 1, 2>(),
    DigitsRow<DotStaged, StagedOps, 4, 1, 4>(),
    DigitsRow<DotStaged, StagedOps, 2, 1, 4>(),
    DigitsRow<DotStaged, StagedOps, 1, 1, 4>(),
    DigitsRow<DotStaged, StagedOps, kTrits, 1, 4>(),
};

}  // namespace

LB_EXPORT_UNIT(avx512) = {LOWBIT_ISA_AVX512, LB_KERNELS, LB_ROWS, &kBitsOps, LB_PROBES, &kDepthwiseStaged};
