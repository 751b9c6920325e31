/* SPDX-License-Identifier: Apache-2.0 */
/* What problems, plans, rows and runs refuse. */
#include <math.h>
#include <string.h>

#include "tests/check.h"
#include "tests/refusals.h"

/* ---- problems ---- */

#define REFUSE_PROBLEM(want, change)                                                                                   \
    REFUSE(want, change, lowbit_supported(s.ctx, &s.problem, s.error))                                                 \
    REFUSE(want, change, lowbit_plan_create(s.ctx, &s.problem, NULL, &s.out->plan, s.error))                           \
    REFUSE(want, change, lowbit_plan_force(s.ctx, &s.problem, "w4.dot.1x16.scalar", 1, &s.out->plan, s.error))         \
    REFUSE(want, change, lowbit_gemm_reference(s.ctx, &s.problem, &s.weights, &s.args, s.error))
#define RAW s.problem.out = LOWBIT_OUT_S32, s.problem.weights.group = 0, s.problem.bias = 0, s.problem.residual = 0
static void refuse_problems(void) {
    REFUSE_PROBLEM(INVALID, s.problem.struct_size = 0)
    REFUSE_PROBLEM(INVALID, s.problem.struct_size -= 8)
    REFUSE_PROBLEM(INVALID, s.problem.m = 0)
    REFUSE_PROBLEM(INVALID, s.problem.m = -5)
    REFUSE_PROBLEM(INVALID, s.problem.m = INT64_C(1) << 31)
    REFUSE_PROBLEM(INVALID, s.problem.n = 0)
    REFUSE_PROBLEM(INVALID, s.problem.n = INT64_MIN)
    REFUSE_PROBLEM(INVALID, s.problem.n = INT64_MAX)
    REFUSE_PROBLEM(INVALID, s.problem.k = 0)
    REFUSE_PROBLEM(INVALID, s.problem.k = -40)
    REFUSE_PROBLEM(LOWBIT_UNSUPPORTED, s.problem.k = LOWBIT_MAX_K + 1)
    REFUSE_PROBLEM(INVALID, s.problem.activations = 0)
    REFUSE_PROBLEM(INVALID, s.problem.activations = 8)
    REFUSE_PROBLEM(INVALID, (s.problem.activations = LOWBIT_A1, s.problem.static_scale = 1))
    REFUSE_PROBLEM(INVALID, (s.problem.activations = LOWBIT_AF, s.problem.static_scale = 1))
    REFUSE_PROBLEM(INVALID, (RAW, s.problem.activations = LOWBIT_AF32))
    REFUSE_PROBLEM(INVALID, s.problem.static_scale = 2)
    REFUSE_PROBLEM(LOWBIT_UNSUPPORTED, (s.problem.static_scale = 1, s.problem.weights.group = 0, s.problem.k = 65794))
    REFUSE_PROBLEM(INVALID, s.problem.out = 4)
    REFUSE_PROBLEM(INVALID, s.problem.act = 5)
    REFUSE_PROBLEM(INVALID, s.problem.bias = 2)
    REFUSE_PROBLEM(INVALID, s.problem.residual = 2)
    REFUSE_PROBLEM(INVALID, (RAW, s.problem.bias = 1))
    REFUSE_PROBLEM(INVALID, (RAW, s.problem.residual = 1))
    REFUSE_PROBLEM(INVALID, (RAW, s.problem.act = LOWBIT_ACT_RELU))
    REFUSE_PROBLEM(INVALID, (RAW, s.problem.act = LOWBIT_ACT_SILU))
    REFUSE_PROBLEM(INVALID, (RAW, s.problem.weights.group = 32))
    REFUSE_PROBLEM(INVALID, (RAW, s.problem.weights.offset = LOWBIT_MINIMUM))
    REFUSE(INVALID, s.ctx = NULL, lowbit_supported(s.ctx, &s.problem, s.error))
    REFUSE(INVALID, NOTHING, lowbit_supported(s.ctx, NULL, s.error))
}

