/* SPDX-License-Identifier: Apache-2.0 */
/* Products with activations of a few bits: rows of signs and steps to bits, in every level; and every kernel on rows
 * that a caller has quantized, short and longest K, and rows with a NaN. tests/kernels.c has the rest. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kernels/base/base.h"
#include "kernels/gemm.h"
#include "kernels/rows.h"
#include "kernels/ukernels.h"
#include "tests/check.h"
#include "tests/problems.h"

/* ---- rows to bits ---- */

enum { MOST = 200, WORDS = 16, MOST_GROUPS = 8 };

static const float kSpecial[] = {0.0f, -0.0f, NAN, -NAN, INFINITY, -INFINITY, 0x1p-149f, -0x1p-149f};

static void fill_row(float *x, int64_t k, bool special) {
    for (int64_t i = 0; i < k; i++)
        x[i] = special && check_random() % 4 == 0 ? kSpecial[check_random_in(0, 7)] : check_random_float(-1, 1);
}

/* The law, element by element; the place of a bit from the text of LB_A_BITS. */
static bool law(const float *x, int64_t k, int64_t group, uint32_t kind, uint8_t *bytes, int32_t *sums) {
    bool number = true;
    memset(bytes, 0, WORDS * 4);
    memset(sums, 0, MOST_GROUPS * sizeof *sums);
    for (int64_t i = 0; i < k; i++) {
        const bool one = kind == LB_ROWS_SIGN ? !(x[i] < 0) : x[i] > 0;
        number = number && !isnan(x[i]);
        bytes[i / 32 * 4 + i % 4] |= (uint8_t)(one << (i % 32 / 4));
        sums[i / group] += one ? 1 : kind == LB_ROWS_SIGN ? -1 : 0;
    }
    return number;
}

static void check_row(const lb_isa_unit *unit, int64_t k, int64_t group, uint32_t kind) {
    const int64_t padded = lb_round_up(k, LB_LINE), groups = lb_div_up(k, group);
    float *x = check_guarded((size_t)k * sizeof *x, CHECK_GUARD_AFTER);
    int8_t *words = check_guarded((size_t)padded / 8, CHECK_GUARD_AFTER);
    int32_t *sums = check_guarded((size_t)groups * sizeof *sums, CHECK_GUARD_AFTER);
    uint8_t want[WORDS * 4];
    int32_t want_sums[MOST_GROUPS];
    float scale;
    fill_row(x, k, check_random() & 1);
    const bool number = law(x, k, group, kind, want, want_sums);
    const lb_row_rule rule = lb_row_rule_for(kind == LB_ROWS_SIGN ? LOWBIT_A1 : LOWBIT_U1);
    unit->pack_row(x, (size_t)k, 0, (size_t)group, &rule, words, (size_t)padded, sums, &scale);
    CHECK(memcmp(words, want, (size_t)padded / 8) == 0);
    CHECK(memcmp(sums, want_sums, (size_t)groups * sizeof *sums) == 0);
    CHECK(number ? scale == 1.0f : isnan(scale));
    check_guard_free_all();
}

void subject_popcount_rows(void) {
    static const int64_t kGroups[] = {0, 32, 64, 96};
    lowbit_ctx *ctx = context_with(0);
    for (size_t u = 0; lb_unit_at(u); u++) {
        if (!(lb_unit_at(u)->isa & ctx->isa_enabled)) continue;
        for (int64_t k = 1; k <= MOST; k++)
            for (size_t g = 0; g < LB_COUNT(kGroups); g++)
                for (uint32_t kind = LB_ROWS_SIGN; kind <= LB_ROWS_STEP; kind++) {
                    check_context("%s k %d group %d kind %u", lb_unit_name(lb_unit_at(u)), (int)k, (int)kGroups[g],
                                  kind);
                    check_row(lb_unit_at(u), k, kGroups[g] ? kGroups[g] : k, kind);
                }
    }
    lowbit_ctx_destroy(ctx);
}

/* ---- products ---- */

/* One kernel, with rows that were quantized ahead. */
static void run_rows(const lowbit_ctx *ctx, const sample *s, const char *kernel, const lowbit_rows *rows,
                     const void *want) {
    lowbit_plan *plan = NULL;
    int64_t bytes = 0;
    const lowbit_problem *p = &s->problem;
    if (!CHECK(lowbit_plan_force(ctx, p, kernel, 1, &plan, NULL) == LOWBIT_OK)) return;
    CHECK(lowbit_workspace_size(plan, p->m, &bytes, NULL) == LOWBIT_OK);
    void *workspace = check_guarded((size_t)bytes, CHECK_GUARD_AFTER);
    void *out = check_guarded((size_t)(p->m * p->n * sample_out_bytes(s)), CHECK_GUARD_AFTER);
    lowbit_gemm_args args = sample_args(s, out, p->n);
    args.rows = rows;
    args.a.data = NULL;
    if (CHECK(lowbit_gemm(plan, &args, workspace, bytes, NULL, NULL) == LOWBIT_OK)) sample_check(s, out, p->n, want);
    lowbit_plan_destroy(ctx, plan);
}

