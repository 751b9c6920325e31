/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/conv_windows.h"

#include <string.h>

/* Of `taps` taps from position `at` on, `dilation` apart, those that lie in [0, size). */
static void inside(int64_t at, int64_t dilation, int64_t taps, int64_t size, int64_t range[2]) {
    range[0] = at < 0 ? lb_min(taps, lb_div_up(-at, dilation)) : 0;
    range[1] = size - at > dilation * (taps - 1) ? taps : lb_max(range[0], lb_div_up(size - at, dilation));
}

lb_conv_window lb_conv_window_at(const lb_conv_windows *windows, int64_t m) {
    const lowbit_conv2d *c = windows->conv;
    const int64_t line = m / windows->shape->out_width, ox = m - line * windows->shape->out_width;
    const int64_t image = line / windows->shape->out_height, oy = line - image * windows->shape->out_height;
    lb_conv_window w = {.image = image, .m = m, .left = windows->shape->out_width - 1 - ox};
    w.y = oy * c->stride_y - c->pad_top;
    w.x = ox * c->stride_x - c->pad_left;
    inside(w.y, c->dilation_y, c->kernel_height, c->height, w.ky);
    inside(w.x, c->dilation_x, c->kernel_width, c->width, w.kx);
    return w;
}

void lb_conv_window_skip(const lb_conv_windows *windows, lb_conv_window *w, int64_t count) {
    const lowbit_conv2d *c = windows->conv;
    if (w->left < count) {
        *w = lb_conv_window_at(windows, w->m + count);
        return;
    }
    w->m += count;
    w->left -= count;
    w->x += count * c->stride_x;
    inside(w->x, c->dilation_x, c->kernel_width, c->width, w->kx);
}

void lb_conv_window_next(const lb_conv_windows *windows, lb_conv_window *w) { lb_conv_window_skip(windows, w, 1); }

int64_t lb_conv_window_inner(const lb_conv_windows *windows, const lb_conv_window *w) {
    const lowbit_conv2d *c = windows->conv;
    const int64_t room = c->width - 1 - (c->kernel_width - 1) * c->dilation_x - w->x;
    if (w->x < 0 || room < 0 || w->ky[0] > 0 || w->ky[1] < c->kernel_height) return 0;
    return lb_min(w->left, room / c->stride_x) + 1;
}

/* memcpy of a few bytes, of which every row has some: a call costs as much as they do. */
static inline void copy(uint8_t *to, const uint8_t *from, int64_t bytes) {
    enum { STEP = 16, FEW = 8, MANY = 512 };
    if (bytes < FEW || bytes > MANY) {
        memcpy(to, from, (size_t)bytes);
    } else if (bytes < STEP) { /* the last ones overlap */
        memcpy(to, from, FEW);
        memcpy(to + bytes - FEW, from + bytes - FEW, FEW);
    } else {
        for (int64_t i = 0; i < bytes - STEP; i += STEP) memcpy(to + i, from + i, STEP);
        memcpy(to + bytes - STEP, from + bytes - STEP, STEP);
    }
}

/* What the lines of a window have in common, away from memory that a byte stored to a row might be. */
typedef struct line {
    int64_t before, inside, after; /* bytes */
    int64_t tap, step;             /* bytes of a tap, and from one to the next; equal: they are copied together */
    int outside;
} line;

static inline void gather_line(line l, const uint8_t *restrict from, uint8_t *restrict to) {
    if (l.before > 0) memset(to, l.outside, (size_t)l.before);
    if (l.tap == l.step)
        copy(to + l.before, from, l.inside);
    else
        for (int64_t at = 0; at < l.inside; at += l.tap, from += l.step) copy(to + l.before + at, from, l.tap);
    if (l.after > 0) memset(to + l.before + l.inside, l.outside, (size_t)l.after);
}

void lb_conv_window_gather(const lb_conv_windows *windows, const lb_conv_window *window, uint8_t *restrict to) {
    const lowbit_conv2d *c = windows->conv;
    const int64_t tap = windows->tap, bytes = c->kernel_width * tap, lines = c->kernel_height;
    const int64_t first = window->ky[0], last = window->kx[0] < window->kx[1] ? window->ky[1] : first;
    const int64_t down = c->dilation_y * windows->line;
    const line l = {.before = window->kx[0] * tap,
                    .inside = (window->kx[1] - window->kx[0]) * tap,
                    .after = bytes - window->kx[1] * tap,
                    .tap = tap,
                    .step = c->dilation_x * windows->pixel,
                    .outside = windows->outside};
    const uint8_t *from = lb_conv_window_tap(windows, window, first, window->kx[0]);
    if (first > 0) memset(to, l.outside, (size_t)(first * bytes));
    for (int64_t ky = first; ky < last; ky++, from += down) gather_line(l, from, to + ky * bytes);
    if (last < lines) memset(to + last * bytes, l.outside, (size_t)((lines - last) * bytes));
}
