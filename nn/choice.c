/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/choice.h"

#include "kernels/base/base.h"
#include "nn/attention.h"

static const struct {
    uint32_t format, activations;
} kKinds[LB_ATTENTION_KINDS] = {[LB_ATTENTION_F32] = {LOWBIT_F32, LOWBIT_AF32},
                                [LB_ATTENTION_I8] = {LOWBIT_I8, LOWBIT_A8},
                                [LB_ATTENTION_B1] = {LOWBIT_B1, LOWBIT_A1}};

lb_choice lb_choice_floats(void) {
    lb_choice choice = {.weights = LOWBIT_WEIGHT_TYPE_INIT, .rule = LOWBIT_RULE_AUTO, .activations = LOWBIT_AF32};
    choice.weights.format = LOWBIT_F32;
    return choice;
}

lowbit_status lb_choose_attention(const lb_choice *choice, uint32_t *kind, lowbit_error *error) {
    const lowbit_weight_type *w = &choice->weights;
    const bool plain = w->group == LOWBIT_GROUP_ROW && !w->offset && !choice->static_scale;
    for (*kind = 0; plain && *kind < LB_ATTENTION_KINDS; ++*kind)
        if (kKinds[*kind].format == w->format && kKinds[*kind].activations == choice->activations) return LOWBIT_OK;
    return lb_fail(error, LOWBIT_UNSUPPORTED, "an attention is f32af32, i8a8 or b1a1");
}
