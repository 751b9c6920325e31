/* SPDX-License-Identifier: Apache-2.0 */
/* amx: tiles of int8 and of bf16 (Sapphire Rapids and newer), beside all that avx512vnni has. Runs only where the
 * operating system lends the tile registers: kernels/base/cpu.h, lb_isa_permitted. */
#include "kernels/simd/tile-inl.h"
#include "kernels/simd/tile_float-inl.h"

#include "kernels/simd/direct512.h"

LB_UNIT_TARGET(HWY_AVX3);

namespace {

constexpr lb_kernel kKernels[] = {
    TileRow<8, 1>(),     TileRow<8, 2>(),     TileRow<4, 1>(),   TileRow<4, 2>(),      TileRow<2, 1>(),
    TileRow<2, 2>(),     TileRow<1, 1>(),     TileRow<1, 2>(),   TileRow<kTrits, 1>(), TileRow<kTrits, 2>(),
    TileRow<kBook, 1>(), TileRow<kBook, 2>(), LB_HALVES_KERNELS,
};

}  // namespace

LB_EXPORT_UNIT(amx) = {LOWBIT_ISA_AMX, LB_KERNELS, LB_ROWS, &kBitsOps, LB_PROBES, &kDepthwiseDirect<Direct512>};
