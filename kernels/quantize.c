/* SPDX-License-Identifier: Apache-2.0 */
/* Quantizing a float matrix: a rule looks at all elements that share a scale, chooses the scale (and zero point or
 * minimum), and encodes each element with it. Rules are rows of a table; formulas stand in include/lowbit/weights.h. */
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "kernels/base/ctx.h"
#include "kernels/base/pool.h"
#include "kernels/codebook.h"
#include "kernels/formats/format.h"
#include "kernels/formats/scale.h"
#include "kernels/layout.h"
#include "kernels/least_error.h"
#include "kernels/progressive.h"
#include "kernels/rules.h"
#include "kernels/weights.h"

/* The elements that share one scale: a part of a row, a row, or the whole matrix. */
typedef struct span {
    const float *x;
    int64_t rows, cols, stride;
    float *scratch; /* of the rule that sorts: room for all elements */
} span;

typedef struct fitted {
    float scale, min;
    int32_t zero;
    float threshold; /* of the rule that compares instead of dividing */
    float mean;      /* of the rules that take it off before */
} fitted;

typedef struct target {
    const lb_format *format;
    uint32_t offset, scale_type;
    const int8_t *book; /* or NULL */
} target;

typedef fitted (*fit_fn)(const span *s, const target *to);
typedef int32_t (*encode_fn)(float x, const fitted *f, const target *to);

/* One pass over a span: everything that a rule may want to know of it. */
typedef struct statistics {
    float least, most, extreme; /* extreme: the first element of largest magnitude */
    double magnitude;           /* sum of |x| */
    int64_t count;
} statistics;

static statistics look_at(const span *s) {
    statistics seen = {.least = s->x[0], .most = s->x[0], .extreme = s->x[0], .count = s->rows * s->cols};
    for (int64_t r = 0; r < s->rows; r++)
        for (int64_t c = 0; c < s->cols; c++) {
            const float x = s->x[r * s->stride + c];
            if (x < seen.least) seen.least = x;
            if (x > seen.most) seen.most = x;
            if (fabsf(x) > fabsf(seen.extreme)) seen.extreme = x;
            seen.magnitude += fabsf(x);
        }
    return seen;
}

static int32_t clamp(float x, int32_t low, int32_t high) {
    return x < (float)low ? low : x > (float)high ? high : (int32_t)x;
}

/* x / scale, or 0 for a scale of 0, where every element is 0 or too small for the scale's type. */
static float ratio(float x, float scale) { return scale == 0 ? 0 : x / scale; }

static int32_t most_code(const target *to) { return to->format->codes - 1; }

/* Largest q with both +q and -q among the format's values s * c - o. */
static int32_t symmetric_limit(const target *to) {
    return to->format->value_scale * most_code(to) - to->format->value_offset;
}

static fitted fit_absmax(const span *s, const target *to) {
    return (fitted){.scale = fabsf(look_at(s).extreme) / (float)symmetric_limit(to)};
}

/* Counts steps of s from the least code whose value is not negative, so that formats with a zero round x / scale
 * itself. */
static int32_t encode_absmax(float x, const fitted *f, const target *to) {
    const int32_t s = to->format->value_scale, o = to->format->value_offset, q = symmetric_limit(to);
    const int32_t middle = (o + s - 1) / s;
    const float steps = rintf((ratio(x, f->scale) - (float)(s * middle - o)) / (float)s);
    return middle + clamp(steps, (o - q) / s - middle, (o + q) / s - middle);
}

static fitted fit_full_range(const span *s, const target *to) {
    return (fitted){.scale = look_at(s).extreme / -(float)to->format->value_offset};
}

static int32_t encode_full_range(float x, const fitted *f, const target *to) {
    const int32_t o = to->format->value_offset;
    return o + clamp(rintf(ratio(x, f->scale)), -o, most_code(to) - o);
}

static fitted fit_minmax(const span *s, const target *to) {
    const statistics seen = look_at(s);
    const float steps = (float)most_code(to);
    if (to->offset == LOWBIT_MINIMUM) {
        const float min = lb_scale_round(to->scale_type, seen.least);
        return (fitted){.scale = (seen.most - min) / steps, .min = min};
    }
    const float low = fminf(seen.least, 0), high = fmaxf(seen.most, 0);
    const float scale = lb_scale_round(to->scale_type, (high - low) / steps);
    return (fitted){.scale = scale, .zero = clamp(rintf(ratio(-low, scale)), 0, most_code(to))};
}

