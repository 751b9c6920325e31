/* SPDX-License-Identifier: Apache-2.0 */
/* Float activations: every kernel within the bound of docs/numerics.md, and the same bits however its work is cut. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kernels/base/base.h"
#include "kernels/formats/format.h"
#include "kernels/formats/scale.h"
#include "kernels/gemm.h"
#include "kernels/ukernels.h"
#include "kernels/weights.h"
#include "tests/check.h"
#include "tests/problems.h"

static const char *const kVariants[] = {"",          "g16",   "g32",       "g64:bf16", "g96:f32",   "z",
                                        "zg32",      "zg128", "m:f16",     "mg64",     "mg32:bf16", "g16p",
                                        "g32p:bf16", "g96p",  "g128p:f32", "zg32p"};
static const char *const kSuffixes[] = {"",           "+bias",          "+bias+relu",     "+relu+res", "+bias+res",
                                        "+bias+gelu", "+gelu_tanh+res", "+bias+silu+res", ":s8",       ":u8+bias"};

static bool supported(const lowbit_ctx *ctx, const char *text) {
    lowbit_problem problem = {.struct_size = sizeof problem};
    return lowbit_problem_parse(text, &problem, NULL) == LOWBIT_OK &&
           lowbit_supported(ctx, &problem, NULL) == LOWBIT_OK;
}

static void run_all(const lowbit_ctx *ctx, const char *problem, int data) {
    char name[128];
    if (!supported(ctx, problem)) return;
    sample s = sample_make(ctx, problem, data);
    snprintf(name, sizeof name, "%s data %d", problem, data);
    sample_check_kernels(ctx, &s, name);
    sample_free(ctx, &s);
}

void subject_floats(void) {
    static const int kM[] = {1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 25, 70}, kN[] = {1, 3, 15, 16, 17, 31, 33, 64, 65, 130};
    static const int kK[] = {1, 3, 4, 5, 16, 17, 31, 33, 64, 65, 100, 128, 255, 300, 500};
    lowbit_ctx *ctx = context_with(0);
    const lb_format *f;
    for (size_t i = 0; (f = lb_format_at(i)) && check_failures() < 20; i++)
        for (int round = 0; round < 6 * (int)LB_COUNT(kVariants); round++) {
            char problem[96];
            snprintf(problem, sizeof problem, "%s%s%s:m%dn%dk%d%s", f->name, kVariants[round / 6],
                     round % 3 ? "af" : "af32", kM[check_random_in(0, 11)], kN[check_random_in(0, 9)],
                     kK[check_random_in(0, 14)], kSuffixes[round % (int)LB_COUNT(kSuffixes)]);
            run_all(ctx, problem, round % DATA_KINDS);
        }
    /* parts of K that end inside a group, and more rows than the scratch holds */
    run_all(ctx, "i4g8192af:m17n17k9000", DATA_RANDOM);
    run_all(ctx, "f32af:m300n40k700+bias", DATA_RANDOM);
    run_all(ctx, "t5af:m14n40k3000", DATA_RANDOM);
    run_all(ctx, "l1f32af:m300n40k700+res", DATA_RANDOM);
    run_all(ctx, "l1bf16af:m14n40k3001", DATA_RANDOM);
    lowbit_ctx_destroy(ctx);
}

/* ---- the same bits ---- */

/* Rows 0 .. m - 1 by a kernel, as any config cuts them. */
static void run_config(const lowbit_ctx *ctx, const sample *s, lb_gemm_config config, int64_t m, float *out) {
    const int64_t n = s->problem.n;
    lowbit_gemm_args args = sample_args(s, out, n);
    args.a.rows = m;
    lb_gemm_call call = {.problem = &s->problem, .config = config, .args = &args, .m = m};
    const int64_t bytes = lb_gemm_workspace(&s->problem, &config, m);
    call.workspace = check_guarded((size_t)bytes, CHECK_GUARD_AFTER);
    (void)ctx;
    lb_gemm_run(&call, NULL);
}

