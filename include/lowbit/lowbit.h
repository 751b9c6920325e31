/* SPDX-License-Identifier: Apache-2.0 */
/* lowbit: int8, int4, int2, ternary and binary matrix products on CPUs, exact and packed.
 *
 * The normal life, each step taking what the last one made (examples/multiply.c is this as a program):
 *
 *     lowbit_ctx_create      what this machine is
 *     lowbit_quantize        float matrix -> codes and scales
 *     lowbit_pack            codes -> one packed blob, the same for every CPU; save it, map it, share it
 *     lowbit_packed_open     a checked view of a blob
 *     lowbit_plan_create     which kernel for this problem on this machine
 *     lowbit_gemm            run, any number of times, from any threads
 *
 * types.h has the error convention, context.h the machine, weights.h the formats, gemm.h the product, conv.h
 * convolutions, pool.h threads, wisdom.h what tuning has decided, bits.h bit packing as a product of its own. */
#ifndef LOWBIT_LOWBIT_H_
#define LOWBIT_LOWBIT_H_

#include "lowbit/context.h"
#include "lowbit/conv.h"
#include "lowbit/gemm.h"
#include "lowbit/pool.h"
#include "lowbit/tune.h"
#include "lowbit/types.h"
#include "lowbit/weights.h"
#include "lowbit/wisdom.h"

#endif
