/* SPDX-License-Identifier: Apache-2.0 */
/* Progressive groups: their limits, their quantizer computed once more from the formula of lowbit/weights.h, their law,
 * and blobs that break the limits. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "kernels/base/base.h"
#include "kernels/formats/format.h"
#include "kernels/formats/scale.h"
#include "kernels/layout.h"
#include "kernels/weights.h"
#include "tests/check.h"
#include "tests/hostile.h"
#include "tests/problems.h"

/* Calls `visit` for every legal progressive type with this group. */
static void each_type(const lowbit_ctx *ctx, int32_t group,
                      void (*visit)(const lowbit_ctx *ctx, const lowbit_weight_type *type)) {
    const lb_format *f;
    for (size_t i = 0; (f = lb_format_at(i)); i++)
        for (uint32_t offset = LOWBIT_SYMMETRIC; offset <= LOWBIT_MINIMUM; offset++)
            for (uint32_t scale = 0; scale < LB_SCALE_TYPES; scale++) {
                const lowbit_weight_type type = {sizeof type, f->id, offset, scale, group, 1};
                if (lb_check_weight_type(&type, NULL) != LOWBIT_OK) continue;
                check_context("format %s offset %u scale type %u group %d", f->name, offset, scale, group);
                visit(ctx, &type);
            }
}

/* ---- limits ---- */

/* What an expansion of codes to int8 relies on: the value is an int8, and its two terms are bytes. */
static bool fits(const lowbit_weight_type *t, int multiplier) {
    const lb_format *f = lb_format_of(t->format);
    const int codes = 1 << lb_bits(f);
    bool good = true;
    for (int c = 0; c < codes; c++)
        for (int zero = 0; zero < (t->offset ? codes : 1); zero++) {
            const int s = t->offset ? 1 : f->value_scale, o = t->offset ? zero : f->value_offset;
            const int value = multiplier * (s * c - o);
            good = good && value >= -128 && value <= 127 && multiplier * s * c <= 255 && multiplier * o <= 255;
        }
    return good;
}

static void check_limit(const lowbit_ctx *ctx, const lowbit_weight_type *type) {
    (void)ctx;
    const int limit = (int)lb_multiplier_limit(type);
    for (int m = 0; m <= limit; m++) CHECK(fits(type, m));
    CHECK(limit >= 2 && !fits(type, limit + 1));
}

/* ---- the formula ---- */

enum { MOST_N = 6, MOST_K = 200, MOST_GROUPS = 13 };

typedef struct naive_group {
    const float *x;
    int count, top, zero;
    double s, o, step;
} naive_group;

static int naive_code(const naive_group *g, double x, double step) {
    const double inverse = step > 0 ? 1 / (step * g->s) : 0;
    double c = x * inverse + g->o / g->s;
    if (c < 0) c = 0;
    if (c > g->top) c = g->top;
    const double below = floor(c), rest = c - below;
    return (int)below + (rest > 0.5 || (rest == 0.5 && (int)below % 2));
}

static double naive_error(const naive_group *g, double step) {
    double sums[4] = {0};
    for (int j = 0; j < g->count; j++) {
        const double e = g->x[j] - (step * g->s * naive_code(g, g->x[j], step) - step * g->o);
        sums[j % 4] += e * e;
    }
    return (sums[0] + sums[2]) + (sums[1] + sums[3]);
}

static void naive_fit(const lowbit_weight_type *t, naive_group *g) {
    double lo = 0, hi = 0, steps[16];
    for (int j = 0; j < g->count; j++) {
        if (g->x[j] < lo) lo = g->x[j];
        if (g->x[j] > hi) hi = g->x[j];
    }
    double covering = (-lo > hi ? -lo : hi) / (g->s * g->top - g->o > g->o ? g->s * g->top - g->o : g->o);
    if (t->offset) {
        g->zero = hi > lo ? (int)nearbyint(g->top * -lo / (hi - lo)) : 0;
        g->o = g->zero;
        covering = (hi - lo) / g->top;
    }
    steps[0] = covering * 1.25;
    for (int i = 1; i < 16; i++) steps[i] = steps[i - 1] * 0.85;
    g->step = steps[0];
    for (int i = 1; i < 16; i++)
        if (naive_error(g, steps[i]) < naive_error(g, g->step)) g->step = steps[i];
    for (int i = 0; i < 2; i++) {
        double xv = 0, vv = 0;
        for (int j = 0; j < g->count; j++) {
            const double v = g->s * naive_code(g, g->x[j], g->step) - g->o;
            xv += g->x[j] * v;
            vv += v * v;
        }
        const double step = vv > 0 && xv > 0 ? xv / vv : 0;
        if (naive_error(g, step) < naive_error(g, g->step)) g->step = step;
    }
}