/* One kernel: parts of K, blocks of rows and columns, and M. */
static void check_cuts(const lowbit_ctx *ctx, const sample *s, lb_kernel_ref kernel) {
    const int64_t m = s->problem.m, n = s->problem.n, mr = kernel.kernel->mr, nr = lb_max(kernel.kernel->nr, 16);
    float *want = check_guarded((size_t)(m * n) * sizeof *want, CHECK_GUARD_AFTER);
    lb_gemm_config config = {.kernel = kernel.kernel, .unit = kernel.unit, .threads = 1};
    config.step_m = lb_round_up(m, mr);
    config.step_n = lb_round_up(n, nr);
    run_config(ctx, s, config, m, want);
    for (int cut = 0; cut < 4; cut++) {
        lb_gemm_config other = config;
        const int64_t rows = cut == 3 ? 1 : m;
        float *got = check_guarded((size_t)(rows * n) * sizeof *got, CHECK_GUARD_AFTER);
        if (cut != 1) other.step_k = 1 + check_random_in(0, 150);
        if (cut >= 1) other.step_m = mr;
        if (cut >= 2) other.step_n = nr;
        run_config(ctx, s, other, rows, got);
        CHECK(check_same_floats(got, want, rows, n, n, n));
    }
}

void subject_floats_bits(void) {
    static const char *const kProblems[] = {
        "f32af:m30n50k500",         "bf16af:m30n50k500+bias", "i4g32af:m30n50k500", "i8zg64af:m30n50k500+gelu",
        "i2mg128af:m30n50k500+res", "i4g32paf:m30n50k500",    "t5af:m30n50k500",    "nf4g64af:m30n50k500",
        "b1af:m30n50k500",          "l1f32af:m30n50k500",     "l1bf16af:m30n50k501"};
    lowbit_ctx *ctx = context_with(0);
    for (size_t i = 0; i < LB_COUNT(kProblems); i++) {
        sample s = sample_make(ctx, kProblems[i], DATA_RANDOM);
        lb_kernel_ref kernel;
        for (size_t j = 0; lb_kernel_at(j, &kernel); j++) {
            lowbit_kernel_info info = {.struct_size = sizeof info};
            lowbit_kernel_get(ctx, j, &info, NULL);
            if (!info.enabled || !lb_kernel_fits(kernel.kernel, &s.problem)) continue;
            check_context("%s %s", kProblems[i], info.name);
            check_cuts(ctx, &s, kernel);
        }
        sample_free(ctx, &s);
    }
    lowbit_ctx_destroy(ctx);
}

/* ---- inputs ---- */

/* What becomes of the factors by what the plan takes. */
static uint32_t plan_factors(const lowbit_plan *plan, int64_t m) {
    lowbit_plan_info info = {.struct_size = sizeof info};
    CHECK(lowbit_plan_describe(plan, m, &info, NULL) == LOWBIT_OK);
    return sample_factors(info.kernel);
}

/* Runs as planned, and says what became of the factors. */
static uint32_t run_plan(const lowbit_ctx *ctx, const lowbit_problem *p, const lowbit_gemm_args *args) {
    lowbit_plan *plan = NULL;
    lowbit_error error = LOWBIT_ERROR_INIT;
    int64_t bytes = 0;
    CHECK(lowbit_plan_create(ctx, p, NULL, &plan, &error) == LOWBIT_OK);
    CHECK(lowbit_workspace_size(plan, args->a.rows, &bytes, &error) == LOWBIT_OK);
    void *workspace = check_guarded((size_t)bytes, CHECK_GUARD_AFTER);
    CHECK(lowbit_gemm(plan, args, workspace, bytes, NULL, &error) == LOWBIT_OK);
    const uint32_t factors = plan_factors(plan, args->a.rows);
    lowbit_plan_destroy(ctx, plan);
    return factors;
}

