/* SPDX-License-Identifier: Apache-2.0 */
/* What a product refuses, and why. */
#include <float.h>

#include "kernels/formats/format.h"
#include "kernels/gemm.h"
#include "kernels/rows.h"
#include "kernels/ukernels.h"

static lowbit_status check_kinds(const lowbit_problem *p, lowbit_error *error) {
    LB_REQUIRE(p->activations >= LOWBIT_A8 && p->activations <= LOWBIT_AF32, error, LOWBIT_INVALID_ARGUMENT,
               "activation kind %u is unknown", p->activations);
    LB_REQUIRE(p->out <= LOWBIT_OUT_U8, error, LOWBIT_INVALID_ARGUMENT, "output kind %u is unknown", p->out);
    LB_REQUIRE(p->act <= LOWBIT_ACT_SILU, error, LOWBIT_INVALID_ARGUMENT, "activation function %u is unknown", p->act);
    LB_REQUIRE(p->static_scale <= 1 && p->bias <= 1 && p->residual <= 1, error, LOWBIT_INVALID_ARGUMENT,
               "static_scale, bias or residual is neither 0 nor 1");
    const bool floats = lb_is_float_kind(p->activations);
    const lb_format *f = lb_format_of(p->weights.format);
    LB_REQUIRE(floats || !lb_is_float(f), error, LOWBIT_UNSUPPORTED, "%s weights need float activations", f->name);
    LB_REQUIRE(!f->distance || lb_is_float(f) || (p->activations == LOWBIT_A8 && !p->static_scale), error,
               LOWBIT_INVALID_ARGUMENT, "%s needs a8 activations, which take the scale of the weights", f->name);
    LB_REQUIRE(!floats || p->out != LOWBIT_OUT_S32, error, LOWBIT_INVALID_ARGUMENT,
               "s32 output: float activations make no integer sum");
    return LOWBIT_OK;
}

/* With a zero point of A each factor reaches 255, where it reached 128. */
static lowbit_status check_static(const lowbit_problem *p, lowbit_error *error) {
    LB_REQUIRE(lb_row_rule_is_scaled(p->activations), error, LOWBIT_INVALID_ARGUMENT,
               "static activations are a8, a4 or a2: signs, bits and floats have no scale");
    const bool narrow = p->weights.offset == LOWBIT_SYMMETRIC || p->weights.progressive; /* values are int8 */
    const int64_t sum = lb_scaled_sums(&p->weights, p->k) > 1 ? p->weights.group : p->k;
    const int64_t most = INT32_MAX / (255 * (narrow ? 128 : 255));
    LB_REQUIRE(sum <= most, error, LOWBIT_UNSUPPORTED,
               "%lld elements share a scale: with static activations int32 sums stay exact up to %lld", (long long)sum,
               (long long)most);
    return LOWBIT_OK;
}

