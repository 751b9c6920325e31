/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/conv_windows.h"

#include <string.h>

/* Of `taps` taps from position `at` on, `dilation` apart, those that lie in [0, size). */
static void inside(int64_t at, int64_t dilation, int64_t taps, int64_t size, int64_t range[2]) {
    range[0] = at < 0 ? lb_min(taps, lb_div_up(-at, dilation)) : 0;
    range[1] = size - at > dilation * (taps - 1) ? taps : lb_max(range[0], lb_div_up(size - at, dilation));
}

lb_window lb_window_at(const lb_windows *windows, int64_t m) {
    const lowbit_conv2d *c = windows->conv;
    const int64_t line = m / windows->shape->out_width, ox = m - line * windows->shape->out_width;
    const int64_t image = line / windows->shape->out_height, oy = line - image * windows->shape->out_height;
    lb_window w = {.image = image, .y = oy * c->stride_y - c->pad_top, .x = ox * c->stride_x - c->pad_left};
    inside(w.y, c->dilation_y, c->kernel_height, c->height, w.ky);
    inside(w.x, c->dilation_x, c->kernel_width, c->width, w.kx);
    return w;
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

/* One line of taps, of which some are inside: neighbours that are contiguous at once. */
static void gather_line(const lb_windows *windows, const lb_window *window, int64_t ky, uint8_t *to) {
    const lowbit_conv2d *c = windows->conv;
    const int64_t tap = windows->tap, first = window->kx[0], last = window->kx[1];
    const uint8_t *from = lb_window_tap(windows, window, ky, first);
    if (first > 0) memset(to, windows->outside, (size_t)(first * tap));
    if (c->dilation_x == 1 && tap == windows->pixel)
        copy(to + first * tap, from, (last - first) * tap);
    else
        for (int64_t kx = first; kx < last; kx++, from += c->dilation_x * windows->pixel)
            copy(to + kx * tap, from, tap);
    if (last < c->kernel_width) memset(to + last * tap, windows->outside, (size_t)((c->kernel_width - last) * tap));
}

void lb_window_gather(const lb_windows *windows, const lb_window *window, uint8_t *to) {
    const lowbit_conv2d *c = windows->conv;
    const int64_t bytes = c->kernel_width * windows->tap;
    const bool any = window->kx[0] < window->kx[1];
    for (int64_t ky = 0; ky < c->kernel_height; ky++, to += bytes) {
        if (any && ky >= window->ky[0] && ky < window->ky[1])
            gather_line(windows, window, ky, to);
        else
            memset(to, windows->outside, (size_t)bytes);
    }
}