#define PARSE(string) lowbit_problem_parse(string, &s.out->problem, s.error)
#define PRINT(size) lowbit_problem_print(&s.problem, s.out->text, size, s.error)
static void refuse_strings(void) {
    REFUSE(INVALID, NOTHING, PARSE(NULL))
    REFUSE(INVALID, NOTHING, lowbit_problem_parse("i4a8:m1n1k1", NULL, s.error))
    REFUSE(INVALID, s.out->problem.struct_size = 0, PARSE("i4a8:m1n1k1"))
    REFUSE(LOWBIT_BAD_FORMAT, NOTHING, PARSE(""))
    REFUSE(LOWBIT_BAD_FORMAT, NOTHING, PARSE("i4a8:m1n1k1 "))
    REFUSE(INVALID, NOTHING, lowbit_problem_print(NULL, s.out->text, 96, s.error))
    REFUSE(INVALID, NOTHING, lowbit_problem_print(&s.problem, NULL, 96, s.error))
    REFUSE(INVALID, s.problem.struct_size = 0, PRINT(96))
    REFUSE(LOWBIT_TOO_SMALL, NOTHING, PRINT(0))
    REFUSE(LOWBIT_TOO_SMALL, NOTHING, PRINT(strlen("i4g16a8:m5n33k40+bias+res")))
    REFUSE(INVALID, s.problem.weights.format = 77, PRINT(96))
    REFUSE(INVALID, s.problem.weights.offset = 3, PRINT(96))
    REFUSE(INVALID, s.problem.weights.scale_type = 3, PRINT(96))
    REFUSE(INVALID, s.problem.weights.group = -2, PRINT(96))
    REFUSE(INVALID, s.problem.weights.progressive = 2, PRINT(96))
    REFUSE(INVALID, (s.problem.weights.group = 0, s.problem.weights.progressive = 1), PRINT(96))
    REFUSE(INVALID, s.problem.activations = 0, PRINT(96))
    REFUSE(INVALID, s.problem.static_scale = 2, PRINT(96))
    REFUSE(INVALID, s.problem.m = 0, PRINT(96))
    REFUSE(INVALID, s.problem.n = -1, PRINT(96))
    REFUSE(INVALID, s.problem.k = INT64_MAX, PRINT(96))
    REFUSE(INVALID, s.problem.out = 4, PRINT(96))
    REFUSE(INVALID, s.problem.bias = 2, PRINT(96))
    REFUSE(INVALID, s.problem.act = 5, PRINT(96))
    REFUSE(INVALID, s.problem.residual = 2, PRINT(96))
}

/* ---- plans ---- */

/* The name of the first kernel of a width beyond the scalar unit; "" where there is none. */
static const char *kernel_of(uint32_t width) {
    static char name[sizeof((lowbit_kernel_info *)0)->name];
    lowbit_ctx *ctx = NULL;
    name[0] = 0;
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    for (size_t i = 0; i < lowbit_kernel_count() && !name[0]; i++) {
        lowbit_kernel_info info = {.struct_size = sizeof info};
        CHECK(lowbit_kernel_get(ctx, i, &info, NULL) == LOWBIT_OK);
        if (info.width == width && info.isa != LOWBIT_ISA_SCALAR) strcpy(name, info.name);
    }
    lowbit_ctx_destroy(ctx);
    return name;
}

