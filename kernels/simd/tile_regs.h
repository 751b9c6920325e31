/* SPDX-License-Identifier: Apache-2.0 */
/* The tile registers of AMX: eight of 16 rows of 64 bytes (Intel SDM volume 1, chapter 18). Own assembler, since the
 * intrinsics of gcc take nothing but literal register numbers and its _tile_loadconfig reads 8 bytes of the 64. */
#ifndef LOWBIT_KERNELS_SIMD_TILE_REGS_H_
#define LOWBIT_KERNELS_SIMD_TILE_REGS_H_

#include "kernels/simd/simd.h"

namespace {

/* Rows of a tile register, bytes of one of its rows, and k that one multiplication of bytes sums at most. */
constexpr size_t kTileRows = 16, kTileRowBytes = 64, kTileBytes = kTileRows * kTileRowBytes, kTileK = 64;

/* What the registers hold: four of sums, two of rows of A, two of columns of W. */
enum TileRegister { kSum0, kSum1, kSum2, kSum3, kRowsA0, kRowsA1, kColumns0, kColumns1 };

struct alignas(64) TileConfig {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

/* Multiplications of rows of k_bytes: 64, or what a group has if that is less. */
constexpr TileConfig TileConfigOf(uint8_t k_bytes) {
    TileConfig c = {1, 0, {}, {}, {}};
    for (int tile = kSum0; tile <= kColumns1; ++tile) {
        c.row_bytes[tile] = tile == kRowsA0 || tile == kRowsA1 ? k_bytes : kTileRowBytes;
        c.rows[tile] = tile >= kColumns0 ? k_bytes / 4 : kTileRows;
    }
    return c;
}

HWY_INLINE void TileConfigure(const TileConfig &config) { __asm__ volatile("ldtilecfg %0" : : "m"(config)); }
HWY_INLINE void TileRelease() { __asm__ volatile("tilerelease" : : : "memory"); }

template <int kTile>
HWY_INLINE void TileZero() {
    __asm__ volatile("tilezero %%tmm%c0" : : "i"(kTile));
}

/* stride: bytes from one row to the next. */
template <int kTile>
HWY_INLINE void TileLoad(const void *rows, size_t stride) {
    __asm__ volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(rows), "r"(stride), "i"(kTile) : "memory");
}
/* The same for what passes by once: it does not drive out of the L1 cache what stays there. */
template <int kTile>
HWY_INLINE void TileStream(const void *rows, size_t stride) {
    __asm__ volatile("tileloaddt1 (%0,%1,1), %%tmm%c2" : : "r"(rows), "r"(stride), "i"(kTile) : "memory");
}
template <int kTile>
HWY_INLINE void TileStore(void *rows, size_t stride) {
    __asm__ volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(rows), "r"(stride), "i"(kTile) : "memory");
}

/* What is multiplied: s8 with u8 or with s8, added up in 32 bits; bf16 with bf16, added up in binary32. */
enum TileProduct { kUnsignedBytes, kSignedBytes, kHalves };

/* sum[i][n] += sum over k of a[i][k] * w[n][k]. */
template <int kSum, int kA, int kW, TileProduct kProduct>
HWY_INLINE void TileDot() {
    if constexpr (kProduct == kHalves)
        __asm__ volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSum), "i"(kA), "i"(kW));
    else if constexpr (kProduct == kSignedBytes)
        __asm__ volatile("tdpbssd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSum), "i"(kA), "i"(kW));
    else
        __asm__ volatile("tdpbsud %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSum), "i"(kA), "i"(kW));
}

}  // namespace

#endif
