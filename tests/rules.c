/* SPDX-License-Identifier: Apache-2.0 */
/* The rules mse, range, libra and fixed: their formulas, which tests/quantize.c compares with what is made, and that
 * the first is never worse than those that it begins from. */
#include "tests/rules.h"

#include <math.h>
#include <string.h>

#include "kernels/formats/scale.h"
#include "kernels/rules.h"
#include "lowbit/lowbit.h"
#include "tests/check.h"

/* ---- formulas ---- */

int rules_mse_code(const lb_format *f, double x, double scale) {
    const double s = f->value_scale, o = f->value_offset, inverse = scale == 0 ? 0 : 1 / (scale * s);
    double c = x * inverse + o / s;
    c = c < 0 ? 0 : c > f->codes - 1 ? f->codes - 1 : c;
    const double below = floor(c), rest = c - below;
    return (int)below + (rest > 0.5 || (rest == 0.5 && (int)below % 2));
}

static double mse_error(const lb_format *f, const float *x, int64_t rows, int64_t cols, double scale) {
    double error = 0;
    for (int64_t r = 0; r < rows; r++) {
        double sums[4] = {0};
        for (int64_t j = 0; j < cols; j++) {
            const double at = x[r * cols + j],
                         e = at - (scale * f->value_scale * rules_mse_code(f, at, scale) - scale * f->value_offset);
            sums[j % 4] += e * e;
        }
        error += (sums[0] + sums[2]) + (sums[1] + sums[3]);
    }
    return error;
}

float rules_mse_scale(const lb_format *f, uint32_t scale_type, const float *x, int64_t rows, int64_t cols) {
    const double top = f->codes - 1, q = f->value_scale * top - f->value_offset;
    float largest = 0, best = INFINITY;
    double least = INFINITY;
    for (int64_t i = 0; i < rows * cols; i++) largest = fabsf(x[i]) > fabsf(largest) ? x[i] : largest;
    double a = fabs((double)largest) / q;
    if (f->offset_legal && largest > 0) a = -a; /* i8, i4 and i2 */
    for (int i = 0; i < 83; i++) {
        double candidate = i < 80 ? a * (80 - i) / 80 : a * q / f->value_offset;
        if (i > 80) {
            double products = 0, squares = 0;
            for (int64_t j = 0; j < rows * cols && isfinite(best); j++) {
                const double v = f->value_scale * rules_mse_code(f, x[j], best) - f->value_offset;
                products += x[j] * v;
                squares += v * v;
            }
            candidate = squares > 0 ? products / squares : 0;
        }
        const float scale = lb_scale_round(scale_type, (float)candidate);
        if (!isfinite(scale) || (i == 80 && !f->offset_legal) || (i > 80 && !isfinite(best))) continue;
        const double error = mse_error(f, x, rows, cols, scale);
        if (error < least) best = scale, least = error;
    }
    return best;
}

static float to_int8(float x) { return x > 127 ? 127.0f : x < -128 ? -128.0f : x; }

float rules_range_mean(const float *x, int64_t count) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += (double)to_int8(x[i]);
    return (float)(sum / (double)count);
}

float rules_range_scale(const float *x, int64_t count) {
    const float mean = rules_range_mean(x, count);
    float low = INFINITY, high = -INFINITY;
    for (int64_t i = 0; i < count; i++) {
        const float z = to_int8(x[i]) - mean;
        low = z < low ? z : low;
        high = z > high ? z : high;
    }
    return (high - low) / 2;
}

int rules_range_code(float x, float mean, float scale) {
    const float u = scale == 0 ? 0 : (to_int8(x) - mean) / scale; /* rne to -1, 0 or 1 */
    return 1 + (u > 0.5f) - (u < -0.5f);
}

double rules_mean(const float *x, int64_t count) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += (double)x[i];
    return sum / (double)count;
}