#define FORCE(name) lowbit_plan_force(s.ctx, &s.problem, name, 1, &s.out->plan, s.error)
#define CREATE lowbit_plan_create(s.ctx, &s.problem, NULL, &s.out->plan, s.error)
static void refuse_plans(void) {
    REFUSE(INVALID, s.ctx = NULL, CREATE)
    REFUSE(INVALID, NOTHING, lowbit_plan_create(s.ctx, NULL, NULL, &s.out->plan, s.error))
    REFUSE(INVALID, NOTHING, lowbit_plan_create(s.ctx, &s.problem, NULL, NULL, s.error))
    REFUSE(INVALID, s.ctx = NULL, FORCE("w4.dot.1x16.scalar"))
    REFUSE(INVALID, NOTHING, lowbit_plan_force(s.ctx, NULL, "w4.dot.1x16.scalar", 1, &s.out->plan, s.error))
    REFUSE(INVALID, NOTHING, lowbit_plan_force(s.ctx, &s.problem, "w4.dot.1x16.scalar", 1, NULL, s.error))
    REFUSE(INVALID, NOTHING, FORCE(NULL))
    REFUSE(INVALID, NOTHING, FORCE(""))
    REFUSE(INVALID, NOTHING, FORCE("w4.dot.1x16.scala"))
    REFUSE(INVALID, NOTHING, FORCE("w4.dot.1x16.scalar "))
    REFUSE(INVALID, NOTHING, FORCE("w3.dot.1x16.scalar"))
    REFUSE(LOWBIT_UNSUPPORTED, NOTHING, FORCE("w8.dot.1x16.scalar"))
    const char *wider = kernel_of(4);
    if (wider[0]) REFUSE(LOWBIT_ISA_MISSING, s.ctx = s.ctx_scalar, FORCE(wider))
    if (strstr(wider, "tile")) /* a multiplication of 64 k would end inside such groups */
        REFUSE(LOWBIT_UNSUPPORTED, (s.problem.k = 200, s.problem.weights.group = 96), FORCE(wider))
}

#define REFUSE_M(plan_, m)                                                                                             \
    REFUSE(INVALID, NOTHING, lowbit_plan_describe(plan_, m, &s.out->plan_info, s.error))                               \
    REFUSE(INVALID, NOTHING, lowbit_workspace_size(plan_, m, &s.out->bytes, s.error))                                  \
    REFUSE(INVALID, NOTHING, lowbit_gemm_steps(plan_, m, &s.out->step_m, &s.out->step_n, s.error))
static void refuse_questions(void) {
    REFUSE_M(NULL, 1)
    REFUSE_M(s.plan, 0)
    REFUSE_M(s.plan, 6)
    REFUSE_M(s.plan, -1)
    REFUSE_M(s.plan, INT64_MAX)
    REFUSE_M(s.plan, INT64_MIN)
    REFUSE(INVALID, NOTHING, lowbit_plan_describe(s.plan, 5, NULL, s.error))
    REFUSE(INVALID, s.out->plan_info.struct_size = 0, lowbit_plan_describe(s.plan, 5, &s.out->plan_info, s.error))
    REFUSE(INVALID, NOTHING, lowbit_workspace_size(s.plan, 5, NULL, s.error))
    REFUSE(INVALID, NOTHING, lowbit_gemm_steps(s.plan, 5, NULL, &s.out->step_n, s.error))
    REFUSE(INVALID, NOTHING, lowbit_gemm_steps(s.plan, 5, &s.out->step_m, NULL, s.error))
}

/* ---- rows ---- */

