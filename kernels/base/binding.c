/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/base/binding.h"

#include "kernels/base/base.h"
#include "kernels/base/cpu_mask.h"

static lowbit_status check_list(const lowbit_ctx *ctx, const lowbit_pool_options *o, lowbit_error *error) {
    LB_REQUIRE(LB_HAS_FIELD(o, lowbit_pool_options, cpu_count) && o->cpus && o->cpu_count > 0, error,
               LOWBIT_INVALID_ARGUMENT, "options: LOWBIT_BIND_LIST without a list of CPUs");
    lb_cpu_mask allowed = {{0}};
    for (size_t i = 0; i < ctx->cpu_count; i++) lb_cpu_mask_add(&allowed, ctx->cpu_order[i]);
    for (size_t i = 0; i < o->cpu_count; i++)
        LB_REQUIRE(lb_cpu_mask_has(&allowed, o->cpus[i]), error, LOWBIT_INVALID_ARGUMENT,
                   "options: this context may not use CPU %u of the list, only %s", o->cpus[i],
                   ctx->machine.allowed_list);
    return LOWBIT_OK;
}

lowbit_status lb_binding_of(const lowbit_ctx *ctx, const lowbit_pool_options *options, lb_binding *binding,
                            lowbit_error *error) {
    switch (options->bind) {
        case LOWBIT_BIND_NONE: *binding = (lb_binding){NULL, 0}; return LOWBIT_OK;
        case LOWBIT_BIND_COMPACT: *binding = (lb_binding){ctx->cpu_order, ctx->cpu_count}; return LOWBIT_OK;
        case LOWBIT_BIND_SPREAD: *binding = (lb_binding){ctx->cpu_spread, ctx->cpu_count}; return LOWBIT_OK;
        case LOWBIT_BIND_LIST:
            LB_TRY(check_list(ctx, options, error));
            *binding = (lb_binding){options->cpus, options->cpu_count};
            return LOWBIT_OK;
        default: return lb_fail(error, LOWBIT_INVALID_ARGUMENT, "options: bind is %u", options->bind);
    }
}

size_t lb_binding_cpus(const lb_binding *binding, size_t threads) {
    lb_cpu_mask mask = {{0}};
    for (size_t w = 0; w < threads && binding->count; w++) lb_cpu_mask_add(&mask, binding->cpus[w % binding->count]);
    return lb_cpu_mask_count(&mask);
}
