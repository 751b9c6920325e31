/* SPDX-License-Identifier: Apache-2.0 */
/* The exponentials of a softmax in plain C: lb_soften_row_fn of the portable level, and what the others are held to. */
#ifndef LOWBIT_KERNELS_SIMD_SOFTMAX_SCALAR_H_
#define LOWBIT_KERNELS_SIMD_SOFTMAX_SCALAR_H_

#include <math.h>

#include "kernels/simd/activations.h"
#include "kernels/simd/ukernel.h"

/* exp(x - most), and a NaN of a NaN. */
static inline float lb_soften(float x, float most) {
    const float below = most - x;
    const float z = below > LB_EXP_LIMIT ? LB_EXP_LIMIT : below;
    return (below > LB_EXP_LIMIT ? 0.0f : lb_exp_negative(z, 0.0f)) + (z - z);
}

static inline float lb_soften_row(float *x, size_t n, const float *factors) {
    float most = -INFINITY, sums[LB_SOFTEN_SUMS] = {0};
    for (size_t i = 0; i < n; i++) most = x[i] > most ? x[i] : most;
    for (size_t i = 0; i < n; i++) {
        const float e = lb_soften(x[i], most);
        sums[i % LB_SOFTEN_SUMS] += e;
        x[i] = factors ? e * factors[i] : e;
    }
    for (size_t half = LB_SOFTEN_SUMS / 2; half > 0; half /= 2)
        for (size_t i = 0; i < half; i++) sums[i] += sums[i + half];
    return sums[0];
}

#endif
