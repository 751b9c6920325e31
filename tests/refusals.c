/* SPDX-License-Identifier: Apache-2.0 */
/* The scene of tests/refusals.h. */
#include "tests/refusals.h"

#include <string.h>

#include "kernels/base/ctx.h"
#include "tests/check.h"
#include "tests/problems.h"

static sample base, integer;
static scene legal;
static outputs before, after;
static lowbit_error reason;
static float inputs[5 * 40];
static int32_t column_sums[3 * 16 * 3];

static void open_plans(void) {
    lowbit_problem bare = base.problem;
    bare.bias = bare.residual = 0;
    CHECK(lowbit_plan_create(legal.ctx, &base.problem, NULL, &legal.plan, NULL) == LOWBIT_OK);
    CHECK(lowbit_plan_create(legal.ctx, &bare, NULL, &legal.plan_bare, NULL) == LOWBIT_OK);
    bare = base.problem;
    bare.static_scale = 1;
    CHECK(lowbit_plan_create(legal.ctx, &bare, NULL, &legal.plan_static, NULL) == LOWBIT_OK);
    bare = base.problem;
    bare.out = LOWBIT_OUT_S8;
    CHECK(lowbit_plan_create(legal.ctx, &bare, NULL, &legal.plan_codes, NULL) == LOWBIT_OK);
    CHECK(lowbit_plan_create(legal.ctx, &integer.problem, NULL, &legal.plan_integer, NULL) == LOWBIT_OK);
    CHECK(lowbit_workspace_size(legal.plan, 5, &legal.workspace_bytes, NULL) == LOWBIT_OK);
    CHECK(legal.workspace_bytes <= ROOM);
}

static void open_rows(void) {
    static _Alignas(64) uint8_t memory[ROOM];
    const lowbit_matrix a = {base.a, 5, 40, base.a_stride};
    legal.rows.struct_size = sizeof legal.rows;
    CHECK(lowbit_quantize_rows(legal.ctx, &a, 16, memory, sizeof memory, NULL, &legal.rows, NULL) == LOWBIT_OK);
}

void scene_open(void) {
    lowbit_ctx_options scalar = LOWBIT_CTX_OPTIONS_INIT;
    scalar.isa_mask = LOWBIT_ISA_SCALAR;
    memset(&legal, 0, sizeof legal);
    CHECK(lowbit_ctx_create(NULL, &legal.ctx, NULL) == LOWBIT_OK);
    CHECK(lowbit_ctx_create(&scalar, &legal.ctx_scalar, NULL) == LOWBIT_OK);
    base = sample_make(legal.ctx, "i4g16a8:m5n33k40+bias+res", DATA_RANDOM);
    integer = sample_make(legal.ctx, "i4a8s:m5n33k40:u8+bias+relu+res", DATA_RANDOM);
    if (!integer.requant.multipliers) sample_integer_form(&integer);
    open_plans();
    open_rows();
    legal.options = (lowbit_ctx_options)LOWBIT_CTX_OPTIONS_INIT;
    legal.allocator = lb_default_allocator;
    legal.logger = (lowbit_logger){sizeof legal.logger, NULL, NULL};
    legal.pool_options = (lowbit_pool_options)LOWBIT_POOL_OPTIONS_INIT;
    legal.pool = (lowbit_pool)LOWBIT_POOL_INIT;
    legal.type = base.weights.type;
    legal.w = (lowbit_matrix){inputs, 5, 40, 40};
    legal.weights = base.weights;
    legal.packed = base.packed;
    legal.problem = base.problem;
    legal.integer = integer.problem;
    legal.integer_weights = integer.weights;
    legal.integer_packed = integer.packed;
    legal.requant = integer.requant;
    memcpy(legal.multipliers, integer.requant.multipliers, sizeof legal.multipliers);
    memcpy(legal.shifts, integer.requant.shifts, sizeof legal.shifts);
    legal.blob = base.blob;
    legal.blob_bytes = base.blob_bytes;
    CHECK(lowbit_pool_create(legal.ctx, NULL, &legal.pool, NULL) == LOWBIT_OK);
    CHECK(lowbit_wisdom_create(legal.ctx, &legal.wisdom, NULL) == LOWBIT_OK);
}

void scene_close(void) {
    lowbit_wisdom_destroy(legal.wisdom);
    lowbit_pool_destroy(&legal.pool);
    lowbit_plan_destroy(legal.ctx, legal.plan);
    lowbit_plan_destroy(legal.ctx, legal.plan_bare);
    lowbit_plan_destroy(legal.ctx, legal.plan_static);
    lowbit_plan_destroy(legal.ctx, legal.plan_codes);
    lowbit_plan_destroy(legal.ctx, legal.plan_integer);
    lowbit_weights_free(legal.ctx, &integer.weights);
    sample_free(legal.ctx, &base);
    lowbit_ctx_destroy(legal.ctx_scalar);
    lowbit_ctx_destroy(legal.ctx);
}

static void clear_outputs(outputs *o) {
    memset(o, 0x5A, sizeof *o);
    o->pool.struct_size = sizeof o->pool;
    o->machine.struct_size = sizeof o->machine;
    o->isa.struct_size = sizeof o->isa;
    o->format.struct_size = sizeof o->format;
    o->kernel.struct_size = sizeof o->kernel;
    o->plan_info.struct_size = sizeof o->plan_info;
    o->weights.struct_size = sizeof o->weights;
    o->packed.struct_size = sizeof o->packed;
    o->problem.struct_size = sizeof o->problem;
    o->rows.struct_size = sizeof o->rows;
    o->report.struct_size = sizeof o->report;
    o->line.struct_size = sizeof o->line;
}

scene scene_begin(int reported) {
    scene s = legal;
    clear_outputs(&after);
    reason = (lowbit_error)LOWBIT_ERROR_INIT;
    s.out = &after;
    s.error = reported ? &reason : NULL;
    s.workspace = after.memory;
    s.args = sample_args(&base, after.y, 33);
    s.integer_args = sample_args(&integer, after.y, 33);
    s.args.struct_size = sizeof s.args;
    s.args.a_scale = 0.01f, s.args.a_zero = 3, s.args.column_sums = column_sums;
    return s;
}

void scene_spoiled(void) { memcpy(&before, &after, sizeof before); }

void scene_check(lowbit_status got, lowbit_status want, const char *change, const char *call) {
    check_context("%s | %s | %s: %s", change, call, lowbit_status_string(got), reason.message);
    CHECK(got == want);
    CHECK(memcmp(&before, &after, sizeof before) == 0);
    CHECK(reason.status == LOWBIT_OK ? reason.message[0] == 0 : reason.status == want && reason.message[0] != 0);
}
