/* SPDX-License-Identifier: Apache-2.0 */
/* Quantizing weights: every rule computed once more from the formulas of lowbit/weights.h, one span at a time, and what
 * is refused. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"
#include "kernels/formats/format.h"
#include "kernels/formats/scale.h"
#include "kernels/weights.h"
#include "tests/check.h"
#include "tests/hostile.h"
#include "tests/rules.h"

enum { MOST_N = 20, MOST_K = 150 };

/* ---- data ---- */

enum {
    KIND_RANDOM,
    KIND_TIES, /* quotients x / scale that end in .5 */
    KIND_ZERO_ROWS,
    KIND_CONSTANT,
    KIND_ONE_SIDED, /* all above a positive floor */
    KIND_DENORMAL,
    KIND_TINY, /* scales that f16 cannot tell from 0 */
    KIND_HUGE, /* scales that f16 cannot hold, sums that f32 cannot */
    KINDS
};

static float value_of_kind(int kind, int64_t row) {
    const float u = check_random_float(-1, 1);
    switch (kind) {
        case KIND_ZERO_ROWS: return row % 2 ? u : u < 0 ? -0.0f : 0.0f;
        case KIND_CONSTANT: return row % 2 ? 0.3f : -1.7f;
        case KIND_ONE_SIDED: return (2 + u) * (row % 2 ? 1.0f : -1.0f);
        case KIND_DENORMAL: return u * FLT_MIN;
        case KIND_TINY: return u * 1e-7f;
        case KIND_HUGE: return row % 2 ? u * FLT_MAX : u * 1e7f;
        default: return u;
    }
}

/* Halves of a step of 1/4, with an end in each group of 16 that makes 1/4 the scale: +limit steps for the rules with as
 * many steps to each side, -(limit + 1) for the full range, both for offsets. */
static float tie(int64_t row, int64_t column, int limit) {
    const float high = 0.25f * (float)limit, low = -0.25f * (float)(limit + 1);
    if (column % 16 == 0) return row % 3 == 1 ? low : high;
    if (column % 16 == 1 && row % 3 == 2) return low;
    return 0.25f * ((float)check_random_in(-limit, limit - 1) + 0.5f);
}

/* codes: how many the format has. */
static void fill(float *x, int64_t n, int64_t k, int64_t stride, int kind, int codes) {
    const int limit = codes > 3 ? codes / 2 - 1 : 1;
    for (int64_t r = 0; r < n; r++)
        for (int64_t c = 0; c < k; c++)
            x[r * stride + c] = kind == KIND_TIES ? tie(r, c, limit) : value_of_kind(kind, r);
}

/* ---- the formulas, for the elements x[count] of one scale ---- */

typedef struct span {
    float scale, min, threshold;
    int zero;
    int codes[MOST_N * MOST_K];
} span;

static float rne(float x) {
    if (fabsf(x) >= 0x1p23f) return x;
    const float below = floorf(x), rest = x - below;
    return rest > 0.5f || (rest == 0.5f && fmodf(below, 2) != 0) ? below + 1 : below;
}

static int limited(float x, int low, int high) { return x < (float)low ? low : x > (float)high ? high : (int)x; }

static float quotient(float x, float scale) { return scale == 0 ? 0 : x / scale; }

static float mean_magnitude(const float *x, int64_t count) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += fabs((double)x[i]);
    return (float)(sum / (double)count);
}

static float largest(const float *x, int64_t count) { /* the element of largest magnitude, the first of equals */
    float most = x[0];
    for (int64_t i = 1; i < count; i++)
        if (fabsf(x[i]) > fabsf(most)) most = x[i];
    return most;
}

static void twn(const float *x, int64_t count, span *s) {
    double all = 0, sum = 0;
    int64_t above = 0;
    for (int64_t i = 0; i < count; i++) all += fabs((double)x[i]);
    const float d = (float)(0.7 * all / (double)count);
    for (int64_t i = 0; i < count; i++) {
        s->codes[i] = x[i] > d ? 2 : x[i] < -d ? 0 : 1;
        if (fabsf(x[i]) > d) sum += fabs((double)x[i]), above++;
    }
    s->scale = above ? (float)(sum / (double)above) : 0;
}

