/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/problems.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/formats/format.h"
#include "kernels/formats/scale.h"
#include "kernels/gemm.h"
#include "kernels/reference_float.h"
#include "kernels/rows.h"
#include "kernels/ukernels.h"
#include "kernels/weights.h"
#include "tests/check.h"
#include "tuner/estimate.h"

static uint8_t random_code(int64_t codes, int data) {
    switch (data) {
        case DATA_EXTREME: return (uint8_t)(check_random() & 1 ? codes - 1 : 0);
        case DATA_CONSTANT: return (uint8_t)(codes - 1);
        default: return (uint8_t)check_random_in(0, codes - 1);
    }
}

static float random_input(int data) {
    switch (data) {
        case DATA_EXTREME: return check_random() & 1 ? 3.0f : -3.0f;
        case DATA_CONSTANT: return -1.5f;
        default: return check_random_float(-2, 2);
    }
}

static float *random_floats(int64_t count, int data) {
    float *x = check_guarded((size_t)count * sizeof *x, CHECK_GUARD_AFTER);
    for (int64_t i = 0; i < count; i++) x[i] = random_input(data);
    return x;
}

static void fill_floats(lowbit_weights *w, int data) {
    void *elements = w->codes;
    for (int64_t i = 0; i < w->n * w->stride; i++) {
        const float x = random_input(data);
        if (lb_format_of(w->type.format)->coding == LB_CODING_F32)
            ((float *)elements)[i] = x;
        else
            ((uint16_t *)elements)[i] = lb_bf16_from_float(x);
    }
}

void weights_fill(lowbit_weights *w, int data) {
    const int64_t codes = lb_format_of(w->type.format)->codes;
    const int64_t scales = lb_scale_count(&w->type, w->n, w->k), groups = lb_group_count(&w->type, w->n, w->k);
    const int64_t most = w->multipliers ? lb_multiplier_limit(&w->type) : 0,
                  most_zero = w->multipliers ? codes - 1 : 255;
    if (codes == 0) return fill_floats(w, data);
    for (int64_t i = 0; i < w->n * w->stride; i++) w->codes[i] = random_code(codes, data);
    for (int c = 0; c < 16; c++)
        w->book[c] = (int8_t)(data == DATA_RANDOM ? check_random_in(-128, 127) : c & 1 ? 127 : -128);
    for (int64_t i = 0; i < scales; i++)
        w->scales[i] = lb_scale_round(w->type.scale_type, check_random_float(-0.02f, 0.05f));
    for (int64_t i = 0; i < scales && lb_format_of(w->type.format)->distance; i++)
        w->scales[i] = lb_scale_round(w->type.scale_type, 0.02f);
    for (int64_t i = 0; i < groups; i++) {
        if (w->multipliers) w->multipliers[i] = random_code(most + 1, data);
        if (w->zeros)
            w->zeros[i] =
                data == DATA_EXTREME ? (uint8_t)(check_random() & 1 ? most_zero : 0) : random_code(codes, data);
        if (w->mins) w->mins[i] = lb_scale_round(w->type.scale_type, check_random_float(-0.3f, 0.1f));
    }
}

static void pack(const lowbit_ctx *ctx, sample *s) {
    lowbit_error error = LOWBIT_ERROR_INIT;
    CHECK(lowbit_packed_size(&s->weights.type, s->weights.n, s->weights.k, &s->blob_bytes, &error) == LOWBIT_OK);
    s->blob = check_guarded((size_t)s->blob_bytes, CHECK_GUARD_AFTER);
    CHECK(lowbit_pack(ctx, &s->weights, s->blob, s->blob_bytes, NULL, &error) == LOWBIT_OK);
    s->packed.struct_size = sizeof s->packed;
    CHECK(lowbit_packed_open(s->blob, s->blob_bytes, LOWBIT_OPEN_VERIFY, &s->packed, &error) == LOWBIT_OK);
}

