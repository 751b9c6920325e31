/* SPDX-License-Identifier: Apache-2.0 */
/* Float rows as integers of three digits of eight bits: docs/numerics.md, "Digits". */
#include "kernels/formats/scale.h"
#include "kernels/prepare.h"

/* The row as floats: the caller's, or bf16 widened in the block's place for that. */
static const float *floats_of(const lb_gemm_call *call, const lb_prepared *p, int64_t row) {
    const lowbit_gemm_args *args = call->args;
    const int64_t at = row * args->a.stride;
    if (args->a.data) return args->a.data + at;
    float *to = p->floats + row / call->config.kernel->mr * p->rows.stride;
    for (int64_t k = 0; k < call->problem->k; k++) to[k] = lb_bf16_to_float(args->a_bf16[at + k]);
    return to;
}

/* What the sums of a group come to, for its minimum. */
static float join(const int32_t *sums, int64_t groups) {
    return ((float)sums[2 * groups] * 256.0f + (float)sums[groups]) * 256.0f + (float)sums[0];
}

void lb_prepare_digits(const lb_gemm_call *call, const lb_prepared *p, int64_t row) {
    static const lb_row_rule kRule = {.kind = LB_ROWS_DIGITS};
    const int64_t k = call->problem->k, groups = p->rows.groups, group = groups > 1 ? call->problem->weights.group : k;
    const int64_t mr = call->config.kernel->mr,
                  ahead = call->args->a.data && row + 1 < call->m ? call->args->a.stride : 0;
    int8_t *codes = (int8_t *)(uintptr_t)p->rows.codes + LB_DIGITS * row * p->rows.stride;
    int32_t *sums = (int32_t *)(uintptr_t)p->rows.sums + LB_DIGITS * row * groups;
    float scale;
    call->config.unit->quantize_row(floats_of(call, p, row), (size_t)k, (size_t)ahead, (size_t)group, &kRule, codes,
                                    (size_t)p->rows.stride, sums, &scale);
    /* Less than 1 counts before the scales of the weights, which may be large, the rest after, as they may be small. */
    p->units[row] = scale < 1 ? scale : 1;
    p->scales[row] = scale < 1 ? 1 : scale;
    for (int64_t g = 0; p->row_sums && g < groups; g++)
        p->row_sums[(row / mr * groups + g) * mr + row % mr] = join(sums + g, groups) * p->units[row];
}