static int descending(const void *a, const void *b) {
    const float x = *(const float *)a, y = *(const float *)b;
    return (x < y) - (x > y);
}

/* Ternary codes of least squared error. */
static void optimal(const float *x, int64_t count, span *s) {
    static float sorted[MOST_N * MOST_K];
    double sum = 0, best = -1;
    for (int64_t i = 0; i < count; i++) sorted[i] = fabsf(x[i]);
    qsort(sorted, (size_t)count, sizeof *sorted, descending);
    for (int64_t k = 1; k <= count; k++) {
        sum += (double)sorted[k - 1];
        if (sum * sum / (double)k <= best) continue;
        best = sum * sum / (double)k;
        s->scale = (float)(sum / (double)k);
    }
}

/* A caller's own, in no order and with a value twice. */
static const int8_t kOwnBook[16] = {3, -128, 0, 7, 7, 90, -5, 127, 64, -64, 31, -31, 12, 1, -1, -90};

static const int8_t *book_of(const lb_format *f) {
    return f->coding != LB_CODING_C4 ? NULL : f->book ? f->book : kOwnBook;
}

static int nearest_code(const int8_t *book, float x) {
    int best = 15;
    for (int c = 14; c >= 0; c--)
        if (fabsf(x - (float)book[c]) <= fabsf(x - (float)book[best])) best = c;
    return best;
}

static int largest_of(const int8_t *book) {
    int most = 0;
    for (int c = 0; c < 16; c++) most = abs(book[c]) > most ? abs(book[c]) : most;
    return most;
}

static void minmax(const lowbit_weight_type *t, int top, const float *x, int64_t count, span *s) {
    float lo = x[0], hi = x[0];
    for (int64_t i = 1; i < count; i++) lo = x[i] < lo ? x[i] : lo, hi = x[i] > hi ? x[i] : hi;
    if (t->offset == LOWBIT_MINIMUM) {
        s->min = lb_scale_round(t->scale_type, lo);
        s->scale = lb_scale_round(t->scale_type, (hi - s->min) / (float)top);
        for (int64_t i = 0; i < count; i++) s->codes[i] = limited(rne(quotient(x[i] - s->min, s->scale)), 0, top);
        return;
    }
    lo = lo < 0 ? lo : 0, hi = hi > 0 ? hi : 0;
    s->scale = lb_scale_round(t->scale_type, (hi - lo) / (float)top);
    s->zero = limited(rne(quotient(-lo, s->scale)), 0, top);
    for (int64_t i = 0; i < count; i++) s->codes[i] = limited(rne(quotient(x[i], s->scale)) + (float)s->zero, 0, top);
}

static int absmax_code(const lb_format *f, int q, float x) {
    const int s = f->value_scale, o = f->value_offset;
    int h = 0;
    while (s * h - o < 0) h++;
    return h + limited(rne((x - (float)(s * h - o)) / (float)s), (o - q) / s - h, (o + q) / s - h);
}

