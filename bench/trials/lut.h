/* SPDX-License-Identifier: Apache-2.0 */
/* A trial: table lookups in place of products, for one row of A and codes of 1 or 2 bits. docs/results/lut.md has what
 * came of it.
 *
 * Four bits of a packed byte are an index: four codes of 1 bit or two of 2 bits, whose weighted sum of activations a
 * table of 16 entries holds. An entry is from -512 to 511, more than a byte, and must be exact; 512
 * more than it is stored as 32 * high + low, both in 0..31, so that eight of each add up in a byte. */
#ifndef LOWBIT_BENCH_TRIALS_LUT_H_
#define LOWBIT_BENCH_TRIALS_LUT_H_

#include <stddef.h>
#include <stdint.h>

enum {
    LUT_BIAS = 8 * 512,    /* what the entries of a line have too much */
    LUT_LINE_TABLES = 256, /* bytes: of each byte of a lane and each half of it, 16 low parts and 16 high ones */
    LUT_PART = 64          /* lines of a panel that one pass takes: their tables are half of an L1 cache; <= 128 */
};

/* The lines of all panels that are in between are what llvm-mca is to look at (-DLUT_MARK). */
#ifdef LUT_MARK
#define LUT_MARK_BEGIN() __asm__ volatile("# LLVM-MCA-BEGIN")
#define LUT_MARK_END() __asm__ volatile("# LLVM-MCA-END")
#else
#define LUT_MARK_BEGIN() ((void)0)
#define LUT_MARK_END() ((void)0)
#endif

/* One level's code. */
typedef struct lut_level {
    const char *name;
    int panels; /* that `add` takes */

    /* Tables for `lines` lines of codes of `bits` bits. a: the activations of those lines. An entry is
     * sum c*a (1 bit), or sum (c - 1)*a (2 bits: one less to fit). */
    void (*build)(int bits, const int8_t *a, size_t lines, uint8_t *tables);

    /* sums[16 * panels] += the entries that the lines name, and LUT_BIAS for each line. panel: the first line; the next
     * panel is `stride` bytes on, `next` what will be read after this. lines <= LUT_PART */
    void (*add)(const uint8_t *panel, size_t stride, const uint8_t *next, const uint8_t *tables, size_t lines,
                int32_t *sums);
} lut_level;

extern const lut_level lut_sse4, lut_avx2, lut_neon;

#endif
