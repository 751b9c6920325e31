/* SPDX-License-Identifier: Apache-2.0 */
/* Images: which decoder, memory, and the cut that networks want. */
#include "nn/image.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"
#include "nn/mapped.h"

/* The decoders, by the bytes that a file begins with. */
static const struct decoder {
    const char *magic;
    size_t length;
    lowbit_status (*decode)(const uint8_t *bytes, size_t length, lb_image *image, lowbit_error *error);
} kDecoders[] = {{"\x89PNG\r\n\x1a\n", 8, lb_png_decode}, {"\xFF\xD8\xFF", 3, lb_jpeg_decode}};

lowbit_status lb_image_make(int64_t width, int64_t height, lb_image *image, lowbit_error *error) {
    LB_REQUIRE(width > 0 && height > 0, error, LOWBIT_BAD_FORMAT, "an image of %lld x %lld pixels", (long long)width,
               (long long)height);
    LB_REQUIRE(width <= LB_IMAGE_SIDE && height <= LB_IMAGE_SIDE && width * height <= LB_IMAGE_PIXELS, error,
               LOWBIT_UNSUPPORTED, "an image of %lld x %lld pixels: at most %d along a side and %d in all are read",
               (long long)width, (long long)height, (int)LB_IMAGE_SIDE, (int)LB_IMAGE_PIXELS);
    *image = (lb_image){width, height, malloc((size_t)(width * height * LB_CHANNELS))};
    LB_REQUIRE(image->rgb, error, LOWBIT_NO_MEMORY, "no memory for an image of %lld x %lld pixels", (long long)width,
               (long long)height);
    return LOWBIT_OK;
}

void lb_image_free(lb_image *image) {
    free(image->rgb);
    *image = (lb_image){0, 0, NULL};
}

lowbit_status lb_image_decode(const uint8_t *bytes, size_t length, lb_image *image, lowbit_error *error) {
    *image = (lb_image){0, 0, NULL};
    for (size_t i = 0; i < LB_COUNT(kDecoders); i++) {
        const struct decoder *d = &kDecoders[i];
        if (length < d->length || memcmp(bytes, d->magic, d->length) != 0) continue;
        const lowbit_status status = d->decode(bytes, length, image, error);
        if (status != LOWBIT_OK) lb_image_free(image);
        return status;
    }
    return lb_fail(error, LOWBIT_UNSUPPORTED, "neither a PNG nor a JPEG");
}

lowbit_status lb_image_read(const char *path, lb_image *image, lowbit_error *error) {
    lb_mapped mapped;
    lowbit_error reason = LOWBIT_ERROR_INIT;
    *image = (lb_image){0, 0, NULL};
    LB_TRY(lb_map_file(path, &mapped, error));
    const lowbit_status status = lb_image_decode(mapped.bytes, mapped.length, image, &reason);
    lb_unmap(&mapped);
    return status == LOWBIT_OK ? status : lb_fail(error, status, "%.80s: %s", path, reason.message);
}

/* Half of a margin, rounded as Python's round(): halves to even. */
static int64_t half(int64_t margin) { return margin / 2 + (margin % 4 == 3); }

static lowbit_status crop_middle(const lb_image *in, int64_t side, lb_image *out, lowbit_error *error) {
    LB_REQUIRE(side <= in->width && side <= in->height, error, LOWBIT_INVALID_ARGUMENT,
               "%lld x %lld pixels cannot be cut from %lld x %lld", (long long)side, (long long)side,
               (long long)in->width, (long long)in->height);
    LB_TRY(lb_image_make(side, side, out, error));
    const uint8_t *from = in->rgb + (half(in->height - side) * in->width + half(in->width - side)) * LB_CHANNELS;
    for (int64_t y = 0; y < side; y++)
        memcpy(out->rgb + y * side * LB_CHANNELS, from + y * in->width * LB_CHANNELS, (size_t)(side * LB_CHANNELS));
    return LOWBIT_OK;
}

lowbit_status lb_image_fit(const lb_image *in, int64_t shorter, int64_t crop, lb_image *out, lowbit_error *error) {
    LB_REQUIRE(shorter >= 0 && shorter <= LB_IMAGE_SIDE && crop >= 0, error, LOWBIT_INVALID_ARGUMENT,
               "a shorter side of %lld and a crop of %lld pixels", (long long)shorter, (long long)crop);
    const int64_t side = lb_min(in->width, in->height), to = shorter ? shorter : side;
    lb_image sized;
    *out = (lb_image){0, 0, NULL};
    LB_TRY(lb_image_resize(in, in->width * to / side, in->height * to / side, &sized, error));
    if (!crop) {
        *out = sized;
        return LOWBIT_OK;
    }
    const lowbit_status status = crop_middle(&sized, crop, out, error);
    lb_image_free(&sized);
    return status;
}

void lb_image_floats(const lb_image *image, const lb_pixels *pixels, float *out) {
    lb_pixels_floats(pixels, image->rgb, image->width * image->height, LB_CHANNELS, 1, out);
}
