/* SPDX-License-Identifier: Apache-2.0 */
/* Probes of tiles (AMX; Intel SDM volume 2A, TDPBSUD and TDPBF16PS): LB_TILE_PROBES are their rows of the unit's table.
 * Registers 0 to 3 hold sums, 4 and 5 rows of A, 6 and 7 columns of B (TileRegister). */
#ifndef LOWBIT_KERNELS_SIMD_PROBE_TILES_INL_H_
#define LOWBIT_KERNELS_SIMD_PROBE_TILES_INL_H_

#include "kernels/simd/probe.h"
#include "kernels/simd/probe_ops-inl.h"
#include "kernels/simd/tile_regs.h"

namespace {
namespace probe {

enum { kTileElements = 256, kPanelBytes = LB_PROBE_BLOCK_BYTES / 2 };

/* Tiles of one run of a probe. */
template <int kK>
struct TileScope {
    HWY_INLINE TileScope() {
        static constexpr TileConfig kConfig = TileConfigOf(kK);
        TileConfigure(kConfig);
        TileZero<0>();
        TileZero<1>();
        TileZero<2>();
        TileZero<3>();
    }
    HWY_INLINE ~TileScope() { TileRelease(); }
};

template <TileProduct kProduct>
HWY_INLINE void TwoByTwo() {
    TileDot<0, 4, 6, kProduct>();
    TileDot<1, 4, 7, kProduct>();
    TileDot<2, 5, 6, kProduct>();
    TileDot<3, 5, 7, kProduct>();
}

/* Of what the products are added up in: int32_t or float. */
template <class Element>
HWY_INLINE uint32_t SumTiles() {
    alignas(64) Element c[4 * kTileElements];
    TileStore<0>(c, 64);
    TileStore<1>(c + kTileElements, 64);
    TileStore<2>(c + 2 * kTileElements, 64);
    TileStore<3>(c + 3 * kTileElements, 64);
    uint32_t sum = 0;
    for (Element element : c) sum += static_cast<uint32_t>(static_cast<int32_t>(element));
    return sum;
}

/* A step is 2 x 2 products of 16 x 16 x 64 (bf16: x 32), every row of A and of B the same. */
template <TileProduct kProduct, class Element>
HWY_INLINE uint32_t InRegisters(const void *a, const void *b, size_t steps) {
    const TileScope<64> scope;
    TileLoad<4>(a, 64);
    TileLoad<5>(a, 64);
    TileLoad<6>(b, 64);
    TileLoad<7>(b, 64);
    for (; steps > 0; steps--) TwoByTwo<kProduct>();
    return SumTiles<Element>();
}

/* The activations and the line. */
uint32_t Tile(uint8_t *line, size_t bytes, size_t reps, const int8_t *a) {
    alignas(64) uint8_t b[kTileBytes], act[kTileBytes];
    for (size_t i = 0; i < kTileBytes; ++i) {
        b[i] = line[i % 64];
        act[i] = static_cast<uint8_t>(a[i % 4]);
    }
    return InRegisters<kUnsignedBytes, int32_t>(act, b, reps * (bytes / 64));
}
constexpr uint16_t kTileRepeat = 4 * 16 * 16;

/* One activation and every other byte of the line. */
uint32_t TileHalves(uint8_t *line, size_t bytes, size_t reps, const int8_t *a) {
    alignas(64) uint16_t b[kTileBytes / 2], act[kTileBytes / 2];
    for (size_t i = 0; i < kTileBytes / 2; ++i) {
        b[i] = HalfOf(line[i % 32 * 2]);
        act[i] = HalfOf(a[0]);
    }
    return InRegisters<kHalves, float>(act, b, reps * (bytes / 64));
}

/* The blocks of A stream past the block of B, which is the first of them read as codes: `bytes` decides from where A
 * comes. Accumulators never leave their registers, so this is what the tile loads alone permit. The same bytes hold
 * half as many k of bf16. */
template <TileProduct kProduct, class Element>
uint32_t Tiles(uint8_t *lines, size_t bytes, size_t reps, const int8_t *) {
    const TileScope<64> scope;
    for (; reps > 0; reps--)
        for (const uint8_t *block = lines; block < lines + bytes; block += LB_PROBE_BLOCK_BYTES)
            for (size_t k = 0; k < LB_PROBE_BLOCK_K; k += 64) {
                const uint8_t *a = block + k * 32, *b = lines + k * 16;
                TileLoad<4>(a, 64);
                TileLoad<6>(b, 64);
                TileLoad<7>(b + kPanelBytes, 64);
                TileLoad<5>(a + kTileBytes, 64);
                TwoByTwo<kProduct>();
            }
    return SumTiles<Element>();
}
constexpr uint16_t kTilesRepeat = 32; /* each 64 bytes of A meet 32 columns */

/* ---- Groups: sums of kGroup k to floats, times the group's scale of each column, added to the totals, all by vectors
 * from memory, since tiles reach vectors only through it. Two ways; which is faster depends on the group. ---- */

constexpr size_t kGroupTile(size_t group) { return group < 64 ? group : 64; }

struct GroupScratch {
    alignas(64) int32_t sums[4][kTileElements];
    alignas(64) float totals[4][kTileElements];
    alignas(64) float scales[LB_PROBE_BLOCK_K / 32][2][16];
};

HWY_INLINE VF32 Scaled(const int32_t *sums, VF32 scale, VF32 total) {
    return hn::Add(total, hn::Mul(hn::ConvertTo(DF32(), hn::Load(d32, sums)), scale));
}

/* One tile of C at a time, its totals in registers; while one group is multiplied the last one is added up. */
template <size_t kGroup>
HWY_INLINE void OneTile(const uint8_t *a, const uint8_t *b, size_t panel, GroupScratch *s, float *totals) {
    constexpr size_t kStep = kGroupTile(kGroup);
    VF32 total[kTileRows];
    Unroll<kTileRows>(LB_EACH(i) { total[i] = hn::Load(DF32(), totals + i * 16); });
    const auto add = [&](const int32_t *sums, size_t g) __attribute__((always_inline)) {
        const VF32 scale = hn::Load(DF32(), s->scales[g][panel]);
        Unroll<kTileRows>(LB_EACH(i) { total[i] = Scaled(sums + i * 16, scale, total[i]); });
    };
    for (size_t g = 0; g < LB_PROBE_BLOCK_K / kGroup; g += 2) {
        TileZero<0>();
        for (size_t k = g * kGroup; k < (g + 1) * kGroup; k += kStep) {
            TileLoad<4>(a + k * 32, kStep);
            TileLoad<6>(b + k * 16, 64);
            TileDot<0, 4, 6, kUnsignedBytes>();
        }
        TileStore<0>(s->sums[0], 64);
        if (g > 0) add(s->sums[1], g - 1);
        TileZero<1>();
        for (size_t k = (g + 1) * kGroup; k < (g + 2) * kGroup; k += kStep) {
            TileLoad<5>(a + k * 32, kStep);
            TileLoad<7>(b + k * 16, 64);
            TileDot<1, 5, 7, kUnsignedBytes>();
        }
        TileStore<1>(s->sums[1], 64);
        add(s->sums[0], g);
    }
    add(s->sums[1], LB_PROBE_BLOCK_K / kGroup - 1);
    Unroll<kTileRows>(LB_EACH(i) { hn::Store(total[i], DF32(), totals + i * 16); });
}

template <size_t kGroup>
struct OneByOne {
    static HWY_INLINE void Block(const uint8_t *a, const uint8_t *b, GroupScratch *s) {
        for (size_t t = 0; t < 4; ++t)
            OneTile<kGroup>(a + t / 2 * kTileRows * kGroupTile(kGroup), b + t % 2 * kPanelBytes, t % 2, s,
                            s->totals[t]);
    }
};

/* Four tiles of C at a time, their totals in memory. */
template <size_t kGroup>
struct TwoByTwoGroups {
    static HWY_INLINE void Block(const uint8_t *a, const uint8_t *b, GroupScratch *s) {
        constexpr size_t kStep = kGroupTile(kGroup);
        for (size_t g = 0; g < LB_PROBE_BLOCK_K / kGroup; ++g) {
            TileZero<0>();
            TileZero<1>();
            TileZero<2>();
            TileZero<3>();
            for (size_t k = g * kGroup; k < (g + 1) * kGroup; k += kStep) {
                TileLoad<4>(a + k * 32, kStep);
                TileLoad<5>(a + k * 32 + kTileRows * kStep, kStep);
                TileLoad<6>(b + k * 16, 64);
                TileLoad<7>(b + k * 16 + kPanelBytes, 64);
                TwoByTwo<kUnsignedBytes>();
            }
            TileStore<0>(s->sums[0], 64);
            TileStore<1>(s->sums[1], 64);
            TileStore<2>(s->sums[2], 64);
            TileStore<3>(s->sums[3], 64);
            for (size_t t = 0; t < 4; ++t) {
                const VF32 scale = hn::Load(DF32(), s->scales[g][t % 2]);
                float *totals = s->totals[t];
                Unroll<kTileRows>(LB_EACH(i) {
                    const VF32 total = hn::Load(DF32(), totals + i * 16);
                    hn::Store(Scaled(s->sums[t] + i * 16, scale, total), DF32(), totals + i * 16);
                });
            }
        }
    }
};

template <template <size_t> class Way, size_t kGroup>
uint32_t TileGroups(uint8_t *lines, size_t bytes, size_t reps, const int8_t *) {
    GroupScratch s;
    memset(&s, 0, sizeof s);
    for (auto &group : s.scales)
        for (auto &panel : group)
            for (float &scale : panel) scale = 1.0f;
    const TileScope<kGroupTile(kGroup)> scope;
    for (; reps > 0; reps--)
        for (const uint8_t *a = lines; a < lines + bytes; a += LB_PROBE_BLOCK_BYTES) Way<kGroup>::Block(a, lines, &s);
    uint32_t sum = 0;
    for (const auto &tile : s.totals)
        for (float total : tile) sum += static_cast<uint32_t>(static_cast<int32_t>(total));
    return sum;
}

#define LB_TILE_GROUPS(group)                                                                                          \
    {LB_PROBE_TILE_GROUPS, group, 1, 0, kTilesRepeat, TileGroups<OneByOne, group>}, {                                  \
        LB_PROBE_TILE_GROUPS, group, 1, 0, kTilesRepeat, TileGroups<TwoByTwoGroups, group>                             \
    }
#define LB_TILE_PROBES                                                                                                 \
    {LB_PROBE_TILE, 0, 1, 0, kTileRepeat, Tile}, {LB_PROBE_TILE_BF16, 0, 1, 0, kTileRepeat / 2, TileHalves},           \
        {LB_PROBE_TILES, 0, 1, 0, kTilesRepeat, Tiles<kUnsignedBytes, int32_t>},                                       \
        {LB_PROBE_TILES_BF16, 0, 1, 0, kTilesRepeat / 2, Tiles<kHalves, float>}, LB_TILE_GROUPS(32),                   \
        LB_TILE_GROUPS(64), LB_TILE_GROUPS(128)

}  // namespace probe
}  // namespace

#endif
