/* SPDX-License-Identifier: Apache-2.0 */
/* The table of bit packing loops of a unit. */
#ifndef LOWBIT_KERNELS_SIMD_BITS_OPS_INL_H_
#define LOWBIT_KERNELS_SIMD_BITS_OPS_INL_H_

#include "kernels/simd/trits-inl.h"

namespace {

constexpr lb_bits_ops kBitsOps = {bits::PackBitsOf,  bits::UnpackBitsOf,  bits::PackRowsOf, bits::UnpackRows,
                                  bits::PackCodesOf, bits::UnpackCodesOf, bits::PackTrits,  bits::UnpackTrits};

} /* namespace */

#endif
