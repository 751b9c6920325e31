/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of the weights of each tap, by which a product of counted bits leaves out what is outside of the image. */
#include "kernels/conv_taps.h"

#include <string.h>

#include "kernels/formats/format.h"
#include "kernels/layout.h"

/* Signs, whose weights are signs too. */
static lowbit_status shape_of_signs(const lowbit_conv2d *conv, lb_conv_shape *shape, lowbit_error *error) {
    LB_TRY(lb_conv_shape_of(conv, shape, error));
    LB_REQUIRE(conv->product.activations == LOWBIT_A1 && conv->product.weights.format == LOWBIT_B1, error,
               LOWBIT_INVALID_ARGUMENT, "tap sums are of b1 weights with a1 activations");
    return LOWBIT_OK;
}

lowbit_status lowbit_conv2d_tap_sums_size(const lowbit_conv2d *conv, int64_t *bytes, lowbit_error *error) {
    LB_REQUIRE(bytes, error, LOWBIT_INVALID_ARGUMENT, "bytes is NULL");
    lb_conv_shape shape;
    LB_TRY(shape_of_signs(conv, &shape, error));
    *bytes = conv->kernel_height * conv->kernel_width * lb_round_up(shape.n, LB_PANEL) * (int64_t)sizeof(int32_t);
    return LOWBIT_OK;
}

lowbit_status lowbit_conv2d_tap_sums(const lowbit_conv2d *conv, const lowbit_packed *w, int32_t *sums, int64_t size,
                                     lowbit_error *error) {
    LB_REQUIRE(sums, error, LOWBIT_INVALID_ARGUMENT, "sums is NULL");
    lb_conv_shape shape;
    int64_t bytes = 0;
    LB_TRY(shape_of_signs(conv, &shape, error));
    LB_TRY(lowbit_conv2d_tap_sums_size(conv, &bytes, error));
    LB_REQUIRE(w && LB_HAS_FIELD(w, lowbit_packed, book) && w->lines, error, LOWBIT_INVALID_ARGUMENT,
               "weights is not an opened blob");
    LB_REQUIRE(w->type.format == LOWBIT_B1 && w->n == shape.n && w->k == shape.k, error, LOWBIT_INVALID_ARGUMENT,
               "the weights are %lld x %lld of format %u, the convolution needs %lld x %lld of b1", (long long)w->n,
               (long long)w->k, w->type.format, (long long)shape.n, (long long)shape.k);
    LB_REQUIRE(size >= bytes, error, LOWBIT_TOO_SMALL, "sums has %lld bytes, %lld are needed", (long long)size,
               (long long)bytes);
    const lb_format *f = lb_format_of(w->type.format);
    const int64_t columns = lb_round_up(shape.n, LB_PANEL);
    for (int64_t t = 0; t < shape.k / shape.depth; t++)
        for (int64_t n = 0; n < columns; n++) { /* those that are padding have code 0 */
            int32_t sum = 0;
            for (int64_t k = t * shape.depth; k < (t + 1) * shape.depth; k++)
                sum += (int32_t)lb_element_at(f, w->lines, w->panel_lines, n, k);
            sums[t * columns + n] = sum;
        }
    return LOWBIT_OK;
}

/* Bytes of the pointers, of what counts, and of a row of sums. */
static int64_t pointer_bytes(int64_t rows) { return lb_round_up(rows * (int64_t)sizeof(int32_t *), LB_LINE); }
static int64_t counted_bytes(int64_t rows) { return lb_round_up(rows * (int64_t)sizeof(int32_t), LB_LINE); }
static int64_t sum_columns(const lb_conv_shape *shape) { return lb_round_up(shape->n, LB_PANEL); }

int64_t lb_conv_start_bytes(const lb_conv_shape *shape, int64_t rows) {
    return pointer_bytes(rows) + counted_bytes(rows) + rows * sum_columns(shape) * (int64_t)sizeof(int32_t);
}

static void add_outside(const lb_conv_windows *windows, const lb_conv_window *w, const int32_t *tap_sums,
                        int32_t *sums) {
    const int64_t columns = sum_columns(windows->shape);
    memset(sums, 0, (size_t)columns * sizeof *sums);
    for (int64_t ky = 0; ky < windows->conv->kernel_height; ky++)
        for (int64_t kx = 0; kx < windows->conv->kernel_width; kx++, tap_sums += columns) {
            if (ky >= w->ky[0] && ky < w->ky[1] && kx >= w->kx[0] && kx < w->kx[1]) continue;
            for (int64_t n = 0; n < columns; n++) sums[n] += tap_sums[n];
        }
}

lb_gemm_start lb_conv_start(const lb_conv_windows *windows, const int32_t *tap_sums, int64_t m, int64_t rows,
                            void *memory) {
    const lb_conv_shape *shape = windows->shape;
    uint8_t *bytes = memory;
    const int32_t **pointers = memory;
    int32_t *counted = (int32_t *)(void *)(bytes + pointer_bytes(rows));
    int32_t *sums = (int32_t *)(void *)(bytes + pointer_bytes(rows) + counted_bytes(rows));
    lb_conv_window window = lb_conv_window_at(windows, m);
    for (int64_t i = 0; i < rows; i++, sums += sum_columns(shape), lb_conv_window_next(windows, &window)) {
        const int64_t inside = lb_conv_window_taps(&window) * shape->depth;
        counted[i] = (int32_t)inside;
        pointers[i] = inside < shape->k ? sums : NULL;
        if (pointers[i]) add_outside(windows, &window, tap_sums, sums);
    }
    return (lb_gemm_start){pointers, counted};
}
