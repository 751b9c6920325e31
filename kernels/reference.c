/* SPDX-License-Identifier: Apache-2.0 */
/* The specification as code: three plain loops over canonical weights, in the order of docs/numerics.md. Shares nothing
 * with the packed layout, the SIMD units or their scalar twin, but for the fixed sequences of activations.h. */
#include <math.h>
#include <stdlib.h>

#include "kernels/base/ctx.h"
#include "kernels/formats/format.h"
#include "kernels/formats/scale.h"
#include "kernels/gemm.h"
#include "kernels/reference_float.h"
#include "kernels/simd/activations.h"
#include "kernels/ukernels.h"
#include "kernels/weights.h"

/* Quantizes a row to -q .. q: codes, and the scale that is returned. */
static float quantize(const float *x, int64_t k, float q, int8_t *codes) {
    float largest = 0;
    bool finite = true;
    for (int64_t i = 0; i < k; i++) {
        finite = finite && isfinite(x[i]);
        largest = fmaxf(largest, fabsf(x[i]));
    }
    const bool codable = finite && largest >= 0x1p-100f;
    const float r = q / largest;
    for (int64_t i = 0; i < k; i++) codes[i] = codable ? (int8_t)fmaxf(-q, fminf(q, rintf(x[i] * r))) : 0;
    return codable ? largest / q : finite ? 0 : NAN;
}

/* The same by a fixed scale: out of range is the nearest code, a NaN is the code of 0 and the scale that is returned.
 */
static float quantize_fixed(const float *x, int64_t k, const lb_row_rule *rule, int8_t *codes) {
    const float r = 1.0f / rule->scale;
    bool number = true;
    for (int64_t i = 0; i < k; i++) {
        number = number && !isnan(x[i]);
        const double code = isnan(x[i]) ? rule->zero : (double)rintf(x[i] * r) + rule->zero;
        codes[i] = (int8_t)fmax(rule->low, fmin(rule->high, code));
    }
    return number ? rule->scale : NAN;
}

/* Progressive groups: one integer sum over all of K, scaled once. */
static float progressive_total(const lowbit_weights *w, const int8_t *a, int32_t a_zero, int64_t n, int32_t *dot) {
    const uint8_t *codes = w->codes + n * w->stride;
    *dot = 0;
    for (int64_t g = 0; g < lb_groups(w->k, w->type.group); g++) {
        const int32_t multiplier = w->multipliers[lb_group_index(w, n, g)];
        const lb_integers integers = lb_integers_of(w, n, g);
        const int64_t end = lb_min(w->k, (g + 1) * w->type.group);
        for (int64_t k = g * w->type.group; k < end; k++)
            *dot += (a[k] - a_zero) * (multiplier * lb_integer(integers, codes[k]));
    }
    return 0.0f + (float)*dot * lb_scale_round(w->type.scale_type, w->scales[n]);
}

static float quantize_sign(const float *x, int64_t k, uint32_t kind, int8_t *codes) {
    bool number = true;
    for (int64_t i = 0; i < k; i++) {
        number = number && !isnan(x[i]);
        if (kind == LB_ROWS_SIGN)
            codes[i] = x[i] < 0 ? -1 : 1;
        else
            codes[i] = x[i] > 0;
    }
    return number ? 1.0f : NAN;
}

static float quantize_row(const float *x, int64_t k, const lb_row_rule *rule, int8_t *codes) {
    switch (rule->kind) {
        case LB_ROWS_ABSMAX: return quantize(x, k, (float)rule->high, codes);
        case LB_ROWS_FIXED: return quantize_fixed(x, k, rule, codes);
        default: return quantize_sign(x, k, rule->kind, codes);
    }
}

