/* SPDX-License-Identifier: Apache-2.0 */
/* The public doors of the product: they check what the caller brings and carry out the plan's decision. */
#include "kernels/base/ctx.h"
#include "kernels/base/pool.h"
#include "kernels/formats/format.h"
#include "kernels/formats/scale.h"
#include "kernels/gemm.h"
#include "kernels/replicas.h"
#include "kernels/rows.h"
#include "tuner/plan.h"

static lowbit_status check_rows(const lowbit_problem *p, const lowbit_rows *rows, lowbit_error *error) {
    const int64_t group = lb_max(p->weights.group, 0), groups = lb_groups(p->k, group);
    LB_REQUIRE(LB_HAS_FIELD(rows, lowbit_rows, sums), error, LOWBIT_INVALID_ARGUMENT, "rows' struct_size is too small");
    LB_REQUIRE(rows->codes && rows->scales && rows->sums, error, LOWBIT_INVALID_ARGUMENT,
               "rows: codes, scales or sums is NULL");
    LB_REQUIRE(rows->k == p->k && rows->stride % LB_LINE == 0, error, LOWBIT_INVALID_ARGUMENT,
               "rows have K %lld and stride %lld, the problem has K %lld", (long long)rows->k, (long long)rows->stride,
               (long long)p->k);
    const int64_t padded = lb_round_up(lb_round_up(p->k, lb_line_k(lb_format_of(p->weights.format))), LB_LINE);
    LB_TRY(lb_check_stride("rows", p->m, padded, rows->stride, error));
    LB_REQUIRE(lb_rows_activations(rows) == p->activations, error, LOWBIT_INVALID_ARGUMENT,
               "rows have activations of kind %u, the problem's are %u", lb_rows_activations(rows), p->activations);
    LB_REQUIRE(rows->groups == groups && (groups == 1 || rows->group == group), error, LOWBIT_INVALID_ARGUMENT,
               "rows have sums of %lld groups of %lld, the problem needs %lld of %lld", (long long)rows->groups,
               (long long)rows->group, (long long)groups, (long long)group);
    LB_REQUIRE(p->static_scale || !lb_rows_zero(rows), error, LOWBIT_INVALID_ARGUMENT,
               "rows have the zero point %d, the problem's activations are not static", lb_rows_zero(rows));
    return LOWBIT_OK;
}

/* Checks A, and learns how many rows it has and how they become codes. */
static lowbit_status check_input(const lowbit_plan *plan, const lowbit_gemm_args *args, lb_gemm_call *call,
                                 lowbit_error *error) {
    const lowbit_problem *p = &plan->problem;
    if (lb_is_float_kind(p->activations)) {
        LB_TRY(lb_check_float_rows(p, args, error));
        call->m = args->a.rows;
        return lb_plan_check(plan, call->m, error);
    }
    LB_REQUIRE(!lb_given_halves(args), error, LOWBIT_INVALID_ARGUMENT, "a_bf16 goes with float activations only");
    if (args->rows) {
        LB_REQUIRE(!args->a.data, error, LOWBIT_INVALID_ARGUMENT, "a and rows are both given");
        LB_TRY(check_rows(p, args->rows, error));
        call->m = args->rows->m;
        call->rule.zero = lb_rows_zero(args->rows);
    } else {
        LB_TRY(lb_check_matrix("a", &args->a, error));
        LB_REQUIRE(args->a.cols == p->k, error, LOWBIT_INVALID_ARGUMENT, "a has %lld columns, the problem has K %lld",
                   (long long)args->a.cols, (long long)p->k);
        const float shared = lb_scale_load(args->weights->type.scale_type, args->weights->scales, 0);
        LB_TRY(lb_row_rule_of(p, args, shared, &call->rule, error));
        call->m = args->a.rows;
    }
    LB_REQUIRE(!call->rule.zero || (LB_HAS_FIELD(args, lowbit_gemm_args, column_sums) && args->column_sums), error,
               LOWBIT_INVALID_ARGUMENT, "A has the zero point %d, column_sums is NULL", call->rule.zero);
    return lb_plan_check(plan, call->m, error);
}

