/* SPDX-License-Identifier: Apache-2.0 */
/* The kernels of the staged x86 levels that have sixteen registers. */
#ifndef LOWBIT_KERNELS_SIMD_STAGED16_H_
#define LOWBIT_KERNELS_SIMD_STAGED16_H_

#include "kernels/simd/fma-inl.h"
#include "kernels/simd/lut-inl.h"
#include "kernels/simd/unit.h"
#include "kernels/simd/x86_ops.h"

namespace {

constexpr lb_kernel kKernels[] = {
    DotRow<DotWide, StagedOps, 8, 1, 4>(),
    DotRow<DotWide, StagedOps, 8, 2, 2>(),
    DotRow<DotWide, StagedOps, 8, 4, 2>(),
    DotRow<DotStaged, StagedOps, 4, 1, 4>(),
    DotRow<DotStaged, StagedOps, 4, 2, 2>(),
    DotRow<DotStaged, StagedOps, 4, 4, 1>(),
    DotRow<DotStaged, StagedOps, 4, 6, 1>(),
    DotRow<DotStaged, StagedOps, 4, 8, 1>(),
    DotRow<DotStaged, StagedOps, 2, 1, 4>(),
    DotRow<DotStaged, StagedOps, 2, 2, 2>(),
    DotRow<DotStaged, StagedOps, 2, 4, 1>(),
    DotRow<DotStaged, StagedOps, 2, 6, 1>(),
    DotRow<DotStaged, StagedOps, 2, 8, 1>(),
    DotRow<DotStaged, StagedOps, 1, 1, 4>(),
    DotRow<DotStaged, StagedOps, 1, 2, 2>(),
    DotRow<DotStaged, StagedOps, 1, 4, 1>(),
    DotRow<DotStaged, StagedOps, 1, 6, 1>(),
    DotRow<DotStaged, StagedOps, 1, 8, 1>(),
    DotRow<DotStaged, StagedOps, kTrits, 1, 4>(),
    DotRow<DotStaged, StagedOps, kTrits, 2, 2>(),
    DotRow<DotStaged, StagedOps, kTrits, 4, 1>(),
    DotRow<DotStaged, StagedOps, kTrits, 6, 1>(),
    DotRow<DotStaged, StagedOps, kTrits, 8, 1>(),
    DotRow<DotWide, StagedOps, kBook, 1, 2>(),
    DotRow<DotWide, StagedOps, kBook, 2, 2>(),
    DotRow<DotWide, StagedOps, kBook, 4, 1>(),
    DotRow<DotWide, StagedOps, kBook, 6, 1>(),
    L1Row<L1Staged, StagedOps, 1, 4>(),
    L1Row<L1Staged, StagedOps, 3, 2>(),
    L1Row<L1Staged, StagedOps, 10, 1>(),
    LB_BIT_ROWS,
    LutRow<4>(),
    LB_FMA_KERNELS,
    LB_L1F_KERNELS,
    DigitsRow<DotWide, StagedOps, 8, 1, 2>(),
    DigitsRow<DotStaged, StagedOps, 4, 1, 2>(),
    DigitsRow<DotStaged, StagedOps, 2, 1, 2>(),
    DigitsRow<DotStaged, StagedOps, 1, 1, 2>(),
    DigitsRow<DotStaged, StagedOps, kTrits, 1, 2>(),
    DigitsRow<DotWide, StagedOps, kBook, 1, 2>(),
};

}  // namespace

#endif
