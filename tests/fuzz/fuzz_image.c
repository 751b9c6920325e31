/* SPDX-License-Identifier: Apache-2.0 */
/* Images: any bytes. What decodes has the size that it says, and can be resized and cut. */
#include <stdlib.h>
#include <string.h>

#include "nn/image.h"
#include "tests/encode.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    lb_image image, cut;
    lowbit_error error = LOWBIT_ERROR_INIT;
    const lowbit_status status = lb_image_decode(data, size, &image, &error);
    if (status != LOWBIT_OK) {
        fuzz_require(error.message[0] != 0 && !image.rgb, "a refusal has a reason");
        return 0;
    }
    const int64_t pixels = image.width * image.height;
    fuzz_require(image.width > 0 && image.height > 0 && pixels <= LB_IMAGE_PIXELS, "sizes are bounded");
    unsigned sum = 0;
    for (int64_t i = 0; i < pixels * LB_CHANNELS; i++) sum += image.rgb[i];
    fuzz_require(sum <= 255U * 3U * (unsigned)pixels || pixels > 1 << 22, "every pixel is there");
    if (image.width < 8 * image.height && image.height < 8 * image.width) {
        fuzz_require(lb_image_fit(&image, 8, 7, &cut, &error) == LOWBIT_OK, "it is cut");
        fuzz_require(cut.width == 7 && cut.height == 7, "to its size");
        lb_image_free(&cut);
    }
    lb_image_free(&image);
    return 0;
}

/* One of each kind. */
size_t fuzz_seed(size_t index, uint8_t *data, size_t room) {
    enum { WIDTH = 19, HEIGHT = 11 };
    static const encode_png_options kPngs[] = {
        {ENCODE_RGB, 8, false},     {ENCODE_RGB, 8, true},   {ENCODE_GREY, 8, false}, {ENCODE_GREY, 16, true},
        {ENCODE_PALETTE, 8, false}, {ENCODE_RGBA, 8, false}, {ENCODE_RGBA, 16, true}};
    static const int kComponents[] = {1, 3, 4};
    enum { PNGS = sizeof kPngs / sizeof *kPngs, JPEGS = 2 * sizeof kComponents / sizeof *kComponents };
    uint8_t rows[WIDTH * HEIGHT * 8];
    for (size_t i = 0; i < sizeof rows; i++) rows[i] = (uint8_t)(i * i / 7);
    if (index < PNGS) return encode_png(WIDTH, HEIGHT, kPngs[index], rows, data, room);
    index -= PNGS;
    if (index >= JPEGS) return 0;
    return encode_jpeg(WIDTH, HEIGHT, kComponents[index / 2], index % 2, rows, data, room);
}
