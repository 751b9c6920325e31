/* SPDX-License-Identifier: Apache-2.0 */
/* Packed weights to values, sixteen rows of one tap at a time: what depthwise convolution multiplies with. */
#include <string.h>

#include "kernels/depthwise_shape.h"
#include "kernels/formats/format.h"
#include "kernels/formats/scale.h"

/* Where one tap of a panel stands in all sections of the blob. */
typedef struct place {
    const uint8_t *line;
    int64_t k;     /* in the line */
    int64_t entry; /* of its group's zero points, minima and multipliers */
    int64_t scale; /* of its scales */
} place;

/* The sixteen elements, as lb_line_element has each. */
static void elements_of(const lb_format *f, const place *at, uint32_t elements[LB_PANEL]) {
    const uint32_t bits = (uint32_t)lb_bits(f), byte = (uint32_t)at->k % 4, field = (uint32_t)at->k / 4;
    memcpy(elements, at->line, LB_LINE);
    if (f->coding == LB_CODING_F32) return;
    if (f->coding == LB_CODING_BF16) {
        for (int c = 0; c < LB_PANEL; c++) elements[c] = elements[c] >> 16 * at->k & 0xffff;
    } else if (f->coding == LB_CODING_T5) {
        for (int c = 0; c < LB_PANEL; c++) {
            uint32_t x = elements[c] >> 8 * byte & 0xff;
            for (uint32_t i = 0; i < field; i++) x = 3 * x & 0xff;
            elements[c] = 3 * x >> 8;
        }
    } else {
        const uint32_t shift = 8 * byte + bits * field, mask = (1u << bits) - 1;
        for (int c = 0; c < LB_PANEL; c++) elements[c] = elements[c] >> shift & mask;
    }
}

static void integers_of(const lowbit_packed *w, const lb_format *f, const place *at, int16_t *values) {
    uint32_t codes[LB_PANEL];
    elements_of(f, at, codes);
    const int32_t offset = w->type.offset == LOWBIT_SYMMETRIC ? f->value_offset : 0, scale = f->value_scale;
    if (w->book)
        for (int c = 0; c < LB_PANEL; c++) values[c] = w->book[codes[c]];
    else
        for (int c = 0; c < LB_PANEL; c++) values[c] = (int16_t)(scale * (int32_t)codes[c] - offset);
    if (w->zeros)
        for (int c = 0; c < LB_PANEL; c++) values[c] = (int16_t)(values[c] - w->zeros[at->entry + c]);
    if (w->multipliers)
        for (int c = 0; c < LB_PANEL; c++) values[c] = (int16_t)(values[c] * w->multipliers[at->entry + c]);
}

static void floats_of(const lowbit_packed *w, const lb_format *f, const place *at, float *values) {
    if (lb_is_float(f)) {
        uint32_t bits[LB_PANEL];
        elements_of(f, at, bits);
        for (int c = 0; c < LB_PANEL; c++)
            values[c] = f->coding == LB_CODING_F32 ? lb_bits_float(bits[c]) : lb_bf16_to_float((uint16_t)bits[c]);
        return;
    }
    int16_t integers[LB_PANEL];
    integers_of(w, f, at, integers);
    for (int c = 0; c < LB_PANEL; c++) {
        values[c] = (float)integers[c] * lb_scale_load(w->type.scale_type, w->scales, at->scale + c);
        if (w->mins) values[c] += lb_scale_load(w->type.scale_type, w->mins, at->entry + c);
    }
}

/* Taps of one panel, line by line: to integers or to floats, the other being NULL. */
static void walk_panel(const lowbit_packed *w, const lb_format *f, int64_t panel, int64_t block, int16_t *integers,
                       float *floats) {
    const int64_t line_k = lb_line_k(f), group = w->groups > 1 ? w->type.group : w->k;
    place at = {.line = w->lines + panel * w->panel_lines * LB_LINE};
    for (int64_t k = 0; k < w->k; k++, at.k++) {
        if (at.k == line_k) at.line += LB_LINE, at.k = 0;
        if (k % group == 0) {
            at.entry = (panel * w->groups + k / group) * LB_PANEL;
            at.scale = w->type.progressive ? panel * LB_PANEL : at.entry;
        }
        if (integers)
            integers_of(w, f, &at, integers + k * block);
        else
            floats_of(w, f, &at, floats + k * block);
    }
}

void lb_depth_integers(const lowbit_packed *w, int64_t n, int64_t block, int16_t *values) {
    const int64_t last = lb_div_up(w->n, LB_PANEL) - 1;
    for (int64_t p = 0; p < block / LB_PANEL; p++)
        walk_panel(w, lb_format_of(w->type.format), lb_min(n / LB_PANEL + p, last), block, values + p * LB_PANEL, NULL);
}

void lb_depth_floats(const lowbit_packed *w, int64_t n, int64_t block, float *values) {
    const int64_t last = lb_div_up(w->n, LB_PANEL) - 1;
    for (int64_t p = 0; p < block / LB_PANEL; p++)
        walk_panel(w, lb_format_of(w->type.format), lb_min(n / LB_PANEL + p, last), block, NULL, values + p * LB_PANEL);
}