/* The elements are rows of `cols`. */
static void formula(const lowbit_weight_type *t, uint32_t rule, const float *x, int64_t count, int64_t cols, span *s) {
    const lb_format *f = lb_format_of(t->format);
    const int top = f->codes - 1, o = f->value_offset, q = f->value_scale * top - o;
    s->min = 0;
    s->zero = 0;
    switch (rule) {
        case LOWBIT_RULE_ABSMAX: s->scale = fabsf(largest(x, count)) / (float)q; break;
        case LOWBIT_RULE_FULL_RANGE: s->scale = largest(x, count) / (float)-o; break;
        case LOWBIT_RULE_ABSMEAN: s->scale = fmaxf(mean_magnitude(x, count), 1e-5f); break;
        case LOWBIT_RULE_TWN: twn(x, count, s); break;
        case LOWBIT_RULE_SIGN: s->scale = mean_magnitude(x, count); break;
        case LOWBIT_RULE_OPTIMAL: optimal(x, count, s); break;
        case LOWBIT_RULE_MSE: s->scale = rules_mse_scale(f, t->scale_type, x, count / cols, cols); break;
        case LOWBIT_RULE_RANGE: s->scale = rules_range_scale(x, count); break;
        case LOWBIT_RULE_CENTRED: s->scale = mean_magnitude(x, count); break;
        case LOWBIT_RULE_LIBRA: s->scale = rules_libra_scale(x, count); break;
        case LOWBIT_RULE_FIXED: s->scale = rules_fixed_scale(o, x, count); break;
        case LOWBIT_RULE_NEAREST: s->scale = fabsf(largest(x, count)) / (float)largest_of(book_of(f)); break;
        default: minmax(t, top, x, count, s); return;
    }
    s->scale = lb_scale_round(t->scale_type, s->scale);
    const float mean = rules_range_mean(x, count), centre = (float)rules_mean(x, count);
    for (int64_t i = 0; i < count; i++) {
        if (rule == LOWBIT_RULE_SIGN) s->codes[i] = x[i] >= 0;
        if (rule == LOWBIT_RULE_CENTRED || rule == LOWBIT_RULE_LIBRA) s->codes[i] = x[i] >= centre;
        if (rule == LOWBIT_RULE_NEAREST) s->codes[i] = nearest_code(book_of(f), quotient(x[i], s->scale));
        if (rule == LOWBIT_RULE_ABSMAX || rule == LOWBIT_RULE_ABSMEAN || rule == LOWBIT_RULE_OPTIMAL)
            s->codes[i] = absmax_code(f, q, quotient(x[i], s->scale));
        if (rule == LOWBIT_RULE_MSE) s->codes[i] = rules_mse_code(f, x[i], s->scale);
        if (rule == LOWBIT_RULE_RANGE) s->codes[i] = rules_range_code(x[i], mean, s->scale);
        if (rule == LOWBIT_RULE_FULL_RANGE || rule == LOWBIT_RULE_FIXED)
            s->codes[i] = o + limited(rne(quotient(x[i], s->scale)), -o, top - o);
    }
}

/* ---- one matrix ---- */

typedef struct matrix_case {
    lowbit_weight_type type;
    uint32_t rule;
    lowbit_matrix w;
} matrix_case;

/* Elements [first, first + count) of row r, or of all rows for a tensor scale, in one piece. */
static int64_t gather(const matrix_case *c, int64_t row, int64_t first, float *x) {
    const lowbit_matrix *w = &c->w;
    const bool all = c->type.group == LOWBIT_GROUP_TENSOR;
    const int64_t last = c->type.group > 0 ? lb_min(w->cols, first + c->type.group) : w->cols;
    int64_t count = 0;
    for (int64_t r = all ? 0 : row; r < (all ? w->rows : row + 1); r++)
        for (int64_t k = first; k < last; k++) x[count++] = w->data[r * w->stride + k];
    return count;
}

/* |x - dequantized| <= half a step for codes that no clamp can have touched, but for the rounding of the few float
 * operations in between. */
static void check_errors(const matrix_case *c, const float *x, int64_t count, const span *s, const float *values) {
    const lb_format *f = lb_format_of(c->type.format);
    const int top = f->codes - 1, step = c->type.offset ? 1 : f->value_scale;
    if (s->scale == 0 || c->rule == LOWBIT_RULE_TWN || c->rule == LOWBIT_RULE_SIGN || book_of(f)) return;
    for (int64_t i = 0; i < count; i++) {
        const double slack = 4 * FLT_EPSILON * (fabs((double)x[i]) + fabs((double)s->min)) + FLT_TRUE_MIN;
        const double error = fabs((double)x[i] - (double)values[i]);
        if (s->codes[i] > 1 && s->codes[i] < top) CHECK(error <= step * fabs((double)s->scale) / 2 + slack);
    }
}

