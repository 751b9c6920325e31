/* SPDX-License-Identifier: Apache-2.0 */
/* Bilinear resizing with antialiasing, in the integers of PIL (up to Pillow 12): first along rows, then along columns,
 * each output pixel a weighted sum of a range of input pixels,
 *
 *     scale = in / out      centre = (x + 1/2) scale      reach = max(scale, 1)
 *     weight(i) ~ max(0, 1 - |i + 1/2 - centre| / reach)      for centre - reach <= i + 1/2 <= centre + reach
 *
 * with weights that sum to 1, rounded to 22 bits behind the point, and sums rounded to 8-bit codes. */
#include <math.h>
#include <stdlib.h>

#include "kernels/base/base.h"
#include "nn/image.h"

enum { POINT = 22 };

/* Input pixels of each output pixel along one side: weights[x * room + i] is that of input first[x] + i. */
typedef struct taps {
    int64_t room; /* most of them */
    int64_t *first, *count;
    int32_t *weights;
} taps;

static void taps_free(taps *t) {
    free(t->first);
    free(t->count);
    free(t->weights);
}

static void fill_taps(taps *t, int64_t in, int64_t out, double *exact) {
    const double scale = (double)in / (double)out, reach = scale < 1 ? 1 : scale;
    for (int64_t x = 0; x < out; x++) {
        const double centre = ((double)x + 0.5) * scale;
        const int64_t first = lb_max((int64_t)(centre - reach + 0.5), 0);
        const int64_t end = lb_min((int64_t)(centre + reach + 0.5), in);
        double sum = 0;
        for (int64_t i = 0; i < end - first; i++) {
            const double distance = fabs(((double)(i + first) - centre + 0.5) * (1 / reach));
            exact[i] = distance < 1 ? 1 - distance : 0;
            sum += exact[i];
        }
        t->first[x] = first;
        t->count[x] = end - first;
        for (int64_t i = 0; i < end - first; i++)
            t->weights[x * t->room + i] = (int32_t)(0.5 + exact[i] / sum * (double)(1 << POINT));
    }
}

static lowbit_status taps_make(taps *t, int64_t in, int64_t out, lowbit_error *error) {
    t->room = 2 * lb_div_up(lb_max(in, out), out) + 1;
    t->first = calloc((size_t)out, sizeof *t->first);
    t->count = calloc((size_t)out, sizeof *t->count);
    t->weights = calloc((size_t)(out * t->room), sizeof *t->weights);
    double *exact = malloc((size_t)t->room * sizeof *exact);
    const bool good = t->first && t->count && t->weights && exact;
    if (good) fill_taps(t, in, out, exact);
    free(exact);
    LB_REQUIRE(good, error, LOWBIT_NO_MEMORY, "no memory for the weights of %lld pixels", (long long)out);
    return LOWBIT_OK;
}

/* The sum of `count` pixels that lie `step` bytes apart. Weights sum to 1 but for their roundings. */
static uint8_t weigh(const uint8_t *p, int64_t step, const int32_t *weights, int64_t count) {
    int32_t sum = 1 << (POINT - 1);
    for (int64_t i = 0; i < count; i++) sum += p[i * step] * weights[i];
    return (uint8_t)lb_min(sum >> POINT, 255);
}

static void resize_rows(const lb_image *in, const taps *t, lb_image *out) {
    for (int64_t y = 0; y < out->height; y++)
        for (int64_t x = 0; x < out->width; x++)
            for (int64_t c = 0; c < LB_CHANNELS; c++)
                out->rgb[(y * out->width + x) * LB_CHANNELS + c] =
                    weigh(in->rgb + (y * in->width + t->first[x]) * LB_CHANNELS + c, LB_CHANNELS,
                          t->weights + x * t->room, t->count[x]);
}

static void resize_columns(const lb_image *in, const taps *t, lb_image *out) {
    const int64_t row = in->width * LB_CHANNELS;
    for (int64_t y = 0; y < out->height; y++)
        for (int64_t x = 0; x < row; x++)
            out->rgb[y * row + x] = weigh(in->rgb + t->first[y] * row + x, row, t->weights + y * t->room, t->count[y]);
}

/* A side that keeps its length has taps of weight 1: the pixels themselves. */
lowbit_status lb_image_resize(const lb_image *in, int64_t width, int64_t height, lb_image *out, lowbit_error *error) {
    taps across = {0}, down = {0};
    lb_image middle = {0};
    *out = (lb_image){0, 0, NULL};
    lowbit_status status = lb_image_make(width, height, out, error);
    if (status == LOWBIT_OK) status = lb_image_make(width, in->height, &middle, error);
    if (status == LOWBIT_OK) status = taps_make(&across, in->width, width, error);
    if (status == LOWBIT_OK) status = taps_make(&down, in->height, height, error);
    if (status == LOWBIT_OK) {
        resize_rows(in, &across, &middle);
        resize_columns(&middle, &down, out);
    } else {
        lb_image_free(out);
    }
    lb_image_free(&middle);
    taps_free(&across);
    taps_free(&down);
    return status;
}
