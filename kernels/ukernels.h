/* SPDX-License-Identifier: Apache-2.0 */
/* All units of this build, and the names of their kernels. */
#ifndef LOWBIT_KERNELS_UKERNELS_H_
#define LOWBIT_KERNELS_UKERNELS_H_

#include "kernels/base/ctx.h"
#include "kernels/simd/ukernel.h"

/* Units in ascending order of their level; index 0 is scalar. NULL past the end. */
const lb_isa_unit *lb_unit_at(size_t index);

/* LOWBIT_ISA_* of every unit of this build. */
uint32_t lb_units_compiled(void);

/* The widest unit that the context may use; never NULL. */
const lb_isa_unit *lb_unit_best(const lowbit_ctx *ctx);

#endif
