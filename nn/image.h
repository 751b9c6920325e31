/* SPDX-License-Identifier: Apache-2.0 */
/* Images: PNG and JPEG files as 8-bit RGB, resized and cropped as networks want them. Foreign bytes: what does not
 * decode to its end is refused with a reason, nothing is printed, and sizes are bounded before memory is asked for. */
#ifndef LOWBIT_NN_IMAGE_H_
#define LOWBIT_NN_IMAGE_H_

#include "nn/pixels.h"

enum {
    LB_IMAGE_SIDE = 1 << 16,  /* most pixels along a side, */
    LB_IMAGE_PIXELS = 1 << 26 /* and in all */
};

typedef struct lb_image {
    int64_t width, height;
    uint8_t *rgb; /* height x width x 3, rows from the top; of the C library's heap, see lb_image_free */
} lb_image;

/* Decodes a PNG or a JPEG, whichever the bytes begin as. Grey becomes three equal channels, of 16 bits the upper 8
 * count, alpha is dropped, gamma and turns that EXIF asks for are not applied: as PIL's convert("RGB") does. A JPEG
 * that its decoder warns of counts as damaged. LOWBIT_BAD_FORMAT, LOWBIT_UNSUPPORTED (neither of the two, too large, or
 * CMYK), LOWBIT_NO_MEMORY. *image needs no free after a failure. */
lowbit_status lb_image_decode(const uint8_t *bytes, size_t length, lb_image *image, lowbit_error *error);

/* The same for a file; also statuses of lb_map_file. */
lowbit_status lb_image_read(const char *path, lb_image *image, lowbit_error *error);

void lb_image_free(lb_image *image);

/* Resized to width x height by triangle filters that widen as the image shrinks (bilinear with antialiasing): the bits
 * of PIL's resize(BILINEAR) up to Pillow 12. `out` is new memory and not `in`. */
lowbit_status lb_image_resize(const lb_image *in, int64_t width, int64_t height, lb_image *out, lowbit_error *error);

/* The shorter side resized to `shorter` (0: as it is), the other one in proportion, and of that the crop x crop pixels
 * in the middle (0: everything): torchvision's Resize and CenterCrop. */
lowbit_status lb_image_fit(const lb_image *in, int64_t shorter, int64_t crop, lb_image *out, lowbit_error *error);

/* out[height][width][3] = the normalized image. */
void lb_image_floats(const lb_image *image, const lb_pixels *pixels, float *out);

/* ---- for the decoders ---- */

/* Memory for an image of that size, 1 x 1 up to the limits. */
lowbit_status lb_image_make(int64_t width, int64_t height, lb_image *image, lowbit_error *error);

lowbit_status lb_png_decode(const uint8_t *bytes, size_t length, lb_image *image, lowbit_error *error);
lowbit_status lb_jpeg_decode(const uint8_t *bytes, size_t length, lb_image *image, lowbit_error *error);

#endif
