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
                          .panel_lines = lb_div_up(k, 4 * lb_fields(f)),
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
    LB_REQUIRE(fits, error, LOWBIT_INVALID_ARGUMENT, "a packed blob of %lld x %lld exceeds 2^62 bytes", (long long)n,
               (long long)k);
    layout->bytes = total + LB_SLACK_BYTES;
    return LOWBIT_OK;
}

/* Four codes of a row, one a byte, to the same field of one lane: no code reaches into its neighbour's byte, so whole
 * 32-bit words are shifted and joined. */
static uint32_t pack_lane(const uint8_t *codes, int64_t bits) {
    uint32_t lane = 0;
    for (int64_t f = 0; f < 8 / bits; f++) {
        uint32_t four;
        memcpy(&four, codes + 4 * f, sizeof four);
        lane |= four << (bits * f);
    }
    return lane;
}

void lb_pack_panel(const uint8_t *codes, int64_t stride, int64_t rows, int64_t k, int64_t bits, uint8_t *lines) {
    const int64_t step = 4 * (8 / bits), whole = k / step, all = lb_div_up(k, step);
    memset(lines, 0, (size_t)(all * LB_LINE));
    for (int64_t r = 0; r < rows; r++) {
        const uint8_t *row = codes + r * stride;
        for (int64_t l = 0; l < whole; l++) {
            const uint32_t lane = pack_lane(row + l * step, bits);
            memcpy(lines + l * LB_LINE + r * 4, &lane, sizeof lane);
        }
        if (whole < all) {
            uint8_t tail[32] = {0};
            memcpy(tail, row + whole * step, (size_t)(k - whole * step));
            const uint32_t lane = pack_lane(tail, bits);
            memcpy(lines + whole * LB_LINE + r * 4, &lane, sizeof lane);
        }
    }
}
