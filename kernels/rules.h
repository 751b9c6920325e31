/* SPDX-License-Identifier: Apache-2.0 */
/* Quantization rules by number and by name, and which of them make a type of weights. */
#ifndef LOWBIT_KERNELS_RULES_H_
#define LOWBIT_KERNELS_RULES_H_

#include "kernels/base/base.h"
#include "lowbit/weights.h"

/* "auto", "absmax", ... of LOWBIT_RULE_*; NULL for another number. */
const char *lb_rule_name(uint32_t rule);

/* False for a name that no rule has. */
bool lb_rule_named(const char *name, uint32_t *rule);

/* Replaces LOWBIT_RULE_AUTO by what suits the type, which is legal, and refuses a rule that does not make it. */
lowbit_status lb_choose_rule(const lowbit_weight_type *type, uint32_t *rule, lowbit_error *error);

#endif
