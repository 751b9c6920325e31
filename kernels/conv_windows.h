/* SPDX-License-Identifier: Apache-2.0 */
/* Windows of an image: which taps lie inside of it, and their elements, of any size, gathered into rows. */
#ifndef LOWBIT_KERNELS_CONV_WINDOWS_H_
#define LOWBIT_KERNELS_CONV_WINDOWS_H_

#include "kernels/conv.h"

/* Pixels in memory. */
typedef struct lb_conv_plane {
    const uint8_t *at;
    int64_t pixel, line; /* bytes from a pixel, and from a line, to the next */
} lb_conv_plane;

/* What windows are taken from. */
typedef struct lb_conv_windows {
    const lowbit_conv2d *conv;
    const lb_conv_shape *shape;
    const uint8_t *image; /* of the group's first channel in the first pixel */
    int64_t pixel, line;  /* bytes from a pixel, and from a line, to the next */
    int64_t tap;          /* bytes of the group's channels */
    int outside;          /* every byte of what is outside */
} lb_conv_windows;

/* One window: its first tap lies at line y, column x of an image, both of which may be outside; and the taps that lie
 * inside, which are a rectangle of them: lines ky[0] .. ky[1] - 1 and so on, maybe none. */
typedef struct lb_conv_window {
    int64_t image, y, x;
    int64_t ky[2], kx[2];
    int64_t m, left; /* its number, and how many follow it in the same line */
} lb_conv_window;

lb_conv_window lb_conv_window_at(const lb_conv_windows *windows, int64_t m);

/* The one after it: without divisions, but for the first of a line. */
void lb_conv_window_next(const lb_conv_windows *windows, lb_conv_window *window);

/* The one `count` after it, in the same line or the first of the next. */
void lb_conv_window_skip(const lb_conv_windows *windows, lb_conv_window *window, int64_t count);

/* How many windows from this one on, in its line, have all their taps inside. */
int64_t lb_conv_window_inner(const lb_conv_windows *windows, const lb_conv_window *window);

static inline int64_t lb_conv_window_taps(const lb_conv_window *window) {
    return (window->ky[1] - window->ky[0]) * (window->kx[1] - window->kx[0]);
}

/* The pixel of a tap that lies inside. */
static inline const uint8_t *lb_conv_window_tap(const lb_conv_windows *windows, const lb_conv_window *window,
                                                int64_t ky, int64_t kx) {
    const lowbit_conv2d *c = windows->conv;
    const int64_t y = window->image * c->height + window->y + ky * c->dilation_y, x = window->x + kx * c->dilation_x;
    return windows->image + y * windows->line + x * windows->pixel;
}

/* Row `to` = all taps of the window, in order. */
void lb_conv_window_gather(const lb_conv_windows *windows, const lb_conv_window *window, uint8_t *restrict to);

#endif
