/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/pixels.h"

#include <math.h>

#include "kernels/base/base.h"

lowbit_status lb_pixels_make(const lb_normalization *n, lb_pixels *pixels, lowbit_error *error) {
    LB_REQUIRE(isfinite(n->divisor) && n->divisor > 0, error, LOWBIT_INVALID_ARGUMENT, "the divisor of pixels is %g",
               (double)n->divisor);
    for (int c = 0; c < LB_CHANNELS; c++) {
        LB_REQUIRE(isfinite(n->mean[c]) && isfinite(n->std[c]) && n->std[c] > 0, error, LOWBIT_INVALID_ARGUMENT,
                   "channel %d has mean %g and std %g", c, (double)n->mean[c], (double)n->std[c]);
        for (int code = 0; code < 256; code++)
            pixels->value[c][code] = ((float)code / n->divisor - n->mean[c]) / n->std[c];
    }
    return LOWBIT_OK;
}

void lb_pixels_floats(const lb_pixels *pixels, const uint8_t *codes, int64_t count, int64_t step, int64_t channel,
                      float *out) {
    for (int64_t i = 0; i < count; i++)
        for (int c = 0; c < LB_CHANNELS; c++)
            out[i * LB_CHANNELS + c] = pixels->value[c][codes[i * step + c * channel]];
}