#define ROWS_SIZE(m, k, group) lowbit_rows_size(m, k, group, &s.out->bytes, s.error)
#define ROWS(memory, size) lowbit_quantize_rows(s.ctx, &s.w, 16, memory, size, &s.pool, &s.out->rows, s.error)
static void refuse_rows(void) {
    REFUSE(INVALID, NOTHING, lowbit_rows_size(5, 40, 16, NULL, s.error))
    REFUSE(INVALID, NOTHING, ROWS_SIZE(0, 40, 16))
    REFUSE(INVALID, NOTHING, ROWS_SIZE(-1, 40, 16))
    REFUSE(INVALID, NOTHING, ROWS_SIZE(INT64_MAX, 40, 16))
    REFUSE(INVALID, NOTHING, ROWS_SIZE(5, 0, 16))
    REFUSE(INVALID, NOTHING, ROWS_SIZE(5, INT64_MIN, 16))
    REFUSE(INVALID, NOTHING, ROWS_SIZE(5, LOWBIT_MAX_K + 1, 16))
    REFUSE(INVALID, NOTHING, ROWS_SIZE(5, 40, -1))
    REFUSE(INVALID, NOTHING, ROWS_SIZE(5, 40, 8))
    REFUSE(INVALID, NOTHING, ROWS_SIZE(5, 40, 17))
    REFUSE(INVALID, NOTHING, ROWS_SIZE(5, 40, INT64_MAX - 15))
    REFUSE(INVALID, NOTHING, ROWS_SIZE(5, 40, INT64_MIN))
    REFUSE(INVALID, s.ctx = NULL, ROWS(s.out->memory, ROOM))
    REFUSE(INVALID, NOTHING, lowbit_quantize_rows(s.ctx, NULL, 16, s.out->memory, ROOM, NULL, &s.out->rows, s.error))
    REFUSE(INVALID, NOTHING, lowbit_quantize_rows(s.ctx, &s.w, 16, s.out->memory, ROOM, NULL, NULL, s.error))
    REFUSE(INVALID, NOTHING, lowbit_quantize_rows(s.ctx, &s.w, 24, s.out->memory, ROOM, NULL, &s.out->rows, s.error))
    REFUSE(INVALID, s.w.data = NULL, ROWS(s.out->memory, ROOM))
    REFUSE(INVALID, s.w.rows = 0, ROWS(s.out->memory, ROOM))
    REFUSE(INVALID, s.w.stride = 39, ROWS(s.out->memory, ROOM))
    REFUSE(INVALID, s.w.stride = INT64_MAX, ROWS(s.out->memory, ROOM))
    REFUSE(INVALID, s.w.cols = s.w.stride = LOWBIT_MAX_K + 1, ROWS(s.out->memory, ROOM))
    REFUSE(INVALID, s.pool.num_threads = NULL, ROWS(s.out->memory, ROOM))
    REFUSE(INVALID, s.out->rows.struct_size = 0, ROWS(s.out->memory, ROOM))
    REFUSE(INVALID, NOTHING, ROWS(NULL, ROOM))
    REFUSE(INVALID, NOTHING, ROWS(s.out->memory + 4, ROOM - 64))
    REFUSE(INVALID, NOTHING, ROWS(s.out->memory + 32, ROOM - 64))
    REFUSE(LOWBIT_TOO_SMALL, NOTHING, ROWS(s.out->memory, 5 * 64 + 64 + 63))
    REFUSE(LOWBIT_TOO_SMALL, NOTHING, ROWS(s.out->memory, -1))
}

#define ROWS_STATIC(scale, zero)                                                                                       \
    lowbit_quantize_rows_static(s.ctx, &s.w, 16, scale, zero, s.out->memory, ROOM, &s.pool, &s.out->rows, s.error)
