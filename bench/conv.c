/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/conv.h"

#include <math.h>
#include <string.h>

#include "kernels/base/ctx.h"
#include "kernels/base/pool.h"
#include "kernels/formats/format.h"
#include "kernels/formats/scale.h"
#include "kernels/rows.h"
#include "tuner/random.h"

lowbit_status lb_conv_bench_problem(const lowbit_conv2d *conv, lowbit_problem *problem, lowbit_error *error) {
    LB_TRY(lowbit_conv2d_product(conv, NULL, NULL, problem, error));
    problem->n = conv->out_channels;
    return LOWBIT_OK;
}

/* ---- making ---- */

/* Memory of the context, or a reason. */
static lowbit_status take(const lowbit_ctx *ctx, int64_t bytes, void *pointer, lowbit_error *error) {
    void *memory = lb_alloc(ctx, (size_t)bytes);
    LB_REQUIRE(memory, error, LOWBIT_NO_MEMORY, "no memory for %lld bytes of a convolution", (long long)bytes);
    memcpy(pointer, &memory, sizeof memory);
    return LOWBIT_OK;
}

static int8_t code_of(const lb_row_rule *rule, float x) {
    if (rule->kind == LB_ROWS_SIGN) return x < 0 ? -1 : 1;
    if (rule->kind == LB_ROWS_STEP) return x > 0;
    const float code = rintf(x * (1.0f / rule->scale)) + (float)rule->zero;
    return (int8_t)fmaxf((float)rule->low, fminf((float)rule->high, code));
}

static lowbit_status make_image(lb_conv_bench *b, lowbit_error *error) {
    const lowbit_conv2d *c = &b->conv;
    const lowbit_gemm_args args = lb_operands_args(b->operands, NULL, 1);
    b->image_elements = c->batch * c->height * c->width * c->channels;
    LB_TRY(take(b->ctx, b->image_elements * (int64_t)sizeof(float), &b->image, error));
    lb_random_floats(b->image, b->image_elements, 5);
    if (!lb_conv_takes_codes(&c->product)) return LOWBIT_OK;
    lb_row_rule rule = lb_row_rule_for(c->product.activations);
    if (c->product.static_scale) LB_TRY(lb_fix_row_rule(&rule, args.a_scale, args.a_zero, error));
    LB_TRY(take(b->ctx, b->image_elements, &b->codes, error));
    for (int64_t i = 0; i < b->image_elements; i++) b->codes[i] = code_of(&rule, b->image[i]);
    return LOWBIT_OK;
}

/* Bytes of a pointer for each matrix. */
static int64_t pointer_bytes(const lb_conv_bench *b) { return b->shape.matrices * (int64_t)sizeof(void *); }

/* An array with `each` elements for a panel's column, from a panel on; NULL stays NULL. */
static const void *from_panel(const void *array, int64_t panel, int64_t each, int64_t bytes) {
    return array ? (const uint8_t *)array + panel * LB_PANEL * each * bytes : NULL;
}

/* The n columns of packed weights from a panel on, and their sums. */
static lowbit_packed panels_from(const lowbit_packed *w, int64_t panel, int64_t n) {
    const int64_t scale = lb_scale_bytes(w->type.scale_type);
    lowbit_packed view = *w;
    view.n = n;
    view.lines = w->lines + panel * w->panel_lines * LB_LINE;
    view.scales = from_panel(w->scales, panel, lb_scale_groups(&w->type, w->k), scale);
    view.zeros = from_panel(w->zeros, panel, w->groups, 1);
    view.mins = from_panel(w->mins, panel, w->groups, scale);
    view.multipliers = from_panel(w->multipliers, panel, w->groups, 1);
    return view;
}

static const int32_t *column_sums_from(const lowbit_packed *w, const int32_t *sums, int64_t panel) {
    return from_panel(sums, panel, lb_scaled_sums(&w->type, w->k), sizeof(int32_t));
}

/* The matrices are panels of the operands' one. */
static void aim_matrices(const lb_conv_bench *b, const lowbit_packed *packed) {
    for (int64_t i = 0; i < b->shape.matrices; i++) {
        const int64_t panel = i * b->shape.n / LB_PANEL;
        b->packed[i] = panels_from(packed, panel, b->shape.n);
        b->column_sums[i] = column_sums_from(packed, b->operands->column_sums, panel);
    }
}

