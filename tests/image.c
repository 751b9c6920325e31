/* SPDX-License-Identifier: Apache-2.0 */
/* Images: every kind that decodes, damaged and hostile files, and the sizes and cuts that networks want. */
#include "nn/image.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernels/base/base.h"
#include "tests/check.h"
#include "tests/encode.h"
#include "tuner/words.h"

enum { WIDTH = 37, HEIGHT = 23, PIXELS = WIDTH * HEIGHT, ROOM = 1 << 16 };

static uint8_t rows[PIXELS * 8], want[PIXELS * 3], file[ROOM];

static void check_same(const char *what, size_t length) {
    lb_image image;
    lowbit_error error = LOWBIT_ERROR_INIT;
    uint8_t *bytes = check_guarded(length, CHECK_GUARD_AFTER);
    memcpy(bytes, file, length);
    check_context("%s", what);
    if (!CHECK(lb_image_decode(bytes, length, &image, &error) == LOWBIT_OK)) {
        printf("  %s\n", error.message);
        return;
    }
    CHECK(image.width == WIDTH && image.height == HEIGHT);
    CHECK(check_same_bytes(image.rgb, want, HEIGHT, WIDTH * 3, WIDTH * 3, WIDTH * 3));
    lb_image_free(&image);
}

/* The rows of random pixels in each kind of PNG, and what they are as RGB. */
static void check_pngs(void) {
    for (size_t i = 0; i < sizeof rows; i++) rows[i] = (uint8_t)check_random();
    for (int interlaced = 0; interlaced < 2; interlaced++) {
        const encode_png_options rgb = {ENCODE_RGB, 8, interlaced}, grey = {ENCODE_GREY, 8, interlaced},
                                 palette = {ENCODE_PALETTE, 8, interlaced}, rgba = {ENCODE_RGBA, 8, interlaced},
                                 deep = {ENCODE_RGB, 16, interlaced};
        memcpy(want, rows, sizeof want);
        check_same("RGB", encode_png(WIDTH, HEIGHT, rgb, rows, file, ROOM));
        for (int i = 0; i < 3 * PIXELS; i++) want[i] = rows[i / 3];
        check_same("grey", encode_png(WIDTH, HEIGHT, grey, rows, file, ROOM));
        for (int i = 0; i < 3 * PIXELS; i++)
            want[i] = (uint8_t)(i % 3 == 0 ? rows[i / 3] : i % 3 == 1 ? 255 - rows[i / 3] : rows[i / 3] / 2);
        check_same("palette", encode_png(WIDTH, HEIGHT, palette, rows, file, ROOM));
        for (int i = 0; i < 3 * PIXELS; i++) want[i] = rows[i / 3 * 4 + i % 3];
        check_same("alpha", encode_png(WIDTH, HEIGHT, rgba, rows, file, ROOM));
        for (int i = 0; i < 3 * PIXELS; i++) want[i] = rows[2 * i];
        check_same("16 bits", encode_png(WIDTH, HEIGHT, deep, rows, file, ROOM));
    }
}

/* Slow gradients, which a JPEG of quality 95 keeps to a few codes. */
static void fill_smooth(int channels) {
    for (int i = 0; i < PIXELS; i++)
        for (int c = 0; c < channels; c++)
            rows[i * channels + c] = (uint8_t)(20 + i % WIDTH * (c + 1) + i / WIDTH * (3 - c % 3));
}

static void check_jpegs(void) {
    lb_image plain, progressive;
    for (int components = 1; components <= 3; components += 2) {
        check_context("JPEG of %d components", components);
        fill_smooth(components);
        size_t length = encode_jpeg(WIDTH, HEIGHT, components, ENCODE_BASELINE, rows, file, ROOM);
        if (!CHECK(lb_image_decode(file, length, &plain, NULL) == LOWBIT_OK)) return;
        length = encode_jpeg(WIDTH, HEIGHT, components, ENCODE_PROGRESSIVE, rows, file, ROOM);
        if (!CHECK(lb_image_decode(file, length, &progressive, NULL) == LOWBIT_OK)) return;
        CHECK(plain.width == WIDTH && plain.height == HEIGHT);
        CHECK(check_same_bytes(plain.rgb, progressive.rgb, HEIGHT, WIDTH * 3, WIDTH * 3, WIDTH * 3));
        for (int i = 0; i < 3 * PIXELS; i++) {
            const int was = components == 3 ? rows[i] : rows[i / 3];
            if (!CHECK(plain.rgb[i] - was <= 6 && was - plain.rgb[i] <= 6)) break;
        }
        lb_image_free(&plain);
        lb_image_free(&progressive);
    }
    lowbit_error error = LOWBIT_ERROR_INIT;
    check_context("CMYK");
    fill_smooth(4);
    size_t length = encode_jpeg(WIDTH, HEIGHT, 4, ENCODE_BASELINE, rows, file, ROOM);
    CHECK(lb_image_decode(file, length, &plain, &error) == LOWBIT_UNSUPPORTED && strstr(error.message, "CMYK"));
    check_context("scans");
    length = encode_jpeg(WIDTH, HEIGHT, 1, ENCODE_SCANS, rows, file, ROOM);
    CHECK(lb_image_decode(file, length, &plain, &error) == LOWBIT_UNSUPPORTED && strstr(error.message, "scans"));
}

