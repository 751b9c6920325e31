/* SPDX-License-Identifier: Apache-2.0 */
/* The specification of float activations: docs/numerics.md, "Float activations", in double. */
#include "kernels/reference_float.h"

#include <float.h>
#include <math.h>

#include "kernels/formats/format.h"
#include "kernels/formats/scale.h"
#include "kernels/ukernels.h"
#include "kernels/weights.h"

/* Unit roundoffs of binary32 and bf16. */
static const double kUnit = 0x1p-24, kHalfUnit = 0x1p-8;

/* Half a unit of rows of digits, as a share of the largest magnitude of the row. */
static const double kDigitUnit = 0x1.03p-23;

static double a_at(const lowbit_gemm_args *args, int64_t m, int64_t k) {
    const int64_t at = m * args->a.stride + k;
    return (double)(args->a.data ? args->a.data[at] : lb_bf16_to_float(args->a_bf16[at]));
}

/* t, and what its bound is a multiple of: the magnitudes that a kernel adds up; those of the weights alone, for digits;
 * and where it rounds to bf16, and takes what is below the least normal number for zero, a 1 and the factors of each
 * product. */
typedef struct sums {
    double t, magnitude, weights, flushed, largest;
} sums;

/* One product. The magnitude of the weight is that of the terms that it is made of. */
static void add(sums *s, double a, double w, double magnitude) {
    s->t += a * w;
    s->magnitude += fabs(a) * magnitude;
    s->weights += magnitude;
    s->flushed += 1 + fabs(a) + magnitude;
    s->largest = fmax(s->largest, fmax(fabs(a), magnitude));
}

static sums float_weights(const lowbit_weights *w, const lowbit_gemm_args *args, int64_t m, int64_t n) {
    const bool distance = lb_format_of(w->type.format)->distance;
    sums s = {0};
    for (int64_t k = 0; k < w->k; k++) {
        const double a = a_at(args, m, k), x = (double)lb_float_at(w, n, k);
        if (distance)
            add(&s, 1, -fabs(a - x), fabs(a - x));
        else
            add(&s, a, x, fabs(x));
    }
    return s;
}

/* One group: what its scale, and its minimum, are multiplied with. |v| and the offset beside it are counted apart, as
 * kernels may add them apart. */
static sums add_group(const lowbit_weights *w, const lowbit_gemm_args *args, int64_t m, int64_t n, int64_t g, sums s) {
    const lb_format *f = lb_format_of(w->type.format);
    const int64_t group = w->type.group > 0 ? w->type.group : w->k, end = lb_min(w->k, (g + 1) * group);
    const int64_t at = lb_group_index(w, n, g);
    const double own = lb_scale_round(w->type.scale_type, w->scales[lb_scale_index(w, n, g)]);
    const double scale = w->multipliers ? own * w->multipliers[at] : own;
    const double min = w->mins ? lb_scale_round(w->type.scale_type, w->mins[at]) : 0;
    const double offset = w->zeros ? f->value_offset - w->zeros[at] : w->mins ? f->value_offset : 0;
    const lb_integers integers = lb_integers_of(w, n, g);
    const uint8_t *codes = w->codes + n * w->stride;
    for (int64_t k = g * group; k < end; k++) {
        const double value = lb_integer(integers, codes[k]);
        add(&s, a_at(args, m, k), value * scale + min, fabs(scale) * (fabs(value - offset) + fabs(offset)) + fabs(min));
    }
    return s;
}

static sums sums_of(const lowbit_weights *w, const lowbit_gemm_args *args, int64_t m, int64_t n) {
    if (lb_is_float(lb_format_of(w->type.format))) return float_weights(w, args, m, n);
    sums s = {0};
    for (int64_t g = 0; g < lb_groups(w->k, w->type.group); g++) s = add_group(w, args, m, n, g, s);
    return s;
}

/* How far the sums may be off because A is rounded to digits. */
static double digits_bound(const lowbit_gemm_args *args, int64_t m, int64_t k, sums s) {
    double largest = 0;
    for (int64_t i = 0; i < k; i++) {
        const double x = fabs(a_at(args, m, i));
        if (x > largest) largest = x; /* gcc 12 for aarch64 dies of fmax here */
    }
    return kDigitUnit * largest * s.weights;
}

static double activate(uint32_t act, double x) {
    switch (act) {
        case LOWBIT_ACT_RELU: return x > 0 ? x : 0;
        case LOWBIT_ACT_GELU: return x * erfc(-x * M_SQRT1_2) / 2;
        case LOWBIT_ACT_GELU_TANH: return x / (1 + exp(-2 * sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
        case LOWBIT_ACT_SILU: return x / (1 + exp(-x));
        default: return x;
    }
}

lb_float_result lb_reference_float(const lowbit_problem *p, const lowbit_weights *w, const lowbit_gemm_args *args,
                                   int64_t m, int64_t n, uint32_t factors) {
    const sums s = sums_of(w, args, m, n);
    const double steps = (double)(w->k + lb_groups(w->k, w->type.group) + 8),
                 gamma = steps * kUnit / (1 - steps * kUnit);
    const double bias = p->bias ? args->bias[n] : 0;
    const double residual = p->residual ? args->residual[m * args->residual_stride + n] : 0;
    const bool halves = factors == LB_FACTORS_BF16;
    const double rounding = halves ? kHalfUnit * (2 + kHalfUnit) : 0, flush = halves ? 2 * (double)FLT_MIN : 0;
    double bound = s.magnitude * (gamma + rounding + gamma * rounding) + flush * (1 + s.flushed);
    if (factors == LB_FACTORS_DIGITS) bound += (1 + gamma) * digits_bound(args, m, w->k, s);
    bound += 3 * kUnit * (fabs(s.t) + bound + fabs(bias) + fabs(residual)) + FLT_MIN;
    double y = s.t + bias + residual;
    /* a partial sum may overflow, or a factor that is rounded */
    if (s.magnitude > FLT_MAX / 2 || (halves && s.largest > FLT_MAX / 2)) bound = INFINITY;
    if (p->act) {
        y = activate(p->act, y);
        bound = 1.2 * bound + 0x1p-16 * fabs(y); /* 1.13 is the steepest slope, of GELU */
    }
    return (lb_float_result){y, bound};
}

/* The code of a result, as the float form of requant makes it. */
static double code_of(const lowbit_requant *q, double y) {
    return fmax(q->low, fmin(q->high, rint(y / (double)q->scale) + q->zero));
}

bool lb_float_within(const lowbit_problem *p, const lowbit_requant *q, lb_float_result want, const void *got) {
    const bool anything = !isfinite(want.y) || !isfinite(want.bound);
    if (p->out == LOWBIT_OUT_F32) {
        const float y = *(const float *)got;
        if (anything) return p->act || !isfinite(y) || !isfinite(want.bound);
        return fabs((double)y - want.y) <= want.bound;
    }
    const int32_t code = p->out == LOWBIT_OUT_S8 ? *(const int8_t *)got : *(const uint8_t *)got;
    const double error = want.bound + 0x1p-22 * fabs(want.y);
    return anything || (code >= code_of(q, want.y - error) && code <= code_of(q, want.y + error));
}
