/* SPDX-License-Identifier: Apache-2.0 */
/* The `tilebf16` algorithm of AMX: 16 rows x 16 columns x 32 k of bf16 in one instruction, added in binary32. The
 * columns are those of halves-inl.h, whose lines are rows of a tile register. */
#ifndef LOWBIT_KERNELS_SIMD_TILE_FLOAT_INL_H_
#define LOWBIT_KERNELS_SIMD_TILE_FLOAT_INL_H_

#include "kernels/simd/halves-inl.h"
#include "kernels/simd/tile_block-inl.h"

namespace {

static_assert(kHalvesBytes == kTileBytes, "a step is a register");

void TileEnterHalves(const lb_tile *) {
    static constexpr TileConfig kConfig = TileConfigOf(kTileRowBytes);
    TileConfigure(kConfig);
}

/* kRowTiles x kPanels registers of sums. */
template <int kCoding, size_t kRowTiles, size_t kPanels>
struct HalvesTile {
    using Columns = HalvesColumns<kCoding, kPanels>;
    using Block = TileBlock<kRowTiles, kPanels, kHalves>;
    static constexpr size_t kRows = Block::kRows, kWidth = Block::kWidth;

    static void Run(const lb_tile *tile_pointer) {
        const lb_tile &t = *tile_pointer;
        const Columns columns(t);
        if (t.start && !t.resume)
            Block::Zero();
        else
            Block::Load(t.totals);
        const auto *a = static_cast<const uint8_t *>(t.a);
        TileAhead<kPanels> ahead(t, columns.steps, Columns::kExpands);
        columns.Each([&](size_t s, const uint8_t *const(&panel)[kPanels], size_t at) {
            Block::Step(a + s * kRowTiles * kTileBytes, panel, at);
            ahead.Step();
        });
        Block::Store(t.totals);
        if (t.finish) Epilogue<kPanels>::Finish(t, kRows);
    }
};

/* A row of the unit's table. Its cost: 16 cycles for each multiplication, and what makes the values at an instruction a
 * cycle, which do not overlap with it. */
template <int kCoding, size_t kRowTiles>
constexpr lb_kernel HalvesRow() {
    using T = HalvesTile<kCoding, kRowTiles, 4 / kRowTiles>;
    constexpr uint32_t kCost = 32 * T::Columns::kLineK * kRowTiles + 64 * T::Columns::kExpandWork;
    return lb_kernel{
        kCoding, LB_ALGORITHM_TILE_BF16, LB_A_HALVES, 0, T::Columns::kExpands ? 2 : 0, 0, T::kRows, T::kWidth, kCost, 0,
        &T::Run, TileEnterHalves,        TileLeave};
}

}  // namespace

/* All rows of `tilebf16` of a unit. */
#define LB_HALVES_ROWS(coding) HalvesRow<coding, 1>(), HalvesRow<coding, 2>()
#define LB_HALVES_KERNELS LB_EACH_ROUNDED(LB_HALVES_ROWS)

#endif
