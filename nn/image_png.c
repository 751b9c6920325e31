/* SPDX-License-Identifier: Apache-2.0 */
/* PNG through libpng's simplified interface, which returns where the other one jumps. */
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"
#include "nn/image.h"

enum { RGBA = 4 };

static lowbit_status refuse(const png_image *png, lowbit_error *error) {
    return lb_fail(error, LOWBIT_BAD_FORMAT, "a damaged PNG: %.64s", png->message);
}

/* Read with alpha, since without it libpng would lay the image over a background. */
static lowbit_status read_pixels(png_image *png, lb_image *image, lowbit_error *error) {
    LB_TRY(lb_image_make(png->width, png->height, image, error));
    const int64_t pixels = image->width * image->height;
    png->format = PNG_FORMAT_RGBA;
    png->flags |= PNG_IMAGE_FLAG_16BIT_sRGB; /* 16 bits are scaled as 8 are */
    uint8_t *rgba = malloc((size_t)(pixels * RGBA));
    LB_REQUIRE(rgba, error, LOWBIT_NO_MEMORY, "no memory for an image of %lld x %lld pixels", (long long)image->width,
               (long long)image->height);
    const bool good = png_image_finish_read(png, NULL, rgba, 0, NULL) != 0 && !PNG_IMAGE_FAILED(*png);
    for (int64_t i = 0; good && i < pixels; i++) memcpy(image->rgb + i * LB_CHANNELS, rgba + i * RGBA, LB_CHANNELS);
    free(rgba);
    return good ? LOWBIT_OK : refuse(png, error);
}

lowbit_status lb_png_decode(const uint8_t *bytes, size_t length, lb_image *image, lowbit_error *error) {
    png_image png = {.version = PNG_IMAGE_VERSION};
    const bool begun = png_image_begin_read_from_memory(&png, bytes, length) != 0;
    const lowbit_status status = begun ? read_pixels(&png, image, error) : refuse(&png, error);
    png_image_free(&png);
    return status;
}