/* A raw output is one integer sum: nothing may follow it, and nothing but the codes may be in it. */
static lowbit_status check_raw(const lowbit_problem *p, lowbit_error *error) {
    LB_REQUIRE(!p->bias && !p->residual && !p->act, error, LOWBIT_INVALID_ARGUMENT,
               "s32 output is the raw product: no bias, activation function or residual");
    LB_REQUIRE(lb_scaled_sums(&p->weights, p->k) == 1, error, LOWBIT_INVALID_ARGUMENT,
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

bool lb_algorithm_takes(const lb_algorithm *algorithm, const lowbit_problem *problem) {
    return (algorithm->activations >> problem->activations & 1) &&
           algorithm->distance == lb_format_of(problem->weights.format)->distance;
}

bool lb_kernel_fits(const lb_kernel *kernel, const lowbit_problem *problem) {
    const int64_t group = problem->weights.group;
    if (kernel->coding != lb_format_of(problem->weights.format)->coding) return false;
    if (!lb_algorithm_takes(lb_algorithm_of(kernel), problem)) return false;
    return kernel->a_layout != LB_A_TILE || lb_groups(problem->k, group) == 1 || group % 64 == 0 || 64 % group == 0;
}

/* Integer sums that the parts of a split K leave for each other: 8 GiB, far more than any split that pays. */
enum { SPLIT_SUMS = INT32_MAX };

static bool is_step(int64_t step, int64_t unit) { return step > 0 && step <= UINT32_MAX && step % unit == 0; }

lowbit_status lb_check_config(const lowbit_problem *problem, const lb_gemm_config *c, lowbit_error *error) {
    LB_REQUIRE(lb_kernel_fits(c->kernel, problem), error, LOWBIT_UNSUPPORTED,
               "config: the kernel does not compute the problem");
    const int64_t mr = c->kernel->mr, nr = lb_max(c->kernel->nr, LB_PANEL), n = problem->n, m = problem->m;
    LB_REQUIRE(is_step(c->step_m, mr) && is_step(c->step_n, nr) && (!c->step_k || is_step(c->step_k, 1)), error,
               LOWBIT_INVALID_ARGUMENT,
               "config: steps are %lld x %lld x %lld, the kernel needs multiples of %lld x %lld", (long long)c->step_m,
               (long long)c->step_n, (long long)c->step_k, (long long)mr, (long long)nr);
    LB_REQUIRE(c->order <= LB_ORDER_COLUMNS, error, LOWBIT_INVALID_ARGUMENT, "config: order is %u", c->order);
    if (c->split_k <= 1) return LOWBIT_OK;
    LB_REQUIRE(lb_split_legal(problem, c->kernel), error, LOWBIT_UNSUPPORTED,
               "config: K is split over tasks only where an output has one integer sum");
    LB_REQUIRE(c->split_k <= SPLIT_SUMS / n / m, error, LOWBIT_UNSUPPORTED,
               "config: %u parts of K of %lld x %lld outputs are too many", c->split_k, (long long)m, (long long)n);
    return LOWBIT_OK;
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
        "the weights' type (format %u, offset %u, scale type %u, group %d%s) is not the problem's (%u, %u, %u, %d%s)",
        type->format, type->offset, type->scale_type, type->group, type->progressive ? "p" : "", want->format,
        want->offset, want->scale_type, want->group, want->progressive ? "p" : "");
    return LOWBIT_OK;
}

/* bias or residual: exactly where the problem has one. */
static lowbit_status check_given(const char *name, const void *array, uint32_t wanted, lowbit_error *error) {
    LB_REQUIRE(!array == !wanted, error, LOWBIT_INVALID_ARGUMENT, "%s is %s, the problem has %s", name,
               array ? "given" : "NULL", wanted ? "one" : "none");
    return LOWBIT_OK;
}

bool lb_integer_form(const lowbit_problem *p, const char **reason) {
    *reason = !p->static_scale                                         ? "static activations"
              : lb_scaled_sums(&p->weights, p->k) > 1                  ? "one scale a row"
              : p->weights.offset == LOWBIT_MINIMUM                    ? "weights without minima"
              : p->act != LOWBIT_ACT_NONE && p->act != LOWBIT_ACT_RELU ? "no activation function but relu"
                                                                       : NULL;
    return !*reason;
}

static lowbit_status check_integer_form(const lowbit_problem *p, const lowbit_gemm_args *args, int32_t least,
                                        lowbit_error *error) {
    const lowbit_requant *q = args->requant;
    const char *reason;
    LB_REQUIRE(lb_integer_form(p, &reason), error, LOWBIT_INVALID_ARGUMENT, "requant: the integer form needs %s",
               reason);
    LB_REQUIRE(q->shifts, error, LOWBIT_INVALID_ARGUMENT, "requant: multipliers without shifts");
    LB_REQUIRE(q->rounding <= LOWBIT_ROUND_FLOAT, error, LOWBIT_INVALID_ARGUMENT, "requant: rounding %u is unknown",
               q->rounding);
    LB_REQUIRE(!args->bias && !args->residual, error, LOWBIT_INVALID_ARGUMENT,
               "float bias and residual do not go with the integer form: they are fields of requant");
    LB_TRY(check_given("requant's bias", q->bias, p->bias, error));
    LB_TRY(check_given("requant's residual", q->residual, p->residual, error));
    if (!q->residual) return LOWBIT_OK;
    LB_REQUIRE(q->residual_zero >= least && q->residual_zero <= least + 255, error, LOWBIT_INVALID_ARGUMENT,
               "requant: residual_zero is %d: legal are %d to %d", q->residual_zero, least, least + 255);
    return lb_check_stride("residual", p->m, p->n, q->residual_stride, error);
}

static bool has_requant(const lowbit_gemm_args *args) {
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): the size of the pointer is meant */
    return LB_HAS_FIELD(args, lowbit_gemm_args, requant) && args->requant &&
           LB_HAS_FIELD(args->requant, lowbit_requant, residual_shift);
}

static lowbit_status check_requant(const lowbit_problem *p, const lowbit_gemm_args *args, lowbit_error *error) {
    LB_REQUIRE(has_requant(args), error, LOWBIT_INVALID_ARGUMENT,
               "s8 and u8 outputs need args->requant, and both structs their full struct_size");
    const lowbit_requant *q = args->requant;
    const int32_t least = p->out == LOWBIT_OUT_S8 ? INT8_MIN : 0, most = least + 255;
    LB_REQUIRE(q->zero >= least && q->zero <= most && q->low >= least && q->low <= q->high && q->high <= most, error,
               LOWBIT_INVALID_ARGUMENT, "requant: zero %d, low %d, high %d: legal are %d to %d, low <= high", q->zero,
               q->low, q->high, least, most);
    if (q->multipliers) return check_integer_form(p, args, least, error);
    LB_REQUIRE(q->scale >= FLT_MIN && q->scale <= FLT_MAX, error, LOWBIT_INVALID_ARGUMENT,
               "requant: scale is %g: legal are 2^-126 and more, finite", (double)q->scale);
    return LOWBIT_OK;
}

