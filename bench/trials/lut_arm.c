/* SPDX-License-Identifier: Apache-2.0 */
/* The trial's code for neon: loads that take every fourth byte, and tables of one register. Two panels share tables. */
#include <arm_neon.h>

#include "bench/trials/lut.h"

enum { PANELS = 2 };

/* low and high += the entries of both halves of each byte. */
static inline void look_up(uint8x16_t *low, uint8x16_t *high, uint8x16_t codes, const uint8x16_t t[4]) {
    const uint8x16_t first = vandq_u8(codes, vdupq_n_u8(15)), second = vshrq_n_u8(codes, 4);
    *low = vaddq_u8(*low, vqtbl1q_u8(t[0], first));
    *high = vaddq_u8(*high, vqtbl1q_u8(t[1], first));
    *low = vaddq_u8(*low, vqtbl1q_u8(t[2], second));
    *high = vaddq_u8(*high, vqtbl1q_u8(t[3], second));
}

/* Sums of a panel: 16 columns, the first eight in [0]. */
typedef struct words {
    uint16x8_t low[2], high[2];
} words;

static inline void widen(words *w, uint8x16_t low, uint8x16_t high) {
    w->low[0] = vaddw_u8(w->low[0], vget_low_u8(low));
    w->low[1] = vaddw_high_u8(w->low[1], low);
    w->high[0] = vaddw_u8(w->high[0], vget_low_u8(high));
    w->high[1] = vaddw_high_u8(w->high[1], high);
}

static void add_words(const words *w, int32_t *sums) {
    for (int i = 0; i < 2; i++) {
        uint32_t *to = (uint32_t *)sums + 8 * i;
        const uint32x4_t a = vmlal_n_u16(vmovl_u16(vget_low_u16(w->low[i])), vget_low_u16(w->high[i]), 32);
        const uint32x4_t b = vmlal_high_n_u16(vmovl_high_u16(w->low[i]), w->high[i], 32);
        vst1q_u32(to, vaddq_u32(vld1q_u32(to), a));
        vst1q_u32(to + 4, vaddq_u32(vld1q_u32(to + 4), b));
    }
}

static void add(const uint8_t *panel, size_t stride, const uint8_t *next, const uint8_t *tables, size_t lines,
                int32_t *sums) {
    const words zero = {{vdupq_n_u16(0), vdupq_n_u16(0)}, {vdupq_n_u16(0), vdupq_n_u16(0)}};
    words w[PANELS] = {zero, zero};
    for (size_t l = 0; l < lines; l++, panel += 64, next += 64, tables += LUT_LINE_TABLES) {
        LUT_MARK_BEGIN();
        __builtin_prefetch(next);
        __builtin_prefetch(next + stride);
        const uint8x16x4_t x = vld4q_u8(panel), y = vld4q_u8(panel + stride);
        uint8x16_t low0 = vdupq_n_u8(0), high0 = low0, low1 = low0, high1 = low0;
        for (int j = 0; j < 4; j++) {
            const uint8_t *at = tables + (size_t)j * 64;
            const uint8x16_t t[4] = {vld1q_u8(at), vld1q_u8(at + 16), vld1q_u8(at + 32), vld1q_u8(at + 48)};
            look_up(&low0, &high0, x.val[j], t);
            look_up(&low1, &high1, y.val[j], t);
        }
        widen(&w[0], low0, high0);
        widen(&w[1], low1, high1);
        LUT_MARK_END();
    }
    add_words(&w[0], sums);
    add_words(&w[1], sums + 16);
}

/* ---- tables ---- */

static void store_entries(int16x8_t first, int16x8_t last, uint8_t *table) {
    const uint16x8_t mask = vdupq_n_u16(31);
    const uint16x8_t x = vreinterpretq_u16_s16(vaddq_s16(first, vdupq_n_s16(512)));
    const uint16x8_t y = vreinterpretq_u16_s16(vaddq_s16(last, vdupq_n_s16(512)));
    vst1q_u8(table, vcombine_u8(vmovn_u16(vandq_u16(x, mask)), vmovn_u16(vandq_u16(y, mask))));
    vst1q_u8(table + 16, vcombine_u8(vshrn_n_u16(x, 5), vshrn_n_u16(y, 5)));
}

/* Codes of 1 bit: those of eight entries, times activations of k = 4 f + j. */
static void build1(const int8_t *a, uint8_t *table) {
    static const int8_t kField[3][8] = {{0, 1, 0, 1, 0, 1, 0, 1}, {0, 0, 1, 1, 0, 0, 1, 1}, {0, 0, 0, 0, 1, 1, 1, 1}};
    int16x8_t first = vmull_s8(vld1_s8(kField[0]), vdup_n_s8(a[0]));
    first = vmlal_s8(first, vld1_s8(kField[1]), vdup_n_s8(a[4]));
    first = vmlal_s8(first, vld1_s8(kField[2]), vdup_n_s8(a[8]));
    store_entries(first, vaddw_s8(first, vdup_n_s8(a[12])), table);
}

/* Codes of 2 bits, less one: the first ones of eight entries, and the second ones of the first and the last eight. */
static void build2(const int8_t *a, uint8_t *table) {
    static const int8_t kField[3][8] = {
        {-1, 0, 1, 2, -1, 0, 1, 2}, {-1, -1, -1, -1, 0, 0, 0, 0}, {1, 1, 1, 1, 2, 2, 2, 2}};
    const int16x8_t one = vmull_s8(vld1_s8(kField[0]), vdup_n_s8(a[0]));
    store_entries(vmlal_s8(one, vld1_s8(kField[1]), vdup_n_s8(a[4])),
                  vmlal_s8(one, vld1_s8(kField[2]), vdup_n_s8(a[4])), table);
}

static void build(int bits, const int8_t *a, size_t lines, uint8_t *tables) {
    const size_t half = bits == 1 ? 16 : 8; /* k of half a line */
    for (size_t i = 0; i < 2 * lines; i++)
        for (size_t j = 0; j < 4; j++)
            (bits == 1 ? build1 : build2)(a + i * half + j, tables + i / 2 * LUT_LINE_TABLES + j * 64 + i % 2 * 32);
}

const lut_level lut_neon = {"neon", PANELS, build, add};
