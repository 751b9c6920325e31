/* SPDX-License-Identifier: Apache-2.0 */
/* The one packed layout, as a formula. Width b, P = 8 / b fields per byte, 64-byte lines:
 *
 *     line(k, n)  = (n / 16) * L + k / 4P           L = ceil(K / 4P) lines make a panel of 16 columns (rows of W)
 *     byte(k, n)  = (n % 16) * 4 + k % 4            a 32-bit lane holds 4 consecutive k of one column
 *     field(k)    = (k % 4P) / 4                    bits [b * field, b * field + b) of the byte
 *
 *                 n=0          n=1                n=15
 *     line 0   [ k0 k1 k2 k3 | k0 k1 k2 k3 | ... | k0 k1 k2 k3 ]   field 0; field 1 of the same bytes holds k4..k7,
 *     line 1   [ the next 4P k of the same columns             ]   and so on
 *
 * A lane is what a byte dot product (vpdpbusd, sdot, tdpbusd) consumes, so each field of a line is one operand after a
 * mask and a shift, on every instruction set and for every M.
 *
 * Five ternary codes in a byte (t5) are P = 5 fields, which one byte x holds as a fraction: with v = 81 c0 + 27 c1 + 9
 * c2
 * + 3 c3 + c4, x = ceil(256 v / 243), and field f is the integer part of 3 (3^f x mod 256) / 256. Floats fill the lane:
 * one f32, or two consecutive k as bf16.
 *
 * The blob: a 64-byte header (kernels/packed.c), the lines, then scales [panel][G][16] (progressive groups:
 * [panel][16]), zero points, minima or multipliers [panel][G][16], a book, each section padded to 64 bytes, then 15
 * zero lines so that a tile load may run past its panel. Padding columns and padding k have code 0 and scale, zero
 * point, minimum and multiplier 0. */
#ifndef LOWBIT_KERNELS_LAYOUT_H_
#define LOWBIT_KERNELS_LAYOUT_H_

#include "kernels/formats/format.h"
#include "kernels/simd/ukernel.h"

enum { LB_HEADER_BYTES = 64, LB_BOOK = 16, LB_SLACK_BYTES = 15 * LB_LINE };

typedef struct lb_layout {
    int64_t panels;              /* ceil(n / 16) */
    int64_t panel_lines;         /* L */
    int64_t groups;              /* G */
    int64_t scale_groups;        /* scales of a row: G, or 1 for progressive groups */
    int64_t scales, zeros, mins; /* byte offsets of the sections in the blob; 0 where there is none */
    int64_t multipliers, book;
    int64_t bytes; /* the whole blob */
} lb_layout;

/* Where everything lies. Fails as lb_check_weight_shape does, or where the blob would exceed 2^62 bytes. */
lowbit_status lb_layout_of(const lowbit_weight_type *type, int64_t n, int64_t k, lb_layout *layout,
                           lowbit_error *error);

/* Element k of column n of a line, k below lb_line_k: its code, or the bits of a float. */
uint32_t lb_line_element(const lb_format *format, const uint8_t *line, int64_t n, int64_t k);

/* Element (n, k) of packed lines, straight from the formula. */
static inline uint32_t lb_element_at(const lb_format *format, const uint8_t *lines, int64_t panel_lines, int64_t n,
                                     int64_t k) {
    const int64_t line_k = lb_line_k(format), line = n / LB_PANEL * panel_lines + k / line_k;
    return lb_line_element(format, lines + line * LB_LINE, n % LB_PANEL, k % line_k);
}

/* Writes the lines of one panel from up to 16 rows of canonical elements, `stride` of them from row to row. */
void lb_pack_panel(const lb_format *format, const uint8_t *elements, int64_t stride, int64_t rows, int64_t k,
                   uint8_t *lines);

#endif