/* Zero points of all sizes, both ends and 0 among them. */
static void make_static(sample *s) {
    const lb_row_rule rule = lb_row_rule_for(s->problem.activations);
    const int32_t ends[] = {rule.low, rule.high, 0, 1, -1};
    const int64_t which = check_random_in(0, 9);
    int64_t bytes = 0;
    s->a_zero = which < 5 ? ends[which] : (int32_t)check_random_in(rule.low, rule.high);
    s->a_scale = check_random_float(0.6f, 3.8f) / (float)rule.high;
    CHECK(lowbit_column_sums_size(&s->packed, &bytes, NULL) == LOWBIT_OK);
    s->column_sums = check_guarded((size_t)bytes, CHECK_GUARD_AFTER);
    CHECK(lowbit_column_sums(&s->packed, s->column_sums, bytes, NULL, NULL) == LOWBIT_OK);
}

int32_t random_multiplier(void) {
    static const int32_t kSpecial[] = {INT32_MAX, -INT32_MAX, 1 << 30, -(1 << 30), 0};
    const int32_t m = (int32_t)check_random_in(1 << 30, INT32_MAX);
    return check_random() % 8 == 0 ? kSpecial[check_random_in(0, 4)] : check_random() & 1 ? m : -m;
}

/* Dot products of K elements to a few hundred steps, so that few are clamped; bias and residual to as many. */
void sample_integer_form(sample *s) {
    const lowbit_problem *p = &s->problem;
    lowbit_requant *q = &s->requant;
    const int64_t n = p->n;
    int32_t *multipliers = check_guarded((size_t)n * 4, CHECK_GUARD_AFTER);
    int32_t *shifts = check_guarded((size_t)n * 4, CHECK_GUARD_AFTER);
    int32_t usual = -4;
    for (int64_t k = p->k * 2 * lb_format_of(p->weights.format)->codes; k > 8; k /= 2) usual--;
    for (int64_t i = 0; i < n; i++) {
        multipliers[i] = random_multiplier();
        shifts[i] = usual + (int32_t)check_random_in(0, 8);
    }
    q->multipliers = multipliers;
    q->shifts = shifts;
    q->rounding = (uint32_t)check_random_in(0, 2);
    if (p->bias) {
        int32_t *bias = check_guarded((size_t)n * 4, CHECK_GUARD_AFTER);
        for (int64_t i = 0; i < n; i++) bias[i] = (int32_t)check_random_in(-1000, 1000) * (int32_t)p->k;
        q->bias = bias;
    }
    if (p->residual) {
        q->residual_stride = n + check_random_in(0, 3);
        const int64_t bytes = (p->m - 1) * q->residual_stride + n;
        uint8_t *residual = check_guarded((size_t)bytes, CHECK_GUARD_AFTER);
        for (int64_t i = 0; i < bytes; i++) residual[i] = (uint8_t)check_random();
        q->residual = residual;
        q->residual_zero = (int32_t)check_random_in(0, 255) - (p->out == LOWBIT_OUT_S8 ? 128 : 0);
        q->residual_multiplier = random_multiplier();
        q->residual_shift = (int32_t)check_random_in(-6, 2);
    }
}

static void make_requant(sample *s) {
    const lowbit_problem *p = &s->problem;
    lowbit_requant *q = &s->requant;
    const int32_t least = p->out == LOWBIT_OUT_S8 ? -128 : 0;
    const char *reason;
    q->struct_size = sizeof *q;
    q->zero = least + (int32_t)check_random_in(0, 255);
    q->low = least + (check_random() & 1 ? (int32_t)check_random_in(0, 100) : 0);
    q->high = least + (check_random() & 1 ? (int32_t)check_random_in(150, 255) : 255);
    q->scale = check_random_float(0.01f, 0.1f);
    if (lb_integer_form(p, &reason) && (check_random() & 1)) sample_integer_form(s);
}

