/* SPDX-License-Identifier: Apache-2.0 */
#include "tuner/verify.h"

#include <math.h>
#include <string.h>

#include "kernels/base/ctx.h"
#include "kernels/gemm.h"
#include "kernels/reference_float.h"

static double element(uint32_t out, const void *row, int64_t n) {
    switch (out) {
        case LOWBIT_OUT_F32: return (double)((const float *)row)[n];
        case LOWBIT_OUT_S32: return ((const int32_t *)row)[n];
        case LOWBIT_OUT_S8: return ((const int8_t *)row)[n];
        default: return ((const uint8_t *)row)[n];
    }
}

void lb_verify_same_row(const lowbit_problem *p, const void *got_row, const void *want_row, lb_verdict *r) {
    const int64_t bytes = lb_out_bytes(p);
    const uint8_t *got = got_row, *want = want_row;
    for (int64_t n = 0; n < p->n; n++) {
        if (memcmp(got + n * bytes, want + n * bytes, (size_t)bytes) == 0) continue;
        r->exact = r->within = false;
        r->max_abs_err = fmax(r->max_abs_err, fabs(element(p->out, got, n) - element(p->out, want, n)));
    }
}

/* A row of float activations against its bounds, those of what becomes of its factors. */
void lb_verify_float_row(const lb_operands *o, const lowbit_gemm_args *args, const void *got, uint32_t factors,
                         lb_verdict *r) {
    const lowbit_problem *p = &o->problem;
    const int64_t bytes = lb_out_bytes(p);
    r->exact = false;
    for (int64_t n = 0; n < p->n; n++) {
        const lb_float_result want = lb_reference_float(p, &o->weights, args, 0, n, factors);
        const void *at = (const uint8_t *)got + n * bytes;
        r->within = r->within && lb_float_within(p, args->requant, want, at);
        if (p->out == LOWBIT_OUT_F32) r->max_abs_err = fmax(r->max_abs_err, fabs(element(p->out, got, n) - want.y));
    }
}

/* Row m of the result, whose reference becomes `want`. */
static lowbit_status verify_row(const lb_operands *o, int64_t m, uint32_t factors, uint8_t *want, lb_verdict *r,
                                lowbit_error *error) {
    const lowbit_problem *p = &o->problem;
    const uint8_t *got = (const uint8_t *)o->out + m * p->n * lb_out_bytes(p);
    lowbit_gemm_args args = lb_operands_args(o, NULL, 1);
    lowbit_requant requant = o->requant;
    args.a.data = o->a + m * p->k;
    if (args.residual) args.residual += m * p->n;
    if (requant.residual) requant.residual = o->codes + m * p->n;
    args.requant = &requant;
    args.out = want;
    r->rows++;
    if (lb_is_float_kind(p->activations)) {
        lb_verify_float_row(o, &args, got, factors, r);
        return LOWBIT_OK;
    }
    LB_TRY(lowbit_gemm_reference(o->ctx, p, &o->weights, &args, error));
    lb_verify_same_row(p, got, want, r);
    return LOWBIT_OK;
}

lowbit_status lb_verify(const lb_operands *o, int64_t m, int64_t rows, uint32_t factors, lb_verdict *verdict,
                        lowbit_error *error) {
    const int64_t row_bytes = o->problem.n * lb_out_bytes(&o->problem);
    uint8_t *want = lb_alloc(o->ctx, (size_t)row_bytes);
    LB_REQUIRE(want, error, LOWBIT_NO_MEMORY, "no memory for a row of %lld results", (long long)o->problem.n);
    lowbit_status status = LOWBIT_OK;
    *verdict = (lb_verdict){.exact = true, .within = true};
    for (int64_t i = 0; i < rows && status == LOWBIT_OK; i++)
        status = verify_row(o, rows == 1 ? 0 : i * (m - 1) / (rows - 1), factors, want, verdict, error);
    lb_free(o->ctx, want, (size_t)row_bytes);
    return status;
}