static void check_floats(void) {
    const lb_normalization n = {255, {0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}};
    uint8_t codes[] = {0, 1, 2, 253, 254, 255};
    const lb_image image = {2, 1, codes};
    lb_pixels pixels;
    float out[6];
    CHECK(lb_pixels_make(&n, &pixels, NULL) == LOWBIT_OK);
    lb_image_floats(&image, &pixels, out);
    for (int i = 0; i < 6; i++)
        CHECK(fabs((double)out[i] - (codes[i] / 255.0 - (double)n.mean[i % 3]) / (double)n.std[i % 3]) < 1e-6);
}

void subject_image(void) {
    check_pngs();
    check_jpegs();
    check_floats();
    char path[128];
    lb_image image;
    lowbit_error error = LOWBIT_ERROR_INIT;
    snprintf(path, sizeof path, "%s/a.png", check_scratch_folder());
    check_context("files");
    const size_t length = encode_png(WIDTH, HEIGHT, (encode_png_options){ENCODE_RGB, 8, false}, rows, file, ROOM);
    FILE *out = fopen(path, "wb");
    CHECK(out && fwrite(file, 1, length, out) == length && fclose(out) == 0);
    CHECK(lb_image_read(path, &image, NULL) == LOWBIT_OK && memcmp(image.rgb, rows, 3 * PIXELS) == 0);
    lb_image_free(&image);
    CHECK(lb_image_read("/proc/none.png", &image, NULL) == LOWBIT_NOT_FOUND && !image.rgb);
    CHECK(lb_image_read("/dev/null", &image, &error) == LOWBIT_BAD_FORMAT && !image.rgb);
    CHECK(lb_image_decode((const uint8_t *)"GIF89a", 6, &image, &error) == LOWBIT_UNSUPPORTED);
    CHECK(strstr(error.message, "neither"));
}

/* ---- damaged and hostile files ---- */

static lowbit_status decode_copy(size_t length, lb_image *image) {
    lowbit_error error = LOWBIT_ERROR_INIT;
    uint8_t *bytes = check_guarded(length, CHECK_GUARD_AFTER);
    memcpy(bytes, file, length);
    const lowbit_status status = lb_image_decode(bytes, length, image, &error);
    CHECK(status == LOWBIT_OK || (error.message[0] && !image->rgb));
    check_guard_free_all();
    return status;
}

/* A file that lacks anything is refused. */
static void check_cuts(const char *what, size_t length) {
    lb_image image;
    for (size_t cut = 0; cut < length; cut++) {
        check_context("%s cut at %zu of %zu", what, cut, length);
        if (!CHECK(decode_copy(cut, &image) != LOWBIT_OK)) lb_image_free(&image);
    }
}

