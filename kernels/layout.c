/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/layout.h"

#include <string.h>

#include "kernels/formats/scale.h"

/* Appends a 64-byte aligned section of `bytes` and returns its offset. */
static bool append(int64_t *total, int64_t count, int64_t size, int64_t *offset) {
    *offset = *total;
    if (!lb_add_bytes(total, count, size) || *total > INT64_MAX / 2) return false;
    *total = lb_round_up(*total, LB_LINE);
    return true;
}

lowbit_status lb_layout_of(const lowbit_weight_type *type, int64_t n, int64_t k, lb_layout *layout,
                           lowbit_error *error) {
    LB_TRY(lb_check_weight_shape(type, n, k, error));
    const lb_format *f = lb_format_of(type->format);
    *layout = (lb_layout){.panels = lb_div_up(n, LB_PANEL),
                          .panel_lines = lb_div_up(k, lb_line_k(f)),
                          .groups = lb_groups(k, type->group),
                          .scale_groups = lb_scale_groups(type, k)};
    const int64_t entries = layout->panels * layout->groups * LB_PANEL; /* n < 2^31, groups < 2^17 */
    const int64_t scales = layout->panels * layout->scale_groups * LB_PANEL;
    const int64_t scale_bytes = lb_scale_bytes(type->scale_type);
    int64_t total = LB_HEADER_BYTES, lines;
    bool fits = append(&total, layout->panels * layout->panel_lines, LB_LINE, &lines);
    fits = fits && append(&total, scales, scale_bytes, &layout->scales);
    if (type->offset == LOWBIT_ZERO_POINT) fits = fits && append(&total, entries, 1, &layout->zeros);
    if (type->offset == LOWBIT_MINIMUM) fits = fits && append(&total, entries, scale_bytes, &layout->mins);
    if (type->progressive) fits = fits && append(&total, entries, 1, &layout->multipliers);
    if (lb_has_book(f)) fits = fits && append(&total, LB_BOOK, 1, &layout->book);
    LB_REQUIRE(fits, error, LOWBIT_INVALID_ARGUMENT, "a packed blob of %lld x %lld exceeds 2^62 bytes", (long long)n,
               (long long)k);
    layout->bytes = total + LB_SLACK_BYTES;
    return LOWBIT_OK;
}

static uint32_t load_word(const uint8_t *at) {
    uint32_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

uint32_t lb_line_element(const lb_format *format, const uint8_t *line, int64_t n, int64_t k) {
    const uint8_t *lane = line + n * 4;
    const int64_t bits = lb_bits(format), field = k / 4;
    switch (format->coding) {
        case LB_CODING_F32: return load_word(lane);
        case LB_CODING_BF16: return load_word(lane) >> 16 * k & 0xffff;
        case LB_CODING_T5: {
            uint32_t x = lane[k % 4];
            for (int64_t f = 0; f < field; f++) x = 3 * x & 0xff;
            return 3 * x >> 8;
        }
        default: return (uint32_t)lane[k % 4] >> bits * field & ((1u << bits) - 1);
    }
}

/* Four codes of a row, one a byte, to the same field of one lane: no code reaches into its neighbour's byte, so whole
 * 32-bit words are shifted and joined. */
static uint32_t pack_codes(const uint8_t *codes, int64_t bits) {
    uint32_t lane = 0;
    for (int64_t f = 0; f < 8 / bits; f++) lane |= load_word(codes + 4 * f) << (bits * f);
    return lane;
}

static uint32_t pack_trits(const uint8_t *codes) {
    uint32_t lane = 0;
    for (int64_t j = 0; j < 4; j++) {
        uint32_t v = 0;
        for (int64_t f = 0; f < 5; f++) v = 3 * v + codes[4 * f + j];
        lane |= (v * 256 + 242) / 243 << (8 * j);
    }
    return lane;
}

/* The lane of a line from lb_line_k elements. */
static uint32_t pack_lane(const lb_format *format, const uint8_t *elements) {
    switch (format->coding) {
        case LB_CODING_F32:
        case LB_CODING_BF16: return load_word(elements);
        case LB_CODING_T5: return pack_trits(elements);
        default: return pack_codes(elements, lb_bits(format));
    }
}

void lb_pack_panel(const lb_format *format, const uint8_t *elements, int64_t stride, int64_t rows, int64_t k,
                   uint8_t *lines) {
    const int64_t step = lb_line_k(format), bytes = lb_codings[format->coding].element_bytes;
    const int64_t whole = k / step, all = lb_div_up(k, step);
    memset(lines, 0, (size_t)(all * LB_LINE));
    for (int64_t r = 0; r < rows; r++) {
        const uint8_t *row = elements + r * stride * bytes;
        for (int64_t l = 0; l < whole; l++) {
            const uint32_t lane = pack_lane(format, row + l * step * bytes);
            memcpy(lines + l * LB_LINE + r * 4, &lane, sizeof lane);
        }
        if (whole < all) {
            uint8_t tail[32] = {0};
            memcpy(tail, row + whole * step * bytes, (size_t)((k - whole * step) * bytes));
            const uint32_t lane = pack_lane(format, tail);
            memcpy(lines + whole * LB_LINE + r * 4, &lane, sizeof lane);
        }
    }
}
