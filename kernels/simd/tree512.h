/* SPDX-License-Identifier: Apache-2.0 */
/* The popcount kernels of the 512-bit levels without vpopcntd. */
#ifndef LOWBIT_KERNELS_SIMD_TREE512_H_
#define LOWBIT_KERNELS_SIMD_TREE512_H_

#include "kernels/simd/popcount-inl.h"

/* Trees of long groups, nibbles of short ones. */
#define LB_TREE512_ROWS                                                                                                \
    TreeRow<Signs, 1, 4>(), TreeRow<Signs, 4, 1>(), PopcountRow<NibbleOps, Signs, 1, 2>(),                             \
        PopcountRow<NibbleOps, Signs, 4, 4>(), PopcountRow<NibbleOps, Signs, 8, 2>(), TreeRow<Planes<1>, 1, 4>(),      \
        TreeRow<Planes<1>, 4, 1>(), PopcountRow<NibbleOps, Planes<1>, 1, 2>(),                                         \
        PopcountRow<NibbleOps, Planes<1>, 4, 4>(), PopcountRow<NibbleOps, Planes<1>, 8, 2>(),                          \
        TreeRow<Planes<2>, 1, 2>(), TreeRow<Planes<2>, 2, 1>(), PopcountRow<NibbleOps, Planes<2>, 1, 4>(),             \
        PopcountRow<NibbleOps, Planes<2>, 4, 2>(), TreeRow<Planes<4>, 1, 1>()

#endif
