/* SPDX-License-Identifier: Apache-2.0 */
/* Wrong calls as tables: a scene of legal arguments, one line that spoils it, and the call, which must refuse with the
 * wanted status and a reason, and change nothing that the caller owns. */
#ifndef LOWBIT_TESTS_REFUSALS_H_
#define LOWBIT_TESTS_REFUSALS_H_

#include "lowbit/lowbit.h"

enum { ROOM = 1 << 14 };

/* Everything that a call may write to. */
typedef struct outputs {
    lowbit_ctx *ctx;
    lowbit_plan *plan;
    lowbit_pool pool;
    lowbit_machine machine;
    lowbit_isa_info isa;
    lowbit_format_info format;
    lowbit_kernel_info kernel;
    lowbit_plan_info plan_info;
    lowbit_weights weights;
    lowbit_packed packed;
    lowbit_problem problem;
    lowbit_rows rows;
    lowbit_wisdom *wisdom;
    lowbit_wisdom_report report;
    lowbit_wisdom_info line;
    size_t needed;
    int64_t bytes, step_m, step_n;
    char text[96];
    float values[33 * 40], y[5 * 33];
    _Alignas(64) uint8_t memory[ROOM];
} outputs;

/* Legal arguments of every call, which a line then spoils. */
typedef struct scene {
    lowbit_ctx *ctx, *ctx_scalar; /* one of them with the scalar level alone */
    lowbit_ctx_options options;
    lowbit_allocator allocator;
    lowbit_logger logger;
    lowbit_pool_options pool_options;
    lowbit_pool pool;
    lowbit_weight_type type;
    lowbit_matrix w, a;
    lowbit_weights weights;
    lowbit_packed packed;
    lowbit_problem problem;
    lowbit_plan *plan, *plan_bare; /* of `problem`; and of one without bias and residual */
    lowbit_plan *plan_static;      /* and of one with static activations */
    lowbit_plan *plan_codes;       /* s8 output in the float form */
    lowbit_plan *plan_integer;     /* u8 output of one scale a row, static, with bias, relu and residual */
    lowbit_problem integer;        /* its problem */
    lowbit_weights integer_weights;
    lowbit_packed integer_packed;
    lowbit_gemm_args integer_args;
    lowbit_requant requant; /* of either */
    int32_t multipliers[33], shifts[33];
    lowbit_gemm_args args;
    lowbit_rows rows;
    lowbit_wisdom *wisdom; /* empty */
    int64_t workspace_bytes;
    uint8_t *workspace;
    const void *blob;
    int64_t blob_bytes;
    outputs *out; /* holds args.out and the workspace, too */
    lowbit_error *error;
} scene;

/* Makes and frees what all scenes share. */
void scene_open(void);
void scene_close(void);

/* A scene with fresh outputs; its error is NULL or a fresh one. */
scene scene_begin(int reported);

/* Notes what the outputs hold. */
void scene_spoiled(void);

/* Checks what came back, in words for the report. */
void scene_check(lowbit_status got, lowbit_status want, const char *change, const char *call);

/* With an error and without one. */
#define REFUSE(want, change, call)                                                                                     \
    for (int reported_ = 0; reported_ < 2; reported_++) {                                                              \
        scene s = scene_begin(reported_);                                                                              \
        change;                                                                                                        \
        scene_spoiled();                                                                                               \
        scene_check(call, want, #change, #call);                                                                       \
    }

#define INVALID LOWBIT_INVALID_ARGUMENT
#define NOTHING (void)0 /* the call itself is wrong */

#endif
