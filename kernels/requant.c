/* SPDX-License-Identifier: Apache-2.0 */
/* Real scales to multipliers and shifts of the integer form. */
#include <math.h>

#include "kernels/base/base.h"
#include "lowbit/gemm.h"

/* `real` = multiplier * 2^(shift - 31), the multiplier of 31 bits rounded half to even. */
static void split(double real, int32_t *multiplier, int32_t *shift) {
    int exponent = 0;
    const double fraction = frexp(real, &exponent);
    int64_t m = (int64_t)rint(ldexp(fraction, 31));
    if (m == INT64_C(1) << 31 || m == -(INT64_C(1) << 31)) {
        m /= 2;
        exponent++;
    }
    *multiplier = exponent < -31 ? 0 : (int32_t)m;
    *shift = *multiplier ? exponent : 0;
}

lowbit_status lowbit_requant_multipliers(float a_scale, const float *w_scales, int64_t n, float out_scale,
                                         int32_t *multipliers, int32_t *shifts, lowbit_error *error) {
    LB_REQUIRE(w_scales && multipliers && shifts, error, LOWBIT_INVALID_ARGUMENT,
               "w_scales, multipliers or shifts is NULL");
    LB_REQUIRE(n >= 1, error, LOWBIT_INVALID_ARGUMENT, "n is %lld: it must be at least 1", (long long)n);
    for (int64_t i = 0; i < n; i++) {
        const double real = (double)a_scale * w_scales[i] / out_scale;
        LB_REQUIRE(fabs(real) < 0x1.fffffffp+29, error, LOWBIT_INVALID_ARGUMENT,
                   "scale %lld: %g * %g / %g is no multiplier below 2^30", (long long)i, (double)a_scale,
                   (double)w_scales[i], (double)out_scale);
    }
    for (int64_t i = 0; i < n; i++) split((double)a_scale * w_scales[i] / out_scale, &multipliers[i], &shifts[i]);
    return LOWBIT_OK;
}
