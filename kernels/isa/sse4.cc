/* SPDX-License-Identifier: Apache-2.0 */
/* sse4: 128-bit pmaddubsw through 16 bits, pmaddwd for 8-bit codes: the Highway floor on x86. */
#include "kernels/simd/staged16.h"

LB_UNIT_TARGET(HWY_SSE4);

LB_EXPORT_UNIT(sse4) = {LOWBIT_ISA_SSE4, LB_KERNELS, LB_ROWS, &kBitsOps, LB_PROBES, &kDepthwiseStaged};