/* Every kernel, on the floats and on rows made of them. */
static void check_both(const lowbit_ctx *ctx, sample *s, const char *name) {
    const lowbit_problem *p = &s->problem;
    const lowbit_matrix a = {s->a, p->m, p->k, s->a_stride};
    lowbit_row_options options = {.struct_size = sizeof options,
                                  .activations = p->activations,
                                  .static_scale = p->static_scale,
                                  .scale = s->a_scale,
                                  .zero = s->a_zero,
                                  .group = lb_max(p->weights.group, 0)};
    lowbit_rows rows = {.struct_size = sizeof rows};
    int64_t bytes = 0;
    sample_check_kernels(ctx, s, name);
    const void *want = sample_reference(ctx, s);
    CHECK(lowbit_rows_size(p->m, p->k, options.group, &bytes, NULL) == LOWBIT_OK);
    void *memory = check_guarded((size_t)bytes, CHECK_GUARD_AFTER);
    CHECK(lowbit_quantize_rows_with(ctx, &a, &options, memory, bytes, NULL, &rows, NULL) == LOWBIT_OK);
    lb_kernel_ref kernel;
    for (size_t i = 0; lb_kernel_at(i, &kernel); i++) {
        if (!(kernel.unit->isa & ctx->isa_enabled) || !lb_kernel_fits(kernel.kernel, p)) continue;
        char text[LB_KERNEL_NAME];
        lb_kernel_name(kernel, text, sizeof text);
        check_context("%s rows given %s", name, text);
        run_rows(ctx, s, text, &rows, want);
    }
}

/* An algorithm that counts is among the kernels of each kind. */
static void check_counted(const lowbit_ctx *ctx, const lowbit_problem *p) {
    lb_kernel_ref kernel;
    bool found = false;
    for (size_t i = 0; lb_kernel_at(i, &kernel); i++)
        found =
            found || ((kernel.unit->isa & ctx->isa_enabled) && lb_kernel_fits(kernel.kernel, p) &&
                      kernel.kernel->algorithm >= LB_ALGORITHM_XOR && kernel.kernel->algorithm <= LB_ALGORITHM_AND4);
    CHECK(found);
}

static const char *const kKinds[] = {"a1", "u1", "a2", "a2s", "a4", "a4s"};

void subject_popcount(void) {
    static const char *const kVariants[] = {"", "", "g32", "g64", "g32p"};
    static const char *const kAfter[] = {"", "+bias", ":s32", "+relu+res", ":s8"};
    lowbit_ctx *ctx = context_with(0);
    for (int k = 1; k <= 70; k++)
        for (size_t kind = 0; kind < LB_COUNT(kKinds) && check_failures() < 20; kind++) {
            const size_t variant = check_random() % LB_COUNT(kVariants), after = check_random() % LB_COUNT(kAfter);
            char problem[96];
            snprintf(problem, sizeof problem, "b1%s%s:m%dn%dk%d%s", kVariants[variant], kKinds[kind],
                     (int)check_random_in(1, 19), (int)check_random_in(1, 70), k,
                     variant == 2 || variant == 3 ? kAfter[after % 2] : kAfter[after]);
            sample s = sample_make(ctx, problem, (int)(check_random() % DATA_KINDS));
            check_counted(ctx, &s.problem);
            if (k % 8 == 0 && s.problem.out == LOWBIT_OUT_F32) s.a[check_random_in(0, k - 1)] = NAN;
            check_both(ctx, &s, problem);
            sample_free(ctx, &s);
        }
    lowbit_ctx_destroy(ctx);
}

/* Every byte of counts full, parts of K, and all groups of one row of weights. */
void subject_popcount_longest(void) {
    static const char *const kProblems[] = {":m2n17k131071:s32", ":m5n17k20011:s32", ":m9n16k7937"};
    lowbit_ctx *ctx = context_with(0);
    for (size_t i = 0; i < LB_COUNT(kProblems); i++)
        for (size_t kind = 0; kind < LB_COUNT(kKinds); kind++)
            for (int data = 0; data < DATA_KINDS; data++) {
                char problem[96];
                if (kKinds[kind][2] == 's' && i == 0) continue; /* refused: static ones end at 65793 */
                snprintf(problem, sizeof problem, "b1%s%s", kKinds[kind], kProblems[i]);
                sample s = sample_make(ctx, problem, data);
                check_both(ctx, &s, problem);
                sample_free(ctx, &s);
            }
    lowbit_ctx_destroy(ctx);
}
