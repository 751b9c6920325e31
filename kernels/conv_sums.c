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

/* Lines of the image, counted through the whole batch, and pixels of each; and the sums of the codes of all pixels in
 * front of each of these, [line][right - left + 1]. */
typedef struct area {
    int64_t top, bottom, left, right; /* the last ones are bottom - 1 and right - 1 */
    int64_t origin, every, used;      /* of `every` lines from the origin on, taps meet the first `used` alone */
    uint32_t *sums;
} area;

static int64_t clamp(int64_t at, int64_t size) { return lb_min(lb_max(at, 0), size); }

/* What windows m and on reach: whole lines, but where they begin in one line all. */
static area area_of(const lb_conv_windows *windows, int64_t m, int64_t rows, uint32_t *scratch) {
    const lowbit_conv2d *c = windows->conv;
    const lb_conv_window first = lb_conv_window_at(windows, m), last = lb_conv_window_at(windows, m + rows - 1);
    const int64_t down = (c->kernel_height - 1) * c->dilation_y + 1;
    area a = {.top = first.image * c->height + clamp(first.y, c->height),
              .bottom = last.image * c->height + clamp(last.y + down, c->height),
              .right = c->width,
              .origin = first.image * c->height + first.y,
              .every = c->dilation_y,
              .used = first.image == last.image ? last.y - first.y + 1 : c->dilation_y,
              .sums = scratch};
    if (first.image == last.image && first.y == last.y) {
        a.left = clamp(first.x, c->width);
        a.right = clamp(last.x + c->kernel_width, c->width);
    }
    return a;
}

static void sum_pixels(const lb_isa_unit *unit, const lb_conv_windows *windows, const area *a) {
    const int64_t count = a->right - a->left;
    uint32_t *sums = a->sums;
    for (int64_t line = a->top; count > 0 && line < a->bottom; line++, sums += count + 1) {
        if ((line - a->origin) % a->every >= a->used) continue;
        const uint8_t *codes = windows->image + line * windows->line + a->left * windows->pixel;
        sums[0] = 0;
        unit->sum_codes((const int8_t *)codes, (size_t)windows->pixel, (size_t)count, (int32_t *)sums + 1);
        for (int64_t x = 0; x < count; x++) sums[x + 1] += sums[x];
    }
}

/* The sum of what lies outside of a window. */
static int32_t outside_sum(const lb_conv_windows *windows, const lb_conv_window *w) {
    const int64_t outside = windows->shape->k - lb_conv_window_taps(w) * windows->shape->depth;
    return (int32_t)((uint32_t)windows->outside * (uint32_t)outside);
}

/* Windows `w` and on that lie in one line, with the same taps of their lines inside. */
static void sum_windows(const lb_conv_windows *windows, const area *a, const lb_conv_window *w, int64_t count,
                        int32_t *sums) {
    const lowbit_conv2d *c = windows->conv;
    const int64_t step = a->right - a->left + 1, apart = c->stride_x, taps = w->kx[1] - w->kx[0];
    const int32_t outside = outside_sum(windows, w);
    for (int64_t i = 0; i < count; i++) sums[i] = outside;
    for (int64_t ky = w->ky[0]; taps > 0 && ky < w->ky[1]; ky++) {
        const int64_t line = w->image * c->height + w->y + ky * c->dilation_y - a->top;
        const uint32_t *at = a->sums + line * step + w->x + w->kx[0] - a->left;
        for (int64_t i = 0; i < count; i++)
            sums[i] = (int32_t)((uint32_t)sums[i] + at[i * apart + taps] - at[i * apart]);
    }
}

void lb_conv_sums(const lb_isa_unit *unit, const lb_conv_windows *windows, int64_t m, int64_t rows, uint32_t *scratch,
                  int32_t *sums) {
    const area a = area_of(windows, m, rows, scratch);
    sum_pixels(unit, windows, &a);
    lb_conv_window at = lb_conv_window_at(windows, m);
    for (int64_t i = 0, count; i < rows; i += count, lb_conv_window_skip(windows, &at, count)) {
        count = lb_max(1, lb_min(rows - i, lb_conv_window_inner(windows, &at)));
        sum_windows(windows, &a, &at, count, sums + i);
    }
}