static void check_span(const matrix_case *c, const lowbit_weights *w, const float *values, int64_t row, int64_t g,
                       bool *overflow) {
    static float x[MOST_N * MOST_K], decoded[MOST_N * MOST_K];
    static span s;
    const int64_t first = c->type.group > 0 ? g * c->type.group : 0, count = gather(c, row, first, x);
    formula(&c->type, c->rule, x, count, c->type.group == LOWBIT_GROUP_TENSOR ? c->w.cols : count, &s);
    *overflow = !isfinite(s.scale) || !isfinite(s.min);
    if (*overflow || !w) return;
    const int64_t at = lb_scale_index(w, row, g);
    CHECK(lb_float_bits(w->scales[at]) == lb_float_bits(s.scale));
    CHECK(!w->mins || lb_float_bits(w->mins[at]) == lb_float_bits(s.min));
    CHECK(!w->zeros || w->zeros[at] == s.zero);
    int64_t wrong = 0;
    const lb_format *f = lb_format_of(c->type.format);
    for (int64_t i = 0; i < count; i++) {
        const int64_t r = row + i / c->w.cols, k = first + i % c->w.cols;
        const int code = s.codes[i], value = book_of(f) ? book_of(f)[code]
                                             : w->zeros ? code - s.zero
                                             : w->mins  ? code
                                                        : f->value_scale * code - f->value_offset;
        const float scaled = (float)value * s.scale;
        decoded[i] = values[r * c->w.cols + k];
        wrong += w->codes[r * w->stride + k] != code;
        wrong += lb_float_bits(decoded[i]) != lb_float_bits(w->mins ? scaled + s.min : scaled);
    }
    CHECK(wrong == 0);
    check_errors(c, x, count, &s, decoded);
}

/* Whether every scale of the matrix fits its type; checks `w` against the formulas where it is given. */
static bool check_spans(const matrix_case *c, const lowbit_weights *w, const float *values) {
    const bool one = c->type.group == LOWBIT_GROUP_TENSOR;
    bool fits = true;
    for (int64_t r = 0; r < (one ? 1 : c->w.rows); r++)
        for (int64_t g = 0; g < lb_groups(c->w.cols, c->type.group); g++) {
            bool overflow;
            check_span(c, w, values, r, g, &overflow);
            fits = fits && !overflow;
        }
    return fits;
}

static bool same_block(const lowbit_weights *a, const lowbit_weights *b) {
    return a->memory_bytes == b->memory_bytes && memcmp(a->memory, b->memory, (size_t)a->memory_bytes) == 0;
}

static void check_case(const lowbit_ctx *ctx, const matrix_case *c) {
    static float values[MOST_N * MOST_K];
    lowbit_weights w = {.struct_size = sizeof w}, again;
    lowbit_error error = LOWBIT_ERROR_INIT;
    memcpy(w.book, kOwnBook, sizeof kOwnBook);
    again = w;
    const lowbit_status status = lowbit_quantize(ctx, &c->w, &c->type, c->rule, NULL, &w, &error);
    if (!check_spans(c, NULL, NULL)) {
        CHECK(status == LOWBIT_INVALID_ARGUMENT && strstr(error.message, "overflows") && !w.memory && !w.codes);
        return;
    }
    if (!CHECK(status == LOWBIT_OK)) return;
    CHECK(lowbit_dequantize(&w, values, c->w.cols, NULL) == LOWBIT_OK);
    check_spans(c, &w, values);
    const lowbit_pool pool = pool_shuffled();
    CHECK(lowbit_quantize(ctx, &c->w, &c->type, c->rule, &pool, &again, NULL) == LOWBIT_OK && same_block(&w, &again));
    lowbit_weights_free(ctx, &w);
    lowbit_weights_free(ctx, &again);
}

