/* SPDX-License-Identifier: Apache-2.0 */
/* avx512bf16: 512-bit vdpbf16ps (Zen 4 and newer), beside all that avx512vnni has. */
#include "kernels/simd/fma_halves-inl.h"

#include "kernels/simd/direct512.h"

LB_UNIT_TARGET(HWY_AVX3);

namespace {

constexpr lb_kernel kKernels[] = {LB_FMA_HALVES_KERNELS};

}  // namespace

LB_EXPORT_UNIT(avx512bf16) = {LOWBIT_ISA_AVX512BF16,       LB_KERNELS, LB_ROWS, &kBitsOps, LB_PROBES,
                              &kDepthwiseDirect<Direct512>};