#define SUMS(sums, size) lowbit_column_sums(&s.packed, sums, size, &s.pool, s.error)
static void refuse_static_rows(void) {
    REFUSE(INVALID, NOTHING, ROWS_STATIC(0, 0))
    REFUSE(INVALID, NOTHING, ROWS_STATIC(-1, 0))
    REFUSE(INVALID, NOTHING, ROWS_STATIC(0x1p-127f, 0))
    REFUSE(INVALID, NOTHING, ROWS_STATIC(INFINITY, 0))
    REFUSE(INVALID, NOTHING, ROWS_STATIC(NAN, 0))
    REFUSE(INVALID, NOTHING, ROWS_STATIC(1, -129))
    REFUSE(INVALID, NOTHING, ROWS_STATIC(1, 128))
    REFUSE(INVALID, s.out->rows.struct_size = offsetof(lowbit_rows, zero), ROWS_STATIC(1, 1))
    REFUSE(INVALID, s.w.data = NULL, ROWS_STATIC(1, 1))
    REFUSE(INVALID, NOTHING, SUMS(NULL, ROOM))
    REFUSE(LOWBIT_TOO_SMALL, NOTHING, SUMS((int32_t *)(void *)s.out->memory, 3 * 16 * 3 * 4 - 1))
    REFUSE(INVALID, s.packed.lines = NULL, SUMS((int32_t *)(void *)s.out->memory, ROOM))
    REFUSE(INVALID, s.pool.num_threads = NULL, SUMS((int32_t *)(void *)s.out->memory, ROOM))
    REFUSE(INVALID, NOTHING, lowbit_column_sums(NULL, (int32_t *)(void *)s.out->memory, ROOM, NULL, s.error))
    REFUSE(INVALID, NOTHING, lowbit_column_sums_size(&s.packed, NULL, s.error))
    REFUSE(INVALID, NOTHING, lowbit_column_sums_size(NULL, &s.out->bytes, s.error))
    REFUSE(INVALID, s.packed.k = 0, lowbit_column_sums_size(&s.packed, &s.out->bytes, s.error))
}

/* ---- runs ---- */

#define SCRATCH s.workspace, s.workspace_bytes
#define REFUSE_RUN(want, change)                                                                                       \
    REFUSE(want, change, lowbit_gemm(s.plan, &s.args, SCRATCH, &s.pool, s.error))                                      \
    REFUSE(want, change, lowbit_gemm_prepare(s.plan, &s.args, SCRATCH, &s.pool, s.error))                              \
    REFUSE(want, change, lowbit_gemm_tile(s.plan, &s.args, SCRATCH, 0, 5, 0, 33, s.error))
#define REFUSE_ARGS(change)                                                                                            \
    REFUSE_RUN(INVALID, change)                                                                                        \
    REFUSE(INVALID, change, lowbit_gemm_reference(s.ctx, &s.problem, &s.weights, &s.args, s.error))
#define PACKED(change) (s.args.weights = &s.packed, change)
#define WITH_ROWS(change) (s.args.a.data = NULL, s.args.rows = &s.rows, change)
static void refuse_arguments(void) {
    REFUSE_ARGS(s.args.struct_size = 0)
    REFUSE_ARGS(s.args.out = NULL)
    REFUSE_ARGS(s.args.out_stride = 32)
    REFUSE_ARGS(s.args.out_stride = -33)
    REFUSE_ARGS(s.args.out_stride = INT64_MAX)
    REFUSE_ARGS(s.args.bias = NULL)
    REFUSE_ARGS(s.args.residual = NULL)
    REFUSE_ARGS(s.args.residual_stride = 32)
    REFUSE_ARGS(s.args.residual_stride = INT64_MIN)
    REFUSE_ARGS(s.args.residual_stride = INT64_MAX)
    REFUSE_ARGS(s.args.a.data = NULL)
    REFUSE_ARGS(s.args.a.rows = 0)
    REFUSE_ARGS(s.args.a.rows = -1)
    REFUSE_ARGS(s.args.a.rows = 6)
    REFUSE_ARGS(s.args.a.cols = 39)
    REFUSE_ARGS((s.args.a.cols = 41, s.args.a.stride = 41))
    REFUSE_ARGS(s.args.a.stride = 39)
    REFUSE_ARGS(s.args.a.stride = INT64_MAX)
    REFUSE_RUN(INVALID, s.plan = NULL)
    REFUSE_RUN(INVALID, s.plan = s.plan_bare)
    REFUSE_RUN(INVALID, (s.plan = s.plan_bare, s.args.bias = NULL))
    REFUSE_RUN(INVALID, (s.plan = s.plan_bare, s.args.residual = NULL))
    REFUSE(INVALID, NOTHING, lowbit_gemm(s.plan, NULL, SCRATCH, NULL, s.error))
    REFUSE(INVALID, NOTHING, lowbit_gemm_reference(s.ctx, &s.problem, &s.weights, NULL, s.error))
    REFUSE(INVALID, NOTHING, lowbit_gemm_reference(s.ctx, &s.problem, NULL, &s.args, s.error))
    REFUSE(INVALID, NOTHING, lowbit_gemm_reference(NULL, &s.problem, &s.weights, &s.args, s.error))
    REFUSE(INVALID, s.problem.n = 32, lowbit_gemm_reference(s.ctx, &s.problem, &s.weights, &s.args, s.error))
    REFUSE(INVALID, s.pool.parallel_for = NULL, lowbit_gemm(s.plan, &s.args, SCRATCH, &s.pool, s.error))
    REFUSE(INVALID, s.pool.struct_size = 0, lowbit_gemm_prepare(s.plan, &s.args, SCRATCH, &s.pool, s.error))
}

