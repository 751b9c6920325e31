/* SPDX-License-Identifier: Apache-2.0 */
/* avx2: 256-bit vpmaddubsw through 16 bits, vpmaddwd for 8-bit codes (Haswell, Zen and newer). */
#include "kernels/simd/staged16.h"

LB_UNIT_TARGET(HWY_AVX2);

LB_EXPORT_UNIT(avx2) = {LOWBIT_ISA_AVX2, LB_KERNELS, LB_ROWS, &kBitsOps, LB_PROBES, &kDepthwiseStaged};
