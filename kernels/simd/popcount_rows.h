/* SPDX-License-Identifier: Apache-2.0 */
/* LB_BIT_ROWS: the popcount kernels of a level, which its table lists. */
#ifndef LOWBIT_KERNELS_SIMD_POPCOUNT_ROWS_H_
#define LOWBIT_KERNELS_SIMD_POPCOUNT_ROWS_H_

#include "kernels/simd/popcount-inl.h"
#include "kernels/simd/popcount_pairs-inl.h"

#if defined(__AVX512VPOPCNTDQ__)

#define LB_BIT_ROWS                                                                                                    \
    PopcountRow<LaneOps, Signs, 1, 4>(), PopcountRow<LaneOps, Signs, 4, 4>(), PopcountRow<LaneOps, Planes<1>, 1, 4>(), \
        PopcountRow<LaneOps, Planes<1>, 4, 4>(), PopcountRow<LaneOps, Planes<2>, 1, 4>(),                              \
        PopcountRow<LaneOps, Planes<2>, 4, 2>(), PopcountRow<LaneOps, Planes<2>, 12, 1>(),                             \
        PopcountRow<LaneOps, Planes<4>, 1, 4>()

#elif LB_HAS_TREES

/* Trees for long groups, nibbles for short ones. */
#define LB_BIT_ROWS                                                                                                    \
    TreeRow<Signs, 1, 4>(), TreeRow<Signs, 4, 1>(), PopcountRow<NibbleOps, Signs, 1, 2>(),                             \
        PopcountRow<NibbleOps, Signs, 8, 2>(), TreeRow<Planes<1>, 1, 4>(), TreeRow<Planes<1>, 4, 1>(),                 \
        PopcountRow<NibbleOps, Planes<1>, 1, 2>(), PopcountRow<NibbleOps, Planes<1>, 8, 2>(),                          \
        TreeRow<Planes<2>, 1, 2>(), TreeRow<Planes<2>, 2, 1>(), PopcountRow<NibbleOps, Planes<2>, 1, 4>(),             \
        PopcountRow<NibbleOps, Planes<2>, 4, 2>(), TreeRow<Planes<4>, 1, 1>()

#elif HWY_ARCH_X86

/* Pairs of rows by tables; a row alone, two of them, or few columns, by nibbles. */
#define LB_BIT_ROWS                                                                                                    \
    PopcountRow<NibbleOps, Signs, 1, 4>(), PopcountRow<NibbleOps, Signs, 2, 2>(),                                      \
        PopcountRow<NibbleOps, Signs, 8, 1>(), PopcountRow<NibbleOps, Planes<1>, 1, 4>(),                              \
        PopcountRow<NibbleOps, Planes<1>, 2, 2>(), PopcountRow<NibbleOps, Planes<1>, 8, 1>(),                          \
        PopcountRow<NibbleOps, Planes<2>, 1, 2>(), PopcountRow<NibbleOps, Planes<2>, 4, 1>(),                          \
        PopcountRow<NibbleOps, Planes<4>, 1, 2>(), PairsRow<Signs, 8, 8>(), PairsRow<Planes<1>, 8, 8>(),               \
        PairsRow<Planes<2>, 4, 8>(), PairsRow<Planes<4>, 4, 8>()

#else

#define LB_BIT_ROWS                                                                                                    \
    PopcountRow<ByteOps, Signs, 1, 4>(), PopcountRow<ByteOps, Signs, 4, 4>(), PopcountRow<ByteOps, Signs, 6, 4>(),     \
        PopcountRow<ByteOps, Planes<1>, 1, 4>(), PopcountRow<ByteOps, Planes<1>, 4, 4>(),                              \
        PopcountRow<ByteOps, Planes<1>, 6, 4>(), PopcountRow<ByteOps, Planes<2>, 1, 4>(),                              \
        PopcountRow<ByteOps, Planes<2>, 4, 2>(), PopcountRow<ByteOps, Planes<4>, 1, 4>(),                              \
        PopcountRow<ByteOps, Planes<4>, 4, 1>()

#endif

#endif