/* With static activations, by the run calls and by the reference. */
#define REFUSE_STATIC(change)                                                                                          \
    REFUSE_RUN(INVALID, (s.plan = s.plan_static, change))                                                              \
    REFUSE(INVALID, (s.problem.static_scale = 1, change),                                                              \
           lowbit_gemm_reference(s.ctx, &s.problem, &s.weights, &s.args, s.error))
static void refuse_static(void) {
    REFUSE_STATIC(s.args.struct_size = offsetof(lowbit_gemm_args, column_sums))
    REFUSE_STATIC(s.args.a_scale = 0)
    REFUSE_STATIC(s.args.a_scale = NAN)
    REFUSE_STATIC(s.args.a_zero = 128)
    REFUSE_RUN(INVALID, (s.plan = s.plan_static, s.args.column_sums = NULL))
    REFUSE_RUN(INVALID, WITH_ROWS(s.rows.zero = 1))
    REFUSE_RUN(INVALID, WITH_ROWS((s.plan = s.plan_static, s.rows.zero = 1, s.args.column_sums = NULL)))
    REFUSE_RUN(INVALID, WITH_ROWS((s.plan = s.plan_static, s.rows.zero = 1,
                                   s.args.struct_size = offsetof(lowbit_gemm_args, a_scale))))
}

/* s8 output in the float form. `q` is what the line spoils. */
#define REFUSE_CODES(change)                                                                                           \
    REFUSE_RUN(INVALID, (s.plan = s.plan_codes, s.args.requant = &s.requant, s.requant.multipliers = NULL,             \
                         s.requant.zero = s.requant.low = 0, s.requant.high = 99, s.requant.scale = 1, change))
/* u8 output in the integer form, by the calls that check every multiplier and by the reference. */
#define REFUSE_INTEGER(change)                                                                                         \
    REFUSE(INVALID, INTEGER(change), lowbit_gemm(s.plan_integer, &s.args, s.workspace, ROOM, &s.pool, s.error))        \
    REFUSE(INVALID, INTEGER(change),                                                                                   \
           lowbit_gemm_prepare(s.plan_integer, &s.args, s.workspace, ROOM, &s.pool, s.error))                          \
    REFUSE(INVALID, INTEGER(change), lowbit_gemm_reference(s.ctx, &s.integer, &s.integer_weights, &s.args, s.error))
#define INTEGER(change)                                                                                                \
    (s.args = s.integer_args, s.args.weights = &s.integer_packed, s.args.requant = &s.requant,                         \
     s.requant.multipliers = s.multipliers, s.requant.shifts = s.shifts, change)