/* Each bit turned: a refusal, or with `sums` the same picture, since a PNG has them; else any of that many pixels. */
static void check_flips(const char *what, size_t length, bool sums) {
    lb_image image;
    for (size_t bit = 0; bit < 8 * length; bit++) {
        file[bit / 8] ^= (uint8_t)(1 << bit % 8);
        check_context("%s bit %zu", what, bit);
        if (decode_copy(length, &image) == LOWBIT_OK) {
            CHECK(image.width <= LB_IMAGE_SIDE && image.width * image.height <= LB_IMAGE_PIXELS);
            if (sums) CHECK(image.width == WIDTH && image.height == HEIGHT && memcmp(image.rgb, rows, 3 * PIXELS) == 0);
            lb_image_free(&image);
        }
        file[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void put_big(uint8_t *at, uint32_t value, int bytes) {
    for (int i = 0; i < bytes; i++) at[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
}

static void check_sizes(size_t length, bool png, size_t width_at, size_t height_at) {
    static const struct {
        uint32_t width, height;
        lowbit_status status;
    } kCases[] = {{65500, 65500, LOWBIT_UNSUPPORTED}, {0, 1, LOWBIT_BAD_FORMAT}, {1, 0, LOWBIT_BAD_FORMAT}};
    lb_image image;
    for (size_t i = 0; i < LB_COUNT(kCases); i++) {
        put_big(file + width_at, kCases[i].width, png ? 4 : 2);
        put_big(file + height_at, kCases[i].height, png ? 4 : 2);
        if (png) put_big(file + 29, lb_crc((const char *)file + 12, 17), 4);
        check_context("%u x %u", kCases[i].width, kCases[i].height);
        CHECK(decode_copy(length, &image) == kCases[i].status);
    }
}

/* Where the frame header of a JPEG has its height; the width follows. */
static size_t frame_of(size_t length) {
    for (size_t i = 0; i + 9 < length; i++)
        if (file[i] == 0xFF && (file[i + 1] == 0xC0 || file[i + 1] == 0xC2)) return i + 5;
    return 0;
}

static void check_damaged(void) {
    const encode_png_options rgb = {ENCODE_RGB, 8, false};
    fill_smooth(3);
    size_t length = encode_png(WIDTH, HEIGHT, rgb, rows, file, ROOM);
    check_cuts("PNG", length);
    check_flips("PNG", length, true);
    check_sizes(length, true, 16, 20);
    for (int kind = ENCODE_BASELINE; kind <= ENCODE_PROGRESSIVE; kind++) {
        length = encode_jpeg(WIDTH, HEIGHT, 3, kind, rows, file, ROOM);
        check_cuts("JPEG", length);
        check_flips("JPEG", length, false);
        const size_t frame = frame_of(length);
        check_sizes(length, false, frame + 2, frame);
    }
}

/* Decoders like to print; ours do not. */
void subject_image_damaged(void) {
    FILE *heard = tmpfile();
    const int standard_error = dup(2);
    if (!CHECK(heard && standard_error >= 0 && dup2(fileno(heard), 2) == 2)) return;
    check_damaged();
    dup2(standard_error, 2);
    check_context("what was printed");
    CHECK(lseek(fileno(heard), 0, SEEK_END) == 0);
    close(standard_error);
    fclose(heard);
}

/* ---- sizes ---- */

static void fill_pattern(int64_t width, int64_t height, uint8_t *rgb) {
    for (int64_t y = 0; y < height; y++)
        for (int64_t x = 0; x < width; x++)
            for (int64_t c = 0; c < 3; c++)
                rgb[(y * width + x) * 3 + c] = (uint8_t)((x * 37 + y * 101 + c * 59) ^ (x * y * 7));
}

/* CRC-32 of what PIL's resize(BILINEAR) makes of the pattern (Pillow 11.3.0). */
static void check_pil(void) {
    static const struct {
        int64_t width, height, to_width, to_height;
        uint32_t crc;
    } kCases[] = {{7, 5, 3, 4, 0xf1ef307b},    {5, 7, 11, 13, 0x4a30891b}, {64, 48, 10, 9, 0xa8d8c2c8},
                  {9, 9, 9, 4, 0xc8ca060e},    {1, 1, 5, 3, 0x26093633},   {300, 2, 7, 2, 0x79420077},
                  {33, 65, 224, 1, 0x72c6f3f3}};
    static uint8_t rgb[64 * 65 * 3];
    for (size_t i = 0; i < LB_COUNT(kCases); i++) {
        lb_image out, in = {kCases[i].width, kCases[i].height, rgb};
        check_context("%lld x %lld to %lld x %lld", (long long)in.width, (long long)in.height,
                      (long long)kCases[i].to_width, (long long)kCases[i].to_height);
        fill_pattern(in.width, in.height, rgb);
        if (!CHECK(lb_image_resize(&in, kCases[i].to_width, kCases[i].to_height, &out, NULL) == LOWBIT_OK)) continue;
        CHECK(lb_crc((const char *)out.rgb, (size_t)(out.width * out.height * 3)) == kCases[i].crc);
        lb_image_free(&out);
    }
}

/* in[top + y][left + x] is what the cut has at [y][x]. */
static void check_cut(int64_t width, int64_t height, int64_t side, int64_t left, int64_t top) {
    static uint8_t rgb[16 * 16 * 3];
    lb_image out, in = {width, height, rgb};
    check_context("%lld of %lld x %lld", (long long)side, (long long)width, (long long)height);
    fill_pattern(width, height, rgb);
    if (!CHECK(lb_image_fit(&in, 0, side, &out, NULL) == LOWBIT_OK)) return;
    CHECK(out.width == side && out.height == side);
    CHECK(check_same_bytes(out.rgb, rgb + (top * width + left) * 3, side, side * 3, side * 3, width * 3));
    lb_image_free(&out);
}

void subject_image_resize(void) {
    static uint8_t rgb[60 * 40 * 3];
    lb_image out, in = {60, 40, rgb};
    check_pil();
    check_cut(7, 5, 4, 2, 0); /* margins of 3 and 1: halves go to even */
    check_cut(9, 12, 4, 2, 4);
    check_cut(6, 6, 6, 0, 0);
    check_context("fit");
    CHECK(lb_image_fit(&in, 15, 0, &out, NULL) == LOWBIT_OK && out.width == 22 && out.height == 15);
    lb_image_free(&out);
    CHECK(lb_image_fit(&in, 15, 14, &out, NULL) == LOWBIT_OK && out.width == 14 && out.height == 14);
    lb_image_free(&out);
    CHECK(lb_image_fit(&in, 15, 16, &out, NULL) == LOWBIT_INVALID_ARGUMENT && !out.rgb);
    CHECK(lb_image_fit(&in, -1, 0, &out, NULL) == LOWBIT_INVALID_ARGUMENT && !out.rgb);
    CHECK(lb_image_fit(&in, LB_IMAGE_SIDE, 1, &out, NULL) == LOWBIT_UNSUPPORTED && !out.rgb);
    CHECK(lb_image_resize(&in, 0, 5, &out, NULL) == LOWBIT_BAD_FORMAT && !out.rgb);
}
