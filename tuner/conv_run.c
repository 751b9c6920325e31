/* SPDX-License-Identifier: Apache-2.0 */
/* The public doors of a run: they check what the caller brings and carry out the plan's decision. */
#include "kernels/base/pool.h"
#include "kernels/formats/format.h"
#include "kernels/rows.h"
#include "tuner/conv.h"

lowbit_status lowbit_conv2d_workspace_size(const lowbit_conv2d_plan *plan, int64_t batch, uint32_t workers,
                                           int64_t *bytes, lowbit_error *error) {
    int64_t m = 0;
    LB_TRY(lb_conv_plan_rows(plan, batch, &m, error));
    LB_REQUIRE(bytes, error, LOWBIT_INVALID_ARGUMENT, "bytes is NULL");
    LB_REQUIRE(workers >= 1, error, LOWBIT_INVALID_ARGUMENT, "workers is 0");
    *bytes = 0;
    const lowbit_plan *product = plan->product;
    const lb_plan_decision *own = lb_plan_decision_of(product, m);
    for (const lb_plan_decision *d = product->decisions; d <= own; d++) { /* fewer images may be another kernel's */
        const int64_t rows = lb_conv_most_rows(plan, &d->config, lb_min(m, d->last));
        *bytes = lb_max(
            *bytes, lb_conv_workspace(&plan->conv, &plan->shape, &product->problem, &d->config, rows, batch, workers));
    }
    return LOWBIT_OK;
}

static lowbit_status check_weights(const lowbit_conv2d_plan *plan, const lowbit_conv2d_args *args,
                                   lowbit_error *error) {
    LB_REQUIRE(args->weights, error, LOWBIT_INVALID_ARGUMENT, "weights is NULL");
    for (int64_t i = 0; i < plan->shape.matrices; i++) {
        const lowbit_packed *w = &args->weights[i];
        LB_REQUIRE(LB_HAS_FIELD(w, lowbit_packed, book) && w->lines, error, LOWBIT_INVALID_ARGUMENT,
                   "weights: matrix %lld is not an opened blob", (long long)i);
        LB_TRY(lb_check_same_weights(&plan->product->problem, &w->type, w->n, w->k, error));
    }
    return LOWBIT_OK;
}

/* One pointer for each matrix. */
static lowbit_status check_sums(const char *name, const int32_t *const *sums, int64_t count, lowbit_error *error) {
    LB_REQUIRE(sums, error, LOWBIT_INVALID_ARGUMENT, "%s is NULL", name);
    for (int64_t i = 0; i < count; i++)
        LB_REQUIRE(sums[i], error, LOWBIT_INVALID_ARGUMENT, "%s: that of matrix %lld is NULL", name, (long long)i);
    return LOWBIT_OK;
}

/* Checks the image, and learns how it becomes codes. */
static lowbit_status check_input(const lowbit_conv2d_plan *plan, const lowbit_conv2d_args *args, lb_row_rule *rule,
                                 lowbit_error *error) {
    const lowbit_problem *p = &plan->conv.product;
    LB_REQUIRE(!args->a != !args->codes, error, LOWBIT_INVALID_ARGUMENT, "a and codes are %s",
               args->a ? "both given" : "both NULL");
    LB_REQUIRE(args->a || lb_conv_takes_codes(p), error, LOWBIT_INVALID_ARGUMENT,
               "codes go with static activations, signs and bits only");
    *rule = (lb_row_rule){0};
    if (!lb_conv_takes_codes(p)) return LOWBIT_OK;
    *rule = lb_row_rule_for(p->activations);
    if (p->static_scale) LB_TRY(lb_fix_row_rule(rule, args->a_scale, args->a_zero, error));
    if (lb_conv_needs_tap_sums(p, &plan->shape))
        LB_TRY(check_sums("tap_sums", args->tap_sums, plan->shape.matrices, error));
    return rule->zero ? check_sums("column_sums", args->column_sums, plan->shape.matrices, error) : LOWBIT_OK;
}

/* What the output step reads and writes, of all groups together, as a product's. */
static lowbit_status check_output(const lowbit_conv2d_plan *plan, const lowbit_conv2d_args *args, int64_t m,
                                  lowbit_error *error) {
    lowbit_problem all = plan->conv.product;
    all.m = m;
    all.n = plan->conv.out_channels;
    all.k = plan->shape.k;
    const lowbit_gemm_args output = {.struct_size = sizeof output,
                                     .bias = args->bias,
                                     .residual = args->residual,
                                     .residual_stride = all.n,
                                     .out = args->out,
                                     .out_stride = args->out_stride,
                                     .requant = args->requant};
    LB_TRY(lb_check_output(&all, &output, error));
    return lb_check_requant_columns(&all, &output, error);
}

static lowbit_status begin(const lowbit_conv2d_plan *plan, const lowbit_conv2d_args *args, void *workspace,
                           int64_t size, uint32_t workers, lb_conv_call *call, lowbit_error *error) {
    int64_t m = 0, bytes = 0;
    LB_REQUIRE(args && LB_HAS_FIELD(args, lowbit_conv2d_args, out_stride), error, LOWBIT_INVALID_ARGUMENT,
               "args is NULL or its struct_size is too small");
    LB_TRY(lb_conv_plan_rows(plan, args->batch, &m, error));
    LB_TRY(check_weights(plan, args, error));
    LB_TRY(check_output(plan, args, m, error));
    LB_TRY(check_input(plan, args, &call->rule, error));
    LB_TRY(lowbit_conv2d_workspace_size(plan, args->batch, workers, &bytes, error));
    LB_REQUIRE(workspace && (uintptr_t)workspace % LB_LINE == 0, error, LOWBIT_INVALID_ARGUMENT,
               "workspace is NULL or not aligned to %d bytes", LB_LINE);
    LB_REQUIRE(size >= bytes, error, LOWBIT_TOO_SMALL, "workspace has %lld bytes, %lld images and %u workers need %lld",
               (long long)size, (long long)args->batch, workers, (long long)bytes);
    call->conv = &plan->conv;
    call->shape = &plan->shape;
    call->product = &plan->product->problem;
    call->config = lb_plan_decision_of(plan->product, m)->config;
    const lb_conv_steps steps = lb_conv_steps_of(plan, &call->config, m);
    call->step_m = steps.rows;
    call->step_n = steps.columns;
    call->args = args;
    call->workers = workers;
    call->workspace = workspace;
    return LOWBIT_OK;
}

lowbit_status lowbit_conv2d_run(const lowbit_conv2d_plan *plan, const lowbit_conv2d_args *args, void *workspace,
                                int64_t workspace_size, const lowbit_pool *pool, lowbit_error *error) {
    lb_conv_call call;
    LB_TRY(lb_check_pool(pool, error));
    LB_TRY(begin(plan, args, workspace, workspace_size, (uint32_t)lb_pool_threads(pool), &call, error));
    lb_conv_run(&call, pool);
    return LOWBIT_OK;
}
