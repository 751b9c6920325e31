/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/simd/probe-inl.h"

LB_UNIT_TARGET(HWY_SSE4);

LB_EXPORT_UNIT(sse4) = {LOWBIT_ISA_SSE4, nullptr, 0, nullptr, nullptr, LB_PROBES};
