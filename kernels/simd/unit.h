/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that a unit instantiates, so that kernels/isa/<level>.cc is a vocabulary and a table. */
#ifndef LOWBIT_KERNELS_SIMD_UNIT_H_
#define LOWBIT_KERNELS_SIMD_UNIT_H_

#include "kernels/simd/bits-ops-inl.h"
#include "kernels/simd/depthwise-inl.h"
#include "kernels/simd/digits-inl.h"
#include "kernels/simd/dot-inl.h"
#include "kernels/simd/dot_rows-inl.h"
#include "kernels/simd/dot_trits-inl.h"
#include "kernels/simd/l1-inl.h"
#include "kernels/simd/popcount_rows.h"
#include "kernels/simd/probe-inl.h"
#include "kernels/simd/signs-inl.h"
#include "kernels/simd/softmax-inl.h"
#include "kernels/simd/sums-inl.h"

/* The rows of A that the unit prepares; headers that are included before this one bring those that few have. */
#ifndef LB_ROUND_ROW
#define LB_ROUND_ROW nullptr
#endif
#ifndef LB_PUT_TABLES
#define LB_PUT_TABLES nullptr
#endif
#define LB_ROWS QuantizeRow, PackRow, LB_ROUND_ROW, LB_PUT_TABLES, SoftenRow, SumCodes

#endif
