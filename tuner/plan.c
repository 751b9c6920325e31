/* SPDX-License-Identifier: Apache-2.0 */
/* Plans: which decision for which M, and what a plan says about itself. */
#include "tuner/plan.h"

#include <string.h>

#include "kernels/base/ctx.h"
#include "kernels/base/pool.h"
#include "kernels/formats/format.h"
#include "kernels/ukernels.h"
#include "tuner/estimate.h"

/* Upper ends of the buckets of M. */
static const int64_t kBuckets[] = {1, 4, 16, 64, INT64_MAX};

lowbit_status lowbit_supported(const lowbit_ctx *ctx, const lowbit_problem *problem, lowbit_error *error) {
    LB_REQUIRE(ctx, error, LOWBIT_INVALID_ARGUMENT, "ctx is NULL");
    LB_TRY(lb_check_problem(problem, error));
    lb_kernel_ref each;
    for (size_t i = 0; lb_kernel_at(i, &each); i++)
        if ((each.unit->isa & ctx->isa_enabled) && lb_kernel_fits(each.kernel, problem)) return LOWBIT_OK;
    return lb_fail(error, LOWBIT_UNSUPPORTED, "no kernel of this version multiplies %s with these activations",
                   lb_format_of(problem->weights.format)->name);
}

static lowbit_status check_options(const lowbit_plan_options *o, lowbit_error *error) {
    LB_REQUIRE(LB_HAS_FIELD(o, lowbit_plan_options, progress_user), error, LOWBIT_INVALID_ARGUMENT,
               "options: struct_size %u is smaller than lowbit_plan_options", o->struct_size);
    LB_REQUIRE(o->effort <= LOWBIT_WISDOM_ONLY, error, LOWBIT_INVALID_ARGUMENT, "options: effort is %u", o->effort);
    return lb_check_pool(o->pool, error);
}

static lowbit_status new_plan(const lowbit_ctx *ctx, const lowbit_problem *problem, lowbit_plan **plan,
                              lowbit_error *error) {
    lowbit_plan *made = lb_alloc(ctx, sizeof *made);
    LB_REQUIRE(made, error, LOWBIT_NO_MEMORY, "no memory for a plan of %zu bytes", sizeof *made);
    made->problem = *problem;
    made->count = 0;
    *plan = made;
    return LOWBIT_OK;
}

static void add_decision(lowbit_plan *plan, int64_t last, const char *source, lb_gemm_config config) {
    plan->decisions[plan->count++] = (lb_plan_decision){last, source, config};
}

lowbit_status lowbit_plan_create(const lowbit_ctx *ctx, const lowbit_problem *problem,
                                 const lowbit_plan_options *options, lowbit_plan **plan, lowbit_error *error) {
    static const lowbit_plan_options kDefaults = LOWBIT_PLAN_OPTIONS_INIT;
    LB_REQUIRE(plan, error, LOWBIT_INVALID_ARGUMENT, "plan is NULL");
    if (!options) options = &kDefaults;
    LB_TRY(check_options(options, error));
    LB_TRY(lowbit_supported(ctx, problem, error));
    LB_TRY(new_plan(ctx, problem, plan, error));
    const uint32_t threads = options->threads ? options->threads : (uint32_t)lb_pool_threads(options->pool);
    const lb_model model = lb_model_of(ctx, options->wisdom, threads);
    lb_contender contenders[LB_MOST_CONTENDERS];
    const size_t count = lb_contenders(&model, problem, contenders);
    for (size_t b = 0; b < LB_COUNT(kBuckets) && (b == 0 || problem->m > kBuckets[b - 1]); b++) {
        const int64_t m = lb_min(kBuckets[b], problem->m);
        add_decision(*plan, m, "estimate", lb_estimate(&model, problem, m, threads, contenders, count));
    }
    return LOWBIT_OK;
}