static int32_t encode_minmax(float x, const fitted *f, const target *to) {
    return clamp(rintf(ratio(x - f->min, f->scale)) + (float)f->zero, 0, most_code(to));
}

static fitted fit_absmean(const span *s, const target *to) {
    (void)to;
    const statistics seen = look_at(s);
    return (fitted){.scale = fmaxf((float)(seen.magnitude / (double)seen.count), 1e-5f)};
}

static fitted fit_twn(const span *s, const target *to) {
    (void)to;
    const statistics seen = look_at(s);
    const float threshold = (float)(0.7 * seen.magnitude / (double)seen.count);
    double sum = 0;
    int64_t above = 0;
    for (int64_t r = 0; r < s->rows; r++)
        for (int64_t c = 0; c < s->cols; c++) {
            const float x = fabsf(s->x[r * s->stride + c]);
            if (x > threshold) sum += x, above++;
        }
    return (fitted){.scale = above ? (float)(sum / (double)above) : 0, .threshold = threshold};
}

static int32_t encode_twn(float x, const fitted *f, const target *to) {
    return to->format->value_offset + (x > f->threshold) - (x < -f->threshold);
}

/* Ascending, as a heap of the `count` largest shrinks. */
static void sift(float *heap, int64_t at, int64_t count) {
    for (int64_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && heap[child + 1] > heap[child]) child++;
        if (heap[at] >= heap[child]) return;
        const float greater = heap[child];
        heap[child] = heap[at];
        heap[at] = greater;
    }
}

static void sort(float *x, int64_t count) {
    for (int64_t i = count / 2 - 1; i >= 0; i--) sift(x, i, count);
    for (int64_t end = count - 1; end > 0; end--) {
        const float most = x[0];
        x[0] = x[end];
        x[end] = most;
        sift(x, 0, end);
    }
}

static fitted fit_optimal(const span *s, const target *to) {
    (void)to;
    int64_t count = 0;
    for (int64_t r = 0; r < s->rows; r++)
        for (int64_t c = 0; c < s->cols; c++) s->scratch[count++] = fabsf(s->x[r * s->stride + c]);
    sort(s->scratch, count);
    double sum = 0, scale = 0, best = -1;
    for (int64_t k = 1; k <= count; k++) {
        sum += (double)s->scratch[count - k];
        const double gain = sum * sum / (double)k;
        if (gain > best) best = gain, scale = sum / (double)k;
    }
    return (fitted){.scale = (float)scale};
}

static fitted fit_mse(const span *s, const target *to) {
    const lowbit_matrix w = {s->x, s->rows, s->cols, s->stride};
    return (fitted){.scale = lb_least_error_scale(&w, to->format, to->scale_type)};
}

static int32_t encode_mse(float x, const fitted *f, const target *to) {
    const lb_elements e = {&x, 1, to->format->value_scale, to->format->value_offset, most_code(to)};
    return (int32_t)lb_nearest_code(x, lb_inverse_step(f->scale, &e), &e);
}

static float to_int8_range(float x) { return x < INT8_MIN ? INT8_MIN : x > INT8_MAX ? INT8_MAX : x; }

static fitted fit_range(const span *s, const target *to) {
    (void)to;
    const statistics seen = look_at(s);
    double sum = 0;
    for (int64_t r = 0; r < s->rows; r++)
        for (int64_t c = 0; c < s->cols; c++) sum += to_int8_range(s->x[r * s->stride + c]);
    const float mean = (float)(sum / (double)seen.count);
    return (fitted){.scale = ((to_int8_range(seen.most) - mean) - (to_int8_range(seen.least) - mean)) / 2,
                    .mean = mean};
}

static int32_t encode_range(float x, const fitted *f, const target *to) {
    return to->format->value_offset + clamp(rintf(ratio(to_int8_range(x) - f->mean, f->scale)), -1, 1);
}

static fitted fit_sign(const span *s, const target *to) {
    (void)to;
    const statistics seen = look_at(s);
    return (fitted){.scale = (float)(seen.magnitude / (double)seen.count)};
}

static int32_t encode_sign(float x, const fitted *f, const target *to) {
    (void)f;
    (void)to;
    return x >= 0;
}

