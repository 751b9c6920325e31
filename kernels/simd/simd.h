/* SPDX-License-Identifier: Apache-2.0 */
/* The only place that configures Highway. A unit includes this first; its compiler flags choose the static target, and
 * the check below refuses a target lower than the unit means: a missing flag would lower it silently. */
#ifndef LOWBIT_KERNELS_SIMD_SIMD_H_
#define LOWBIT_KERNELS_SIMD_SIMD_H_

#include "hwy/highway.h"

#include "kernels/simd/ukernel.h"
#include "lowbit/context.h"

namespace hn = hwy::HWY_NAMESPACE;

/* LB_UNIT_TARGET(HWY_AVX2): the target that the unit's flags must have selected. */
#define LB_UNIT_TARGET(target) static_assert(HWY_TARGET == (target), "the unit's compiler flags do not reach " #target)

/* LB_EXPORT_UNIT(avx2) = {...}; the unit's one global symbol. */
#define LB_EXPORT_UNIT(level)                                                                                          \
    extern "C" __attribute__((visibility("hidden"))) const lb_isa_unit lb_unit_##level;                                \
    const lb_isa_unit lb_unit_##level

#endif
