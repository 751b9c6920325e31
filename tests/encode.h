/* SPDX-License-Identifier: Apache-2.0 */
/* Images as files, for the subjects and for the fuzzer's seeds: made by the libraries that nn/ decodes with. */
#ifndef LOWBIT_TESTS_ENCODE_H_
#define LOWBIT_TESTS_ENCODE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The kinds of PNG, by the colour types of the format. */
enum { ENCODE_GREY = 0, ENCODE_RGB = 2, ENCODE_PALETTE = 3, ENCODE_RGBA = 6 };

typedef struct encode_png_options {
    int color;       /* ENCODE_* */
    int depth;       /* bits of a channel: 8 or 16 */
    bool interlaced; /* Adam7 */
} encode_png_options;

/* Rows of width * channels * depth / 8 bytes, without gaps, as they lie in the format. Entry i of the palette is
 * (i, 255 - i, i / 2). Returns the length of what stands in `out`, whose room suffices. */
size_t encode_png(int width, int height, encode_png_options options, const uint8_t *rows, uint8_t *out, size_t room);

/* The kinds of JPEG; the last one, of grey images alone, has more scans than anybody needs: 65. */
enum { ENCODE_BASELINE, ENCODE_PROGRESSIVE, ENCODE_SCANS };

/* 1 (grey), 3 (RGB) or 4 (CMYK) components, at quality 95 without subsampling. */
size_t encode_jpeg(int width, int height, int components, int kind, const uint8_t *rows, uint8_t *out, size_t room);

#endif
