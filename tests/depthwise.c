/* SPDX-License-Identifier: Apache-2.0 */
/* Depthwise convolution of every level against the reference of the product, whose rows are windows gathered here. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kernels/depthwise.h"
#include "kernels/formats/format.h"
#include "kernels/reference_float.h"
#include "kernels/rows.h"
#include "kernels/ukernels.h"
#include "kernels/weights.h"
#include "tests/check.h"
#include "tests/problems.h"

/* A convolution, and a sample whose product it is: M and N as there, A not used. */
typedef struct image {
    lowbit_conv2d conv;
    sample s;
    float *a;      /* NHWC, guarded */
    int8_t *codes; /* what it becomes if it is quantized once, or NULL */
    float *residual;
    void *want; /* [M][N] outputs, or lb_float_result */
} image;

static int64_t extent(int64_t size, int64_t pads, int64_t taps, int64_t dilation, int64_t stride) {
    return (size + pads - dilation * (taps - 1) - 1) / stride + 1;
}

/* A kernel of any size, also one that is larger than the image but for its padding. */
static void random_side(int64_t most, int64_t *size, int64_t *taps, int64_t *dilation, int64_t *stride,
                        int64_t pads[2]) {
    *taps = check_random_in(1, check_random() % 4 ? 3 : 7);
    *dilation = check_random() % 3 ? 1 : check_random_in(2, 3);
    *stride = check_random() & 1 ? 1 : check_random_in(2, 4);
    const int64_t reach = *dilation * (*taps - 1) + 1;
    pads[0] = check_random() & 1 ? check_random_in(0, reach - 1) : reach / 2;
    pads[1] = check_random() & 1 ? check_random_in(0, reach - 1) : reach / 2;
    *size = check_random_in(1, most);
    if (*size + pads[0] + pads[1] < reach) *size = reach - pads[0] - pads[1];
}

static lowbit_conv2d random_conv(int64_t most_channels, bool padded) {
    lowbit_conv2d c = LOWBIT_CONV2D_INIT;
    int64_t y[2], x[2];
    random_side(7, &c.height, &c.kernel_height, &c.dilation_y, &c.stride_y, y);
    random_side(check_random() % 8 ? 7 : 50, &c.width, &c.kernel_width, &c.dilation_x, &c.stride_x, x);
    if (padded) {
        c.pad_top = y[0], c.pad_bottom = y[1], c.pad_left = x[0], c.pad_right = x[1];
    } else {
        c.height += y[0] + y[1];
        c.width += x[0] + x[1];
    }
    c.batch = check_random_in(1, 2);
    c.channels = c.groups = check_random_in(2, most_channels);
    c.out_channels = c.channels * (check_random() & 1 ? 1 : check_random_in(1, 3));
    return c;
}

static int64_t out_height(const lowbit_conv2d *c) {
    return extent(c->height, c->pad_top + c->pad_bottom, c->kernel_height, c->dilation_y, c->stride_y);
}
static int64_t out_width(const lowbit_conv2d *c) {
    return extent(c->width, c->pad_left + c->pad_right, c->kernel_width, c->dilation_x, c->stride_x);
}

/* Element k of the window of output row m in one channel, or -1 outside. */
static int64_t element_at(const lowbit_conv2d *c, int64_t m, int64_t k, int64_t channel) {
    const int64_t ox = m % out_width(c), oy = m / out_width(c) % out_height(c), b = m / out_width(c) / out_height(c);
    const int64_t y = oy * c->stride_y - c->pad_top + k / c->kernel_width * c->dilation_y;
    const int64_t x = ox * c->stride_x - c->pad_left + k % c->kernel_width * c->dilation_x;
    if (y < 0 || y >= c->height || x < 0 || x >= c->width) return -1;
    return ((b * c->height + y) * c->width + x) * c->channels + channel;
}

/* Row n of the weights as weights of their own. */
static lowbit_weights row_of(const lowbit_weights *w, int64_t n) {
    lowbit_weights row = *w;
    const int64_t scale = lb_scale_index(w, n, 0), group = lb_group_index(w, n, 0);
    row.n = 1;
    row.codes += n * w->stride * lb_codings[lb_format_of(w->type.format)->coding].element_bytes;
    if (w->scales) row.scales += scale;
    if (w->zeros) row.zeros += group;
    if (w->mins) row.mins += group;
    if (w->multipliers) row.multipliers += group;
    return row;
}