static void refuse_codes(void) {
    REFUSE_CODES(s.args.struct_size = offsetof(lowbit_gemm_args, requant))
    REFUSE_CODES(s.args.requant = NULL)
    REFUSE_CODES(s.requant.struct_size = 0)
    REFUSE_CODES(s.requant.struct_size = offsetof(lowbit_requant, residual_shift))
    REFUSE_CODES(s.requant.zero = -129)
    REFUSE_CODES(s.requant.zero = 128)
    REFUSE_CODES(s.requant.low = -129)
    REFUSE_CODES(s.requant.low = 100)
    REFUSE_CODES(s.requant.high = 128)
    REFUSE_CODES(s.requant.scale = 0)
    REFUSE_CODES(s.requant.scale = -1)
    REFUSE_CODES(s.requant.scale = INFINITY)
    REFUSE_CODES(s.requant.scale = NAN)
    REFUSE_CODES(s.args.bias = NULL)
    REFUSE_CODES(s.args.residual = NULL)
    REFUSE_CODES(s.args.residual_stride = 32)
    REFUSE_CODES((s.requant.multipliers = s.multipliers, s.requant.shifts = s.shifts)) /* not static, groups */
    REFUSE_INTEGER(s.requant.zero = 256)
    REFUSE_INTEGER(s.requant.shifts = NULL)
    REFUSE_INTEGER(s.requant.rounding = 3)
    REFUSE_INTEGER(s.requant.bias = NULL)
    REFUSE_INTEGER(s.requant.residual = NULL)
    REFUSE_INTEGER(s.requant.residual_stride = 32)
    REFUSE_INTEGER(s.requant.residual_zero = -1)
    REFUSE_INTEGER(s.args.bias = s.out->values)
    REFUSE_INTEGER(s.args.residual = s.out->values)
    REFUSE_INTEGER(s.multipliers[32] = 1)
    REFUSE_INTEGER(s.multipliers[32] = INT32_MIN)
    REFUSE_INTEGER(s.multipliers[0] = (1 << 30) - 1)
    REFUSE_INTEGER(s.shifts[32] = -32)
    REFUSE_INTEGER(s.shifts[0] = 15)
    REFUSE_INTEGER(s.requant.residual_multiplier = -1)
    REFUSE_INTEGER(s.requant.residual_shift = 15)
}

#define MULTIPLIERS(a, w, n, y_scale)                                                                                  \
    lowbit_requant_multipliers(a, w, n, y_scale, (int32_t *)(void *)s.out->values, (int32_t *)(void *)s.out->y, s.error)
static void refuse_multipliers(void) {
    static const float kScales[] = {1, NAN}, kLarge[] = {0x1p30f};
    REFUSE(INVALID, NOTHING, MULTIPLIERS(1, NULL, 1, 1))
    REFUSE(INVALID, NOTHING, MULTIPLIERS(1, kScales, 0, 1))
    REFUSE(INVALID, NOTHING, MULTIPLIERS(1, kScales, 2, 1))
    REFUSE(INVALID, NOTHING, MULTIPLIERS(1, kScales, 1, 0))
    REFUSE(INVALID, NOTHING, MULTIPLIERS(INFINITY, kScales, 1, 1))
    REFUSE(INVALID, NOTHING, MULTIPLIERS(1, kLarge, 1, 1))
    REFUSE(INVALID, NOTHING, lowbit_requant_multipliers(1, kScales, 1, 1, NULL, s.multipliers, s.error))
    REFUSE(INVALID, NOTHING, lowbit_requant_multipliers(1, kScales, 1, 1, s.multipliers, NULL, s.error))
}

static void refuse_blobs(void) {
    REFUSE_RUN(INVALID, s.args.weights = NULL)
    REFUSE_RUN(INVALID, PACKED(s.packed.struct_size = 0))
    REFUSE_RUN(INVALID, PACKED(s.packed.lines = NULL))
    REFUSE_RUN(INVALID, PACKED(s.packed.n = 32))
    REFUSE_RUN(INVALID, PACKED(s.packed.k = 41))
    REFUSE_RUN(INVALID, PACKED(s.packed.type.format = LOWBIT_I8))
    REFUSE_RUN(INVALID, PACKED(s.packed.type.offset = LOWBIT_ZERO_POINT))
    REFUSE_RUN(INVALID, PACKED(s.packed.type.scale_type = LOWBIT_SCALE_BF16))
    REFUSE_RUN(INVALID, PACKED(s.packed.type.group = 32))
    REFUSE_RUN(INVALID, PACKED(s.packed.type.progressive = 1))
}

