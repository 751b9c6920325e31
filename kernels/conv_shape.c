/* SPDX-License-Identifier: Apache-2.0 */
/* What a convolution's numbers must be, and what follows from them. */
#include "kernels/conv.h"
#include "kernels/formats/format.h"

/* A number of the struct, and the least that it may be. All are at most 2^31 - 1. */
typedef struct number {
    const char *name;
    int64_t value, least;
} number;

static lowbit_status check_numbers(const lowbit_conv2d *c, lowbit_error *error) {
    const number kNumbers[] = {{"batch", c->batch, 1},
                               {"height", c->height, 1},
                               {"width", c->width, 1},
                               {"channels", c->channels, 1},
                               {"out_channels", c->out_channels, 1},
                               {"kernel_height", c->kernel_height, 1},
                               {"kernel_width", c->kernel_width, 1},
                               {"stride_y", c->stride_y, 1},
                               {"stride_x", c->stride_x, 1},
                               {"pad_top", c->pad_top, 0},
                               {"pad_bottom", c->pad_bottom, 0},
                               {"pad_left", c->pad_left, 0},
                               {"pad_right", c->pad_right, 0},
                               {"dilation_y", c->dilation_y, 1},
                               {"dilation_x", c->dilation_x, 1},
                               {"groups", c->groups, 1}};
    for (size_t i = 0; i < LB_COUNT(kNumbers); i++)
        LB_REQUIRE(kNumbers[i].value >= kNumbers[i].least && kNumbers[i].value <= INT32_MAX, error,
                   LOWBIT_INVALID_ARGUMENT, "%s is %lld: legal are %lld to 2^31 - 1", kNumbers[i].name,
                   (long long)kNumbers[i].value, (long long)kNumbers[i].least);
    LB_REQUIRE(c->channels % c->groups == 0 && c->out_channels % c->groups == 0, error, LOWBIT_INVALID_ARGUMENT,
               "%lld groups do not divide %lld channels and %lld output channels", (long long)c->groups,
               (long long)c->channels, (long long)c->out_channels);
    return LOWBIT_OK;
}

/* One direction: how many outputs it has. Sizes are below 2^31, so an extent is below 2^62. */
static lowbit_status outputs(const char *direction, int64_t size, int64_t kernel, int64_t dilation, int64_t stride,
                             int64_t before, int64_t after, int64_t *out, lowbit_error *error) {
    const int64_t extent = dilation * (kernel - 1) + 1;
    LB_REQUIRE(before < extent && after < extent, error, LOWBIT_INVALID_ARGUMENT,
               "%s: padding of %lld and %lld, and the dilated kernel's extent is %lld: windows outside of the image",
               direction, (long long)before, (long long)after, (long long)extent);
    LB_REQUIRE(size + before + after >= extent, error, LOWBIT_INVALID_ARGUMENT,
               "%s: the dilated kernel's extent is %lld, the padded image has %lld", direction, (long long)extent,
               (long long)(size + before + after));
    *out = (size + before + after - extent) / stride + 1;
    return LOWBIT_OK;
}

/* a * b * c, or -1 where that is above `most`. */
static int64_t product_of(int64_t a, int64_t b, int64_t c, int64_t most) {
    int64_t product;
    const bool over = __builtin_mul_overflow(a, b, &product) || __builtin_mul_overflow(product, c, &product);
    return over || product > most ? -1 : product;
}

static bool image_fits(const lowbit_conv2d *c) {
    const int64_t most = INT64_MAX / 256, pixels = product_of(c->batch, c->height, c->width, most);
    return pixels > 0 && product_of(pixels, c->channels, 1, most) > 0;
}

lowbit_status lb_conv_shape_of(const lowbit_conv2d *c, lb_conv_shape *shape, lowbit_error *error) {
    LB_REQUIRE(c && LB_HAS_FIELD(c, lowbit_conv2d, product), error, LOWBIT_INVALID_ARGUMENT,
               "conv is NULL or its struct_size is too small");
    LB_TRY(check_numbers(c, error));
    lb_conv_shape s = {.depth = c->channels / c->groups, .outputs = c->out_channels / c->groups};
    LB_TRY(outputs("height", c->height, c->kernel_height, c->dilation_y, c->stride_y, c->pad_top, c->pad_bottom,
                   &s.out_height, error));
    LB_TRY(outputs("width", c->width, c->kernel_width, c->dilation_x, c->stride_x, c->pad_left, c->pad_right,
                   &s.out_width, error));
    LB_REQUIRE(image_fits(c), error, LOWBIT_INVALID_ARGUMENT, "the image has more elements than memory could hold");
    s.m = product_of(c->batch, s.out_height, s.out_width, INT32_MAX);
    s.k = product_of(c->kernel_height, c->kernel_width, s.depth, LOWBIT_MAX_K);
    LB_REQUIRE(s.m > 0, error, LOWBIT_INVALID_ARGUMENT, "%lld images of %lld x %lld outputs: M exceeds 2^31 - 1",
               (long long)c->batch, (long long)s.out_height, (long long)s.out_width);
    LB_REQUIRE(s.k > 0, error, LOWBIT_INVALID_ARGUMENT, "a kernel of %lld x %lld x %lld: K exceeds %d",
               (long long)c->kernel_height, (long long)c->kernel_width, (long long)s.depth, LOWBIT_MAX_K);
    s.depthwise = c->groups > 1 && s.depth == 1;
    s.matrices = s.depthwise ? 1 : c->groups;
    s.n = c->out_channels / s.matrices;
    s.padded = c->pad_top || c->pad_bottom || c->pad_left || c->pad_right;
    s.pixels = c->kernel_height == 1 && c->kernel_width == 1 && c->stride_y == 1 && c->stride_x == 1 && c->groups == 1;
    *shape = s;
    return LOWBIT_OK;
}

bool lb_conv_takes_codes(const lowbit_problem *p) {
    return p->static_scale || p->activations == LOWBIT_A1 || p->activations == LOWBIT_U1;
}

bool lb_conv_needs_tap_sums(const lowbit_problem *p, const lb_conv_shape *shape) {
    return p->activations == LOWBIT_A1 && p->weights.format == LOWBIT_B1 && shape->padded && !shape->depthwise;
}
