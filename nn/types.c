/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/types.h"

#include "kernels/formats/format.h"
#include "kernels/rows.h"
#include "nn/ops.h"

bool lb_takes_codes(const lb_choice *choice) {
    return choice->static_scale || choice->activations == LOWBIT_A1 || choice->activations == LOWBIT_U1;
}

lb_value lb_only_reader(const lb_graph *graph, lb_value v) {
    lb_value only = LB_NO_VALUE;
    for (lb_value i = v + 1; i < graph->count; i++) {
        if (!lb_node_reads(&graph->nodes[i], v)) continue;
        if (only != LB_NO_VALUE) return LB_NO_VALUE;
        only = i;
    }
    return only;
}

bool lb_value_is_bits(const lb_graph *graph, lb_value v, uint32_t activations) {
    while (graph->nodes[v].op == LB_OP_MAX_POOL) v = graph->nodes[v].x;
    const lb_node *node = &graph->nodes[v];
    const float low = activations == LOWBIT_A1 ? -1 : 0;
    if (node->op != LB_OP_STEPS || node->grid != 1) return false;
    for (int64_t i = 0; i <= node->count; i++)
        if (node->bias[i] != low && node->bias[i] != 1) return false;
    return true;
}

lb_code_limits lb_limits_of(uint32_t activations) {
    const lb_row_rule rule = lb_row_rule_for(activations);
    return (lb_code_limits){rule.low, rule.high};
}

/* As what node `reader` reads the codes of v, of its own value knowing the same. */
static uint32_t read_as(const lb_graph *graph, const lb_choice *choices, lb_value reader, lb_value v, uint32_t own) {
    const lb_node *node = &graph->nodes[reader];
    if (node->op == LB_OP_CONV && node->x == v && choices[reader].static_scale) return choices[reader].activations;
    return lb_op_keeps_codes(node->op) && node->x == v ? own : LOWBIT_A8;
}

void lb_value_activations(const lb_graph *graph, const lb_choice *choices, uint32_t *activations) {
    for (lb_value v = (lb_value)graph->count - 1; v >= 0; v--) {
        activations[v] = LOWBIT_A8;
        for (lb_value reader = v + 1; reader < graph->count; reader++) {
            const uint32_t kind = read_as(graph, choices, reader, v, activations[reader]);
            if (kind > activations[v]) activations[v] = kind; /* the numbers grow as codes get fewer */
        }
    }
}

/* Whether node `reader` would rather have its input v as codes, knowing the same of its own value. */
static bool likes_codes(const lb_graph *graph, const lb_choice *choices, lb_value reader, lb_value v, bool wanted) {
    const lb_node *node = &graph->nodes[reader];
    if (node->op != LB_OP_CONV) return wanted && lb_op_keeps_codes(node->op);
    if (node->x == v && choices[reader].static_scale) return true;
    return node->second == v && choices[reader].static_scale && wanted;
}

/* Whether thresholds alone read a convolution's value, and it can leave them its sums. */
static bool makes_sums(const lb_graph *graph, const lb_choice *choices, lb_value v) {
    const lb_node *node = &graph->nodes[v];
    const lb_value reader = lb_only_reader(graph, v);
    if (reader == LB_NO_VALUE || graph->nodes[reader].op != LB_OP_STEPS || !lb_takes_codes(&choices[v])) return false;
    const lowbit_weight_type *w = &choices[v].weights;
    return node->second == LB_NO_VALUE && node->act == LOWBIT_ACT_NONE && w->offset != LOWBIT_MINIMUM &&
           lb_groups(lb_node_k(graph, node), w->group) == 1;
}

void lb_value_types(const lb_graph *graph, const lb_choice *choices, uint32_t *types) {
    for (lb_value v = 0; v < graph->count; v++) types[v] = LB_VALUE_F32;
    /* From the end, for what is wanted of a value depends on what reads it. */
    for (lb_value v = (lb_value)graph->count - 1; v >= 0; v--)
        for (lb_value reader = v + 1; reader < graph->count; reader++) {
            if (!lb_node_reads(&graph->nodes[reader], v)) continue;
            if (likes_codes(graph, choices, reader, v, types[reader] == LB_VALUE_S8)) types[v] = LB_VALUE_S8;
        }
    /* From the beginning, for what can be given depends on what is read. */
    for (lb_value v = 0; v < graph->count; v++) {
        const lb_node *node = &graph->nodes[v];
        if (node->op == LB_OP_INPUT || node->op == LB_OP_ATTENTION) types[v] = LB_VALUE_F32;
        if (node->op == LB_OP_STEPS) types[v] = LB_VALUE_S8;
        if (node->op == LB_OP_CONV && makes_sums(graph, choices, v)) types[v] = LB_VALUE_S32;
        if (lb_op_keeps_codes(node->op)) types[v] = types[node->x];
    }
}