static bool rule_fits(const lowbit_weight_type *t, uint32_t rule) {
    if (t->offset) return rule == LOWBIT_RULE_MINMAX;
    if (rule == LOWBIT_RULE_KMEANS || rule == LOWBIT_RULE_ROUND) return false; /* tests/books.c, tests/packed.c */
    return lb_format_of(t->format)->rules >> rule & 1;
}

static void check_type(const lowbit_ctx *ctx, const lowbit_weight_type *type) {
    for (uint32_t rule = LOWBIT_RULE_ABSMAX; rule <= LOWBIT_RULE_FIXED; rule++)
        for (int kind = 0; kind < KINDS && rule_fits(type, rule); kind++) {
            const int64_t n = check_random_in(1, MOST_N), k = check_random_in(1, MOST_K),
                          stride = k + check_random_in(0, 2);
            float *x = check_guarded((size_t)((n - 1) * stride + k) * sizeof *x, CHECK_GUARD_AFTER);
            check_context("format %u offset %u scale type %u group %d rule %u data %d", type->format, type->offset,
                          type->scale_type, type->group, rule, kind);
            fill(x, n, k, stride, kind, lb_format_of(type->format)->codes);
            const matrix_case c = {*type, rule, {x, n, k, stride}};
            check_case(ctx, &c);
            check_guard_free_all();
        }
}

void subject_quantize(void) {
    static const int32_t kGroups[] = {LOWBIT_GROUP_ROW, LOWBIT_GROUP_TENSOR, 16, 32, 64};
    lowbit_ctx *ctx = NULL;
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    const lb_format *f;
    for (size_t i = 0; (f = lb_format_at(i)); i++)
        for (uint32_t offset = LOWBIT_SYMMETRIC; offset <= LOWBIT_MINIMUM; offset++)
            for (uint32_t scale = 0; scale < LB_SCALE_TYPES; scale++)
                for (size_t g = 0; g < LB_COUNT(kGroups); g++) {
                    const lowbit_weight_type t = {sizeof t, f->id, offset, scale, kGroups[g], 0};
                    /* distances take the row for the tensor */
                    if (f->distance && kGroups[g] == LOWBIT_GROUP_ROW) continue;
                    if (lb_check_weight_type(&t, NULL) == LOWBIT_OK) check_type(ctx, &t);
                }
    lowbit_ctx_destroy(ctx);
}

/* ---- the rule of LOWBIT_RULE_AUTO, threads, and what is refused ---- */

static lowbit_weights quantized(const lowbit_ctx *ctx, const lowbit_matrix *w, const lowbit_weight_type *type,
                                uint32_t rule, const lowbit_pool *pool) {
    lowbit_weights made = {.struct_size = sizeof made};
    CHECK(lowbit_quantize(ctx, w, type, rule, pool, &made, NULL) == LOWBIT_OK);
    return made;
}

static void check_same(const lowbit_ctx *ctx, lowbit_weights a, lowbit_weights b) {
    CHECK(same_block(&a, &b));
    lowbit_weights_free(ctx, &a);
    lowbit_weights_free(ctx, &b);
}

static void check_auto(const lowbit_ctx *ctx, const lowbit_matrix *w) {
    const lb_format *f;
    for (size_t i = 0; (f = lb_format_at(i)); i++)
        for (uint32_t offset = LOWBIT_SYMMETRIC; offset <= LOWBIT_MINIMUM; offset++) {
            const lowbit_weight_type t = {sizeof t, f->id, offset, LOWBIT_SCALE_F16, 32, 0};
            if (lb_check_weight_type(&t, NULL) != LOWBIT_OK) continue;
            const uint32_t rule = offset ? (uint32_t)LOWBIT_RULE_MINMAX : f->auto_rule;
            check_context("auto: format %s offset %u", f->name, offset);
            check_same(ctx, quantized(ctx, w, &t, LOWBIT_RULE_AUTO, NULL), quantized(ctx, w, &t, rule, NULL));
        }
}

