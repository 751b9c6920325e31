/* SPDX-License-Identifier: Apache-2.0 */
/* Plans: which decision for which M, and what a plan says about itself. */
#include "tuner/plan.h"

#include <string.h>

#include "kernels/base/ctx.h"
#include "kernels/base/pool.h"
#include "kernels/formats/format.h"
#include "kernels/ukernels.h"
#include "tuner/decide.h"
#include "tuner/effort.h"
#include "tuner/estimate.h"
#include "tuner/tuning.h"

lowbit_status lowbit_supported(const lowbit_ctx *ctx, const lowbit_problem *problem, lowbit_error *error) {
    LB_REQUIRE(ctx, error, LOWBIT_INVALID_ARGUMENT, "ctx is NULL");
    LB_TRY(lb_check_problem(problem, error));
    lb_kernel_ref each;
    for (size_t i = 0; lb_kernel_at(i, &each); i++)
        if ((each.unit->isa & ctx->isa_enabled) && lb_kernel_fits(each.kernel, problem)) return LOWBIT_OK;
    return lb_refuse_unsupported(problem, error);
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

/* Decides, after having tuned where the options ask for it. Without wisdom of the caller, what is measured is kept just
 * so long. */
static lowbit_status decide(const lowbit_ctx *ctx, const lowbit_plan_options *options, lowbit_plan *plan,
                            lowbit_error *error) {
    lowbit_plan_options o = *options;
    lowbit_wisdom *own = NULL;
    lowbit_status status = LOWBIT_OK;
    const bool measures = lb_effort_measures(o.effort);
    if (measures && !o.wisdom) LB_TRY(lowbit_wisdom_create(ctx, &own, error));
    if (own) o.wisdom = own;
    lowbit_tune_result result = {.struct_size = sizeof result};
    lowbit_error reason = LOWBIT_ERROR_INIT;
    if (measures) status = lowbit_tune(ctx, &plan->problem, 1, &o, &result, &reason);
    if (measures && status == LOWBIT_OK) status = result.status;
    if (status != LOWBIT_OK) lb_fail(error, status, "%s", reason.message);
    if (status == LOWBIT_OK)
        status = lb_decide(ctx, o.wisdom, lb_options_threads(&o), lb_options_pool(&o), o.effort == LOWBIT_WISDOM_ONLY,
                           plan, error);
    lowbit_wisdom_destroy(own);
    return status;
}

lowbit_status lowbit_plan_create(const lowbit_ctx *ctx, const lowbit_problem *problem,
                                 const lowbit_plan_options *options, lowbit_plan **plan, lowbit_error *error) {
    static const lowbit_plan_options kDefaults = LOWBIT_PLAN_OPTIONS_INIT;
    LB_REQUIRE(plan, error, LOWBIT_INVALID_ARGUMENT, "plan is NULL");
    if (!options) options = &kDefaults;
    LB_REQUIRE(ctx, error, LOWBIT_INVALID_ARGUMENT, "ctx is NULL");
    LB_TRY(lb_check_options(ctx, options, error));
    LB_TRY(lb_check_problem(problem, error));
    lowbit_plan *made;
    LB_TRY(new_plan(ctx, problem, &made, error));
    const lowbit_status status = decide(ctx, options, made, error);
    if (status != LOWBIT_OK)
        lowbit_plan_destroy(ctx, made);
    else
        *plan = made;
    return status;
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
    const uint32_t offered = (uint32_t)lb_max(threads, 1);
    const lb_model model = lb_model_of(ctx, NULL, offered);
    const lb_contender contender = {found, lb_model_rate(&model, found)};
    for (int64_t m = 1; m <= problem->m;) {
        const int64_t last = lb_min(lb_bucket_of(m).most, problem->m);
        lb_plan_add(*plan, last, "forced", lb_estimate_blocks(&model, problem, last, offered, &contender));
        m = last + 1;
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
    lb_plan_add(*plan, problem->m, "forced", *config);
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

void lb_describe_config(const lb_gemm_config *c, const char *source, lowbit_plan_info *info) {
    lb_kernel_name((lb_kernel_ref){c->unit, c->kernel}, info->kernel, sizeof info->kernel);
    info->isa = lb_unit_name(c->unit);
    info->source = source;
    info->threads = c->threads;
    info->mr = c->kernel->mr;
    info->nr = c->kernel->nr;
}

lowbit_status lowbit_plan_describe(const lowbit_plan *plan, int64_t m, lowbit_plan_info *info, lowbit_error *error) {
    LB_TRY(lb_plan_check(plan, m, error));
    LB_REQUIRE(info && LB_HAS_FIELD(info, lowbit_plan_info, nr), error, LOWBIT_INVALID_ARGUMENT,
               "info is NULL or its struct_size is too small");
    const lb_plan_decision *decision = lb_plan_decision_of(plan, m);
    lb_describe_config(&decision->config, decision->source, info);
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