static double mean_of(const span *s) {
    double sum = 0;
    for (int64_t r = 0; r < s->rows; r++)
        for (int64_t c = 0; c < s->cols; c++) sum += s->x[r * s->stride + c];
    return sum / (double)(s->rows * s->cols);
}

static fitted fit_centred(const span *s, const target *to) {
    fitted f = fit_sign(s, to);
    f.mean = (float)mean_of(s);
    return f;
}

static int32_t encode_centred(float x, const fitted *f, const target *to) {
    (void)to;
    return x >= f->mean;
}

/* 2^rne(log2(x)). There are no ties: the square root of a half is no double. */
static float nearest_power(double x) {
    int exponent;
    const double fraction = frexp(x, &exponent); /* 1/2 <= fraction < 1 */
    return (float)ldexp(1, fraction * fraction > 0.5 ? exponent : exponent - 1);
}

static fitted fit_libra(const span *s, const target *to) {
    (void)to;
    const double mean = mean_of(s), count = (double)(s->rows * s->cols);
    double magnitude = 0, squares = 0;
    for (int64_t r = 0; r < s->rows; r++)
        for (int64_t c = 0; c < s->cols; c++) {
            const double d = s->x[r * s->stride + c] - mean;
            magnitude += fabs(d);
            squares += d * d;
        }
    const float scale = squares > 0 ? nearest_power(magnitude / count / sqrt(squares / (count - 1))) : 0;
    return (fitted){.scale = scale, .mean = (float)mean};
}

/* 2^ceil(log2(x)), 0 of 0. */
static float power_above(float x) {
    int exponent;
    const float fraction = frexpf(x, &exponent); /* 1/2 <= fraction < 1 */
    return x > 0 ? ldexpf(1, fraction > 0.5f ? exponent : exponent - 1) : 0;
}

static fitted fit_fixed(const span *s, const target *to) {
    return (fitted){.scale = power_above(fabsf(look_at(s).extreme) / (float)to->format->value_offset)};
}

static int32_t largest_value(const int8_t *book) {
    int32_t largest = 0;
    for (int c = 0; c < LB_BOOK; c++) largest = book[c] > largest ? book[c] : -book[c] > largest ? -book[c] : largest;
    return largest;
}

static fitted fit_nearest(const span *s, const target *to) {
    return (fitted){.scale = fabsf(look_at(s).extreme) / (float)largest_value(to->book)};
}

static int32_t encode_nearest(float x, const fitted *f, const target *to) {
    const float v = ratio(x, f->scale);
    int32_t best = 0;
    for (int32_t c = 1; c < LB_BOOK; c++)
        if (fabsf(v - (float)to->book[c]) < fabsf(v - (float)to->book[best])) best = c;
    return best;
}

static fitted fit_kmeans(const span *s, const target *to) {
    (void)to;
    return (fitted){.scale = fabsf(look_at(s).extreme) / INT8_MAX};
}

/* Not here: search looks at whole rows (kernels/progressive.c), round makes floats, the book of kmeans is fitted before
 * (kernels/codebook.c). */
static const struct {
    fit_fn fit;
    encode_fn encode;
} kRules[] = {
    [LOWBIT_RULE_ABSMAX] = {fit_absmax, encode_absmax},
    [LOWBIT_RULE_FULL_RANGE] = {fit_full_range, encode_full_range},
    [LOWBIT_RULE_MINMAX] = {fit_minmax, encode_minmax},
    [LOWBIT_RULE_ABSMEAN] = {fit_absmean, encode_absmax},
    [LOWBIT_RULE_TWN] = {fit_twn, encode_twn},
    [LOWBIT_RULE_SIGN] = {fit_sign, encode_sign},
    [LOWBIT_RULE_NEAREST] = {fit_nearest, encode_nearest},
    [LOWBIT_RULE_KMEANS] = {fit_kmeans, encode_nearest},
    [LOWBIT_RULE_OPTIMAL] = {fit_optimal, encode_absmax},
    [LOWBIT_RULE_MSE] = {fit_mse, encode_mse},
    [LOWBIT_RULE_RANGE] = {fit_range, encode_range},
    [LOWBIT_RULE_CENTRED] = {fit_centred, encode_centred},
    [LOWBIT_RULE_LIBRA] = {fit_libra, encode_centred},
    [LOWBIT_RULE_FIXED] = {fit_fixed, encode_full_range},
};

