/* SPDX-License-Identifier: Apache-2.0 */
/* PNG through libpng. Its errors come back by longjmp; its warnings, which concern chunks that pixels do not need, are
 * dropped in place of being printed. (Its simplified interface needs no jumps, but version 1.6.39 decodes interlaced
 * images of 16 bits wrongly by it.) */
#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"
#include "nn/image.h"

typedef struct decoding {
    png_structp png;
    png_infop info;
    png_bytep *rows;
    const uint8_t *at; /* of what is not read yet, `left` bytes */
    size_t left;
    jmp_buf refused;
    lb_image *image;
    lowbit_status status; /* with `error`, once refused */
    lowbit_error *error;
} decoding;

static _Noreturn void on_error(png_structp png, png_const_charp why) {
    decoding *d = png_get_error_ptr(png);
    d->status = lb_fail(d->error, LOWBIT_BAD_FORMAT, "a damaged PNG: %.160s", why);
    longjmp(d->refused, 1);
}

static void on_warning(png_structp png, png_const_charp why) {
    (void)png;
    (void)why;
}

static void read_bytes(png_structp png, png_bytep out, size_t bytes) {
    decoding *d = png_get_io_ptr(png);
    if (bytes > d->left) png_error(png, "it ends too early");
    memcpy(out, d->at, bytes);
    d->at += bytes;
    d->left -= bytes;
}

/* Whatever the file has becomes R, G, B of 8 bits. */
static void set_transformations(png_structp png) {
    png_set_palette_to_rgb(png);
    png_set_expand_gray_1_2_4_to_8(png);
    png_set_gray_to_rgb(png);
    png_set_strip_16(png);
    png_set_strip_alpha(png);
    png_set_interlace_handling(png);
}

static void decode(decoding *d) {
    png_set_read_fn(d->png, d, read_bytes);
    png_set_user_limits(d->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* ours have a reason */
    png_read_info(d->png, d->info);
    d->status =
        lb_image_make(png_get_image_width(d->png, d->info), png_get_image_height(d->png, d->info), d->image, d->error);
    if (d->status != LOWBIT_OK) longjmp(d->refused, 1);
    const int64_t row = d->image->width * LB_CHANNELS;
    set_transformations(d->png);
    png_read_update_info(d->png, d->info);
    if (png_get_rowbytes(d->png, d->info) != (size_t)row) png_error(d->png, "its rows are no RGB");
    d->rows = malloc((size_t)d->image->height * sizeof *d->rows);
    if (!d->rows) png_error(d->png, "no memory for its rows");
    for (int64_t y = 0; y < d->image->height; y++) d->rows[y] = d->image->rgb + y * row;
    png_read_image(d->png, d->rows);
    png_read_end(d->png, NULL);
}

/* Apart from where *d lives, since a jump back loses changes to variables of the function that it ends in. */
static void decode_guarded(decoding *d) {
    if (setjmp(d->refused) != 0) return;
    d->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, d, on_error, on_warning);
    d->info = d->png ? png_create_info_struct(d->png) : NULL;
    if (d->info)
        decode(d);
    else
        d->status = lb_fail(d->error, LOWBIT_NO_MEMORY, "no memory for a decoder");
}

lowbit_status lb_png_decode(const uint8_t *bytes, size_t length, lb_image *image, lowbit_error *error) {
    decoding d = {.at = bytes, .left = length, .image = image, .status = LOWBIT_OK, .error = error};
    decode_guarded(&d);
    png_destroy_read_struct(&d.png, &d.info, NULL);
    free((void *)d.rows);
    return d.status;
}