static lowbit_status make_matrices(lb_conv_bench *b, lowbit_error *error) {
    const int64_t count = b->shape.matrices;
    LB_REQUIRE(count == 1 || b->shape.n % LB_PANEL == 0, error, LOWBIT_UNSUPPORTED,
               "groups of %lld output channels are not timed: a multiple of %d is needed", (long long)b->shape.n,
               LB_PANEL);
    LB_TRY(take(b->ctx, count * (int64_t)sizeof *b->packed, &b->packed, error));
    LB_TRY(take(b->ctx, pointer_bytes(b), &b->column_sums, error));
    LB_TRY(take(b->ctx, pointer_bytes(b), &b->tap_sums, error));
    aim_matrices(b, b->operands->packed);
    const bool signs = b->conv.product.activations == LOWBIT_A1 && b->conv.product.weights.format == LOWBIT_B1;
    if (!signs) return LOWBIT_OK;
    LB_TRY(lowbit_conv2d_tap_sums_size(&b->conv, &b->tap_bytes, error));
    LB_TRY(take(b->ctx, b->tap_bytes * count, &b->taps, error));
    for (int64_t i = 0; i < count; i++) {
        int32_t *sums = b->taps + i * b->tap_bytes / (int64_t)sizeof(int32_t);
        LB_TRY(lowbit_conv2d_tap_sums(&b->conv, &b->packed[i], sums, b->tap_bytes, error));
        b->tap_sums[i] = sums;
    }
    return LOWBIT_OK;
}

lowbit_status lb_conv_bench_make(lb_operands *operands, const lowbit_conv2d *conv, const lowbit_plan_options *options,
                                 const char *kernel, lb_conv_bench *b, lowbit_error *error) {
    *b = (lb_conv_bench){.ctx = operands->ctx, .conv = *conv, .operands = operands};
    LB_TRY(lb_conv_shape_of(conv, &b->shape, error));
    LB_TRY(make_image(b, error));
    LB_TRY(make_matrices(b, error));
    if (kernel)
        LB_TRY(lowbit_conv2d_plan_force(b->ctx, conv, kernel, options->threads, &b->plan, error));
    else
        LB_TRY(lowbit_conv2d_plan_create(b->ctx, conv, options, &b->plan, error));
    LB_TRY(lowbit_conv2d_workspace_size(b->plan, conv->batch, (uint32_t)lb_max(1, options->threads),
                                        &b->workspace_bytes, error));
    return take(b->ctx, b->workspace_bytes, &b->workspace, error);
}

void lb_conv_bench_release(lb_conv_bench *b) {
    lb_free(b->ctx, b->image, (size_t)b->image_elements * sizeof *b->image);
    lb_free(b->ctx, b->codes, (size_t)b->image_elements);
    lb_free(b->ctx, b->packed, (size_t)b->shape.matrices * sizeof *b->packed);
    lb_free(b->ctx, b->column_sums, (size_t)pointer_bytes(b));
    lb_free(b->ctx, b->tap_sums, (size_t)pointer_bytes(b));
    lb_free(b->ctx, b->taps, (size_t)(b->tap_bytes * b->shape.matrices));
    lb_free(b->ctx, b->workspace, (size_t)b->workspace_bytes);
    lowbit_conv2d_plan_destroy(b->ctx, b->plan);
}

void lb_conv_bench_run(const lb_conv_bench *b, const lowbit_packed *packed, const lowbit_pool *pool) {
    const lowbit_gemm_args from = lb_operands_args(b->operands, packed, b->shape.m);
    const lowbit_conv2d_args args = {.struct_size = sizeof args,
                                     .weights = b->packed,
                                     .batch = b->conv.batch,
                                     .a = b->codes ? NULL : b->image,
                                     .codes = b->codes,
                                     .a_scale = from.a_scale,
                                     .a_zero = from.a_zero,
                                     .column_sums = b->column_sums,
                                     .tap_sums = b->tap_sums,
                                     .bias = from.bias,
                                     .residual = from.residual,
                                     .requant = from.requant,
                                     .out = from.out,
                                     .out_stride = from.out_stride};
    aim_matrices(b, packed);
    lowbit_conv2d_run(b->plan, &args, b->workspace, b->workspace_bytes, pool, NULL);
}
