/* SPDX-License-Identifier: Apache-2.0 */
/* Probes: the fastest loop that a level has for one step of a product, and nothing else. `bench limits` times them, and
 * every kernel's speed is reported as a share of what they reach. Plain C.
 *
 * Each returns a sum that a test can check, so that neither a compiler nor a bug can make a limit too good. */
#ifndef LOWBIT_KERNELS_SIMD_PROBE_H_
#define LOWBIT_KERNELS_SIMD_PROBE_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    LB_PROBE_DOT = 0,     /* one instruction for 4 x (u8, s8) into s32, in registers */
    LB_PROBE_MADDUBS = 1, /* u8 x s8 with accumulators of s16, in registers; exact while no sum leaves s16 */
    LB_PROBE_MADD = 2,    /* s16 x s16 into s32, in registers: exact for every u8 and s8 */
    LB_PROBE_DECODE = 3,  /* packed codes of `width` bits from memory, decoded and multiplied with one row (M = 1) */
    LB_PROBE_READ = 4,    /* memory read into registers, and no more */
    LB_PROBE_WRITE = 5,   /* memory written by plain stores */
    LB_PROBE_WRITE_AROUND = 6, /* the same by stores that pass the caches by */
    LB_PROBE_TILE = 7,         /* tile products of u8 and s8 into s32, 2 x 2 accumulators, in registers */
    LB_PROBE_TILES = 8,        /* the same with tiles from memory: a block of B that stays, A streaming past it */
    LB_PROBE_TILE_GROUPS = 9,  /* the same with accumulators that are emptied into scaled floats every `width` k */
    LB_PROBE_L1 = 10,          /* maxima of s8, added up as DOT or MADDUBS add products, in registers */
    LB_PROBE_BITS = 11,        /* xor and popcount, in registers */
    LB_PROBE_FMA = 12,         /* binary32 multiply-adds in registers; where the level has none, both in turn */
    LB_PROBE_TILE_BF16 = 13,   /* as TILE, of bf16 into binary32 */
    LB_PROBE_TILES_BF16 = 14,  /* as TILES, likewise */
    LB_PROBE_L1F = 15,         /* distances of binary32, subtracted from sums in registers */
    LB_PROBE_FMA_BF16 = 16,    /* vdpbf16ps: as FMA, of pairs of bf16 */
    LB_PROBE_LOOKUP = 17,      /* bytes looked up in a table of 16, in registers: a lookup is no product */
    LB_PROBE_KINDS = 18
};

/* k of a block of tiles, and its bytes: 32 rows of A, or two panels of 16 columns of B. */
enum { LB_PROBE_BLOCK_K = 512, LB_PROBE_BLOCK_BYTES = 32 * LB_PROBE_BLOCK_K };

/* Passes `reps` times over `bytes` bytes and returns a sum modulo 2^32:
 *
 *   READ     0
 *   WRITE, WRITE_AROUND   0; byte i of `lines` is a[i % 4] afterwards
 *   DECODE   reps * sum over lines, bytes i < 64 and fields f < P of field(line[i], f) * a[4 * f + i % 4],
 *            field(c, f) = (c >> width * f) & (2^width - 1), P = 8 / width; exact while reps * bytes <= 2^20
 *   TILES, TILE_GROUPS    reps * sum over blocks and all m, n and k of A[block][m, k] * B[k, n], where
 *            A[block][m, k] = s8 at block * BLOCK_BYTES + (k / t * 32 + m) * t + k % t, t = 64, or 32 for groups of 32
 *            B[k, n]        = u8 at (n / 16 * BLOCK_K + k) / 4 * 64 + n % 16 * 4 + k % 4, for every block the same;
 *            TILE_GROUPS is exact while no element's sum over blocks and reps leaves 24 bits
 *   TILES_BF16   the same of bf16, K = BLOCK_K / 2, exact while no element's sum leaves 24 bits:
 *            A[block][m, k] = element (k / 32 * 32 + m) * 32 + k % 32 of the block
 *            B[k, n]        = element (n / 16 * K + k) / 2 * 32 + n % 16 * 2 + k % 2
 *   BITS     reps * bytes / 64 * repeat * sum over the first line's bytes i < 64 of popcount(line[i] ^ a[i % 4])
 *   L1       as OTHERS, of max(s8 line[i], a[i % 4]); exact while no sum of a level without DOT leaves s16
 *   FMA      reps * bytes / 64 * repeat * 4 * sum over lanes l < 16 of line[4 * l] * a[0], modulo 2^32 while no
 *            lane's sum leaves 24 bits
 *   L1F      the same of -|line[4 * l] - a[0]|
 *   LOOKUP   repeat * sum over the first line's bytes i < 64 of (line[i] + reps * bytes / 64 * a[0]) modulo 16
 *   TILE_BF16, FMA_BF16   reps * bytes / 64 * repeat * 2 * sum over i < 32 of line[2 * i] * a[0], likewise
 *   OTHERS   reps * bytes / 64 * repeat * sum over the first line's bytes i < 64 of line[i] * a[i % 4]: one step for
 *            each 64 bytes of `bytes`, but nothing is read after the first line
 *
 *   lines  64-byte aligned
 *   bytes  a multiple of 64 * streams (READ), of BLOCK_BYTES (TILES, TILES_BF16, TILE_GROUPS), else of 64
 *   a      s8 [4P] activations, P = 1 but for DECODE; not used by READ, TILES, TILES_BF16 and TILE_GROUPS */
typedef uint32_t (*lb_probe_fn)(uint8_t *lines, size_t bytes, size_t reps, const int8_t *a);

typedef struct lb_probe {
    uint8_t kind;     /* LB_PROBE_* */
    uint8_t width;    /* DECODE: bits of a code; TILE_GROUPS: k of a group; else 0 */
    uint8_t streams;  /* READ: places of the buffer that are read in turn; else 1 */
    uint8_t prefetch; /* READ: how many lines ahead of each stream software prefetches; 0 = none */
    uint16_t
        repeat; /* what multiplies: products of 64 pairs (BITS: 512) for each 64 bytes; LOOKUP: 64 lookups; else 0 */
    lb_probe_fn run;
} lb_probe;

#ifdef __cplusplus
}
#endif
#endif
