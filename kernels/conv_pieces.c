/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/conv_pieces.h"

static int64_t taps_of(const lb_conv_shape *shape) { return shape->k / shape->depth; }

static void widen(int64_t range[2], const int64_t more[2]) {
    range[0] = lb_min(range[0], more[0]);
    range[1] = lb_max(range[1], more[1]);
}

int64_t lb_conv_pieces_read(const lowbit_conv2d *conv, const lb_conv_shape *shape, int64_t mr) {
    const lb_conv_windows windows = {.conv = conv, .shape = shape};
    const int64_t rows = shape->out_height * shape->out_width;
    lb_conv_window window = lb_conv_window_at(&windows, 0);
    int64_t read = 0;
    for (int64_t m = 0; m < rows; m += mr) {
        int64_t ky[2] = {conv->kernel_height, 0}, kx[2] = {conv->kernel_width, 0};
        for (int64_t i = m; i < lb_min(rows, m + mr); i++, lb_conv_window_next(&windows, &window)) {
            widen(ky, window.ky);
            widen(kx, window.kx);
        }
        read += lb_max(0, ky[1] - ky[0]) * lb_max(0, kx[1] - kx[0]);
    }
    return read;
}

/* Bytes from the first tap of a window to each. */
static int64_t offset_bytes(const lb_conv_shape *shape) {
    return lb_round_up(taps_of(shape) * (int64_t)sizeof(int64_t), LB_LINE);
}

int64_t lb_conv_pieces_bytes(const lb_conv_shape *shape, int64_t mr, int64_t rows) {
    return offset_bytes(shape) +
           lb_round_up(lb_round_up(rows, mr) * taps_of(shape) * (int64_t)sizeof(int8_t *), LB_LINE);
}

/* What is the same for all windows. */
typedef struct taps {
    const lb_conv_windows *windows;
    const int8_t *outside;
    const int64_t *offsets;
    int64_t count, mr;
    const int8_t **at; /* [blocks][count][mr] */
} taps;

static void find_offsets(const lb_conv_windows *windows, int64_t *offsets) {
    const lowbit_conv2d *c = windows->conv;
    for (int64_t ky = 0; ky < c->kernel_height; ky++)
        for (int64_t kx = 0; kx < c->kernel_width; kx++)
            *offsets++ = ky * c->dilation_y * windows->line + kx * c->dilation_x * windows->pixel;
}

static const int8_t **row_of(const taps *t, int64_t i) { return t->at + i / t->mr * t->count * t->mr + i % t->mr; }

/* Window i, some of whose taps are outside. */
static void point(const taps *t, const lb_conv_window *w, int64_t i) {
    const lowbit_conv2d *c = t->windows->conv;
    const int8_t *first = (const int8_t *)lb_conv_window_tap(t->windows, w, 0, 0), **to = row_of(t, i);
    const int64_t *offset = t->offsets;
    for (int64_t ky = 0; ky < c->kernel_height; ky++) {
        const bool inside = ky >= w->ky[0] && ky < w->ky[1];
        for (int64_t kx = 0; kx < c->kernel_width; kx++, to += t->mr, offset++)
            *to = inside && kx >= w->kx[0] && kx < w->kx[1] ? first + *offset : t->outside;
    }
}

/* Windows i and on, all of whose taps are inside. */
static void point_inner(const taps *t, const lb_conv_window *w, int64_t i, int64_t count) {
    const int8_t *first = (const int8_t *)lb_conv_window_tap(t->windows, w, 0, 0);
    const int64_t step = t->windows->conv->stride_x * t->windows->pixel, mr = t->mr;
    const int8_t **to = row_of(t, i);
    for (int64_t lane = i % mr; count > 0; count--, first += step, to++, lane++) {
        if (lane == mr) {
            lane = 0;
            to += (t->count - 1) * mr; /* past the block's other taps */
        }
        for (int64_t tap = 0; tap < t->count; tap++) to[tap * mr] = first + t->offsets[tap];
    }
}

/* A tap that all rows of a block have outside is multiplied once for all of them: of an image of eight lines and
 * windows of 3 x 3, one in twelve. */
static void share(const taps *t, int64_t blocks) {
    const int8_t **at = t->at;
    for (int64_t piece = 0; piece < blocks * t->count; piece++, at += t->mr) {
        int64_t i = 0;
        while (i < t->mr && at[i] == t->outside) i++;
        if (i == t->mr) at[t->mr - 1] = NULL;
    }
}

lb_gemm_pieces lb_conv_pieces(const lb_conv_windows *windows, const uint8_t *outside, int64_t mr, int64_t m,
                              int64_t rows, void *memory) {
    const int8_t *empty = (const int8_t *)outside;
    const taps t = {.windows = windows,
                    .outside = empty,
                    .offsets = memory,
                    .count = taps_of(windows->shape),
                    .mr = mr,
                    .at = (const int8_t **)(void *)((uint8_t *)memory + offset_bytes(windows->shape))};
    find_offsets(windows, memory);
    lb_conv_window window = lb_conv_window_at(windows, m);
    for (int64_t i = 0, count; i < rows; i += count, lb_conv_window_skip(windows, &window, count)) {
        const int64_t inner = lb_min(rows - i, lb_conv_window_inner(windows, &window));
        count = lb_max(inner, 1);
        if (inner > 0)
            point_inner(&t, &window, i, inner);
        else
            point(&t, &window, i);
    }
    for (int64_t i = rows; i < lb_round_up(rows, mr); i++) /* padding: any row */
        for (int64_t tap = 0; tap < t.count; tap++) row_of(&t, i)[tap * mr] = empty;
    share(&t, lb_div_up(rows, mr));
    return (lb_gemm_pieces){t.at, t.count, windows->shape->depth};
}