static int naive_multiplier(const naive_group *g, double scale, int limit) {
    const double ideal = scale > 0 ? floor(g->step / scale) : 0;
    if (ideal >= limit) return limit;
    const int low = (int)ideal;
    return naive_error(g, (low + 1) * scale) < naive_error(g, low * scale) ? low + 1 : low;
}

/* Checks row n of w against the formula; false where no candidate of the scale is finite, and w is not looked at. */
static bool check_row(const lowbit_weight_type *t, const lowbit_matrix *x, const lowbit_weights *w, int64_t n) {
    const lb_format *f = lb_format_of(t->format);
    const int groups = (int)lb_groups(x->cols, t->group), limit = (int)lb_multiplier_limit(t);
    naive_group all[MOST_GROUPS];
    double most = 0, least = INFINITY;
    float scale = INFINITY;
    for (int i = 0; i < groups; i++) {
        const int64_t first = i * t->group;
        all[i] = (naive_group){x->data + n * x->stride + first,
                               (int)lb_min(t->group, x->cols - first),
                               f->codes - 1,
                               0,
                               t->offset ? 1 : f->value_scale,
                               f->value_offset,
                               0};
        naive_fit(t, &all[i]);
        if (all[i].step > most) most = all[i].step;
    }
    for (int i = 20; i >= 9; i--) {
        const float candidate = lb_scale_round(t->scale_type, (float)(most / ((double)limit * i / 16)));
        double sum = 0;
        for (int g = 0; g < groups && isfinite(candidate); g++)
            sum += naive_error(&all[g], naive_multiplier(&all[g], candidate, limit) * (double)candidate);
        if (isfinite(candidate) && sum < least) scale = candidate, least = sum;
    }
    if (!isfinite(scale) || !w->memory) return isfinite(scale);
    CHECK(lb_float_bits(w->scales[n]) == lb_float_bits(scale));
    for (int i = 0; i < groups; i++) {
        const int m = naive_multiplier(&all[i], scale, limit);
        CHECK(w->multipliers[n * groups + i] == m && m <= limit);
        CHECK(!w->zeros || w->zeros[n * groups + i] == all[i].zero);
        for (int j = 0; j < all[i].count; j++)
            CHECK(w->codes[n * w->stride + i * t->group + j] == naive_code(&all[i], all[i].x[j], m * (double)scale));
    }
    return true;
}

enum { KIND_RANDOM, KIND_ZERO_GROUPS, KIND_OUTLIERS, KIND_TIES, KIND_DENORMAL, KIND_TINY, KIND_HUGE, KINDS };

static float value_of_kind(int kind, int64_t row, int64_t column) {
    const float u = check_random_float(-1, 1);
    switch (kind) {
        case KIND_ZERO_GROUPS: return row % 2 && column / 16 % 3 ? u : 0.0f;
        case KIND_OUTLIERS: return check_random() % 32 ? u : 30 * u;
        case KIND_TIES: return 0.125f * (float)check_random_in(-16, 16);
        case KIND_DENORMAL: return u * FLT_MIN;
        case KIND_TINY: return u * 1e-7f;
        case KIND_HUGE: return row % 2 ? u * FLT_MAX : u * 1e7f;
        default: return u;
    }
}

/* The value of one element, from the definition. */
static float value_at(const lowbit_weights *w, int64_t n, int64_t k) {
    const lb_format *f = lb_format_of(w->type.format);
    const int64_t at = n * lb_groups(w->k, w->type.group) + k / w->type.group;
    const int code = w->codes[n * w->stride + k];
    const int value = w->zeros ? code - w->zeros[at] : f->value_scale * code - f->value_offset;
    return (float)(w->multipliers[at] * value) * w->scales[n];
}

