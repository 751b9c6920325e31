/* SPDX-License-Identifier: Apache-2.0 */
/* avx512dot: 512-bit vpdpbusd alone (Cascade Lake, Cooper Lake). */
#include "kernels/simd/direct512.h"

LB_UNIT_TARGET(HWY_AVX3);

namespace {

using Ops = Direct512;

constexpr lb_kernel kKernels[] = {LB_DIRECT512_ROWS, LB_BIT_ROWS};

}  // namespace

LB_EXPORT_UNIT(avx512dot) = {LOWBIT_ISA_AVX512DOT, LB_KERNELS, LB_ROWS, &kBitsOps, LB_PROBES, &kDepthwiseDirect<Ops>};