/* a_zero: the code of A that stands for 0 */
static float total(const lowbit_weights *w, const int8_t *a, int32_t a_zero, int64_t n, int32_t *dot) {
    if (w->multipliers) return progressive_total(w, a, a_zero, n, dot);
    const int64_t group = w->type.group > 0 ? w->type.group : w->k;
    const uint32_t type = w->type.scale_type;
    const bool distance = lb_format_of(w->type.format)->distance;
    const uint8_t *codes = w->codes + n * w->stride;
    float t = 0;
    for (int64_t g = 0; g * group < w->k; g++) {
        const int64_t at = lb_scale_index(w, n, g), end = lb_min(w->k, (g + 1) * group);
        int32_t sum = 0;
        *dot = 0;
        const lb_integers integers = lb_integers_of(w, n, g);
        for (int64_t k = g * group; k < end; k++) {
            const int32_t x = a[k] - a_zero, v = lb_integer(integers, codes[k]);
            *dot += distance ? -abs(x - v) : x * v;
            sum += x;
        }
        t = t + (float)*dot * lb_scale_round(type, w->scales[at]);
        if (w->mins) t = t + (float)sum * lb_scale_round(type, w->mins[at]);
    }
    return t;
}

static int64_t clamp(int64_t x, int64_t low, int64_t high) { return x < low ? low : x > high ? high : x; }

/* R(x, m, e) of lowbit_requant; the double form in gemmlowp's words: a doubling high multiplication, its sum with the
 * half truncated towards 0, then a division by a power of two, half away from 0. */
static int64_t rescale(int32_t x, int32_t m, int32_t e, uint32_t rounding) {
    const int64_t product = (int64_t)x * m, most = 1 << 29;
    if (rounding == LOWBIT_ROUND_SINGLE || e >= 0)
        return clamp((product + (INT64_C(1) << (30 - e))) >> (31 - e), -most, most);
    const int64_t nudge = product >= 0 ? 1 << 30 : 1 - (1 << 30);
    const int64_t high = (product + nudge) / (INT64_C(1) << 31);
    const int64_t mask = (INT64_C(1) << -e) - 1, rest = high & mask, threshold = (mask >> 1) + (high < 0);
    return clamp((high >> -e) + (rest > threshold), -most, most);
}

/* s(m, e) of lowbit_requant. */
static float float_scale(int32_t m, int32_t e) { return ldexpf((float)m, e - 31); }

static int32_t code_at(uint32_t out, const void *codes, int64_t at) {
    return out == LOWBIT_OUT_S8 ? ((const int8_t *)codes)[at] : ((const uint8_t *)codes)[at];
}

static int64_t integer_code(const lowbit_problem *p, const lowbit_requant *q, int64_t m, int64_t n, int32_t dot) {
    const int32_t sum = (int32_t)((uint32_t)dot + (q->bias ? (uint32_t)q->bias[n] : 0));
    const int64_t low = p->act == LOWBIT_ACT_RELU ? clamp(q->zero, q->low, q->high) : q->low;
    const int32_t added = q->residual ? code_at(p->out, q->residual, m * q->residual_stride + n) - q->residual_zero : 0;
    int64_t r;
    if (q->rounding == LOWBIT_ROUND_FLOAT) {
        float steps = (float)sum * float_scale(q->multipliers[n], q->shifts[n]);
        if (q->residual) steps += (float)added * float_scale(q->residual_multiplier, q->residual_shift);
        r = llrintf(steps); /* below 2^62 */
    } else if (q->residual) {
        r = rescale(sum, q->multipliers[n], q->shifts[n] + 16, q->rounding) +
            rescale(added, q->residual_multiplier, q->residual_shift + 16, q->rounding);
        r = (r + (1 << 15)) >> 16;
    } else {
        r = rescale(sum, q->multipliers[n], q->shifts[n], q->rounding);
    }
    return clamp(q->zero + r, low, q->high);
}

static int64_t float_code(const lowbit_requant *q, float y) {
    if (isnan(y)) return clamp(q->zero, q->low, q->high);
    const double steps = rintf(y * (1.0f / q->scale)); /* may be infinite */
    return (int64_t)fmax(q->low, fmin(q->high, steps + q->zero));
}

static float float_result(const lowbit_problem *p, const lowbit_gemm_args *args, int64_t m, int64_t n, float scaled) {
    float y = scaled;
    if (p->bias) y = y + args->bias[n];
    if (p->residual) y = y + args->residual[m * args->residual_stride + n];
    return lb_activate(p->act, y);
}

