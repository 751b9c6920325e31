/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of codes by every level, and of the windows of an image, in scratch of its exact size. */
#include "kernels/conv_sums.h"

#include <stdio.h>
#include <string.h>

#include "kernels/ukernels.h"
#include "tests/check.h"
#include "tests/problems.h"

enum { MOST = 20000 };

static int32_t sum(const int8_t *codes, int64_t k) {
    int32_t total = 0;
    for (int64_t i = 0; i < k; i++) total += codes[i];
    return total;
}

static int8_t *random_codes(int64_t count) {
    int8_t *codes = check_guarded((size_t)count, check_random() & 1 ? CHECK_GUARD_AFTER : CHECK_GUARD_BEFORE);
    const bool least = check_random() % 4 == 0;
    for (int64_t i = 0; i < count; i++) codes[i] = least ? INT8_MIN : (int8_t)check_random_in(INT8_MIN, INT8_MAX);
    return codes;
}

static void check_level(const lb_isa_unit *unit) {
    for (int round = 0; round < 300; round++) {
        const int64_t k = check_random_in(1, round % 3 ? 300 : MOST), count = check_random_in(0, round % 3 ? 5 : 1);
        const int8_t *codes = random_codes(lb_max(1, k * count));
        int32_t got[5], want[5];
        for (int64_t i = 0; i < count; i++) want[i] = sum(codes + i * k, k);
        check_context("%lld sums of %lld by %s", (long long)count, (long long)k, lb_unit_name(unit));
        unit->sum_codes(codes, (size_t)k, (size_t)count, got);
        CHECK(memcmp(got, want, (size_t)count * sizeof *got) == 0);
        check_guard_free_all();
    }
}

/* ---- windows ---- */

static lowbit_conv2d any_conv(void) {
    lowbit_conv2d c = LOWBIT_CONV2D_INIT;
    char text[160];
    snprintf(text, sizeof text, "i8a8s:b%dh%dw%dc%dn1k%dx%ds%dx%dp%dx%dd%dx1", (int)check_random_in(1, 3),
             (int)check_random_in(1, 9), (int)check_random_in(1, 9), (int)check_random_in(16, 80),
             (int)check_random_in(1, 4), (int)check_random_in(1, 4), (int)check_random_in(1, 5),
             (int)check_random_in(1, 3), (int)check_random_in(0, 3), (int)check_random_in(0, 3),
             (int)check_random_in(1, 3));
    CHECK(lowbit_conv2d_parse(text, &c, NULL) == LOWBIT_OK);
    check_context("%s", text);
    return c;
}

/* Window m, tap by tap. */
static int32_t sum_window(const lb_conv_windows *windows, int64_t m) {
    const lowbit_conv2d *c = windows->conv;
    const int64_t line = m / windows->shape->out_width, image = line / windows->shape->out_height;
    const int64_t top = line % windows->shape->out_height * c->stride_y - c->pad_top;
    const int64_t left = m % windows->shape->out_width * c->stride_x - c->pad_left;
    int32_t total = 0;
    for (int64_t ky = 0; ky < c->kernel_height; ky++)
        for (int64_t kx = 0; kx < c->kernel_width; kx++) {
            const int64_t y = top + ky * c->dilation_y, x = left + kx;
            const bool inside = y >= 0 && y < c->height && x >= 0 && x < c->width;
            const int64_t at = (image * c->height + y) * windows->line + x * windows->pixel;
            total += inside ? sum((const int8_t *)windows->image + at, c->channels)
                            : windows->outside * (int32_t)c->channels;
        }
    return total;
}

/* Some windows of an image whose lines are further apart than they are long. */
static void check_windows(const lb_isa_unit *unit) {
    const lowbit_conv2d c = any_conv();
    lb_conv_shape shape;
    if (lb_conv_shape_of(&c, &shape, NULL) != LOWBIT_OK) return;
    const int64_t pixel = c.channels, line = c.width * pixel + check_random_in(0, 64);
    const int8_t *codes = random_codes(c.batch * c.height * line);
    const lb_conv_windows windows = {.conv = &c,
                                     .shape = &shape,
                                     .image = (const uint8_t *)codes,
                                     .pixel = pixel,
                                     .line = line,
                                     .tap = pixel,
                                     .outside = (int)check_random_in(INT8_MIN, INT8_MAX)};
    const int64_t m = check_random_in(0, shape.m - 1), rows = check_random_in(1, shape.m - m);
    const int64_t bytes = lb_conv_sums_bytes(&c, &shape, rows);
    int32_t *sums = check_guarded((size_t)rows * sizeof *sums, CHECK_GUARD_AFTER);
    lb_conv_sums(unit, &windows, m, rows, check_guarded((size_t)bytes, CHECK_GUARD_AFTER), sums);
    for (int64_t i = 0; i < rows; i++) CHECK(sums[i] == sum_window(&windows, m + i));
    check_guard_free_all();
}

void subject_conv_sums(void) {
    lowbit_ctx *ctx = context_with(0);
    for (size_t u = 0; lb_unit_at(u); u++)
        if (lb_unit_at(u)->isa & ctx->isa_enabled) check_level(lb_unit_at(u));
    for (int round = 0; round < 2000; round++) check_windows(lb_unit_best(ctx));
    lowbit_ctx_destroy(ctx);
}
