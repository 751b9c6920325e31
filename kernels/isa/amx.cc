/* SPDX-License-Identifier: Apache-2.0 */
/* amx: tiles of int8 (Sapphire Rapids and newer), beside all that avx512vnni has. Runs only where the operating system
 * lends the tile registers: kernels/base/cpu.h, lb_isa_permitted. */
#include "kernels/simd/unit.h"

LB_UNIT_TARGET(HWY_AVX3);

LB_EXPORT_UNIT(amx) = {LOWBIT_ISA_AMX, nullptr, 0, QuantizeRow, &kBitsOps, LB_PROBES};
