/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of the codes of windows: those of pixels are added up once for all windows of a task. */
#ifndef LOWBIT_KERNELS_CONV_SUMS_H_
#define LOWBIT_KERNELS_CONV_SUMS_H_

#include "kernels/conv_windows.h"

/* Whether that is so: where windows are whole pixels, neighbours in a line, and have one sum; few channels are sooner
 * added than looked up. */
bool lb_conv_sums_pixels(const lowbit_conv2d *conv, const lb_conv_shape *shape, const lowbit_problem *product);

/* Scratch of so many windows. */
int64_t lb_conv_sums_bytes(const lowbit_conv2d *conv, const lb_conv_shape *shape, int64_t rows);

/* sums[rows]: of the codes of windows m and on, of an image of int8. */
void lb_conv_sums(const lb_isa_unit *unit, const lb_conv_windows *windows, int64_t m, int64_t rows, uint32_t *scratch,
                  int32_t *sums);

#endif
