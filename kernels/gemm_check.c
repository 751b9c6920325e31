/* SPDX-License-Identifier: Apache-2.0 */
/* What a product refuses, and why. */
#include <float.h>

#include "kernels/formats/format.h"
#include "kernels/gemm.h"

static lowbit_status check_kinds(const lowbit_problem *p, lowbit_error *error) {
    LB_REQUIRE(p->activations >= LOWBIT_A8 && p->activations <= LOWBIT_AF, error, LOWBIT_INVALID_ARGUMENT,
               "activation kind %u is unknown", p->activations);
    LB_REQUIRE(p->out <= LOWBIT_OUT_U8, error, LOWBIT_INVALID_ARGUMENT, "output kind %u is unknown", p->out);
    LB_REQUIRE(p->act <= LOWBIT_ACT_SILU, error, LOWBIT_INVALID_ARGUMENT, "activation function %u is unknown", p->act);
    LB_REQUIRE(p->static_scale <= 1 && p->bias <= 1 && p->residual <= 1, error, LOWBIT_INVALID_ARGUMENT,
               "static_scale, bias or residual is neither 0 nor 1");
    LB_REQUIRE(p->activations == LOWBIT_A8, error, LOWBIT_UNSUPPORTED,
               "only a8 activations have kernels in this version");
    LB_REQUIRE(p->out <= LOWBIT_OUT_S32, error, LOWBIT_UNSUPPORTED, "s8 and u8 outputs have no kernel in this version");
    return LOWBIT_OK;
}

/* With a zero point of A each factor reaches 255, where it reached 128. */
static lowbit_status check_static(const lowbit_problem *p, lowbit_error *error) {
    const int64_t sum = p->weights.group > 0 ? lb_min(p->k, p->weights.group) : p->k;
    const int64_t most = INT32_MAX / (255 * (p->weights.offset == LOWBIT_SYMMETRIC ? 128 : 255));
    LB_REQUIRE(sum <= most, error, LOWBIT_UNSUPPORTED,
               "%lld elements share a scale: with static activations int32 sums stay exact up to %lld", (long long)sum,
               (long long)most);
    return LOWBIT_OK;
}

/* A raw output is one integer sum: nothing may follow it, and nothing but the codes may be in it. */
static lowbit_status check_raw(const lowbit_problem *p, lowbit_error *error) {
    LB_REQUIRE(!p->bias && !p->residual && !p->act, error, LOWBIT_INVALID_ARGUMENT,
               "s32 output is the raw product: no bias, activation function or residual");
    LB_REQUIRE(p->weights.group <= 0 || p->weights.group >= p->k, error, LOWBIT_INVALID_ARGUMENT,
               "s32 output needs one scale a row: group %d splits K %lld", p->weights.group, (long long)p->k);
    LB_REQUIRE(p->weights.offset != LOWBIT_MINIMUM, error, LOWBIT_INVALID_ARGUMENT,
               "s32 output cannot hold float minima");
    return LOWBIT_OK;
}

lowbit_status lb_check_problem(const lowbit_problem *p, lowbit_error *error) {
    LB_REQUIRE(p && LB_HAS_FIELD(p, lowbit_problem, k), error, LOWBIT_INVALID_ARGUMENT,
               "problem is NULL or its struct_size is too small");
    LB_TRY(lb_check_weight_shape(&p->weights, p->n, p->k, error));
    LB_REQUIRE(p->m >= 1 && p->m <= INT32_MAX, error, LOWBIT_INVALID_ARGUMENT, "M is %lld: legal are 1 to 2^31 - 1",
               (long long)p->m);
    LB_TRY(check_kinds(p, error));
    if (p->static_scale) LB_TRY(check_static(p, error));
    return p->out == LOWBIT_OUT_S32 ? check_raw(p, error) : LOWBIT_OK;
}

lowbit_status lb_check_same_weights(const lowbit_problem *p, const lowbit_weight_type *type, int64_t n, int64_t k,
                                    lowbit_error *error) {
    LB_REQUIRE(n == p->n && k == p->k, error, LOWBIT_INVALID_ARGUMENT,
               "the weights are %lld x %lld, the problem has N %lld and K %lld", (long long)n, (long long)k,
               (long long)p->n, (long long)p->k);
    const lowbit_weight_type *want = &p->weights;
    LB_REQUIRE(
        type->format == want->format && type->offset == want->offset && type->scale_type == want->scale_type &&
            lb_max(type->group, 0) == lb_max(want->group, 0) && type->progressive == want->progressive,
        error, LOWBIT_INVALID_ARGUMENT,
        "the weights' type (format %u, offset %u, scale type %u, group %d) is not the problem's (%u, %u, %u, %d)",
        type->format, type->offset, type->scale_type, type->group, want->format, want->offset, want->scale_type,
        want->group);
    return LOWBIT_OK;
}

lowbit_status lb_check_output(const lowbit_problem *p, const lowbit_gemm_args *args, lowbit_error *error) {
    LB_REQUIRE(args && LB_HAS_FIELD(args, lowbit_gemm_args, out_stride), error, LOWBIT_INVALID_ARGUMENT,
               "args is NULL or its struct_size is too small");
    LB_REQUIRE(args->out, error, LOWBIT_INVALID_ARGUMENT, "out is NULL");
    LB_TRY(lb_check_stride("out", p->m, p->n, args->out_stride, error));
    LB_REQUIRE(!args->bias == !p->bias, error, LOWBIT_INVALID_ARGUMENT, "bias is %s, the problem has %s",
               args->bias ? "given" : "NULL", p->bias ? "one" : "none");
    LB_REQUIRE(!args->residual == !p->residual, error, LOWBIT_INVALID_ARGUMENT, "residual is %s, the problem has %s",
               args->residual ? "given" : "NULL", p->residual ? "one" : "none");
    return args->residual ? lb_check_stride("residual", p->m, p->n, args->residual_stride, error) : LOWBIT_OK;
}

lowbit_status lb_check_row_rule(float scale, int32_t zero, lowbit_error *error) {
    LB_REQUIRE(scale >= FLT_MIN && scale <= FLT_MAX, error, LOWBIT_INVALID_ARGUMENT,
               "the scale of A is %g: legal are 2^-126 and more, finite", (double)scale);
    LB_REQUIRE(zero >= INT8_MIN && zero <= INT8_MAX, error, LOWBIT_INVALID_ARGUMENT,
               "the zero point of A is %d: legal are -128 to 127", zero);
    return LOWBIT_OK;
}

lowbit_status lb_row_rule_of(const lowbit_problem *p, const lowbit_gemm_args *args, lb_row_rule *rule,
                             lowbit_error *error) {
    *rule = (lb_row_rule){0};
    if (!p->static_scale) return LOWBIT_OK;
    LB_REQUIRE(LB_HAS_FIELD(args, lowbit_gemm_args, column_sums), error, LOWBIT_INVALID_ARGUMENT,
               "args' struct_size is too small for static activations");
    LB_TRY(lb_check_row_rule(args->a_scale, args->a_zero, error));
    *rule = (lb_row_rule){.fixed = 1, .scale = args->a_scale, .zero = args->a_zero};
    return LOWBIT_OK;
}
