/* SPDX-License-Identifier: Apache-2.0 */
/* What the algorithms of tiles share: a block of four registers of sums, two rows of two or one of four, and the
 * prefetching of the lines that come next. */
#ifndef LOWBIT_KERNELS_SIMD_TILE_BLOCK_INL_H_
#define LOWBIT_KERNELS_SIMD_TILE_BLOCK_INL_H_

#include "kernels/simd/tile_regs.h"

namespace {

/* The end of a task. */
void TileLeave() { TileRelease(); }

/* kRowTiles x kPanels registers of sums. */
template <size_t kRowTiles, size_t kPanels, TileProduct kProductOf>
struct TileBlock {
    static_assert(kRowTiles * kPanels == 4, "four registers hold sums");
    static constexpr TileProduct kProduct = kProductOf;
    static constexpr size_t kRows = kRowTiles * kTileRows, kWidth = kPanels * LB_PANEL;

    /* All products of the rows at a, registers one after the other, and of what stands `at` bytes on in every panel.
     * The columns' registers alternate. */
    static HWY_INLINE void Step(const void *a, const uint8_t *const (&panel)[kPanels], size_t at) {
        const auto *rows = static_cast<const uint8_t *>(a);
        TileLoad<kColumns0>(panel[0] + at, kTileRowBytes);
        TileStream<kRowsA0>(rows, kTileRowBytes);
        TileDot<kSum0, kRowsA0, kColumns0, kProduct>();
        TileLoad<kColumns1>(panel[1] + at, kTileRowBytes);
        TileDot<kSum1, kRowsA0, kColumns1, kProduct>();
        if constexpr (kRowTiles == 2) {
            TileStream<kRowsA1>(rows + kTileBytes, kTileRowBytes);
            TileDot<kSum2, kRowsA1, kColumns0, kProduct>();
            TileDot<kSum3, kRowsA1, kColumns1, kProduct>();
        } else {
            TileLoad<kColumns0>(panel[2] + at, kTileRowBytes);
            TileDot<kSum2, kRowsA0, kColumns0, kProduct>();
            TileLoad<kColumns1>(panel[3] + at, kTileRowBytes);
            TileDot<kSum3, kRowsA0, kColumns1, kProduct>();
        }
    }

    /* Where register kSum's sums stand in [kRows][kWidth]. */
    template <int kSum>
    static constexpr size_t kSumAt = kSum / kPanels *kTileRows *kWidth + kSum % kPanels *LB_PANEL;

    static HWY_INLINE void Load(const void *sums) {
        const auto *s = static_cast<const int32_t *>(sums);
        TileLoad<kSum0>(s + kSumAt<kSum0>, kWidth * 4);
        TileLoad<kSum1>(s + kSumAt<kSum1>, kWidth * 4);
        TileLoad<kSum2>(s + kSumAt<kSum2>, kWidth * 4);
        TileLoad<kSum3>(s + kSumAt<kSum3>, kWidth * 4);
    }
    static HWY_INLINE void Zero() { TileZero<kSum0>(), TileZero<kSum1>(), TileZero<kSum2>(), TileZero<kSum3>(); }
    static HWY_INLINE void Store(void *sums) {
        auto *s = static_cast<int32_t *>(sums);
        TileStore<kSum0>(s + kSumAt<kSum0>, kWidth * 4);
        TileStore<kSum1>(s + kSumAt<kSum1>, kWidth * 4);
        TileStore<kSum2>(s + kSumAt<kSum2>, kWidth * 4);
        TileStore<kSum3>(s + kSumAt<kSum3>, kWidth * 4);
    }
};

/* This block's share of the next part's lines, a few with every multiplication. One line in four: the hardware's
 * streamer fetches those between, and prefetches of every line would occupy the buffers that A comes through. Where a
 * single block passes, the pass that expands the lines (`expanded`) has prefetched. */
template <size_t kPanels>
class TileAhead {
  public:
    static constexpr size_t kStride = 4 * LB_LINE;

    HWY_INLINE TileAhead(const lb_tile &t, size_t steps, bool expanded) : tile(t), bytes(lb_tile_lines(&t) * LB_LINE) {
        const size_t all = kPanels * bytes, first = all * t.block / t.blocks / kStride * kStride;
        const size_t share = expanded && t.blocks == 1 ? 0 : all * (t.block + 1) / t.blocks - first;
        per_step = (share / kStride + steps - 1) / steps;
        panel = first / bytes;
        at = first % bytes;
    }
    HWY_INLINE void Step() {
        for (size_t i = 0; i < per_step; ++i) {
            __builtin_prefetch(tile.lines[panel % kPanels] + tile.ahead_offset + at, 0, 2);
            at += kStride;
            if (at >= bytes) at = 0, ++panel;
        }
    }

  private:
    const lb_tile &tile;
    size_t bytes, per_step, panel, at;
};

}  // namespace

#endif