/* bf16 rows are the floats of the same values, for the kernels and for the reference. */
static void check_halves(const lowbit_ctx *ctx, const char *problem) {
    check_context("%s as bf16", problem);
    sample s = sample_make(ctx, problem, DATA_RANDOM);
    const int64_t m = s.problem.m, n = s.problem.n, k = s.problem.k, elements = (m - 1) * s.a_stride + k;
    uint16_t *halves = check_guarded((size_t)elements * sizeof *halves, CHECK_GUARD_AFTER);
    for (int64_t i = 0; i < elements; i++) {
        halves[i] = lb_bf16_from_float(s.a[i]);
        s.a[i] = lb_bf16_to_float(halves[i]);
    }
    float *out[4];
    uint32_t factors = LB_FACTORS_FLOAT;
    for (int i = 0; i < 4; i++) {
        out[i] = check_guarded((size_t)(m * n) * sizeof *out[i], CHECK_GUARD_AFTER);
        lowbit_gemm_args args = sample_args(&s, out[i], n);
        if (i % 2) {
            args.struct_size = sizeof args;
            args.a.data = NULL;
            args.a_bf16 = halves;
        }
        if (i < 2)
            factors = run_plan(ctx, &s.problem, &args);
        else
            CHECK(lowbit_gemm_reference(ctx, &s.problem, &s.weights, &args, NULL) == LOWBIT_OK);
    }
    CHECK(check_same_floats(out[1], out[0], m, n, n, n));
    CHECK(check_same_floats(out[3], out[2], m, n, n, n));
    sample_check(&s, out[0], n, sample_float_reference(&s, factors));
    sample_check(&s, out[2], n, sample_reference(ctx, &s));
    sample_free(ctx, &s);
}

/* What is not finite comes out as that, in its row and in no other. */
static void check_hostile(const lowbit_ctx *ctx, const char *problem, float bad) {
    check_context("%s with %g", problem, (double)bad);
    sample s = sample_make(ctx, problem, DATA_RANDOM);
    const int64_t m = s.problem.m, n = s.problem.n, row = check_random_in(0, m - 1);
    float *want = check_guarded((size_t)(m * n) * sizeof *want, CHECK_GUARD_AFTER);
    float *got = check_guarded((size_t)(m * n) * sizeof *got, CHECK_GUARD_AFTER);
    lowbit_gemm_args args = sample_args(&s, want, n);
    run_plan(ctx, &s.problem, &args);
    s.a[row * s.a_stride + check_random_in(0, s.problem.k - 1)] = bad;
    args.out = got;
    run_plan(ctx, &s.problem, &args);
    for (int64_t i = 0; i < m; i++) {
        if (i != row) CHECK(check_same_floats(got + i * n, want + i * n, 1, n, n, n));
        for (int64_t j = 0; i == row && j < n; j++) CHECK(!isfinite(got[i * n + j]));
    }
    sample_free(ctx, &s);
}

/* Packs the weights again, and checks all kernels. */
static void check_again(const lowbit_ctx *ctx, sample *s, const char *name) {
    CHECK(lowbit_pack(ctx, &s->weights, s->blob, s->blob_bytes, NULL, NULL) == LOWBIT_OK);
    sample_check_kernels(ctx, s, name);
    sample_free(ctx, s);
}

static void set_weight(lowbit_weights *w, int64_t at, float x) {
    if (w->type.format == LOWBIT_F32)
        ((float *)(void *)w->codes)[at] = x;
    else
        ((uint16_t *)(void *)w->codes)[at] = lb_bf16_from_float(x);
}

/* The same of weights: in their column and in no other. */
static void check_hostile_weights(const lowbit_ctx *ctx, const char *problem, float bad) {
    char name[96];
    snprintf(name, sizeof name, "%s, weights with %g", problem, (double)bad);
    sample s = sample_make(ctx, problem, DATA_RANDOM);
    for (int64_t n = 3; n < s.problem.n; n += 16)
        for (int64_t k = 0; k < s.problem.k; k++) set_weight(&s.weights, n * s.weights.stride + k, bad);
    check_again(ctx, &s, name);
}