typedef struct quantize_job {
    lowbit_matrix w;
    target to;
    fit_fn fit;
    encode_fn encode;
    lowbit_weights *out;
    int64_t group;       /* elements of a row that share a scale */
    double *steps;       /* [n][G] for progressive groups, else NULL */
    float *scratch;      /* [n][k] for the rule that sorts, else NULL */
    _Atomic int64_t bad; /* 1 + index of a scale that its type cannot hold; 0 = none. The least wins. */
} quantize_job;

static void encode_span(const quantize_job *job, const span *s, const fitted *f, uint8_t *codes) {
    for (int64_t r = 0; r < s->rows; r++)
        for (int64_t c = 0; c < s->cols; c++)
            codes[r * job->out->stride + c] = (uint8_t)job->encode(s->x[r * s->stride + c], f, &job->to);
}

static void note_bad_scale(quantize_job *job, int64_t index) {
    int64_t known = atomic_load(&job->bad);
    while ((known == 0 || index + 1 < known) && !atomic_compare_exchange_weak(&job->bad, &known, index + 1)) {
    }
}

static void quantize_span(quantize_job *job, const span *s, int64_t index, uint8_t *codes) {
    fitted f = job->fit(s, &job->to);
    f.scale = lb_scale_round(job->to.scale_type, f.scale);
    if (!isfinite(f.scale) || !isfinite(f.min)) {
        note_bad_scale(job, index);
        return;
    }
    encode_span(job, s, &f, codes);
    job->out->scales[index] = f.scale;
    if (job->out->zeros) job->out->zeros[index] = (uint8_t)f.zero;
    if (job->out->mins) job->out->mins[index] = f.min;
}

static void quantize_row(void *arg, size_t i, size_t worker) {
    (void)worker;
    quantize_job *job = arg;
    const int64_t n = (int64_t)i, groups = lb_div_up(job->w.cols, job->group);
    for (int64_t g = 0; g < groups; g++) {
        const int64_t first = g * job->group, count = lb_min(job->group, job->w.cols - first);
        float *scratch = job->scratch ? job->scratch + n * job->w.cols + first : NULL;
        const span s = {job->w.data + n * job->w.stride + first, 1, count, job->w.stride, scratch};
        quantize_span(job, &s, n * groups + g, job->out->codes + n * job->out->stride + first);
    }
}

static void quantize_progressive_row(void *arg, size_t i, size_t worker) {
    (void)worker;
    quantize_job *job = arg;
    double *steps = job->steps + (int64_t)i * lb_groups(job->w.cols, job->group);
    if (!isfinite(lb_quantize_progressive_row(&job->w, (int64_t)i, steps, job->out))) note_bad_scale(job, (int64_t)i);
}

static void round_row(void *arg, size_t i, size_t worker) {
    (void)worker;
    quantize_job *job = arg;
    const int64_t n = (int64_t)i, to = n * job->out->stride;
    const float *x = job->w.data + n * job->w.stride;
    void *elements = job->out->codes;
    for (int64_t k = 0; k < job->w.cols; k++) {
        if (job->to.format->coding == LB_CODING_F32) {
            ((float *)elements)[to + k] = x[k];
            continue;
        }
        const uint16_t rounded = lb_bf16_from_float(x[k]);
        if (!isfinite(lb_bf16_to_float(rounded))) note_bad_scale(job, n);
        ((uint16_t *)elements)[to + k] = rounded;
    }
}

/* Non-finite input is refused before any rule sees it; returns rows * cols if all is well. */
static int64_t first_non_finite(const lowbit_matrix *w) {
    for (int64_t r = 0; r < w->rows; r++)
        for (int64_t c = 0; c < w->cols; c++)
            if (!isfinite(w->data[r * w->stride + c])) return r * w->cols + c;
    return w->rows * w->cols;
}

