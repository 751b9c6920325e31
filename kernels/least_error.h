/* SPDX-License-Identifier: Apache-2.0 */
/* Squared errors of elements that share a step, and the step that lessens them: double arithmetic in a fixed order,
 * which the rules search and mse of lowbit/weights.h are written in. */
#ifndef LOWBIT_KERNELS_LEAST_ERROR_H_
#define LOWBIT_KERNELS_LEAST_ERROR_H_

#include "kernels/base/base.h"
#include "kernels/formats/format.h"

/* Elements of a row that share a step, and what the format makes of them. */
typedef struct lb_elements {
    const float *x;
    int64_t count;
    double s, o, top; /* values are step * (s*c - o), c = 0 .. top; o is the zero point where there is one */
} lb_elements;

/* Sums run in lanes so that compilers may use vectors without changing the result. */
enum { LB_ERROR_LANES = 4 };

/* Rounds half to even, |x| < 2^51: the sum has no bits left for fractions. Unlike rint, it vectorizes everywhere. */
static inline double lb_round_even(double x) { return (x + 0x1.8p52) - 0x1.8p52; }

static inline double lb_nearest_code(double x, double inverse, const lb_elements *e) {
    const double c = x * inverse + e->o / e->s;
    return lb_round_even(c < 0 ? 0 : c > e->top ? e->top : c);
}

static inline double lb_inverse_step(double step, const lb_elements *e) { return step != 0 ? 1 / (step * e->s) : 0; }

static inline double lb_squared_error(const lb_elements *e, double step) {
    const double inverse = lb_inverse_step(step, e), scaled = step * e->s, offset = step * e->o;
    double sums[LB_ERROR_LANES] = {0};
    int64_t i = 0;
    for (; i + LB_ERROR_LANES <= e->count; i += LB_ERROR_LANES)
        for (int lane = 0; lane < LB_ERROR_LANES; lane++) {
            const double x = e->x[i + lane], miss = x - (scaled * lb_nearest_code(x, inverse, e) - offset);
            sums[lane] += miss * miss;
        }
    for (; i < e->count; i++) {
        const double x = e->x[i], miss = x - (scaled * lb_nearest_code(x, inverse, e) - offset);
        sums[i % LB_ERROR_LANES] += miss * miss;
    }
    return (sums[0] + sums[2]) + (sums[1] + sums[3]);
}

/* Adds sum x*v and sum v*v over the values v that `step` leads to: their quotient is the step of least error for them.
 */
static inline void lb_add_products(const lb_elements *e, double step, double *products, double *squares) {
    const double inverse = lb_inverse_step(step, e);
    for (int64_t i = 0; i < e->count; i++) {
        const double value = e->s * lb_nearest_code(e->x[i], inverse, e) - e->o;
        *products += e->x[i] * value;
        *squares += value * value;
    }
}

/* LOWBIT_RULE_MSE: the scale of all elements of `w`, rounded to the scale type; an infinity where that holds no
 * candidate. */
float lb_least_error_scale(const lowbit_matrix *w, const lb_format *format, uint32_t scale_type);

#endif
