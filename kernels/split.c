/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/split.h"

#include "kernels/prepare.h"

bool lb_split_legal(const lowbit_problem *problem, const lb_kernel *kernel) {
    const bool integers = !lb_is_float_kind(problem->activations) || kernel->algorithm == LB_ALGORITHM_DIGITS;
    return integers && lb_scaled_sums(&problem->weights, problem->k) == 1;
}

/* Parts end between progressive groups, whose totals are what adds up; and inside a single group anywhere. */
lb_split lb_split_parts(const lowbit_problem *problem, const lb_gemm_config *config) {
    const lb_split none = {0, 0, 0};
    if (!lb_split_legal(problem, config->kernel)) return none;
    const int64_t least = lb_part_unit(problem, config->kernel);
    const int64_t step = problem->weights.progressive ? problem->weights.group : least;
    int64_t unit = step;
    while (unit % least) unit += step;
    const int64_t end = (lb_div_up(problem->k, unit) - 1) * unit;
    if (end <= unit) return none;
    const int64_t length = lb_round_up(lb_div_up(end, config->split_k), unit);
    return (lb_split){lb_div_up(end, length), length, end};
}

/* Bytes of the states, whole lines. */
static int64_t states_bytes(const lowbit_problem *problem, const lb_kernel *kernel, int64_t m, lb_split split) {
    const int64_t rows = lb_div_up(m, kernel->mr) * (int64_t)lb_panel_rows(kernel);
    return lb_round_up(split.parts * rows * lb_round_up(problem->n, kernel->nr) * (int64_t)sizeof(uint32_t), LB_LINE);
}

lb_shared lb_shared_of(const lb_gemm_call *call, lb_split split) {
    const lb_kernel *kernel = call->config.kernel;
    uint8_t *at = (uint8_t *)call->workspace + lb_prepared_bytes(call->problem, kernel, call->m);
    return (lb_shared){(uint32_t *)(void *)at,
                       (_Atomic uint32_t *)(void *)(at + states_bytes(call->problem, kernel, call->m, split))};
}

int64_t lb_shared_bytes(const lowbit_problem *problem, const lb_gemm_config *config, int64_t m) {
    const lb_split split = lb_split_of(problem, config);
    if (!split.parts) return 0;
    const int64_t tasks = lb_div_up(m, config->step_m) * lb_div_up(problem->n, config->step_n);
    return states_bytes(problem, config->kernel, m, split) + lb_round_up(tasks * (int64_t)sizeof(uint32_t), LB_LINE);
}