static void check_threads(const lowbit_ctx *ctx, const lowbit_matrix *w) {
    const lowbit_weight_type t = {sizeof t, LOWBIT_I4, LOWBIT_ZERO_POINT, LOWBIT_SCALE_BF16, 32, 0};
    static const uint32_t kThreads[] = {1, 2, 3, 7};
    for (size_t i = 0; i < LB_COUNT(kThreads); i++) {
        lowbit_pool_options options = LOWBIT_POOL_OPTIONS_INIT;
        lowbit_pool pool = LOWBIT_POOL_INIT;
        check_context("%u threads", kThreads[i]);
        options.threads = kThreads[i];
        CHECK(lowbit_pool_create(ctx, &options, &pool, NULL) == LOWBIT_OK);
        check_same(ctx, quantized(ctx, w, &t, LOWBIT_RULE_AUTO, NULL), quantized(ctx, w, &t, LOWBIT_RULE_AUTO, &pool));
        lowbit_pool_destroy(&pool);
    }
}

/* The first element in reading order that is not finite is named, whatever follows. */
static void check_places(const lowbit_ctx *ctx, lowbit_matrix w, float *x) {
    static const float kBad[] = {NAN, INFINITY, -INFINITY};
    const lowbit_weight_type t = {sizeof t, LOWBIT_I8, LOWBIT_SYMMETRIC, LOWBIT_SCALE_F32, LOWBIT_GROUP_ROW, 0};
    for (int round = 0; round < 30; round++) {
        const int64_t r = check_random_in(0, w.rows - 1), c = check_random_in(0, w.cols - 1);
        float *at = &x[r * w.stride + c], *last = &x[(w.rows - 1) * w.stride + w.cols - 1];
        const float kept = *at, kept_last = *last;
        lowbit_weights made = {.struct_size = sizeof made};
        lowbit_error error = LOWBIT_ERROR_INIT;
        char place[64];
        *last = NAN;
        *at = kBad[round % 3];
        snprintf(place, sizeof place, "element (%d, %d)", (int)r, (int)c);
        check_context("%s", place);
        CHECK(lowbit_quantize(ctx, &w, &t, 0, NULL, &made, &error) == LOWBIT_INVALID_ARGUMENT);
        CHECK(strstr(error.message, place) != NULL && !made.memory);
        *at = kept;
        if (at != last) *last = kept_last;
    }
}

/* The least scale that overflows is named, also where threads find a later one first. */
static void check_overflows(const lowbit_ctx *ctx, lowbit_matrix w, float *x) {
    const lowbit_weight_type t = {sizeof t, LOWBIT_I8, LOWBIT_SYMMETRIC, LOWBIT_SCALE_F16, LOWBIT_GROUP_ROW, 0};
    const lowbit_pool pools[] = {pool_reversed(), pool_shuffled()};
    x[3 * w.stride] = 65520.0f * 127;
    x[5 * w.stride] = -1e30f;
    for (size_t i = 0; i < LB_COUNT(pools); i++) {
        lowbit_weights made = {.struct_size = sizeof made};
        lowbit_error error = LOWBIT_ERROR_INIT;
        check_context("overflow");
        CHECK(lowbit_quantize(ctx, &w, &t, 0, &pools[i], &made, &error) == LOWBIT_INVALID_ARGUMENT);
        CHECK(strncmp(error.message, "scale 3 overflows", 17) == 0 && !made.memory);
    }
}

void subject_quantize_doors(void) {
    enum { N = 37, K = 100, STRIDE = 103 };
    static float x[N * STRIDE];
    lowbit_ctx *ctx = NULL;
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    fill(x, N, K, STRIDE, KIND_RANDOM, 0);
    for (int64_t r = 0; r < N; r++) x[r * STRIDE + K] = NAN; /* between rows: not ours */
    const lowbit_matrix w = {x, N, K, STRIDE};
    check_auto(ctx, &w);
    check_threads(ctx, &w);
    check_places(ctx, w, x);
    check_overflows(ctx, w, x);
    lowbit_ctx_destroy(ctx);
}
