/* SPDX-License-Identifier: Apache-2.0 */
/* Creating a context: options checked, CPU and machine read, levels masked. */
#include <float.h>
#include <string.h>

#include "kernels/base/base.h"
#include "kernels/base/cpu.h"
#include "kernels/base/ctx.h"
#include "kernels/ukernels.h"
#include "tuner/machine.h"

/* Copies what the caller's struct has; fields that it lacks keep their defaults. */
static lowbit_status take_options(const lowbit_ctx_options *given, lowbit_ctx_options *options, lowbit_error *error) {
    *options = (lowbit_ctx_options)LOWBIT_CTX_OPTIONS_INIT;
    if (!given) return LOWBIT_OK;
    LB_REQUIRE(LB_HAS_FIELD(given, lowbit_ctx_options, topology), error, LOWBIT_INVALID_ARGUMENT,
               "options: struct_size %u is smaller than lowbit_ctx_options", given->struct_size);
    const bool whole = LB_HAS_FIELD(given, lowbit_ctx_options, guest);
    memcpy(options, given, whole ? sizeof *options : offsetof(lowbit_ctx_options, allowed_cpus));
    return LOWBIT_OK;
}

/* A mask, a quota and a hypervisor of this machine are read, never told. */
static lowbit_status check_pretended(const lowbit_ctx_options *options, lowbit_error *error) {
    LB_REQUIRE(options->topology || (!options->allowed_cpus && options->cpu_quota == 0 && !options->guest), error,
               LOWBIT_INVALID_ARGUMENT, "options: allowed_cpus, cpu_quota and guest go with a topology only");
    LB_REQUIRE(options->cpu_quota >= 0 && options->cpu_quota <= DBL_MAX, error, LOWBIT_INVALID_ARGUMENT,
               "options: cpu_quota is %g: legal are 0 and more, finite", options->cpu_quota);
    LB_REQUIRE(options->guest <= 1, error, LOWBIT_INVALID_ARGUMENT, "options: guest is %u: legal are 0 and 1",
               options->guest);
    return LOWBIT_OK;
}

static lowbit_status check_options(const lowbit_ctx_options *options, lowbit_error *error) {
    const lowbit_allocator *a = options->allocator;
    LB_REQUIRE(!a || (LB_HAS_FIELD(a, lowbit_allocator, free) && a->alloc && a->free), error, LOWBIT_INVALID_ARGUMENT,
               "options: the allocator lacks a callback or its struct_size");
    const lowbit_logger *l = options->logger;
    LB_REQUIRE(!l || LB_HAS_FIELD(l, lowbit_logger, log), error, LOWBIT_INVALID_ARGUMENT,
               "options: the logger lacks its struct_size");
    return check_pretended(options, error);
}

lowbit_status lowbit_ctx_create(const lowbit_ctx_options *options, lowbit_ctx **ctx, lowbit_error *error) {
    lowbit_ctx_options o;
    LB_REQUIRE(ctx, error, LOWBIT_INVALID_ARGUMENT, "ctx is NULL");
    LB_TRY(take_options(options, &o, error));
    LB_TRY(check_options(&o, error));

    lowbit_ctx made = {0};
    made.allocator = o.allocator ? *o.allocator : lb_default_allocator;
    if (o.logger) made.logger = *o.logger;
    made.isa_present = lb_isa_present();
    const uint32_t mask = o.isa_mask ? o.isa_mask : LOWBIT_ISA_ALL;
    const uint32_t wanted = made.isa_present & lb_units_compiled() & mask;
    made.isa_enabled = lb_isa_permitted(wanted) | LOWBIT_ISA_SCALAR;
    made.isa_refused = wanted & ~made.isa_enabled;
    LB_TRY(lb_machine_read(&made, &o, error));

    lowbit_ctx *stored = lb_alloc(&made, sizeof made);
    if (!stored) {
        lb_machine_release(&made);
        return lb_fail(error, LOWBIT_NO_MEMORY, "no memory for a context of %zu bytes", sizeof made);
    }
    *stored = made;
    *ctx = stored;
    return LOWBIT_OK;
}

void lowbit_ctx_destroy(lowbit_ctx *ctx) {
    if (ctx) {
        const lowbit_ctx copy = *ctx;
        lb_machine_release(ctx);
        lb_free(&copy, ctx, sizeof *ctx);
    }
}

lowbit_status lowbit_machine_info(const lowbit_ctx *ctx, lowbit_machine *machine, lowbit_error *error) {
    LB_REQUIRE(ctx && machine, error, LOWBIT_INVALID_ARGUMENT, "ctx or machine is NULL");
    LB_REQUIRE(machine->struct_size >= sizeof machine->struct_size && machine->struct_size <= sizeof *machine, error,
               LOWBIT_INVALID_ARGUMENT, "machine: struct_size %u is not one of this library", machine->struct_size);
    const uint32_t size = machine->struct_size;
    memcpy(machine, &ctx->machine, size);
    machine->struct_size = size;
    return LOWBIT_OK;
}

size_t lowbit_isa_count(void) { return lb_isa_level_count(); }

lowbit_status lowbit_isa_get(const lowbit_ctx *ctx, size_t index, lowbit_isa_info *info, lowbit_error *error) {
    LB_REQUIRE(ctx && info, error, LOWBIT_INVALID_ARGUMENT, "ctx or info is NULL");
    LB_REQUIRE(LB_HAS_FIELD(info, lowbit_isa_info, reason), error, LOWBIT_INVALID_ARGUMENT,
               "info: struct_size %u is smaller than lowbit_isa_info", info->struct_size);
    const lb_isa_level *level = lb_isa_level_at(index);
    LB_REQUIRE(level, error, LOWBIT_INVALID_ARGUMENT, "index %zu: there are %zu levels", index, lb_isa_level_count());
    info->bit = level->bit;
    info->name = level->name;
    info->compiled = (lb_units_compiled() & level->bit) != 0;
    info->present = (ctx->isa_present & level->bit) != 0;
    info->enabled = (ctx->isa_enabled & level->bit) != 0;
    info->reason = info->enabled                     ? ""
                   : !info->compiled                 ? "not compiled into this build"
                   : !info->present                  ? "this CPU or operating system lacks it"
                   : (ctx->isa_refused & level->bit) ? "the operating system refuses the tile registers (XTILEDATA)"
                                                     : "masked by the context's options";
    return LOWBIT_OK;
}
