/* SPDX-License-Identifier: Apache-2.0 */
/* Quantized rows: sizes, and quantizing a matrix row by row with the widest enabled level. */
#include "kernels/rows.h"

#include <float.h>
#include <string.h>

#include "kernels/base/pool.h"
#include "kernels/gemm.h"
#include "kernels/ukernels.h"

int64_t lb_rows_stride(int64_t k) {
    const int64_t lines = lb_div_up(k + LB_ROW_SLACK, LB_LINE);
    return (lines | 1) * LB_LINE;
}

/* LOWBIT_A8, ...: how rows become codes of their own, and the codes that static ones may have. */
static const struct {
    uint8_t kind;
    int8_t low, high;
} kRules[] = {[LOWBIT_A8] = {LB_ROWS_ABSMAX, -128, 127},
              [LOWBIT_A4] = {LB_ROWS_ABSMAX, -8, 7},
              [LOWBIT_A2] = {LB_ROWS_ABSMAX, -2, 1},
              [LOWBIT_A1] = {LB_ROWS_SIGN, -1, 1},
              [LOWBIT_U1] = {LB_ROWS_STEP, 0, 1}};

lb_row_rule lb_row_rule_for(uint32_t activations) {
    return (lb_row_rule){
        .kind = kRules[activations].kind, .low = kRules[activations].low, .high = kRules[activations].high};
}

bool lb_row_rule_is_scaled(uint32_t activations) {
    return activations < LB_COUNT(kRules) && kRules[activations].kind == LB_ROWS_ABSMAX;
}

lowbit_status lb_fix_row_rule(lb_row_rule *rule, float scale, int32_t zero, lowbit_error *error) {
    LB_REQUIRE(scale >= FLT_MIN && scale <= FLT_MAX, error, LOWBIT_INVALID_ARGUMENT,
               "the scale of A is %g: legal are 2^-126 and more, finite", (double)scale);
    LB_REQUIRE(zero >= rule->low && zero <= rule->high, error, LOWBIT_INVALID_ARGUMENT,
               "the zero point of A is %d: legal are %d to %d", zero, rule->low, rule->high);
    rule->kind = LB_ROWS_FIXED;
    rule->scale = scale;
    rule->zero = zero;
    return LOWBIT_OK;
}

/* Offsets of the three arrays in their memory. */
typedef struct rows_layout {
    int64_t scales, sums, bytes;
} rows_layout;

static rows_layout layout_of(int64_t m, int64_t k, int64_t group) {
    rows_layout layout;
    layout.scales = m * lb_rows_stride(k); /* below 2^49 */
    layout.sums = layout.scales + lb_round_up(m * (int64_t)sizeof(float), LB_LINE);
    layout.bytes = layout.sums + lb_round_up(m * lb_groups(k, group) * (int64_t)sizeof(int32_t), LB_LINE);
    return layout;
}

int64_t lb_rows_bytes(int64_t m, int64_t k, int64_t group) { return layout_of(m, k, group).bytes; }

lowbit_status lowbit_rows_size(int64_t m, int64_t k, int64_t group, int64_t *bytes, lowbit_error *error) {
    LB_REQUIRE(bytes, error, LOWBIT_INVALID_ARGUMENT, "bytes is NULL");
    LB_REQUIRE(m >= 1 && m <= INT32_MAX, error, LOWBIT_INVALID_ARGUMENT, "M is %lld: legal are 1 to 2^31 - 1",
               (long long)m);
    LB_REQUIRE(k >= 1 && k <= LOWBIT_MAX_K, error, LOWBIT_INVALID_ARGUMENT, "K is %lld: legal are 1 to %d",
               (long long)k, LOWBIT_MAX_K);
    LB_REQUIRE(group == LOWBIT_GROUP_ROW || (group >= 16 && group <= INT32_MAX && group % 16 == 0), error,
               LOWBIT_INVALID_ARGUMENT, "group is %lld: legal are LOWBIT_GROUP_ROW and multiples of 16",
               (long long)group);
    *bytes = lb_rows_bytes(m, k, group);
    return LOWBIT_OK;
}

void lb_rows_place(int64_t m, int64_t k, int64_t group, void *memory, lowbit_rows *rows) {
    const rows_layout layout = layout_of(m, k, group);
    uint8_t *bytes = memory;
    *rows = (lowbit_rows){.struct_size = sizeof *rows,
                          .m = m,
                          .k = k,
                          .group = group,
                          .groups = lb_groups(k, group),
                          .stride = lb_rows_stride(k),
                          .codes = (int8_t *)bytes,
                          .scales = (float *)(void *)(bytes + layout.scales),
                          .sums = (int32_t *)(void *)(bytes + layout.sums)};
}

/* The rows point to const for their readers; their maker owns the memory. */
void lb_quantize_one_row(lb_quantize_row_fn quantize, const lb_row_rule *rule, const lowbit_matrix *a, int64_t row,
                         const lowbit_rows *rows, int8_t *codes) {
    const int64_t group = rows->group > 0 ? rows->group : rows->k;
    /* Behind the last row there may stand what another thread writes. */
    const size_t ahead = row + 1 < a->rows ? (size_t)a->stride : 0;
    quantize(a->data + row * a->stride, (size_t)rows->k, ahead, (size_t)group, rule, codes, (size_t)rows->stride,
             (int32_t *)(uintptr_t)rows->sums + row * rows->groups, (float *)(uintptr_t)rows->scales + row);
}