/* The results of output channel n, by the law of the product for windows of its channel. */
static void refer(const lowbit_ctx *ctx, const image *i, int64_t n, const float *windows) {
    const sample *s = &i->s;
    const int64_t stride = s->problem.n, bytes = sample_out_bytes(s);
    lowbit_problem problem = s->problem;
    lowbit_requant q = s->requant;
    lowbit_gemm_args args = sample_args(s, (uint8_t *)i->want + n * bytes, stride);
    const lowbit_weights row = row_of(&s->weights, n);
    problem.n = 1;
    args.struct_size = sizeof args;
    args.a = (lowbit_matrix){windows, problem.m, problem.k, problem.k};
    args.requant = &q;
    if (args.bias) args.bias += n;
    if (args.residual) args.residual = i->residual + n;
    args.residual_stride = stride;
    if (q.multipliers) q.multipliers += n, q.shifts += n;
    if (q.bias) q.bias += n;
    if (q.residual) q.residual = (const uint8_t *)q.residual + n;
    if (!lb_is_float_kind(problem.activations)) {
        lowbit_error error = LOWBIT_ERROR_INIT;
        if (!CHECK(lowbit_gemm_reference(ctx, &problem, &row, &args, &error) == LOWBIT_OK)) puts(error.message);
        return;
    }
    for (int64_t m = 0; m < problem.m; m++)
        ((lb_float_result *)i->want)[m * stride + n] =
            lb_reference_float(&problem, &row, &args, m, 0, LB_FACTORS_FLOAT);
}

/* Signs outside of the image add nothing, which no row of floats says: raw sums, by hand. */
static void refer_signs(const image *i, int64_t n) {
    const sample *s = &i->s;
    const int64_t channel = n / (i->conv.out_channels / i->conv.channels);
    for (int64_t m = 0; m < s->problem.m; m++) {
        int64_t dot = 0;
        for (int64_t k = 0; k < s->problem.k; k++) {
            const int64_t at = element_at(&i->conv, m, k, channel);
            const int64_t mult = s->weights.multipliers
                                     ? s->weights.multipliers[lb_group_index(&s->weights, n, k / s->weights.type.group)]
                                     : 1;
            if (at >= 0) dot += i->codes[at] * mult * lb_integer_at(&s->weights, n, k);
        }
        ((int32_t *)i->want)[m * s->problem.n + n] = (int32_t)dot;
    }
}

static void make_want(const lowbit_ctx *ctx, image *i) {
    const lowbit_problem *p = &i->s.problem;
    const bool by_hand = p->activations == LOWBIT_A1 && p->out == LOWBIT_OUT_S32;
    const int64_t each = lb_is_float_kind(p->activations) ? (int64_t)sizeof(lb_float_result) : sample_out_bytes(&i->s);
    i->want = check_guarded((size_t)(p->m * p->n * each), CHECK_GUARD_AFTER);
    float *windows = check_guarded((size_t)(p->m * p->k) * sizeof *windows, CHECK_GUARD_AFTER);
    for (int64_t n = 0; n < p->n; n++) {
        const int64_t channel = n / (i->conv.out_channels / i->conv.channels);
        for (int64_t at = 0; at < p->m * p->k; at++) {
            const int64_t element = element_at(&i->conv, at / p->k, at % p->k, channel);
            windows[at] = element < 0 ? 0 : i->a[element];
        }
        if (by_hand)
            refer_signs(i, n);
        else
            refer(ctx, i, n, windows);
    }
}

/* Codes of every size, and the floats that become them. */
static void make_image(image *i) {
    const lowbit_conv2d *c = &i->conv;
    const lowbit_problem *p = &i->s.problem;
    const int64_t elements = c->batch * c->height * c->width * c->channels;
    const int side = (int)(check_random() & 1);
    const bool coded = !lb_is_float_kind(p->activations) && (p->static_scale || p->activations >= LOWBIT_A1);
    i->a = check_guarded((size_t)elements * sizeof *i->a, side);
    i->codes = coded ? check_guarded((size_t)elements, side) : NULL;
    lb_row_rule rule = {0};
    if (coded) rule = lb_row_rule_for(p->activations);
    for (int64_t at = 0; at < elements; at++) {
        i->a[at] = check_random_float(-2, 2);
        if (!coded) continue;
        const int64_t code =
            rule.kind == LB_ROWS_SIGN ? (check_random() & 1 ? 1 : -1) : check_random_in(rule.low, rule.high);
        i->codes[at] = (int8_t)code;
        i->a[at] = p->static_scale ? (float)(code - i->s.a_zero) * i->s.a_scale : (float)code;
    }
    if (!p->residual) return;
    i->residual = check_guarded((size_t)(p->m * p->n) * sizeof *i->residual, CHECK_GUARD_AFTER);
    for (int64_t at = 0; at < p->m * p->n; at++) i->residual[at] = check_random_float(-2, 2);
}

