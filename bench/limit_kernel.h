/* SPDX-License-Identifier: Apache-2.0 */
/* What binds a kernel, as far as it lies in the kernel. */
#ifndef LOWBIT_BENCH_LIMIT_KERNEL_H_
#define LOWBIT_BENCH_LIMIT_KERNEL_H_

#include "bench/limits.h"

/* Bits of a code of A that a kernel counts one by one; 0 = it multiplies. */
int lb_kernel_planes(const lb_kernel *kernel);

/* Operations per second that the kernel could multiply at best: bits in registers, plane by plane; tiles with operands
 * from L1, or else the level's multiplication of vectors in registers. */
lb_limit lb_limit_of_kernel(lb_limits *limits, lb_kernel_ref kernel, const lowbit_pool *pool);

#endif