static void check_kind(const lowbit_ctx *ctx, const lowbit_weight_type *type, int kind) {
    static float values[MOST_N * MOST_K];
    const int64_t n = check_random_in(1, MOST_N), k = check_random_in(1, MOST_K), stride = k + check_random_in(0, 2);
    float *x = check_guarded((size_t)((n - 1) * stride + k) * sizeof *x, CHECK_GUARD_AFTER);
    for (int64_t r = 0; r < n; r++)
        for (int64_t c = 0; c < k; c++) x[r * stride + c] = value_of_kind(kind, r, c);
    const lowbit_matrix view = {x, n, k, stride};
    const lowbit_pool pool = pool_shuffled();
    lowbit_weights w = {.struct_size = sizeof w}, again = w;
    lowbit_error error = LOWBIT_ERROR_INIT;
    bool fine = true;
    for (int64_t r = 0; r < n; r++) fine = check_row(type, &view, &w, r) && fine;
    const lowbit_status status = lowbit_quantize(ctx, &view, type, LOWBIT_RULE_AUTO, NULL, &w, &error);
    CHECK(status == (fine ? LOWBIT_OK : LOWBIT_INVALID_ARGUMENT) && (fine || strstr(error.message, "overflows")));
    CHECK(lowbit_quantize(ctx, &view, type, LOWBIT_RULE_SEARCH, &pool, &again, NULL) == status);
    CHECK(!w.memory == !fine && !again.memory == !fine);
    if (status == LOWBIT_OK) {
        CHECK(memcmp(w.memory, again.memory, (size_t)w.memory_bytes) == 0);
        for (int64_t r = 0; r < n; r++) check_row(type, &view, &w, r);
        CHECK(lowbit_dequantize(&w, values, k, NULL) == LOWBIT_OK);
        for (int64_t i = 0; i < n * k; i++)
            CHECK(lb_float_bits(values[i]) == lb_float_bits(value_at(&w, i / k, i % k)));
    }
    lowbit_weights_free(ctx, &w);
    lowbit_weights_free(ctx, &again);
    check_guard_free_all();
}

static void check_quantizer(const lowbit_ctx *ctx, const lowbit_weight_type *type) {
    for (int kind = 0; kind < KINDS; kind++) check_kind(ctx, type, kind);
}

void subject_progressive(void) {
    lowbit_ctx *ctx = NULL;
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    each_type(ctx, 32, check_limit);
    static const int32_t kGroups[] = {16, 32, 64, 1024};
    for (size_t g = 0; g < LB_COUNT(kGroups); g++) each_type(ctx, kGroups[g], check_quantizer);
    lowbit_ctx_destroy(ctx);
}

/* ---- the law ---- */

/* With scales of 1, what dequantizes is the integers that the product sums: the raw output is their exact product with
 * the codes of A, which are A itself where its largest element is 127. */
static void check_law(const lowbit_ctx *ctx, const char *problem) {
    sample s = sample_make(ctx, problem, DATA_RANDOM);
    const int64_t m = s.problem.m, n = s.problem.n, k = s.problem.k;
    float *values = check_guarded((size_t)(n * k) * sizeof *values, CHECK_GUARD_AFTER);
    check_context("the law of %s", problem);
    for (int64_t i = 0; i < n; i++) s.weights.scales[i] = 1;
    for (int64_t i = 0; i < m * s.a_stride - (s.a_stride - k); i++) s.a[i] = (float)check_random_in(-127, 127);
    for (int64_t r = 0; r < m; r++) s.a[r * s.a_stride + check_random_in(0, k - 1)] = 127;
    CHECK(lowbit_dequantize(&s.weights, values, k, NULL) == LOWBIT_OK);
    const int32_t *got = sample_reference(ctx, &s);
    for (int64_t r = 0; r < m; r++)
        for (int64_t c = 0; c < n; c++) {
            double sum = 0;
            for (int64_t i = 0; i < k; i++) sum += (double)s.a[r * s.a_stride + i] * values[c * k + i];
            CHECK(got[r * n + c] == sum);
        }
    sample_free(ctx, &s);
}

/* ---- blobs ---- */