static bool integer_form(const lowbit_problem *p, const lowbit_gemm_args *args) {
    return p->out >= LOWBIT_OUT_S8 && args->requant->multipliers;
}

lowbit_status lb_check_output(const lowbit_problem *p, const lowbit_gemm_args *args, lowbit_error *error) {
    LB_REQUIRE(args && LB_HAS_FIELD(args, lowbit_gemm_args, out_stride), error, LOWBIT_INVALID_ARGUMENT,
               "args is NULL or its struct_size is too small");
    LB_REQUIRE(args->out, error, LOWBIT_INVALID_ARGUMENT, "out is NULL");
    LB_TRY(lb_check_stride("out", p->m, p->n, args->out_stride, error));
    if (p->out >= LOWBIT_OUT_S8) LB_TRY(check_requant(p, args, error));
    if (integer_form(p, args)) return LOWBIT_OK;
    LB_TRY(check_given("bias", args->bias, p->bias, error));
    LB_TRY(check_given("residual", args->residual, p->residual, error));
    return args->residual ? lb_check_stride("residual", p->m, p->n, args->residual_stride, error) : LOWBIT_OK;
}

static bool legal_rescale(int32_t multiplier, int32_t shift, int32_t most) {
    const int64_t magnitude = multiplier < 0 ? -(int64_t)multiplier : multiplier;
    return (magnitude == 0 || (magnitude >= 1 << 30 && magnitude <= INT32_MAX)) && shift >= -31 && shift <= most;
}

lowbit_status lb_check_requant_columns(const lowbit_problem *p, const lowbit_gemm_args *args, lowbit_error *error) {
    if (!integer_form(p, args)) return LOWBIT_OK;
    const lowbit_requant *q = args->requant;
    const int32_t most = q->residual ? 30 - LB_REQUANT_FRACTION : 30;
    for (int64_t n = 0; n < p->n; n++)
        LB_REQUIRE(
            legal_rescale(q->multipliers[n], q->shifts[n], most), error, LOWBIT_INVALID_ARGUMENT,
            "requant: column %lld has multiplier %d and shift %d: legal are 0 and magnitudes from 2^30, -31 to %d",
            (long long)n, q->multipliers[n], q->shifts[n], most);
    LB_REQUIRE(!q->residual || legal_rescale(q->residual_multiplier, q->residual_shift, most), error,
               LOWBIT_INVALID_ARGUMENT,
               "requant: the residual has multiplier %d and shift %d: legal are 0 and magnitudes from 2^30, -31 to %d",
               q->residual_multiplier, q->residual_shift, most);
    return LOWBIT_OK;
}

bool lb_given_halves(const lowbit_gemm_args *args) {
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): the size of the pointer is meant */
    return LB_HAS_FIELD(args, lowbit_gemm_args, a_bf16) && args->a_bf16;
}

lowbit_status lb_check_float_rows(const lowbit_problem *p, const lowbit_gemm_args *args, lowbit_error *error) {
    LB_REQUIRE(!args->rows, error, LOWBIT_INVALID_ARGUMENT, "float activations take no quantized rows");
    LB_REQUIRE(!lb_given_halves(args) || !args->a.data, error, LOWBIT_INVALID_ARGUMENT, "a and a_bf16 are both given");
    lowbit_matrix a = args->a;
    const void *halves = lb_given_halves(args) ? args->a_bf16 : NULL;
    if (halves) a.data = halves; /* the same shape; nothing is read */
    LB_TRY(lb_check_matrix("a", &a, error));
    LB_REQUIRE(a.cols == p->k, error, LOWBIT_INVALID_ARGUMENT, "a has %lld columns, the problem has K %lld",
               (long long)a.cols, (long long)p->k);
    return LOWBIT_OK;
}

lowbit_status lb_row_rule_of(const lowbit_problem *p, const lowbit_gemm_args *args, float shared, lb_row_rule *rule,
                             lowbit_error *error) {
    *rule = lb_row_rule_for(p->activations);
    if (lb_format_of(p->weights.format)->distance) return lb_fix_row_rule(rule, shared, 0, error);
    if (!p->static_scale) return LOWBIT_OK;
    LB_REQUIRE(LB_HAS_FIELD(args, lowbit_gemm_args, column_sums), error, LOWBIT_INVALID_ARGUMENT,
               "args' struct_size is too small for static activations");
    return lb_fix_row_rule(rule, args->a_scale, args->a_zero, error);
}
