/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/simd/probe-inl.h"

LB_UNIT_TARGET(HWY_AVX3);

LB_EXPORT_UNIT(avx512) = {LOWBIT_ISA_AVX512, nullptr, 0, nullptr, nullptr, LB_PROBES};
