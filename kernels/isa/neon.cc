/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/simd/probe-inl.h"

LB_UNIT_TARGET(HWY_NEON);

LB_EXPORT_UNIT(neon) = {LOWBIT_ISA_NEON, nullptr, 0, nullptr, nullptr, LB_PROBES};
