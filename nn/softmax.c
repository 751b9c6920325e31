/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/softmax.h"

#include <math.h>
#include <string.h>

#include "kernels/base/base.h"
#include "kernels/simd/activations.h"

/* Elements side by side: what compilers put into vectors, and the order of the sum. */
enum { LANES = 16 };

static float greatest(const float *x, int64_t n) {
    float most[LANES];
    for (int j = 0; j < LANES; j++) most[j] = -INFINITY;
    for (int64_t i = 0; i < n; i++) most[i % LANES] = x[i] > most[i % LANES] ? x[i] : most[i % LANES];
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int j = 0; j < half; j++) most[j] = most[j + half] > most[j] ? most[j + half] : most[j];
    return most[0];
}

/* exp(x - m), and a NaN of a NaN. */
static inline float exponential(float x, float m) {
    const float below = m - x, z = below > LB_EXP_LIMIT ? LB_EXP_LIMIT : below;
    return (below > LB_EXP_LIMIT ? 0.0f : lb_exp_negative(z, 0.0f)) + (z - z);
}

static void sixteen(float *restrict x, float m, const float *restrict factors, float *restrict sums) {
    for (int j = 0; j < LANES; j++) {
        const float e = exponential(x[j], m);
        sums[j] += e;
        x[j] = e * factors[j];
    }
}

float lb_softmax_exponentials(float *x, int64_t n, const float *factors) {
    static const float kOnes[LANES] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    const float m = greatest(x, n);
    const int64_t whole = n / LANES * LANES;
    const size_t rest = (size_t)(n - whole) * sizeof *x;
    float sums[LANES] = {0}, last[LANES], with[LANES] = {0};
    for (int64_t i = 0; i < whole; i += LANES) sixteen(x + i, m, factors ? factors + i : kOnes, sums);
    if (rest) {
        for (int j = 0; j < LANES; j++) last[j] = -INFINITY;
        memcpy(last, x + whole, rest);
        memcpy(with, factors ? factors + whole : kOnes, rest);
        sixteen(last, m, with, sums);
        memcpy(x + whole, last, rest);
    }
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int j = 0; j < half; j++) sums[j] += sums[j + half];
    return sums[0];
}
