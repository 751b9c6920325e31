/* SPDX-License-Identifier: Apache-2.0 */
/* Where a tile's packed lines are, and what is prefetched while they are read. */
#ifndef LOWBIT_KERNELS_SIMD_LINES_INL_H_
#define LOWBIT_KERNELS_SIMD_LINES_INL_H_

#include "kernels/simd/simd.h"

namespace {

/* Vector j of line l of a tile, and what is prefetched while the lines are read. */
template <size_t kVectors>
struct Lines {
    static constexpr size_t kPanels = (kVectors * kColumns + LB_PANEL - 1) / LB_PANEL;
    /* 8 KiB ahead in all: what memory delivers in twice its latency. */
    static constexpr size_t kStreamLines = 8192 / LB_LINE / kPanels;

    const uint8_t *at[kVectors];
    const uint8_t *ahead;
    size_t ahead_step;
    size_t count;        /* lines of the call */
    const uint8_t *book; /* of lb_tile */
    bool stream, far;    /* lines are read once; from beyond the L2 cache */

    explicit HWY_INLINE Lines(const lb_tile &tile)
        : ahead(tile.ahead),
          ahead_step(tile.ahead_step),
          count(lb_tile_lines(&tile)),
          book(tile.book),
          stream(tile.blocks == 1),
          far(tile.far != 0) {
        LB_UNROLL
        for (size_t j = 0; j < kVectors; ++j) {
            const size_t column = j * kColumns;
            at[j] = tile.lines[column / LB_PANEL] + column % LB_PANEL * 4;
        }
    }
    HWY_INLINE VU8 Load(size_t line, size_t j) const { return hn::LoadU(DU8(), at[j] + line * LB_LINE); }

    /* Once for each line, kCount at a time. Where several blocks of rows share the lines, the next part of the weights
     * comes into the L2 cache, in slices; where the lines are read once, every panel's come into the L1 cache, or, from
     * far, into the L2: fewer lines can be on their way to the L1 than memory needs under way. */
    template <size_t kCount = 1>
    HWY_INLINE void Prefetch(size_t line) const {
        if (stream) {
            LB_UNROLL
            for (size_t l = 0; l < kCount; ++l) PrefetchPanels(StreamOffset(line + l));
        } else {
            LB_UNROLL
            for (size_t l = 0; l < kCount; ++l) __builtin_prefetch(ahead + (line + l) * ahead_step, 0, 2);
        }
    }
    /* The same for `few` lines at once: what is ahead of them may be less than a line of the cache for each. */
    HWY_INLINE void PrefetchFew(size_t line, size_t few) const {
        if (stream)
            for (const size_t end = line + few; line < end; ++line) PrefetchPanels(StreamOffset(line));
        else
            for (size_t offset = line * ahead_step; offset < (line + few) * ahead_step; offset += LB_LINE)
                __builtin_prefetch(ahead + offset, 0, 2);
    }
    HWY_INLINE void PrefetchPanels(size_t offset) const {
        LB_UNROLL
        for (size_t j = 0; j < kVectors; ++j)
            if (j * kColumns % LB_PANEL == 0) {
                if (far)
                    __builtin_prefetch(at[j] + offset, 0, 2);
                else
                    __builtin_prefetch(at[j] + offset);
            }
    }

    /* How far from a panel's first line to prefetch: further on in the panel, and in its last lines where the same
     * panel of the next tile begins, at `ahead` for the first one; the hardware's own prefetcher stops at page ends and
     * cannot know where the tile goes on. */
    HWY_INLINE size_t StreamOffset(size_t line) const {
        const size_t next = line + kStreamLines;
        if (next < count) return next * LB_LINE;
        return static_cast<size_t>(ahead - at[0]) + (next - count) * LB_LINE;
    }
};

}  // namespace

#endif