int32_t lb_rows_zero(const lowbit_rows *rows) { return LB_HAS_FIELD(rows, lowbit_rows, zero) ? rows->zero : 0; }

uint32_t lb_rows_activations(const lowbit_rows *rows) {
    return LB_HAS_FIELD(rows, lowbit_rows, activations) ? rows->activations : LOWBIT_A8;
}

typedef struct rows_job {
    lb_quantize_row_fn quantize;
    lb_row_rule rule;
    const lowbit_matrix *a;
    const lowbit_rows *rows;
} rows_job;

static void rows_task(void *arg, size_t i, size_t worker) {
    (void)worker;
    const rows_job *job = arg;
    int8_t *codes = (int8_t *)(uintptr_t)job->rows->codes + (int64_t)i * job->rows->stride;
    lb_quantize_one_row(job->quantize, &job->rule, job->a, (int64_t)i, job->rows, codes);
}

lowbit_status lowbit_quantize_rows_with(const lowbit_ctx *ctx, const lowbit_matrix *a,
                                        const lowbit_row_options *options, void *memory, int64_t size,
                                        const lowbit_pool *pool, lowbit_rows *rows, lowbit_error *error) {
    LB_REQUIRE(ctx && memory && rows && LB_HAS_FIELD(rows, lowbit_rows, sums), error, LOWBIT_INVALID_ARGUMENT,
               "ctx, memory or rows is NULL, or rows' struct_size is too small");
    LB_REQUIRE(options && LB_HAS_FIELD(options, lowbit_row_options, group), error, LOWBIT_INVALID_ARGUMENT,
               "options is NULL or its struct_size is too small");
    LB_REQUIRE(options->activations >= LOWBIT_A8 && options->activations <= LOWBIT_U1 && options->static_scale <= 1,
               error, LOWBIT_INVALID_ARGUMENT, "activation kind %u, static_scale %u: these make no codes",
               options->activations, options->static_scale);
    lb_row_rule rule = lb_row_rule_for(options->activations);
    LB_REQUIRE(!options->static_scale || lb_row_rule_is_scaled(options->activations), error, LOWBIT_INVALID_ARGUMENT,
               "activation kind %u has no scale to be static", options->activations);
    if (options->static_scale) LB_TRY(lb_fix_row_rule(&rule, options->scale, options->zero, error));
    LB_REQUIRE((!rule.zero && options->activations == LOWBIT_A8) || LB_HAS_FIELD(rows, lowbit_rows, activations), error,
               LOWBIT_INVALID_ARGUMENT, "rows' struct_size is too small for a zero point or a kind of activations");
    LB_TRY(lb_check_matrix("a", a, error));
    LB_TRY(lb_check_pool(pool, error));
    LB_REQUIRE((uintptr_t)memory % LB_LINE == 0, error, LOWBIT_INVALID_ARGUMENT, "memory is not aligned to %d bytes",
               LB_LINE);
    int64_t bytes = 0;
    LB_TRY(lowbit_rows_size(a->rows, a->cols, options->group, &bytes, error));
    LB_REQUIRE(size >= bytes, error, LOWBIT_TOO_SMALL, "memory has %lld bytes, the rows need %lld", (long long)size,
               (long long)bytes);
    lowbit_rows made;
    lb_rows_place(a->rows, a->cols, options->group, memory, &made);
    made.struct_size = rows->struct_size;
    made.zero = rule.zero;
    made.activations = options->activations;
    memcpy(rows, &made, (size_t)lb_min(rows->struct_size, sizeof made)); /* an older program has fewer fields */
    rows_job job = {lb_unit_best(ctx)->quantize_row, rule, a, &made};
    lb_parallel_for(pool, (size_t)a->rows, rows_task, &job);
    return LOWBIT_OK;
}

lowbit_status lowbit_quantize_rows(const lowbit_ctx *ctx, const lowbit_matrix *a, int64_t group, void *memory,
                                   int64_t size, const lowbit_pool *pool, lowbit_rows *rows, lowbit_error *error) {
    const lowbit_row_options options = {.struct_size = sizeof options, .activations = LOWBIT_A8, .group = group};
    return lowbit_quantize_rows_with(ctx, a, &options, memory, size, pool, rows, error);
}

lowbit_status lowbit_quantize_rows_static(const lowbit_ctx *ctx, const lowbit_matrix *a, int64_t group, float scale,
                                          int32_t zero, void *memory, int64_t size, const lowbit_pool *pool,
                                          lowbit_rows *rows, lowbit_error *error) {
    const lowbit_row_options options = {.struct_size = sizeof options,
                                        .activations = LOWBIT_A8,
                                        .static_scale = 1,
                                        .scale = scale,
                                        .zero = zero,
                                        .group = group};
    return lowbit_quantize_rows_with(ctx, a, &options, memory, size, pool, rows, error);
}
