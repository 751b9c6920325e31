/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sentinel.h"

#include <math.h>
#include <string.h>

#include "kernels/base/base.h"
#include "kernels/base/ctx.h"
#include "kernels/base/pool.h"
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
    *s = (lb_sentinel){.fn = fn, .arg = arg, .clock = clock, .reps = 1, .products = s->products};
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

/* ---- the products ---- */

typedef struct product {
    lb_operands operands;
    lowbit_plan *plan;
    void *workspace;
    int64_t workspace_bytes;
} product;

typedef struct lb_sentinel_products {
    const lowbit_ctx *ctx;
    const lowbit_pool *pool;
    size_t threads, reps;
    product list[];
} lb_sentinel_products;

static size_t bytes_of(size_t threads) { return sizeof(lb_sentinel_products) + threads * sizeof(product); }

static void run_product(void *arg, size_t i, size_t worker) {
    (void)worker;
    const lb_sentinel_products *all = arg;
    const product *p = &all->list[i];
    const lowbit_gemm_args args = lb_operands_args(&p->operands, p->operands.packed, p->operands.problem.m);
    for (size_t r = 0; r < all->reps; r++) lowbit_gemm(p->plan, &args, p->workspace, p->workspace_bytes, NULL, NULL);
}

static void run_products(void *arg, size_t reps) {
    lb_sentinel_products *all = arg;
    all->reps = reps;
    if (all->pool)
        all->pool->parallel_for(all->pool->user, all->threads, run_product, all);
    else
        run_product(all, 0, 0);
}

static lowbit_status make_product(const lowbit_ctx *ctx, product *p, lowbit_error *error) {
    lowbit_problem problem = {.struct_size = sizeof problem};
    lowbit_plan_options options = LOWBIT_PLAN_OPTIONS_INIT;
    options.threads = 1;
    p->operands.ctx = ctx;
    LB_TRY(lowbit_problem_parse("i4a8:m4n64k256", &problem, error));
    LB_TRY(lb_operands_make(ctx, &problem, 0, NULL, &p->operands, error));
    LB_TRY(lowbit_plan_create(ctx, &problem, &options, &p->plan, error));
    LB_TRY(lowbit_workspace_size(p->plan, problem.m, &p->workspace_bytes, error));
    p->workspace = lb_alloc(ctx, (size_t)p->workspace_bytes);
    LB_REQUIRE(p->workspace, error, LOWBIT_NO_MEMORY, "no memory for the sentinel");
    return LOWBIT_OK;
}

lowbit_status lb_sentinel_begin(lb_sentinel *s, const lowbit_ctx *ctx, const lowbit_pool *pool, lowbit_error *error) {
    const size_t threads = lb_pool_threads(pool);
    *s = (lb_sentinel){.products = lb_alloc(ctx, bytes_of(threads))};
    LB_REQUIRE(s->products, error, LOWBIT_NO_MEMORY, "no memory for the sentinel");
    memset(s->products, 0, bytes_of(threads));
    *s->products = (lb_sentinel_products){.ctx = ctx, .pool = pool, .threads = threads};
    for (size_t i = 0; i < threads; i++) LB_TRY(make_product(ctx, &s->products->list[i], error));
    lb_sentinel_begin_with(s, run_products, s->products, &lb_monotonic_clock);
    return LOWBIT_OK;
}

void lb_sentinel_end(lb_sentinel *s) {
    lb_sentinel_products *all = s->products;
    if (!all) return;
    for (size_t i = 0; i < all->threads; i++) {
        product *p = &all->list[i];
        lb_free(all->ctx, p->workspace, (size_t)p->workspace_bytes);
        lowbit_plan_destroy(all->ctx, p->plan);
        if (p->operands.ctx) lb_operands_release(&p->operands);
    }
    lb_free(all->ctx, all, bytes_of(all->threads));
    s->products = NULL;
}