static lowbit_status begin(const lowbit_plan *plan, const lowbit_gemm_args *args, const void *workspace, int64_t size,
                           lb_gemm_call *call, lowbit_error *error) {
    LB_REQUIRE(plan, error, LOWBIT_INVALID_ARGUMENT, "plan is NULL");
    LB_TRY(lb_check_output(&plan->problem, args, error));
    int64_t bytes = 0;
    lb_gemm_call made = {.problem = &plan->problem, .args = args, .workspace = (void *)(uintptr_t)workspace};
    const lowbit_packed *w = args->weights;
    LB_REQUIRE(w && LB_HAS_FIELD(w, lowbit_packed, book) && w->lines, error, LOWBIT_INVALID_ARGUMENT,
               "weights is not an opened blob");
    LB_TRY(lb_check_same_weights(&plan->problem, &w->type, w->n, w->k, error));
    LB_TRY(lb_check_replicas(args, error));
    LB_TRY(check_input(plan, args, &made, error));
    LB_TRY(lowbit_workspace_size(plan, made.m, &bytes, error));
    LB_REQUIRE(workspace && (uintptr_t)workspace % LB_LINE == 0, error, LOWBIT_INVALID_ARGUMENT,
               "workspace is NULL or not aligned to %d bytes", LB_LINE);
    LB_REQUIRE(size >= bytes, error, LOWBIT_TOO_SMALL, "workspace has %lld bytes, %lld rows need %lld", (long long)size,
               (long long)made.m, (long long)bytes);
    made.config = lb_plan_decision_of(plan, made.m)->config;
    *call = made;
    return LOWBIT_OK;
}

lowbit_status lowbit_gemm(const lowbit_plan *plan, const lowbit_gemm_args *args, void *workspace,
                          int64_t workspace_size, const lowbit_pool *pool, lowbit_error *error) {
    lb_gemm_call call;
    LB_TRY(lb_check_pool(pool, error));
    LB_TRY(begin(plan, args, workspace, workspace_size, &call, error));
    LB_TRY(lb_check_requant_columns(&plan->problem, args, error));
    lb_gemm_run(&call, pool);
    return LOWBIT_OK;
}

lowbit_status lowbit_gemm_steps(const lowbit_plan *plan, int64_t m, int64_t *step_m, int64_t *step_n,
                                lowbit_error *error) {
    LB_TRY(lb_plan_check(plan, m, error));
    LB_REQUIRE(step_m && step_n, error, LOWBIT_INVALID_ARGUMENT, "step_m or step_n is NULL");
    const lb_kernel *kernel = lb_plan_decision_of(plan, m)->config.kernel;
    *step_m = kernel->mr;
    *step_n = lb_round_up(kernel->nr, LB_PANEL);
    return LOWBIT_OK;
}

lowbit_status lowbit_gemm_prepare(const lowbit_plan *plan, const lowbit_gemm_args *args, void *workspace,
                                  int64_t workspace_size, const lowbit_pool *pool, lowbit_error *error) {
    lb_gemm_call call;
    LB_TRY(lb_check_pool(pool, error));
    LB_TRY(begin(plan, args, workspace, workspace_size, &call, error));
    LB_TRY(lb_check_requant_columns(&plan->problem, args, error));
    lb_gemm_prepare(&call, pool);
    return LOWBIT_OK;
}

lowbit_status lowbit_gemm_tile(const lowbit_plan *plan, const lowbit_gemm_args *args, const void *workspace,
                               int64_t workspace_size, int64_t m0, int64_t m1, int64_t n0, int64_t n1,
                               lowbit_error *error) {
    lb_gemm_call call;
    LB_TRY(begin(plan, args, workspace, workspace_size, &call, error));
    const int64_t m = call.m, n = plan->problem.n;
    int64_t step_m, step_n;
    LB_TRY(lowbit_gemm_steps(plan, m, &step_m, &step_n, error));
    LB_REQUIRE(m0 >= 0 && m0 < m1 && m1 <= m && n0 >= 0 && n0 < n1 && n1 <= n, error, LOWBIT_INVALID_ARGUMENT,
               "tile [%lld, %lld) x [%lld, %lld) is not inside %lld x %lld", (long long)m0, (long long)m1,
               (long long)n0, (long long)n1, (long long)m, (long long)n);
    LB_REQUIRE(m0 % step_m == 0 && n0 % step_n == 0 && (m1 == m || m1 % step_m == 0) && (n1 == n || n1 % step_n == 0),
               error, LOWBIT_INVALID_ARGUMENT, "tile [%lld, %lld) x [%lld, %lld) is not cut in steps of %lld x %lld",
               (long long)m0, (long long)m1, (long long)n0, (long long)n1, (long long)step_m, (long long)step_n);
    lb_gemm_tile(&call, m0, m1, n0, n1);
    return LOWBIT_OK;
}