static lowbit_status run_job(quantize_job *job, const lowbit_pool *pool, lowbit_error *error) {
    if (lb_is_float(job->to.format)) {
        lb_parallel_for(pool, (size_t)job->w.rows, round_row, job);
    } else if (job->out->type.group == LOWBIT_GROUP_TENSOR) {
        const span all = {job->w.data, job->w.rows, job->w.cols, job->w.stride, job->scratch};
        quantize_span(job, &all, 0, job->out->codes);
    } else {
        lb_parallel_for(pool, (size_t)job->w.rows, job->steps ? quantize_progressive_row : quantize_row, job);
    }
    LB_REQUIRE(!job->bad || !lb_is_float(job->to.format), error, LOWBIT_INVALID_ARGUMENT,
               "row %lld has an element that overflows bf16", (long long)job->bad - 1);
    LB_REQUIRE(!job->bad, error, LOWBIT_INVALID_ARGUMENT,
               "scale %lld overflows its type: use f32 or bf16 scales, or smaller weights", (long long)job->bad - 1);
    return LOWBIT_OK;
}

/* What c4 is quantized with: the book that fits, or the caller's own. */
static lowbit_status choose_book(const lowbit_ctx *ctx, const lowbit_matrix *w, uint32_t rule, lowbit_weights *made,
                                 lowbit_error *error) {
    if (rule == LOWBIT_RULE_KMEANS) return lb_fit_book(ctx, w, made->type.group, made->book, error);
    LB_REQUIRE(rule != LOWBIT_RULE_NEAREST || largest_value(lb_book_of(made)) > 0, error, LOWBIT_INVALID_ARGUMENT,
               "rule nearest needs a book in weights: this one has zeros alone");
    return LOWBIT_OK;
}

/* Runs the job with what memory its rule needs beside the result. */
static lowbit_status run_with_memory(const lowbit_ctx *ctx, quantize_job *job, uint32_t rule, const lowbit_pool *pool,
                                     lowbit_error *error) {
    const lowbit_weights *w = job->out;
    const size_t bytes = w->type.progressive           ? sizeof(double) * (size_t)lb_group_count(&w->type, w->n, w->k)
                         : rule == LOWBIT_RULE_OPTIMAL ? sizeof(float) * (size_t)(w->n * w->k)
                                                       : 0;
    void *memory = bytes ? lb_alloc(ctx, bytes) : NULL;
    LB_REQUIRE(memory || !bytes, error, LOWBIT_NO_MEMORY, "no memory to quantize %lld x %lld: %zu bytes",
               (long long)w->n, (long long)w->k, bytes);
    if (w->type.progressive)
        job->steps = memory;
    else
        job->scratch = memory;
    const lowbit_status status = run_job(job, pool, error);
    lb_free(ctx, memory, bytes);
    return status;
}

lowbit_status lowbit_quantize(const lowbit_ctx *ctx, const lowbit_matrix *w, const lowbit_weight_type *type,
                              uint32_t rule, const lowbit_pool *pool, lowbit_weights *weights, lowbit_error *error) {
    LB_REQUIRE(ctx && weights && LB_HAS_FIELD(weights, lowbit_weights, book), error, LOWBIT_INVALID_ARGUMENT,
               "ctx or weights is NULL, or its struct_size is too small");
    LB_TRY(lb_check_matrix("w", w, error));
    LB_TRY(lb_check_weight_shape(type, w->rows, w->cols, error));
    LB_TRY(lb_check_pool(pool, error));
    const lb_format *f = lb_format_of(type->format);
    LB_TRY(lb_choose_rule(type, &rule, error));
    const int64_t bad = first_non_finite(w);
    LB_REQUIRE(bad == w->rows * w->cols, error, LOWBIT_INVALID_ARGUMENT, "w: element (%lld, %lld) is not finite",
               (long long)(bad / w->cols), (long long)(bad % w->cols));

    lowbit_weights made = {.struct_size = weights->struct_size, .type = *type, .n = w->rows, .k = w->cols};
    if (f->distance) made.type.group = LOWBIT_GROUP_TENSOR;
    if (lb_has_book(f) && !f->book) memcpy(made.book, weights->book, LB_BOOK);
    LB_TRY(choose_book(ctx, w, rule, &made, error));
    LB_TRY(lb_weights_alloc(ctx, &made, error));
    quantize_job job = {.w = *w,
                        .to = {f, type->offset, type->scale_type, lb_book_of(&made)},
                        .fit = kRules[rule].fit,
                        .encode = kRules[rule].encode,
                        .out = &made,
                        .group = type->group > 0 ? type->group : w->cols};
    const lowbit_status status = run_with_memory(ctx, &job, rule, pool, error);
    if (status != LOWBIT_OK)
        lowbit_weights_free(ctx, &made);
    else
        *weights = made;
    return status;
}
