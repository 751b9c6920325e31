/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/simd/simd.h"

LB_UNIT_TARGET(HWY_AVX3);

LB_EXPORT_UNIT(avx512vnni) = {LOWBIT_ISA_AVX512VNNI, nullptr, 0, nullptr, nullptr, nullptr, 0};
