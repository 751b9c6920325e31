/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/conv_sums.h"

#include "kernels/formats/format.h"

bool lb_conv_sums_pixels(const lowbit_conv2d *conv, const lb_conv_shape *shape, const lowbit_problem *product) {
    enum { FEWEST = 16 };
    return conv->groups == 1 && conv->dilation_x == 1 && conv->channels >= FEWEST &&
           lb_groups(shape->k, product->weights.group) == 1;
}

/* Lines of the image that so many windows have between the first and the last; from the last line of windows of an
 * image to the first of the next it is further than a stride where the last windows leave lines over. */
static int64_t most_lines(const lowbit_conv2d *c, const lb_conv_shape *shape, int64_t rows) {
    const int64_t down = lb_div_up(rows - 1, shape->out_width), images = lb_div_up(down, shape->out_height);
    const int64_t left_over = lb_max(0, c->height - shape->out_height * c->stride_y);
    return down * c->stride_y + images * left_over + (c->kernel_height - 1) * c->dilation_y + 1;
}

int64_t lb_conv_sums_bytes(const lowbit_conv2d *conv, const lb_conv_shape *shape, int64_t rows) {
    const int64_t elements = most_lines(conv, shape, rows) * (conv->width + 1);
    return lb_round_up(elements * (int64_t)sizeof(uint32_t), LB_LINE);
}

/* Lines of the image, counted through the whole batch, and the sums [line][width + 1] of all pixels in front of each.
 */
typedef struct lines {
    int64_t first, last; /* last - 1 is the last one */
    uint32_t *sums;
} lines;

/* Line `y` of the window's image, or its edge. */
static int64_t line_of(const lowbit_conv2d *c, const lb_conv_window *w, int64_t y) {
    return w->image * c->height + lb_min(lb_max(y, 0), c->height);
}

static lines lines_of(const lb_conv_windows *windows, int64_t m, int64_t rows, uint32_t *scratch) {
    const lowbit_conv2d *c = windows->conv;
    const lb_conv_window first = lb_conv_window_at(windows, m), last = lb_conv_window_at(windows, m + rows - 1);
    return (lines){.first = line_of(c, &first, first.y),
                   .last = line_of(c, &last, last.y + (c->kernel_height - 1) * c->dilation_y + 1),
                   .sums = scratch};
}

static void sum_pixels(const lb_isa_unit *unit, const lb_conv_windows *windows, const lines *all) {
    const int64_t width = windows->conv->width;
    uint32_t *sums = all->sums;
    for (int64_t line = all->first; line < all->last; line++, sums += width + 1) {
        const int8_t *codes = (const int8_t *)windows->image + line * windows->line;
        sums[0] = 0;
        unit->sum_codes(codes, (size_t)windows->pixel, (size_t)width, (int32_t *)sums + 1);
        for (int64_t x = 0; x < width; x++) sums[x + 1] += sums[x];
    }
}

/* The sum of what lies outside of a window. */
static int32_t outside_sum(const lb_conv_windows *windows, const lb_conv_window *w) {
    const int64_t outside = windows->shape->k - lb_conv_window_taps(w) * windows->shape->depth;
    return (int32_t)((uint32_t)windows->outside * (uint32_t)outside);
}

/* Windows `w` and on that lie in one line, with the same taps of their lines inside. */
static void sum_windows(const lb_conv_windows *windows, const lines *all, const lb_conv_window *w, int64_t count,
                        int32_t *sums) {
    const lowbit_conv2d *c = windows->conv;
    const int64_t step = c->width + 1, apart = c->stride_x, taps = w->kx[1] - w->kx[0];
    const int32_t outside = outside_sum(windows, w);
    for (int64_t i = 0; i < count; i++) sums[i] = outside;
    for (int64_t ky = w->ky[0]; taps > 0 && ky < w->ky[1]; ky++) {
        const int64_t line = w->image * c->height + w->y + ky * c->dilation_y - all->first;
        const uint32_t *at = all->sums + line * step + w->x + w->kx[0];
        for (int64_t i = 0; i < count; i++)
            sums[i] = (int32_t)((uint32_t)sums[i] + at[i * apart + taps] - at[i * apart]);
    }
}

void lb_conv_sums(const lb_isa_unit *unit, const lb_conv_windows *windows, int64_t m, int64_t rows, uint32_t *scratch,
                  int32_t *sums) {
    const lines all = lines_of(windows, m, rows, scratch);
    sum_pixels(unit, windows, &all);
    lb_conv_window at = lb_conv_window_at(windows, m);
    for (int64_t i = 0, count; i < rows; i += count, lb_conv_window_skip(windows, &at, count)) {
        count = lb_max(1, lb_min(rows - i, lb_conv_window_inner(windows, &at)));
        sum_windows(windows, &all, &at, count, sums + i);
    }
}
