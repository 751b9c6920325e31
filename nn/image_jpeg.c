/* SPDX-License-Identifier: Apache-2.0 */
/* JPEG through libjpeg-turbo. Its errors come back by longjmp, in place of its own handler, which ends the process; its
 * warnings are kept as errors, in place of being printed. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
/* jpeglib.h needs stdio.h and stdlib.h before it. */
#include <jpeglib.h>

#include "kernels/base/base.h"
#include "nn/image.h"

/* Scans of a progressive file: usual are ten, and each may cost a pass over the whole image. */
enum { MOST_SCANS = 64 };

typedef struct decoding {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf refused;
    lb_image *image;
    lowbit_status status; /* with `error`, once refused */
    lowbit_error *error;
} decoding;

static decoding *of(j_common_ptr jpeg) { return jpeg->client_data; }

static _Noreturn void on_error(j_common_ptr jpeg) {
    decoding *d = of(jpeg);
    char why[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, why);
    d->status = lb_fail(d->error, LOWBIT_BAD_FORMAT, "a damaged JPEG: %.160s", why);
    longjmp(d->refused, 1);
}

static _Noreturn void give_up(decoding *d, const char *why) {
    d->status = lb_fail(d->error, LOWBIT_UNSUPPORTED, "%s", why);
    longjmp(d->refused, 1);
}

static void on_message(j_common_ptr jpeg, int level) {
    if (level < 0) on_error(jpeg); /* a warning: from here on pixels are guessed */
}

static void on_output(j_common_ptr jpeg) { (void)jpeg; }

static void on_progress(j_common_ptr jpeg) {
    if (((j_decompress_ptr)jpeg)->input_scan_number > MOST_SCANS)
        give_up(of(jpeg), "a progressive JPEG of too many scans");
}

static void decode(decoding *d, const uint8_t *bytes, size_t length) {
    j_decompress_ptr jpeg = &d->jpeg;
    jpeg_create_decompress(jpeg);
    jpeg->progress = &d->progress;
    jpeg_mem_src(jpeg, bytes, length);
    jpeg_read_header(jpeg, TRUE);
    if (jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK)
        give_up(d, "a JPEG of four colours (CMYK): RGB and grey are read");
    jpeg->out_color_space = JCS_RGB;
    d->status = lb_image_make(jpeg->image_width, jpeg->image_height, d->image, d->error);
    if (d->status != LOWBIT_OK) longjmp(d->refused, 1);
    jpeg_start_decompress(jpeg);
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW row = d->image->rgb + (int64_t)jpeg->output_scanline * d->image->width * LB_CHANNELS;
        jpeg_read_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_decompress(jpeg);
}

/* Apart from where *d lives, since a jump back loses changes to variables of the function that it ends in. */
static void decode_guarded(decoding *d, const uint8_t *bytes, size_t length) {
    if (setjmp(d->refused) == 0) decode(d, bytes, length);
}

lowbit_status lb_jpeg_decode(const uint8_t *bytes, size_t length, lb_image *image, lowbit_error *error) {
    decoding d = {.image = image, .status = LOWBIT_OK, .error = error, .progress = {.progress_monitor = on_progress}};
    d.jpeg.err = jpeg_std_error(&d.errors);
    d.errors.error_exit = on_error;
    d.errors.emit_message = on_message;
    d.errors.output_message = on_output;
    d.jpeg.client_data = &d; /* jpeg_create_decompress keeps both */
    decode_guarded(&d, bytes, length);
    jpeg_destroy_decompress(&d.jpeg);
    return d.status;
}
