/* SPDX-License-Identifier: Apache-2.0 */
/* The normal form of a recipe. */
#include <stdarg.h>
#include <stdio.h>

#include "kernels/base/base.h"
#include "kernels/rules.h"
#include "nn/observe.h"
#include "nn/recipe.h"
#include "tuner/problem.h"

typedef struct printer {
    char *text;
    size_t size, used; /* bytes; used may exceed size, and is then what the text needs */
} printer;

__attribute__((format(printf, 2, 3))) static void put(printer *p, const char *format, ...) {
    const size_t at = p->used < p->size ? p->used : p->size;
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(p->text + at, p->size - at, format, arguments);
    va_end(arguments);
    p->used += (size_t)length;
}

static void put_rule(printer *p, const lb_recipe_rule *rule) {
    const lb_choice *c = &rule->choice;
    const lowbit_problem problem = {.struct_size = sizeof problem,
                                    .weights = c->weights,
                                    .activations = c->activations,
                                    .static_scale = c->static_scale};
    char format[LB_PROBLEM_WORD], act[LB_PROBLEM_WORD];
    lb_problem_words(&problem, format, act);
    put(p, "%s: %s%s", rule->pattern, format, act);
    if (c->weights.group == LOWBIT_GROUP_TENSOR) put(p, " tensor");
    if (c->rule != LOWBIT_RULE_AUTO) put(p, " rule=%s", lb_rule_name(c->rule));
    put(p, "\n");
}

lowbit_status lb_recipe_print(const lb_recipe *recipe, char *text, size_t size, lowbit_error *error) {
    printer p = {text, size, 0};
    put(&p, "calibrate = %s\nobserve = %d\nrange = %s\n", lb_calibration_name(recipe->calibrate), recipe->observe,
        recipe->symmetric ? "symmetric" : "affine");
    for (int32_t i = 0; i < recipe->count; i++) put_rule(&p, &recipe->rules[i]);
    LB_REQUIRE(p.used < size, error, LOWBIT_TOO_SMALL, "text has %zu bytes, the recipe needs %zu", size, p.used + 1);
    return LOWBIT_OK;
}
