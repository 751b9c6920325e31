/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sentinel.h"

#include <math.h>

#include "kernels/base/base.h"
#include "kernels/base/ctx.h"
#include "lowbit/lowbit.h"
#include "tuner/operands.h"

enum { AT_START = 25, READING = 9 };

static const double kSample_s = 0.5e-3;

static double time_once(const lb_sentinel *s) {
    const double start = lb_clock_seconds(s->clock);
    s->fn(s->arg, s->reps);
    return lb_clock_seconds(s->clock) - start;
}

static double median_of(const lb_sentinel *s, size_t count) {
    double values[AT_START];
    lb_sample sample;
    for (size_t i = 0; i < count; i++) values[i] = time_once(s);
    lb_summarize(values, count, &sample);
    return sample.median_s;
}

void lb_sentinel_begin_with(lb_sentinel *s, lb_work fn, void *arg, const lb_clock *clock) {
    enum { MOST = 1 << 30 };
    *s = (lb_sentinel){.fn = fn, .arg = arg, .clock = clock, .reps = 1, .product = s->product};
    while (s->reps < MOST && median_of(s, READING) < kSample_s) s->reps *= 2;
    s->start_s = s->least_s = median_of(s, AT_START);
}

double lb_sentinel_read(lb_sentinel *s) {
    const double now = median_of(s, READING);
    s->least_s = fmin(s->least_s, now);
    return now;
}

double lb_sentinel_drift(const lb_sentinel *s, double reading) {
    return s->least_s > 0 && reading > 0 ? reading / s->least_s : 1;
}

/* ---- the product ---- */

struct lb_sentinel_product {
    const lowbit_ctx *ctx;
    lb_operands operands;
    lowbit_plan *plan;
    void *workspace;
    int64_t workspace_bytes;
};

static void run_product(void *arg, size_t reps) {
    struct lb_sentinel_product *p = arg;
    const lowbit_gemm_args args = lb_operands_args(&p->operands, p->operands.packed, p->operands.problem.m);
    for (; reps > 0; reps--) lowbit_gemm(p->plan, &args, p->workspace, p->workspace_bytes, NULL, NULL);
}

static lowbit_status make_product(struct lb_sentinel_product *p, lowbit_error *error) {
    lowbit_problem problem = {.struct_size = sizeof problem};
    lowbit_plan_options options = LOWBIT_PLAN_OPTIONS_INIT;
    options.threads = 1;
    LB_TRY(lowbit_problem_parse("i4a8:m4n64k256", &problem, error));
    LB_TRY(lb_operands_make(p->ctx, &problem, 0, NULL, &p->operands, error));
    LB_TRY(lowbit_plan_create(p->ctx, &problem, &options, &p->plan, error));
    LB_TRY(lowbit_workspace_size(p->plan, problem.m, &p->workspace_bytes, error));
    p->workspace = lb_alloc(p->ctx, (size_t)p->workspace_bytes);
    LB_REQUIRE(p->workspace, error, LOWBIT_NO_MEMORY, "no memory for the sentinel");
    return LOWBIT_OK;
}

lowbit_status lb_sentinel_begin(lb_sentinel *s, const lowbit_ctx *ctx, lowbit_error *error) {
    *s = (lb_sentinel){.product = lb_alloc(ctx, sizeof *s->product)};
    LB_REQUIRE(s->product, error, LOWBIT_NO_MEMORY, "no memory for the sentinel");
    *s->product = (struct lb_sentinel_product){.ctx = ctx, .operands = {.ctx = ctx}};
    LB_TRY(make_product(s->product, error));
    lb_sentinel_begin_with(s, run_product, s->product, &lb_monotonic_clock);
    return LOWBIT_OK;
}

void lb_sentinel_end(lb_sentinel *s) {
    struct lb_sentinel_product *p = s->product;
    if (!p) return;
    const lowbit_ctx *ctx = p->ctx;
    lb_free(ctx, p->workspace, (size_t)p->workspace_bytes);
    lowbit_plan_destroy(ctx, p->plan);
    lb_operands_release(&p->operands);
    lb_free(ctx, p, sizeof *p);
    s->product = NULL;
}
