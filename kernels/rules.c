/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/rules.h"

#include <string.h>

#include "kernels/formats/format.h"

static const char *const kNames[] = {
    [LOWBIT_RULE_AUTO] = "auto",       [LOWBIT_RULE_ABSMAX] = "absmax",   [LOWBIT_RULE_FULL_RANGE] = "full-range",
    [LOWBIT_RULE_MINMAX] = "minmax",   [LOWBIT_RULE_ABSMEAN] = "absmean", [LOWBIT_RULE_TWN] = "twn",
    [LOWBIT_RULE_SIGN] = "sign",       [LOWBIT_RULE_SEARCH] = "search",   [LOWBIT_RULE_ROUND] = "round",
    [LOWBIT_RULE_NEAREST] = "nearest", [LOWBIT_RULE_KMEANS] = "kmeans",   [LOWBIT_RULE_OPTIMAL] = "optimal",
    [LOWBIT_RULE_MSE] = "mse",         [LOWBIT_RULE_RANGE] = "range",     [LOWBIT_RULE_CENTRED] = "centred",
    [LOWBIT_RULE_LIBRA] = "libra",     [LOWBIT_RULE_FIXED] = "fixed",
};

const char *lb_rule_name(uint32_t rule) { return rule < LB_COUNT(kNames) ? kNames[rule] : NULL; }

bool lb_rule_named(const char *name, uint32_t *rule) {
    for (uint32_t i = 0; i < LB_COUNT(kNames); i++)
        if (strcmp(kNames[i], name) == 0) {
            *rule = i;
            return true;
        }
    return false;
}

lowbit_status lb_choose_rule(const lowbit_weight_type *type, uint32_t *rule, lowbit_error *error) {
    const lb_format *f = lb_format_of(type->format);
    const uint32_t usual = type->progressive                  ? LOWBIT_RULE_SEARCH
                           : type->offset != LOWBIT_SYMMETRIC ? LOWBIT_RULE_MINMAX
                                                              : f->auto_rule;
    if (*rule == LOWBIT_RULE_AUTO) *rule = usual;
    LB_REQUIRE(*rule < LB_COUNT(kNames), error, LOWBIT_INVALID_ARGUMENT, "quantization rule %u is unknown", *rule);
    const uint32_t legal = type->progressive || type->offset != LOWBIT_SYMMETRIC ? 1u << usual : f->rules;
    LB_REQUIRE(legal >> *rule & 1, error, LOWBIT_INVALID_ARGUMENT, "rule %s does not make %s%s", kNames[*rule], f->name,
               type->progressive ? " with progressive groups"
               : type->offset    ? " with zero points or minima"
                                 : "");
    return LOWBIT_OK;
}
