/* SPDX-License-Identifier: Apache-2.0 */
/* sse4: 128-bit pmaddubsw through 16 bits, pmaddwd for 8-bit codes: the Highway floor on x86. */
#include "kernels/simd/bits-ops-inl.h"
#include "kernels/simd/dot-inl.h"
#include "kernels/simd/probe-inl.h"
#include "kernels/simd/rows-inl.h"
#include "kernels/simd/x86_ops.h"

LB_UNIT_TARGET(HWY_SSE4);

namespace {

constexpr lb_kernel kKernels[] = {
    DotRow<DotWide, StagedOps, 8, 1, 4>(),   DotRow<DotWide, StagedOps, 8, 2, 2>(),
    DotRow<DotWide, StagedOps, 8, 4, 2>(),   DotRow<DotStaged, StagedOps, 4, 1, 4>(),
    DotRow<DotStaged, StagedOps, 4, 2, 2>(), DotRow<DotStaged, StagedOps, 4, 4, 1>(),
    DotRow<DotStaged, StagedOps, 4, 6, 1>(), DotRow<DotStaged, StagedOps, 2, 1, 4>(),
    DotRow<DotStaged, StagedOps, 2, 2, 2>(), DotRow<DotStaged, StagedOps, 2, 4, 1>(),
    DotRow<DotStaged, StagedOps, 2, 6, 1>(), DotRow<DotStaged, StagedOps, 1, 1, 4>(),
    DotRow<DotStaged, StagedOps, 1, 2, 2>(), DotRow<DotStaged, StagedOps, 1, 4, 1>(),
    DotRow<DotStaged, StagedOps, 1, 6, 1>(),
};

}  // namespace

LB_EXPORT_UNIT(sse4) = {LOWBIT_ISA_SSE4, LB_KERNELS, QuantizeRow, &kBitsOps, LB_PROBES};
