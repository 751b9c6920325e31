/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of the columns of packed weights, against the values that the weights have. */
#include <stdio.h>

#include "kernels/base/base.h"
#include "kernels/formats/format.h"
#include "kernels/weights.h"
#include "tests/check.h"
#include "tests/problems.h"

static int32_t value_sum(const lowbit_weights *w, int64_t n, int64_t g) {
    const int64_t group = w->type.group > 0 ? w->type.group : w->k, end = lb_min(w->k, (g + 1) * group);
    int32_t sum = 0;
    for (int64_t k = g * group; k < end; k++) sum += lb_integer_at(w, n, k);
    return sum;
}

static void check_sums(const lowbit_ctx *ctx, const char *problem, const lowbit_pool *pool) {
    sample s = sample_make(ctx, problem, (int)check_random_in(0, DATA_KINDS - 1));
    const int64_t groups = s.packed.groups, panels = lb_div_up(s.problem.n, 16);
    int64_t bytes = 0;
    check_context("%s", problem);
    CHECK(lowbit_column_sums_size(&s.packed, &bytes, NULL) == LOWBIT_OK && bytes == panels * groups * 64);
    int32_t *sums = check_guarded((size_t)bytes, CHECK_GUARD_AFTER);
    CHECK(lowbit_column_sums(&s.packed, sums, bytes, pool, NULL) == LOWBIT_OK);
    for (int64_t n = 0; n < s.problem.n; n++)
        for (int64_t g = 0; g < groups; g++)
            if (!CHECK(sums[(n / 16 * groups + g) * 16 + n % 16] == value_sum(&s.weights, n, g))) n = s.problem.n - 1;
    sample_free(ctx, &s);
}

void subject_columns(void) {
    static const char *const kVariants[] = {"", "g16", "g32", "g96", "z", "zg32", "m", "mg64"};
    lowbit_ctx *ctx = NULL;
    lowbit_pool pool = LOWBIT_POOL_INIT;
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    CHECK(lowbit_pool_create(ctx, NULL, &pool, NULL) == LOWBIT_OK);
    const lb_format *f;
    for (size_t i = 0; (f = lb_format_at(i)); i++)
        for (size_t v = 0; v < 3 * LB_COUNT(kVariants); v++) {
            char text[96];
            lowbit_problem problem = {.struct_size = sizeof problem};
            snprintf(text, sizeof text, "%s%sa8:m1n%dk%d", f->name, kVariants[v / 3], (int)check_random_in(1, 70),
                     (int)check_random_in(1, 300));
            CHECK(lowbit_problem_parse(text, &problem, NULL) == LOWBIT_OK);
            if (lowbit_supported(ctx, &problem, NULL) == LOWBIT_OK) check_sums(ctx, text, v & 1 ? &pool : NULL);
        }
    lowbit_pool_destroy(&pool);
    lowbit_ctx_destroy(ctx);
}
