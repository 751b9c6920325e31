/* SPDX-License-Identifier: Apache-2.0 */
/* The portable level: plain C, always there, always legal. */
#include "kernels/simd/probe_scalar.h"
#include "kernels/simd/ukernel.h"

#include "lowbit/context.h"

extern const lb_isa_unit lb_unit_scalar;
const lb_isa_unit lb_unit_scalar = {
    .isa = LOWBIT_ISA_SCALAR, .probes = kProbes, .probe_count = sizeof kProbes / sizeof kProbes[0]};
