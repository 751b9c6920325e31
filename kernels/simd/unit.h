/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that a unit instantiates, so that kernels/isa/<level>.cc is a vocabulary and a table. */
#ifndef LOWBIT_KERNELS_SIMD_UNIT_H_
#define LOWBIT_KERNELS_SIMD_UNIT_H_

#include "kernels/simd/bits-ops-inl.h"
#include "kernels/simd/digits-inl.h"
#include "kernels/simd/dot-inl.h"
#include "kernels/simd/dot_trits-inl.h"
#include "kernels/simd/l1-inl.h"
#include "kernels/simd/popcount_rows.h"
#include "kernels/simd/probe-inl.h"
#include "kernels/simd/signs-inl.h"

#endif