/* Factors and products near the least normal number, 2^-126, and below it. */
static void check_tiny(const lowbit_ctx *ctx, const char *problem, float scale_a, float scale_w) {
    char name[96];
    snprintf(name, sizeof name, "%s, times %g and %g", problem, (double)scale_a, (double)scale_w);
    sample s = sample_make(ctx, problem, DATA_RANDOM);
    lowbit_weights *w = &s.weights;
    for (int64_t i = 0; i < (s.problem.m - 1) * s.a_stride + s.problem.k; i++) s.a[i] *= scale_a;
    if (w->scales)
        for (int64_t i = 0; i < w->n * lb_groups(w->k, w->type.group); i++) w->scales[i] *= scale_w;
    else
        for (int64_t i = 0; i < w->n * w->stride; i++)
            set_weight(w, i, lb_float_at(w, i / w->stride, i % w->stride) * scale_w);
    check_again(ctx, &s, name);
}

/* Factors that are as far from bf16 as can be, all to the same side. */
static void check_halfway(const lowbit_ctx *ctx) {
    sample s = sample_make(ctx, "f32af:m5n40k70", DATA_RANDOM);
    for (int64_t i = 0; i < (s.problem.m - 1) * s.a_stride + s.problem.k; i++) s.a[i] = 1 + 0x1p-8f;
    for (int64_t i = 0; i < s.weights.n * s.weights.stride; i++) set_weight(&s.weights, i, 1 + 0x1p-8f);
    check_again(ctx, &s, "halfway between two of bf16");
}

/* Distances of numbers that are large beside them: sums of the numbers would leave nothing of those. */
static void check_neighbours(const lowbit_ctx *ctx) {
    sample s = sample_make(ctx, "l1f32af:m14n40k300", DATA_RANDOM);
    void *elements = s.weights.codes;
    for (int64_t i = 0; i < s.weights.n * s.weights.stride; i++) ((float *)elements)[i] += 1e6f;
    for (int64_t i = 0; i < (s.problem.m - 1) * s.a_stride + s.problem.k; i++) s.a[i] += 1e6f;
    CHECK(lowbit_pack(ctx, &s.weights, s.blob, s.blob_bytes, NULL, NULL) == LOWBIT_OK);
    sample_check_kernels(ctx, &s, "neighbours");
    sample_free(ctx, &s);
}

/* Infinite weights, as a caller may pack them: far from everything but from what is infinite, too. */
static void check_infinite_weights(const lowbit_ctx *ctx) {
    check_context("infinite weights");
    sample s = sample_make(ctx, "l1f32af:m5n20k30", DATA_RANDOM);
    const int64_t n = s.problem.n;
    void *elements = s.weights.codes;
    float *out = check_guarded((size_t)(s.problem.m * n) * sizeof *out, CHECK_GUARD_AFTER);
    ((float *)elements)[3 * s.weights.stride + 7] = INFINITY;
    s.a[s.a_stride + 7] = INFINITY;
    CHECK(lowbit_pack(ctx, &s.weights, s.blob, s.blob_bytes, NULL, NULL) == LOWBIT_OK);
    const lowbit_gemm_args args = sample_args(&s, out, n);
    run_plan(ctx, &s.problem, &args);
    for (int64_t i = 0; i < s.problem.m; i++)
        for (int64_t j = 0; j < n; j++) {
            const float y = out[i * n + j];
            CHECK(i == 1 && j == 3 ? isnan(y) : i == 1 || j == 3 ? y == -INFINITY : isfinite(y));
        }
    sample_free(ctx, &s);
}