/* The same where A stays float: computed in double, rounded once. */
static void reference_float_row(const lowbit_problem *p, const lowbit_weights *w, const lowbit_gemm_args *args,
                                int64_t m) {
    for (int64_t n = 0; n < w->n; n++) {
        const int64_t at = m * args->out_stride + n;
        const float y = (float)lb_reference_float(p, w, args, m, n, LB_FACTORS_FLOAT).y;
        if (p->out == LOWBIT_OUT_F32)
            ((float *)args->out)[at] = y;
        else
            ((uint8_t *)args->out)[at] = (uint8_t)float_code(args->requant, y);
    }
}

static void reference_row(const lowbit_problem *p, const lowbit_weights *w, const lowbit_gemm_args *args,
                          const lb_row_rule *rule, int64_t m, int8_t *codes) {
    const float *x = args->a.data + m * args->a.stride, a_scale = quantize_row(x, w->k, rule, codes);
    const bool distance = lb_format_of(w->type.format)->distance;
    const float scale = distance && !isnan(a_scale) ? 1 : a_scale; /* that of the weights is shared */
    const lowbit_requant *q = p->out >= LOWBIT_OUT_S8 ? args->requant : NULL;
    for (int64_t n = 0; n < w->n; n++) {
        const int64_t at = m * args->out_stride + n;
        int32_t dot = 0;
        const float t = total(w, codes, rule->zero, n, &dot);
        if (p->out == LOWBIT_OUT_S32)
            ((int32_t *)args->out)[at] = dot;
        else if (!q)
            ((float *)args->out)[at] = float_result(p, args, m, n, t * scale);
        else /* the low byte is the code, of either type */
            ((uint8_t *)args->out)[at] =
                (uint8_t)(q->multipliers ? integer_code(p, q, m, n, dot)
                                         : float_code(q, float_result(p, args, m, n, t * scale)));
    }
}

lowbit_status lowbit_gemm_reference(const lowbit_ctx *ctx, const lowbit_problem *problem, const lowbit_weights *weights,
                                    const lowbit_gemm_args *args, lowbit_error *error) {
    LB_REQUIRE(ctx, error, LOWBIT_INVALID_ARGUMENT, "ctx is NULL");
    LB_TRY(lb_check_problem(problem, error));
    LB_TRY(lb_check_weights(weights, error));
    LB_TRY(lb_check_same_weights(problem, &weights->type, weights->n, weights->k, error));
    LB_TRY(lb_check_output(problem, args, error));
    const bool floats = lb_is_float_kind(problem->activations);
    LB_TRY(floats ? lb_check_float_rows(problem, args, error) : lb_check_matrix("a", &args->a, error));
    LB_REQUIRE(args->a.rows <= problem->m, error, LOWBIT_INVALID_ARGUMENT, "a has %lld rows, the problem has M %lld",
               (long long)args->a.rows, (long long)problem->m);
    LB_REQUIRE(args->a.cols == weights->k, error, LOWBIT_INVALID_ARGUMENT,
               "a has %lld columns, the weights have K %lld", (long long)args->a.cols, (long long)weights->k);
    for (int64_t m = 0; floats && m < args->a.rows; m++) reference_float_row(problem, weights, args, m);
    if (floats) return LOWBIT_OK;
    lb_row_rule rule;
    LB_TRY(lb_check_requant_columns(problem, args, error));
    const float shared = lb_scale_round(weights->type.scale_type, weights->scales[0]);
    LB_TRY(lb_row_rule_of(problem, args, shared, &rule, error));
    int8_t *codes = lb_alloc(ctx, (size_t)weights->k);
    LB_REQUIRE(codes, error, LOWBIT_NO_MEMORY, "no memory for a row of %lld codes", (long long)weights->k);
    for (int64_t m = 0; m < args->a.rows; m++) reference_row(problem, weights, args, &rule, m, codes);
    lb_free(ctx, codes, (size_t)weights->k);
    return LOWBIT_OK;
}
