/* SPDX-License-Identifier: Apache-2.0 */
/* avx2: 256-bit vpmaddubsw through 16 bits, vpmaddwd for 8-bit codes (Haswell, Zen and newer). */
#include "kernels/simd/bits-ops-inl.h"
#include "kernels/simd/dot-inl.h"
#include "kernels/simd/probe-inl.h"
#include "kernels/simd/rows-inl.h"
#include "kernels/simd/x86_ops.h"

LB_UNIT_TARGET(HWY_AVX2);

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

LB_EXPORT_UNIT(avx2) = {LOWBIT_ISA_AVX2, LB_KERNELS, QuantizeRow, &kBitsOps, LB_PROBES};