void subject_floats_inputs(void) {
    static const char *const kProblems[] = {"f32af:m9n40k100",         "bf16af:m30n33k70",  "i4g32af:m1n40k100",
                                            "i8zg32af:m9n40k100+bias", "l1f32af:m9n40k100", "l1bf16af:m30n33k71"};
    lowbit_ctx *ctx = context_with(0);
    check_neighbours(ctx);
    check_infinite_weights(ctx);
    for (size_t i = 0; i < LB_COUNT(kProblems); i++) {
        check_halves(ctx, kProblems[i]);
        check_hostile(ctx, kProblems[i], NAN);
        check_hostile(ctx, kProblems[i], INFINITY);
    }
    static const char *const kSmall[] = {"f32af:m9n40k70", "bf16af:m18n40k71", "bf16af:m33n70k30",
                                         "i4g32:f32af:m9n40k70"};
    static const float kScales[][2] = {{0x1p-127f, 0x1p100f}, {0x1p100f, 0x1p-127f}, {0x1p-64f, 0x1p-63f}};
    check_halfway(ctx);
    for (size_t i = 0; i < LB_COUNT(kSmall); i++) {
        if (i < 3) check_hostile_weights(ctx, kSmall[i], NAN);
        if (i < 3) check_hostile_weights(ctx, kSmall[i], INFINITY);
        for (size_t j = 0; j < LB_COUNT(kScales); j++) check_tiny(ctx, kSmall[i], kScales[j][0], kScales[j][1]);
    }
    lowbit_ctx_destroy(ctx);
}

/* ---- rounding to bf16 ---- */

/* What a plan of this problem does. */
static bool planned_to_round(const lowbit_ctx *ctx, const char *text) {
    lowbit_problem p = {.struct_size = sizeof p};
    lowbit_plan *plan = NULL;
    check_context("plan of %s", text);
    CHECK(lowbit_problem_parse(text, &p, NULL) == LOWBIT_OK);
    CHECK(lowbit_plan_create(ctx, &p, NULL, &plan, NULL) == LOWBIT_OK);
    const bool rounds = plan_factors(plan, p.m) == LB_FACTORS_BF16;
    lowbit_plan_destroy(ctx, plan);
    return rounds;
}

/* No kernel that rounds takes af32. Where there is one, af is planned so for many rows, and one row, which waits for
 * its weights, is not. */
void subject_floats_rounding(void) {
    lowbit_ctx *ctx = context_with(0);
    const lb_format *f;
    for (size_t i = 0; (f = lb_format_at(i)); i++) {
        char problem[2][64];
        bool there = false;
        for (int j = 0; j < 2; j++)
            snprintf(problem[j], sizeof problem[j], "%s%s:m128n256k512", f->name, j ? "af32" : "af");
        if (!supported(ctx, problem[0])) continue;
        lowbit_problem af = {.struct_size = sizeof af}, af32 = {.struct_size = sizeof af32};
        CHECK(lowbit_problem_parse(problem[0], &af, NULL) == LOWBIT_OK);
        CHECK(lowbit_problem_parse(problem[1], &af32, NULL) == LOWBIT_OK);
        lb_kernel_ref kernel;
        for (size_t j = 0; lb_kernel_at(j, &kernel); j++) {
            if (!lb_algorithm_rounds(lb_algorithm_of(kernel.kernel)) || !lb_kernel_fits(kernel.kernel, &af)) continue;
            there = there || (kernel.unit->isa & ctx->isa_enabled);
            CHECK(!lb_kernel_fits(kernel.kernel, &af32));
        }
        CHECK(planned_to_round(ctx, problem[0]) == there);
        CHECK(!planned_to_round(ctx, problem[1]));
        snprintf(problem[0], sizeof problem[0], "%saf:m1n256k512", f->name);
        CHECK(!planned_to_round(ctx, problem[0]));
    }
    lowbit_ctx_destroy(ctx);
}

/* ---- refusals ---- */