float rules_libra_scale(const float *x, int64_t count) {
    const double mean = rules_mean(x, count);
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < count; i++) {
        sum += fabs((double)x[i] - mean);
        squares += pow((double)x[i] - mean, 2);
    }
    const double deviation = sqrt(squares / (double)(count - 1));
    return squares == 0 ? 0 : (float)exp2(round(log2(sum / (double)count / deviation)));
}

float rules_fixed_scale(int offset, const float *x, int64_t count) {
    double scale = 0;
    for (int64_t i = 0; i < count; i++)
        while (fabs((double)x[i]) > offset * scale) scale = scale > 0 ? 2 * scale : 0x1p-149 / 128;
    return (float)scale;
}

/* ---- against other rules ---- */

enum { N = 24, K = 200 };

/* Squared error of each row by a rule. */
static void errors_of(const lowbit_ctx *ctx, const lowbit_matrix *w, const lowbit_weight_type *type, uint32_t rule,
                      double errors[N]) {
    static float values[N * K];
    lowbit_weights made = {.struct_size = sizeof made};
    CHECK(lowbit_quantize(ctx, w, type, rule, NULL, &made, NULL) == LOWBIT_OK);
    CHECK(lowbit_dequantize(&made, values, K, NULL) == LOWBIT_OK);
    for (int r = 0; r < N; r++) {
        errors[r] = 0;
        for (int k = 0; k < K; k++) errors[r] += pow((double)w->data[r * K + k] - (double)values[r * K + k], 2);
    }
    lowbit_weights_free(ctx, &made);
}

/* Rows of growing tails: uniform, then powers of it. */
static void fill(float *x) {
    for (int r = 0; r < N; r++)
        for (int k = 0; k < K; k++) {
            const float u = check_random_float(-1, 1);
            x[r * K + k] = copysignf(powf(fabsf(u), 1.0f + (float)r / 4), u);
        }
}

static void check_format(const lowbit_ctx *ctx, const lowbit_matrix *w, const lb_format *f) {
    const lowbit_weight_type type = {sizeof type, f->id, LOWBIT_SYMMETRIC, LOWBIT_SCALE_F32, LOWBIT_GROUP_ROW, 0};
    const uint32_t exact = 1u << LOWBIT_RULE_OPTIMAL | 1u << LOWBIT_RULE_SIGN; /* whose error is the least there is */
    double least[N], other[N];
    errors_of(ctx, w, &type, LOWBIT_RULE_MSE, least);
    for (uint32_t rule = LOWBIT_RULE_ABSMAX; lb_rule_name(rule); rule++) {
        /* mse begins from scales of the other sign than fixed has */
        if (!(f->rules >> rule & 1) || rule == LOWBIT_RULE_FIXED) continue;
        check_context("%s: mse beside %s", f->name, lb_rule_name(rule));
        errors_of(ctx, w, &type, rule, other);
        for (int r = 0; r < N; r++) {
            if (!(exact >> rule & 1)) CHECK(least[r] <= other[r] * (1 + 1e-5));
            if (exact >> rule & 1) CHECK(least[r] >= other[r] * (1 - 1e-5) && least[r] <= other[r] * 1.02);
        }
    }
}

void subject_rules(void) {
    static float x[N * K];
    const lowbit_matrix w = {x, N, K, K};
    lowbit_ctx *ctx = NULL;
    const lb_format *f;
    uint32_t rule;
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    fill(x);
    for (size_t i = 0; (f = lb_format_at(i)); i++)
        if (f->rules >> LOWBIT_RULE_MSE & 1) check_format(ctx, &w, f);
    for (uint32_t i = 0; lb_rule_name(i); i++) CHECK(lb_rule_named(lb_rule_name(i), &rule) && rule == i);
    CHECK(!lb_rule_named("", &rule) && !lb_rule_named("absmaxx", &rule) && !lb_rule_name(UINT32_MAX));
    lowbit_ctx_destroy(ctx);
}