static void run_unit(const image *i, const lb_isa_unit *unit, const int8_t *codes, const lowbit_pool *pool) {
    const sample *s = &i->s;
    const uint32_t threads = pool ? (uint32_t)pool->num_threads(pool->user) : 1;
    const int64_t bytes = lb_depthwise_workspace(&i->conv, threads), each = sample_out_bytes(s);
    const int64_t stride = s->problem.n + 1, row = stride * each, used = s->problem.n * each;
    void *workspace = check_guarded((size_t)bytes, CHECK_GUARD_AFTER);
    uint8_t *out = check_guarded((size_t)((s->problem.m - 1) * row + used), CHECK_GUARD_AFTER);
    const lowbit_gemm_args product = sample_args(s, out, stride);
    const lowbit_conv2d_args args = {.struct_size = sizeof args,
                                     .weights = &s->packed,
                                     .batch = i->conv.batch,
                                     .a = codes ? NULL : i->a,
                                     .codes = codes,
                                     .a_scale = s->a_scale,
                                     .a_zero = s->a_zero,
                                     .bias = product.bias,
                                     .residual = product.residual ? i->residual : NULL,
                                     .requant = product.requant,
                                     .out = out,
                                     .out_stride = stride};
    lb_depthwise_run(unit, &i->conv, &args, codes, workspace, threads, pool);
    sample_check(s, out, stride, i->want);
    for (int64_t m = 0; m + 1 < s->problem.m; m++) /* the gap between rows is not ours */
        for (int64_t at = used; at < row; at++) CHECK(out[m * row + at] == 0xA5);
}

static void run_all(const lowbit_ctx *ctx, const image *i, const char *name, const lowbit_pool *pool) {
    const lowbit_conv2d *c = &i->conv;
    for (size_t u = 0; lb_unit_at(u); u++) {
        const lb_isa_unit *unit = lb_unit_at(u);
        if (!(unit->isa & ctx->isa_enabled)) continue;
        check_context("%s %s: b%d h%d w%d c%d n%d k%dx%d s%dx%d d%dx%d p%d,%d,%d,%d", lb_unit_name(unit), name,
                      (int)c->batch, (int)c->height, (int)c->width, (int)c->channels, (int)c->out_channels,
                      (int)c->kernel_height, (int)c->kernel_width, (int)c->stride_y, (int)c->stride_x,
                      (int)c->dilation_y, (int)c->dilation_x, (int)c->pad_top, (int)c->pad_bottom, (int)c->pad_left,
                      (int)c->pad_right);
        if (i->codes) run_unit(i, unit, i->codes, pool);
        run_unit(i, unit, NULL, pool);
    }
}

/* Head and tail of a problem string around the shape. */
static void check_conv(const lowbit_ctx *ctx, lowbit_conv2d conv, const char *head, const char *tail, bool spoil,
                       const lowbit_pool *pool) {
    char text[128];
    const int64_t m = conv.batch * out_height(&conv) * out_width(&conv);
    snprintf(text, sizeof text, "%s:m%dn%dk%d%s", head, (int)m, (int)conv.out_channels,
             (int)(conv.kernel_height * conv.kernel_width), tail);
    lowbit_problem problem = {.struct_size = sizeof problem};
    if (!CHECK(lowbit_problem_parse(text, &problem, NULL) == LOWBIT_OK)) return;
    if (lowbit_supported(ctx, &problem, NULL) != LOWBIT_OK) return;
    image i = {.conv = conv, .s = sample_make(ctx, text, (int)check_random_in(0, DATA_KINDS - 1))};
    i.conv.product = problem;
    make_image(&i);
    if (spoil) { /* codes cannot say it */
        i.codes = NULL;
        i.a[check_random_in(0, conv.batch * conv.height * conv.width * conv.channels - 1)] =
            check_random() & 1 ? (float)NAN : (float)INFINITY;
    }
    make_want(ctx, &i);
    run_all(ctx, &i, text, pool);
    sample_free(ctx, &i.s);
}

static const char *const kVariants[] = {"", "g16", "g32", "z", "zg16", "m:f16", "mg16:bf16", "g16p", "zg32p"};

