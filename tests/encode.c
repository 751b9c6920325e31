/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/encode.h"

#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* jpeglib.h needs stdio.h and stdlib.h before it. */
#include <jpeglib.h>

typedef struct buffer {
    uint8_t *bytes;
    size_t length, room;
} buffer;

/* No room is a mistake of the test. */
static void append(buffer *out, const void *bytes, size_t length) {
    if (length > out->room - out->length) abort();
    memcpy(out->bytes + out->length, bytes, length);
    out->length += length;
}

static void write_png(png_structp png, png_bytep bytes, size_t length) { append(png_get_io_ptr(png), bytes, length); }

size_t encode_png(int width, int height, encode_png_options o, const uint8_t *rows, uint8_t *out, size_t room) {
    buffer to = {out, 0, room};
    png_color palette[256];
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    const int channels = o.color == ENCODE_RGBA ? 4 : o.color == ENCODE_RGB ? 3 : 1;
    png_bytep *pointers = malloc((size_t)height * sizeof *pointers);
    for (int y = 0; y < height; y++) pointers[y] = (png_bytep)(uintptr_t)(rows + y * width * channels * o.depth / 8);
    for (int i = 0; i < 256; i++) palette[i] = (png_color){(png_byte)i, (png_byte)(255 - i), (png_byte)(i / 2)};
    png_set_write_fn(png, &to, write_png, NULL);
    png_set_IHDR(png, info, (png_uint_32)width, (png_uint_32)height, o.depth, o.color,
                 o.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    if (o.color == ENCODE_PALETTE) png_set_PLTE(png, info, palette, 256);
    png_set_rows(png, info, pointers);
    png_write_png(png, info, PNG_TRANSFORM_IDENTITY, NULL);
    png_destroy_write_struct(&png, &info);
    free((void *)pointers);
    return to.length;
}

/* One for the upper bits of the first coefficient, one for its last bit, one for each of the others. */
static void set_scans(j_compress_ptr jpeg) {
    enum { COEFFICIENTS = 64, SCANS = COEFFICIENTS + 1 };
    static jpeg_scan_info scans[SCANS];
    for (int i = 0; i < COEFFICIENTS; i++) scans[i] = (jpeg_scan_info){1, {0}, i, i, 0, i == 0};
    scans[COEFFICIENTS] = (jpeg_scan_info){1, {0}, 0, 0, 1, 0};
    jpeg->scan_info = scans;
    jpeg->num_scans = SCANS;
}

size_t encode_jpeg(int width, int height, int components, int kind, const uint8_t *rows, uint8_t *out, size_t room) {
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    unsigned char *made = NULL;
    unsigned long length = 0;
    buffer to = {out, 0, room};
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &made, &length);
    jpeg.image_width = (JDIMENSION)width;
    jpeg.image_height = (JDIMENSION)height;
    jpeg.input_components = components;
    jpeg.in_color_space = components == 1 ? JCS_GRAYSCALE : components == 3 ? JCS_RGB : JCS_CMYK;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 95, TRUE);
    jpeg.comp_info[0].h_samp_factor = jpeg.comp_info[0].v_samp_factor = 1;
    if (kind == ENCODE_PROGRESSIVE) jpeg_simple_progression(&jpeg);
    if (kind == ENCODE_SCANS) set_scans(&jpeg);
    jpeg_start_compress(&jpeg, TRUE);
    while (jpeg.next_scanline < jpeg.image_height) {
        JSAMPROW row = (JSAMPROW)(uintptr_t)(rows + (size_t)jpeg.next_scanline * (size_t)(width * components));
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    append(&to, made, length);
    free(made);
    return to.length;
}