sample sample_make(const lowbit_ctx *ctx, const char *text, int data) {
    sample s = {.problem = {.struct_size = sizeof s.problem}};
    lowbit_error error = LOWBIT_ERROR_INIT;
    if (!CHECK(lowbit_problem_parse(text, &s.problem, &error) == LOWBIT_OK)) exit(1);
    const lowbit_problem *p = &s.problem;
    s.weights = (lowbit_weights){.struct_size = sizeof s.weights, .type = p->weights, .n = p->n, .k = p->k};
    if (!CHECK(lb_weights_alloc(ctx, &s.weights, &error) == LOWBIT_OK)) exit(1);
    weights_fill(&s.weights, data);
    pack(ctx, &s);
    s.out_gap = 1;
    s.a_stride = p->k + check_random_in(0, 3);
    s.residual_stride = p->n + check_random_in(0, 3);
    s.a = random_floats((p->m - 1) * s.a_stride + p->k, data);
    if (p->bias) s.bias = random_floats(p->n, DATA_RANDOM);
    if (p->residual) s.residual = random_floats((p->m - 1) * s.residual_stride + p->n, DATA_RANDOM);
    if (p->static_scale) make_static(&s);
    if (p->out >= LOWBIT_OUT_S8) make_requant(&s);
    return s;
}

void sample_free(const lowbit_ctx *ctx, sample *s) {
    lowbit_weights_free(ctx, &s->weights);
    check_guard_free_all();
}

lowbit_gemm_args sample_args(const sample *s, void *out, int64_t out_stride) {
    /* problems that need none of the newer fields are run as by a program that has none */
    const bool codes = s->problem.out >= LOWBIT_OUT_S8, integer = codes && s->requant.multipliers;
    const size_t older =
        s->problem.static_scale ? offsetof(lowbit_gemm_args, requant) : offsetof(lowbit_gemm_args, a_scale);
    return (lowbit_gemm_args){.struct_size = (uint32_t)(codes ? sizeof(lowbit_gemm_args) : older),
                              .weights = &s->packed,
                              .a = {s->a, s->problem.m, s->problem.k, s->a_stride},
                              .bias = integer ? NULL : s->bias,
                              .residual = integer ? NULL : s->residual,
                              .residual_stride = s->residual_stride,
                              .out = out,
                              .out_stride = out_stride,
                              .a_scale = s->a_scale,
                              .a_zero = s->a_zero,
                              .column_sums = s->column_sums,
                              .requant = codes ? &s->requant : NULL};
}

int64_t sample_out_bytes(const sample *s) { return lb_out_bytes(&s->problem); }

void *sample_float_reference(const sample *s, uint32_t factors) {
    const lowbit_problem *p = &s->problem;
    lb_float_result *want = check_guarded((size_t)(p->m * p->n) * sizeof *want, CHECK_GUARD_AFTER);
    const lowbit_gemm_args args = sample_args(s, NULL, 0);
    for (int64_t m = 0; m < p->m; m++)
        for (int64_t n = 0; n < p->n; n++)
            want[m * p->n + n] = lb_reference_float(p, &s->weights, &args, m, n, factors);
    return want;
}

uint32_t sample_factors(const char *kernel) {
    lb_kernel_ref found;
    return CHECK(lb_kernel_find(kernel, &found)) ? lb_algorithm_of(found.kernel)->factors : LB_FACTORS_FLOAT;
}

void *sample_reference(const lowbit_ctx *ctx, const sample *s) {
    lowbit_error error = LOWBIT_ERROR_INIT;
    if (lb_is_float_kind(s->problem.activations)) return sample_float_reference(s, LB_FACTORS_FLOAT);
    void *out = check_guarded((size_t)(s->problem.m * s->problem.n * sample_out_bytes(s)), CHECK_GUARD_AFTER);
    const lowbit_gemm_args args = sample_args(s, out, s->problem.n);
    CHECK(lowbit_gemm_reference(ctx, &s->problem, &s->weights, &args, &error) == LOWBIT_OK);
    return out;
}

/* Every output within the bound of its reference. */
static bool check_near(const sample *s, const uint8_t *got, int64_t stride, const lb_float_result *want) {
    const lowbit_problem *p = &s->problem;
    const int64_t bytes = sample_out_bytes(s);
    for (int64_t m = 0; m < p->m; m++)
        for (int64_t n = 0; n < p->n; n++) {
            const lb_float_result each = want[m * p->n + n];
            const void *at = got + (m * stride + n) * bytes;
            if (lb_float_within(p, &s->requant, each, at)) continue;
            const double y = p->out == LOWBIT_OUT_F32 ? (double)*(const float *)at : (double)*(const int8_t *)at;
            printf("output (%lld, %lld) is %.9g, want %.9g within %.3g\n", (long long)m, (long long)n, y, each.y,
                   each.bound);
            return false;
        }
    return true;
}