/* Every format and offset by codes, with all outputs. */
void subject_depthwise(void) {
    static const char *const kActivations[] = {"a8s", "a8s", "a8s", "a4s", "a2s", "u1", "a1"};
    static const char *const kTails[] = {"",     "+bias+relu", ":s8+bias",       ":u8+bias+relu+res",
                                         ":s32", ":s8+res",    "+bias+gelu+res", ":s8+silu"};
    lowbit_ctx *ctx = NULL;
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    const lb_format *f;
    for (size_t at = 0; (f = lb_format_at(at)) && check_failures() < 20; at++)
        for (size_t round = 0; round < 8 * LB_COUNT(kVariants); round++) {
            char head[64];
            const char *activations = kActivations[check_random_in(0, LB_COUNT(kActivations) - 1)];
            const char *tail = kTails[round % LB_COUNT(kTails)];
            const bool signs = strcmp(activations, "a1") == 0;
            snprintf(head, sizeof head, "%s%s%s", f->name, kVariants[round / 8], activations);
            if (lb_is_float(f)) continue;
            check_conv(ctx, random_conv(round % 8 ? 20 : 140, !signs || strcmp(tail, ":s32") == 0), head, tail, false,
                       NULL);
        }
    lowbit_ctx_destroy(ctx);
}

/* Every format by floats, and window by window; a NaN here and there. */
void subject_depthwise_floats(void) {
    static const char *const kActivations[] = {"af32", "af", "af32", "a8", "a4", "a2"};
    static const char *const kTails[] = {"", "+bias+relu+res", ":u8+bias", "+silu"};
    lowbit_ctx *ctx = NULL;
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    const lb_format *f;
    for (size_t at = 0; (f = lb_format_at(at)) && check_failures() < 20; at++)
        for (size_t round = 0; round < 6 * LB_COUNT(kVariants); round++) {
            char head[64];
            if (lb_is_float(f) && round >= 12) continue;
            snprintf(head, sizeof head, "%s%s%s", f->name, lb_is_float(f) ? "" : kVariants[round / 6],
                     kActivations[round % 6]);
            check_conv(ctx, random_conv(20, true), head, kTails[check_random_in(0, 3)], round % 5 == 0, NULL);
        }
    for (int round = 0; round < 30; round++)
        check_conv(ctx, random_conv(40, true), "i8a8s", round % 2 ? "+bias" : ":s8+res", true, NULL);
    lowbit_ctx_destroy(ctx);
}

/* Threads, and layers as networks have them. */
void subject_depthwise_layers(void) {
    lowbit_ctx *ctx = NULL;
    lowbit_pool pool = LOWBIT_POOL_INIT;
    lowbit_pool_options options = LOWBIT_POOL_OPTIONS_INIT;
    options.threads = 3;
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    CHECK(lowbit_pool_create(ctx, &options, &pool, NULL) == LOWBIT_OK);
    for (int round = 0; round < 12; round++) {
        lowbit_conv2d c = LOWBIT_CONV2D_INIT;
        c.batch = 1 + round % 2;
        c.height = 14 + round, c.width = 40 - round;
        c.channels = c.groups = c.out_channels = 16 * (1 + round);
        c.kernel_height = c.kernel_width = round % 3 ? 3 : 5;
        c.pad_top = c.pad_bottom = c.pad_left = c.pad_right = c.kernel_width / 2;
        c.stride_x = c.stride_y = 1 + round % 4 / 2;
        check_conv(ctx, c, round % 5 ? "i8a8s" : "i8af32", round % 5 ? ":s8+bias+relu" : "+bias", false, &pool);
    }
    /* Rows of taps that hold many groups, and groups that reach from one row into the next. */
    static const char *const kLong[] = {"i4g16a8s", "i8mg32a8s", "i2zg48a4s", "i4g32pa8", "t5g64a8s", "i4g16af32"};
    for (size_t at = 0; at < LB_COUNT(kLong); at++) {
        lowbit_conv2d c = LOWBIT_CONV2D_INIT;
        c.height = 3, c.width = 300;
        c.channels = c.groups = c.out_channels = 18;
        c.kernel_height = 2, c.kernel_width = 290;
        c.pad_left = 7;
        check_conv(ctx, c, kLong[at], "+bias", false, at % 2 ? &pool : NULL);
    }
    lowbit_pool_destroy(&pool);
    lowbit_ctx_destroy(ctx);
}
