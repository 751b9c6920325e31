/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/simd/probe-inl.h"

LB_UNIT_TARGET(HWY_AVX2);

LB_EXPORT_UNIT(avx2) = {LOWBIT_ISA_AVX2, nullptr, 0, nullptr, nullptr, LB_PROBES};