static void refuse_given_rows(void) {
    REFUSE_RUN(INVALID, s.args.rows = &s.rows) /* beside a */
    REFUSE_RUN(INVALID, WITH_ROWS(s.rows.struct_size = 0))
    REFUSE_RUN(INVALID, WITH_ROWS(s.rows.codes = NULL))
    REFUSE_RUN(INVALID, WITH_ROWS(s.rows.scales = NULL))
    REFUSE_RUN(INVALID, WITH_ROWS(s.rows.sums = NULL))
    REFUSE_RUN(INVALID, WITH_ROWS(s.rows.m = 0))
    REFUSE_RUN(INVALID, WITH_ROWS(s.rows.m = 6))
    REFUSE_RUN(INVALID, WITH_ROWS(s.rows.m = INT64_MIN))
    REFUSE_RUN(INVALID, WITH_ROWS(s.rows.k = 39))
    REFUSE_RUN(INVALID, WITH_ROWS(s.rows.stride = 0))
    REFUSE_RUN(INVALID, WITH_ROWS(s.rows.stride = 40))
    REFUSE_RUN(INVALID, WITH_ROWS(s.rows.stride = -64))
    REFUSE_RUN(INVALID, WITH_ROWS(s.rows.stride = INT64_MAX - 63))
    REFUSE_RUN(INVALID, WITH_ROWS(s.rows.group = 32))
    REFUSE_RUN(INVALID, WITH_ROWS(s.rows.groups = 1))
}

#define TILE(m0, m1, n0, n1) lowbit_gemm_tile(s.plan, &s.args, SCRATCH, m0, m1, n0, n1, s.error)
static void refuse_scratch_and_tiles(void) {
    REFUSE_RUN(INVALID, s.workspace = NULL)
    REFUSE_RUN(INVALID, s.workspace += 1)
    REFUSE_RUN(INVALID, s.workspace += 32)
    REFUSE_RUN(LOWBIT_TOO_SMALL, s.workspace_bytes -= 1)
    REFUSE_RUN(LOWBIT_TOO_SMALL, s.workspace_bytes = 0)
    REFUSE_RUN(LOWBIT_TOO_SMALL, s.workspace_bytes = INT64_MIN)
    REFUSE(INVALID, NOTHING, TILE(-16, 5, 0, 33))
    REFUSE(INVALID, NOTHING, TILE(0, 0, 0, 33))
    REFUSE(INVALID, NOTHING, TILE(0, 6, 0, 33))
    REFUSE(INVALID, NOTHING, TILE(5, 5, 0, 33))
    REFUSE(INVALID, NOTHING, TILE(0, INT64_MAX, 0, 33))
    REFUSE(INVALID, NOTHING, TILE(0, 5, -16, 33))
    REFUSE(INVALID, NOTHING, TILE(0, 5, 0, 0))
    REFUSE(INVALID, NOTHING, TILE(0, 5, 0, 34))
    REFUSE(INVALID, NOTHING, TILE(0, 5, 33, 33))
    REFUSE(INVALID, NOTHING, TILE(0, 5, 1, 33))
    REFUSE(INVALID, NOTHING, TILE(0, 5, 0, 17))
}

void subject_refusals_gemm(void) {
    scene_open();
    refuse_problems();
    refuse_strings();
    refuse_plans();
    refuse_questions();
    refuse_rows();
    refuse_static_rows();
    refuse_arguments();
    refuse_static();
    refuse_codes();
    refuse_multipliers();
    refuse_blobs();
    refuse_given_rows();
    refuse_scratch_and_tiles();
    scene_close();
}
