/* SPDX-License-Identifier: Apache-2.0 */
#include "tuner/prove.h"

#include "kernels/base/ctx.h"
#include "tuner/plan.h"
#include "tuner/verify.h"

enum { VERIFIED_ROWS = 4, LONGEST_K = 512 };

/* Some tiles of every contender, and edges. */
static lowbit_problem small_problem(lowbit_problem p, const lb_contender *contenders, size_t count) {
    int64_t rows = 1, columns = LB_PANEL;
    for (size_t i = 0; i < count; i++) {
        rows = lb_max(rows, contenders[i].ref.kernel->mr);
        columns = lb_max(columns, contenders[i].ref.kernel->nr);
    }
    p.m = lb_min(p.m, rows + 1);
    p.n = lb_min(p.n, columns + LB_PANEL + 1);
    p.k = lb_min(p.k, LONGEST_K + p.k % LB_LINE);
    return p;
}

static lowbit_status is_right(const lowbit_ctx *ctx, lb_operands *small, lb_kernel_ref ref, bool *right,
                              lowbit_error *error) {
    const lowbit_problem *p = &small->problem;
    const lb_gemm_config c = lb_configure(ctx, p, p->m, ref, 1, 1);
    const lowbit_plan plan = {.problem = *p, .count = 1, .decisions = {{p->m, "measured", c}}};
    const int64_t bytes = lb_gemm_workspace(p, &c, p->m);
    void *workspace = lb_alloc(ctx, (size_t)bytes);
    LB_REQUIRE(workspace, error, LOWBIT_NO_MEMORY, "no memory for a workspace of %lld bytes", (long long)bytes);
    const lowbit_gemm_args args = lb_operands_args(small, lb_operands_next(small), p->m);
    lowbit_status status = lowbit_gemm(&plan, &args, workspace, bytes, NULL, error);
    lb_verdict verdict = {0};
    const uint32_t factors = lb_algorithm_of(c.kernel)->factors;
    if (status == LOWBIT_OK) status = lb_verify(small, p->m, lb_min(p->m, VERIFIED_ROWS), factors, &verdict, error);
    lb_free(ctx, workspace, (size_t)bytes);
    *right = verdict.within;
    return status;
}

static lowbit_status prove(const lowbit_ctx *ctx, lb_operands *small, lb_contender *contenders, size_t *count,
                           lowbit_error *error) {
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        bool right = false;
        LB_TRY(is_right(ctx, small, contenders[i].ref, &right, error));
        if (right) {
            contenders[kept++] = contenders[i];
            continue;
        }
        char name[LB_KERNEL_NAME];
        lb_kernel_name(contenders[i].ref, name, sizeof name);
        lb_log(ctx, LOWBIT_LOG_WARNING, "kernel %s computes a wrong result here and is not used", name);
    }
    *count = kept;
    LB_REQUIRE(kept > 0, error, LOWBIT_UNSUPPORTED, "no kernel computes the problem right on this machine");
    return LOWBIT_OK;
}

lowbit_status lb_prove(const lowbit_ctx *ctx, const lowbit_problem *problem, lb_contender *contenders, size_t *count,
                       lowbit_error *error) {
    const lowbit_problem p = small_problem(*problem, contenders, *count);
    lb_operands small;
    lowbit_status status = lb_operands_make(ctx, &p, 0, NULL, &small, error);
    if (status == LOWBIT_OK) status = prove(ctx, &small, contenders, count, error);
    lb_operands_release(&small);
    return status;
}