static void refuse_run(const lowbit_plan *plan, const lowbit_gemm_args *args, void *workspace, int64_t bytes) {
    lowbit_error error = LOWBIT_ERROR_INIT;
    CHECK(lowbit_gemm(plan, args, workspace, bytes, NULL, &error) == LOWBIT_INVALID_ARGUMENT);
    CHECK(error.message[0] != '\0');
}

static bool supports(const lowbit_ctx *ctx, const char *text) {
    lowbit_problem p = {.struct_size = sizeof p};
    CHECK(lowbit_problem_parse(text, &p, NULL) == LOWBIT_OK);
    return lowbit_supported(ctx, &p, NULL) == LOWBIT_OK;
}

void subject_floats_refusals(void) {
    lowbit_ctx *ctx = context_with(0);
    CHECK(!supports(ctx, "f32a8:m1n1k1"));
    CHECK(!supports(ctx, "bf16a1:m1n1k1"));
    CHECK(!supports(ctx, "i4afs:m1n1k1"));
    CHECK(!supports(ctx, "i4af:m1n1k1:s32"));
    CHECK(!supports(ctx, "l1f32a8:m1n1k1"));
    CHECK(!supports(ctx, "l1i8af:m1n1k1"));
    CHECK(!supports(ctx, "l1f32af:m1n1k1:s32"));
    CHECK(!supports(ctx, "l1bf16afs:m1n1k1"));
    CHECK(supports(ctx, "f32af32:m1n1k1:u8"));
    sample s = sample_make(ctx, "i4g32af:m3n20k64", DATA_RANDOM),
           codes = sample_make(ctx, "i4g32a8:m3n20k64", DATA_RANDOM);
    float out[3 * 20];
    uint16_t halves[3 * 64] = {0};
    lowbit_rows rows = {.struct_size = sizeof rows};
    lowbit_plan *plan = NULL, *codes_plan = NULL;
    int64_t bytes = 0, codes_bytes = 0;
    CHECK(lowbit_plan_create(ctx, &s.problem, NULL, &plan, NULL) == LOWBIT_OK);
    CHECK(lowbit_plan_create(ctx, &codes.problem, NULL, &codes_plan, NULL) == LOWBIT_OK);
    CHECK(lowbit_workspace_size(plan, 3, &bytes, NULL) == LOWBIT_OK);
    CHECK(lowbit_workspace_size(codes_plan, 3, &codes_bytes, NULL) == LOWBIT_OK);
    void *workspace = check_guarded((size_t)lb_max(bytes, codes_bytes), CHECK_GUARD_AFTER);
    lowbit_gemm_args args = sample_args(&s, out, 20);
    args.struct_size = sizeof args;
    const lowbit_gemm_args good = args;
    CHECK(lowbit_gemm(plan, &good, workspace, bytes, NULL, NULL) == LOWBIT_OK);
    args.rows = &rows;
    refuse_run(plan, &args, workspace, bytes);
    args.a.data = NULL;
    refuse_run(plan, &args, workspace, bytes);
    args = good;
    args.a_bf16 = halves; /* beside a */
    refuse_run(plan, &args, workspace, bytes);
    args.a.data = NULL;
    args.a.stride = 63;
    refuse_run(plan, &args, workspace, bytes);
    args.a_bf16 = NULL;
    refuse_run(plan, &args, workspace, bytes);
    args = good;
    args.a.cols = 65;
    refuse_run(plan, &args, workspace, bytes);
    args = sample_args(&codes, out, 20);
    args.struct_size = sizeof args;
    args.a_bf16 = halves;
    refuse_run(codes_plan, &args, workspace, codes_bytes);
    lowbit_plan_destroy(ctx, plan);
    lowbit_plan_destroy(ctx, codes_plan);
    lowbit_weights_free(ctx, &codes.weights);
    sample_free(ctx, &s);
    lowbit_ctx_destroy(ctx);
}
