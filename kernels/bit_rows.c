/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/bit_rows.h"

#include <stdbool.h>
#include <string.h>

enum { BYTES = 0x01010101, NIBBLES = 0x0f0f0f0f };

/* One plane of 32 codes. In one plane -1 counts as 0, and 1 as 1, so that the codes are those of a1 or of u1. */
static uint32_t plane_word(const int8_t *codes, lb_bit_planes planes, uint32_t plane) {
    uint32_t word = 0;
    for (uint32_t f = 0; f < LB_WORD_K / 4; f++) {
        uint32_t four;
        memcpy(&four, codes + 4 * f, sizeof four);
        if (planes.count == 1) four &= ~(four >> 7);
        word |= (four >> plane & BYTES) << f;
    }
    return word;
}

/* Puts a word of row i where the panel has it; returns the place of the next one of the same row and 32 k. */
static uint32_t *put_word(uint32_t *to, uint32_t word, int64_t i, lb_bit_form form) {
    if (form == LB_BITS_WHOLE) {
        *to++ = word;
        return to;
    }
    const uint32_t low = word & NIBBLES, high = word >> 4 & NIBBLES;
    const bool second = form == LB_BITS_PAIRS && i % 2;
    *to = second ? *to | low << 4 : low;
    ++to;
    *to = second ? *to | high << 4 : high;
    return ++to;
}

/* Words of the row i at each 32 k, and from there to those of the next 32 k. */
static uint32_t *row_at(lb_bit_planes planes, int64_t mr, int64_t i, void *panel, int64_t *step) {
    const int64_t words = (int64_t)planes.count * (planes.form == LB_BITS_WHOLE ? 1 : 2);
    const int64_t rows = planes.form == LB_BITS_PAIRS ? 2 : 1; /* that share them */
    *step = words * (mr / rows);
    return (uint32_t *)panel + words * (i / rows);
}

void lb_put_bit_codes(lb_bit_planes planes, const int8_t *codes, int64_t length, int64_t mr, int64_t i, void *panel) {
    int64_t step;
    uint32_t *to = row_at(planes, mr, i, panel, &step);
    for (int64_t k = 0; k < length; k += LB_WORD_K, to += step) {
        uint32_t *next = to;
        for (uint32_t plane = 0; plane < planes.count; plane++)
            next = put_word(next, plane_word(codes + k, planes, plane), i, planes.form);
    }
}

void lb_put_bit_words(lb_bit_planes planes, const void *words, int64_t length, int64_t mr, int64_t i, void *panel) {
    int64_t step;
    uint32_t *to = row_at(planes, mr, i, panel, &step);
    for (int64_t w = 0; w < length / LB_WORD_K; w++, to += step)
        put_word(to, ((const uint32_t *)words)[w], i, planes.form);
}