lowbit_status lowbit_plan_force(const lowbit_ctx *ctx, const lowbit_problem *problem, const char *kernel,
                                uint32_t threads, lowbit_plan **plan, lowbit_error *error) {
    LB_REQUIRE(plan && kernel, error, LOWBIT_INVALID_ARGUMENT, "plan or kernel is NULL");
    LB_TRY(lowbit_supported(ctx, problem, error));
    lb_kernel_ref found;
    LB_REQUIRE(lb_kernel_find(kernel, &found), error, LOWBIT_INVALID_ARGUMENT,
               "this build has no kernel \"%s\"; lowbit_kernel_get lists them", kernel);
    LB_REQUIRE(found.unit->isa & ctx->isa_enabled, error, LOWBIT_ISA_MISSING,
               "kernel %s needs a level that this context does not enable", kernel);
    const lb_format *f = lb_format_of(problem->weights.format);
    LB_REQUIRE(found.kernel->coding == f->coding, error, LOWBIT_UNSUPPORTED, "kernel %s reads lines of %s, %s has %s",
               kernel, lb_codings[found.kernel->coding].name, f->name, lb_codings[f->coding].name);
    LB_REQUIRE(lb_algorithm_takes(lb_algorithm_of(found.kernel), problem), error, LOWBIT_UNSUPPORTED,
               "kernel %s does not multiply %s with these activations", kernel, f->name);
    LB_REQUIRE(lb_kernel_fits(found.kernel, problem), error, LOWBIT_UNSUPPORTED,
               "kernel %s needs groups of 16, 32 or a multiple of 64, not %d", kernel, problem->weights.group);
    LB_TRY(new_plan(ctx, problem, plan, error));
    const lb_model model = lb_model_of(ctx, NULL, threads);
    const lb_contender contender = {found, lb_model_rate(&model, found)};
    for (size_t b = 0; b < LB_COUNT(kBuckets) && (b == 0 || problem->m > kBuckets[b - 1]); b++) {
        const int64_t m = lb_min(kBuckets[b], problem->m);
        add_decision(*plan, m, "forced",
                     lb_estimate_blocks(&model, problem, m, (uint32_t)lb_max(threads, 1), &contender));
    }
    return LOWBIT_OK;
}

lowbit_status lb_plan_of_config(const lowbit_ctx *ctx, const lowbit_problem *problem, const lb_gemm_config *config,
                                lowbit_plan **plan, lowbit_error *error) {
    LB_TRY(lowbit_supported(ctx, problem, error));
    LB_REQUIRE(config->unit->isa & ctx->isa_enabled, error, LOWBIT_ISA_MISSING,
               "the kernel needs level %s, which this context does not enable", lb_unit_name(config->unit));
    LB_TRY(lb_check_config(problem, config, error));
    LB_TRY(new_plan(ctx, problem, plan, error));
    add_decision(*plan, problem->m, "forced", *config);
    return LOWBIT_OK;
}

void lowbit_plan_destroy(const lowbit_ctx *ctx, lowbit_plan *plan) {
    if (ctx) lb_free(ctx, plan, sizeof *plan);
}

lowbit_status lb_plan_check(const lowbit_plan *plan, int64_t m, lowbit_error *error) {
    LB_REQUIRE(plan, error, LOWBIT_INVALID_ARGUMENT, "plan is NULL");
    LB_REQUIRE(m >= 1 && m <= plan->problem.m, error, LOWBIT_INVALID_ARGUMENT, "%lld rows; the plan is for 1 to %lld",
               (long long)m, (long long)plan->problem.m);
    return LOWBIT_OK;
}

const lb_plan_decision *lb_plan_decision_of(const lowbit_plan *plan, int64_t m) {
    const lb_plan_decision *decision = plan->decisions;
    while (m > decision->last) decision++;
    return decision;
}

lowbit_status lowbit_plan_describe(const lowbit_plan *plan, int64_t m, lowbit_plan_info *info, lowbit_error *error) {
    LB_TRY(lb_plan_check(plan, m, error));
    LB_REQUIRE(info && LB_HAS_FIELD(info, lowbit_plan_info, nr), error, LOWBIT_INVALID_ARGUMENT,
               "info is NULL or its struct_size is too small");
    const lb_plan_decision *decision = lb_plan_decision_of(plan, m);
    const lb_gemm_config *d = &decision->config;
    lb_kernel_name((lb_kernel_ref){d->unit, d->kernel}, info->kernel, sizeof info->kernel);
    info->isa = lb_unit_name(d->unit);
    info->source = decision->source;
    info->threads = d->threads;
    info->mr = d->kernel->mr;
    info->nr = d->kernel->nr;
    return LOWBIT_OK;
}

lowbit_status lowbit_workspace_size(const lowbit_plan *plan, int64_t m, int64_t *bytes, lowbit_error *error) {
    LB_TRY(lb_plan_check(plan, m, error));
    LB_REQUIRE(bytes, error, LOWBIT_INVALID_ARGUMENT, "bytes is NULL");
    *bytes = 0;
    const lb_plan_decision *own = lb_plan_decision_of(plan, m);
    for (const lb_plan_decision *d = plan->decisions; d <= own; d++) /* fewer rows may be another kernel's */
        *bytes = lb_max(*bytes, lb_gemm_workspace(&plan->problem, &d->config, lb_min(m, d->last)));
    return LOWBIT_OK;
}