static void check_byte(sample *s, const uint8_t *section, int64_t at, int64_t limit) {
    lowbit_packed packed = {.struct_size = sizeof packed};
    lowbit_error error = LOWBIT_ERROR_INIT;
    uint8_t *byte = (uint8_t *)s->blob + (section - (const uint8_t *)s->blob) + at;
    const uint8_t kept = *byte;
    check_context("format %u byte %lld", s->packed.type.format, (long long)at);
    *byte = (uint8_t)limit;
    CHECK(lowbit_packed_open(s->blob, s->blob_bytes, 0, &packed, NULL) == LOWBIT_OK);
    *byte = (uint8_t)check_random_in(limit + 1, 255);
    CHECK(lowbit_packed_open(s->blob, s->blob_bytes, 0, &packed, &error) == LOWBIT_BAD_FORMAT);
    CHECK(error.message[0] != 0);
    *byte = kept;
}

/* Without a look at the checksum: each byte beyond its limit is refused, those of padding columns too. */
static void check_bytes(const lowbit_ctx *ctx, const char *problem) {
    sample s = sample_make(ctx, problem, DATA_RANDOM);
    const int64_t count = lb_div_up(s.problem.n, LB_PANEL) * s.packed.groups * LB_PANEL;
    for (int64_t i = 0; i < count; i++) {
        check_byte(&s, s.packed.multipliers, i, lb_multiplier_limit(&s.packed.type));
        if (s.packed.zeros) check_byte(&s, s.packed.zeros, i, lb_format_of(s.packed.type.format)->codes - 1);
    }
    sample_free(ctx, &s);
}

/* The same of canonical weights, by everything that reads them. */
static void check_canonical(const lowbit_ctx *ctx, const char *problem, bool zero) {
    sample s = sample_make(ctx, problem, DATA_RANDOM);
    float *values = check_guarded((size_t)(s.problem.n * s.problem.k) * sizeof *values, CHECK_GUARD_AFTER);
    float *out = check_guarded((size_t)(s.problem.m * s.problem.n) * sizeof *out, CHECK_GUARD_AFTER);
    const lowbit_gemm_args args = sample_args(&s, out, s.problem.n);
    lowbit_error errors[3] = {LOWBIT_ERROR_INIT, LOWBIT_ERROR_INIT, LOWBIT_ERROR_INIT};
    const int64_t last = lb_group_count(&s.weights.type, s.problem.n, s.problem.k) - 1;
    check_context("%s", problem);
    if (zero)
        s.weights.zeros[last] = (uint8_t)lb_format_of(s.weights.type.format)->codes;
    else
        s.weights.multipliers[last] = (uint8_t)(lb_multiplier_limit(&s.weights.type) + 1);
    CHECK(lowbit_pack(ctx, &s.weights, s.blob, s.blob_bytes, NULL, &errors[0]) == LOWBIT_INVALID_ARGUMENT);
    CHECK(lowbit_dequantize(&s.weights, values, s.problem.k, &errors[1]) == LOWBIT_INVALID_ARGUMENT);
    CHECK(lowbit_gemm_reference(ctx, &s.problem, &s.weights, &args, &errors[2]) == LOWBIT_INVALID_ARGUMENT);
    for (int i = 0; i < 3; i++) CHECK(strstr(errors[i].message, zero ? "zero point" : "multiplier") != NULL);
    sample_free(ctx, &s);
}

void subject_progressive_exact(void) {
    lowbit_ctx *ctx = NULL;
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    static const char *const kLaws[] = {"i4g32pa8:m3n19k150:s32", "i4zg64pa8:m3n19k150:s32", "i2g16pa8:m2n5k100:s32",
                                        "s2g32pa8:m2n17k99:s32",  "t2g96pa8:m3n16k200:s32",  "b1g32pa8:m2n33k127:s32"};
    for (size_t i = 0; i < LB_COUNT(kLaws); i++) check_law(ctx, kLaws[i]);
    check_bytes(ctx, "i4g32pa8:m1n19k150");
    check_bytes(ctx, "i2zg16pa8:m1n9k70");
    check_canonical(ctx, "t2g32pa8:m1n19k150", false);
    check_canonical(ctx, "i4zg32pa8:m1n19k150", false);
    check_canonical(ctx, "i4zg32pa8:m1n19k150", true);
    lowbit_ctx_destroy(ctx);
}
