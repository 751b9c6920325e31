/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/native.h"

#include <math.h>
#include <string.h>

#include "kernels/base/base.h"
#include "nn/types.h"

enum { BOOK = 16 };

/* Different values, ascending. */
typedef struct levels {
    int32_t count;
    float values[BOOK];
} levels;

/* False where there are too many. */
static bool collect(const float *w, int64_t count, levels *found) {
    for (int64_t i = 0; i < count; i++) {
        int32_t at = 0;
        while (at < found->count && found->values[at] < w[i]) at++;
        if (at < found->count && found->values[at] == w[i]) continue;
        if (found->count == BOOK) return false;
        memmove(found->values + at + 1, found->values + at, (size_t)(found->count - at) * sizeof *found->values);
        found->values[at] = w[i];
        found->count++;
    }
    return found->count > 0;
}

static float magnitude(const levels *l) { return fmaxf(fabsf(l->values[0]), fabsf(l->values[l->count - 1])); }

/* Whether all values are 0 (`zero`: allowed) or of the greatest magnitude. */
static bool one_magnitude(const levels *l, bool zero) {
    for (int32_t i = 0; i < l->count; i++)
        if (!(zero && l->values[i] == 0) && fabsf(l->values[i]) != magnitude(l)) return false;
    return magnitude(l) > 0;
}

/* How far from an integer a value may be, in units: floats of products of two roundings, times the largest integer. */
static const double kSlack = 127 * 4.0 / (1 << 24);

/* The values as integers, the greatest magnitude being `most`. */
static bool fill_book(const levels *l, int32_t most, int8_t book[BOOK]) {
    const double unit = (double)magnitude(l) / most;
    for (int32_t i = 0; i < BOOK; i++) {
        const double q = (double)l->values[lb_min(i, l->count - 1)] / unit, integer = nearbyint(q);
        if (!(fabs(q - integer) <= kSlack)) return false;
        book[i] = (int8_t)integer;
    }
    return true;
}

/* By the greatest unit that gives integers. */
static bool make_book(const levels *l, int8_t book[BOOK]) {
    for (int32_t most = 1; most <= INT8_MAX; most++)
        if (fill_book(l, most, book)) return true;
    return false;
}

static void choose(const lb_graph *graph, const lb_node *node, lb_choice *choice) {
    levels found = {0};
    if (!(graph->nodes[node->x].grid > 0) ||
        !collect(node->weights, node->shape.channels * lb_node_k(graph, node), &found))
        return;
    if (one_magnitude(&found, false))
        choice->weights.format = LOWBIT_B1;
    else if (one_magnitude(&found, true))
        choice->weights.format = LOWBIT_T2;
    else if (make_book(&found, choice->book))
        choice->weights.format = LOWBIT_C4;
    else
        return;
    static const uint32_t kRules[] = {
        [LOWBIT_B1] = LOWBIT_RULE_SIGN, [LOWBIT_T2] = LOWBIT_RULE_ABSMAX, [LOWBIT_C4] = LOWBIT_RULE_NEAREST};
    choice->rule = kRules[choice->weights.format];
    choice->weights.group = LOWBIT_GROUP_TENSOR;
    const bool signs = choice->weights.format == LOWBIT_B1 && lb_value_is_bits(graph, node->x, LOWBIT_A1);
    choice->activations = signs ? LOWBIT_A1 : LOWBIT_A8;
    choice->static_scale = !signs;
}

lowbit_status lb_native_choices(const lb_graph *graph, lb_choice *choices, lowbit_error *error) {
    memset(choices, 0, (size_t)graph->count * sizeof *choices);
    for (lb_value v = 0; v < graph->count; v++) {
        const lb_node *node = &graph->nodes[v];
        if (lb_has_format(node)) choices[v] = lb_choice_floats();
        if (node->op != LB_OP_CONV) continue;
        LB_REQUIRE(node->weights, error, LOWBIT_INVALID_ARGUMENT, "%s is packed already", node->name);
        choose(graph, node, &choices[v]);
    }
    return LOWBIT_OK;
}