bool sample_check(const sample *s, const void *got, int64_t stride, const void *want) {
    const lowbit_problem *p = &s->problem;
    if (lb_is_float_kind(p->activations)) return CHECK(check_near(s, got, stride, want));
    switch (p->out) {
        case LOWBIT_OUT_F32: return CHECK(check_same_floats(got, want, p->m, p->n, stride, p->n));
        case LOWBIT_OUT_S32: return CHECK(check_same_ints(got, want, p->m, p->n, stride, p->n));
        default: return CHECK(check_same_bytes(got, want, p->m, p->n, stride, p->n));
    }
}

/* Runs one kernel on a sample, output between guard pages with a stride beyond its rows. */
static void run_kernel(const lowbit_ctx *ctx, const sample *s, const char *kernel, const void *want) {
    lowbit_error error = LOWBIT_ERROR_INIT;
    lowbit_plan *plan = NULL;
    if (!CHECK(lowbit_plan_force(ctx, &s->problem, kernel, 1, &plan, &error) == LOWBIT_OK)) return;
    int64_t bytes = 0;
    CHECK(lowbit_workspace_size(plan, s->problem.m, &bytes, &error) == LOWBIT_OK);
    void *workspace = check_guarded((size_t)bytes, CHECK_GUARD_AFTER);
    const int64_t stride = s->problem.n + s->out_gap;
    const int64_t bytes_each = sample_out_bytes(s), row = stride * bytes_each, used = s->problem.n * bytes_each;
    uint8_t *out = check_guarded((size_t)((s->problem.m - 1) * row + used), CHECK_GUARD_AFTER);
    const lowbit_gemm_args args = sample_args(s, out, stride);
    if (CHECK(lowbit_gemm(plan, &args, workspace, bytes, NULL, &error) == LOWBIT_OK))
        sample_check(s, out, stride, want);
    for (int64_t m = 0; m + 1 < s->problem.m; m++) /* the gap between rows is not ours */
        for (int64_t at = used; at < row; at++) CHECK(out[m * row + at] == 0xA5);
    lowbit_plan_destroy(ctx, plan);
}

void sample_check_kernels(const lowbit_ctx *ctx, const sample *s, const char *name) {
    check_context("%s", name);
    const void *want[] = {sample_reference(ctx, s), NULL, NULL}; /* [LB_FACTORS_*] */
    lb_kernel_ref kernel;
    for (size_t i = 0; lb_kernel_at(i, &kernel); i++) {
        lowbit_kernel_info info = {.struct_size = sizeof info};
        lowbit_kernel_get(ctx, i, &info, NULL);
        if (!info.enabled || !lb_kernel_fits(kernel.kernel, &s->problem)) continue;
        check_context("%s %s", name, info.name);
        const uint32_t factors = sample_factors(info.name);
        if (!want[factors]) want[factors] = sample_float_reference(s, factors);
        run_kernel(ctx, s, info.name, want[factors]);
    }
}

lowbit_ctx *context_with(uint32_t isa_mask) {
    lowbit_ctx_options options = LOWBIT_CTX_OPTIONS_INIT;
    lowbit_ctx *ctx = NULL;
    options.isa_mask = isa_mask;
    CHECK(lowbit_ctx_create(&options, &ctx, NULL) == LOWBIT_OK);
    return ctx;
}

lb_gemm_config sample_config(const lowbit_ctx *ctx, const lowbit_problem *problem, int64_t m, uint32_t threads) {
    const lb_model model = lb_model_of(ctx, NULL, threads);
    lb_contender contenders[LB_MOST_CONTENDERS];
    return lb_estimate(&model, problem, m, threads, contenders, lb_contenders(&model, problem, contenders));
}
