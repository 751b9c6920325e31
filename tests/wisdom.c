/* SPDX-License-Identifier: Apache-2.0 */
/* Wisdom in memory: what is put is found, near and exactly; what is not legal is not taken. */
#include "tuner/wisdom.h"

#include <string.h>

#include "kernels/ukernels.h"
#include "tests/check.h"
#include "tests/problems.h"
#include "tests/wisdom.h"
#include "tuner/candidates.h"

lb_wisdom_entry wisdom_entry(const lowbit_ctx *ctx, const char *problem, uint32_t threads) {
    lb_wisdom_entry e = {.problem = {.struct_size = sizeof e.problem}, .threads = threads, .pool = LB_POOL_OWN};
    CHECK(lowbit_problem_parse(problem, &e.problem, NULL) == LOWBIT_OK);
    e.config = sample_config(ctx, &e.problem, e.problem.m, threads);
    e.median_s = 1.25e-4, e.low_s = 1.2e-4, e.high_s = 1.5e-4, e.estimate_s = 2e-4;
    e.samples = 21, e.tried = 14, e.effort = LOWBIT_MEASURE, e.day = 20786;
    return e;
}

static bool same_entry(const lb_wisdom_entry *a, const lb_wisdom_entry *b) {
    return lb_same_config(&a->config, &b->config) && a->problem.m == b->problem.m && a->problem.n == b->problem.n &&
           a->problem.k == b->problem.k && a->threads == b->threads && a->pool == b->pool &&
           a->median_s == b->median_s && a->low_s == b->low_s && a->high_s == b->high_s &&
           a->estimate_s == b->estimate_s && a->samples == b->samples && a->tried == b->tried &&
           a->effort == b->effort && a->noisy == b->noisy && a->day == b->day;
}

static void put(lowbit_wisdom *w, const lowbit_ctx *ctx, const char *problem, uint32_t threads) {
    const lb_wisdom_entry e = wisdom_entry(ctx, problem, threads);
    lowbit_error error = LOWBIT_ERROR_INIT;
    check_context("%s", problem);
    const lowbit_status status = lb_wisdom_put(w, &e, &error);
    check_context("%s: %s", problem, error.message);
    CHECK(status == LOWBIT_OK);
}

static void check_find(lowbit_wisdom *w, const lowbit_ctx *ctx) {
    static const char *const kProblems[] = {"i4g32a8:m16n256k512", "i4g32a8:m1n256k512", "i4g32a8:m4n256k512",
                                            "i4g32a8:m4n256k512+bias", "i8a8:m4n256k512"};
    lb_wisdom_entry found[8], want;
    for (size_t i = 0; i < LB_COUNT(kProblems); i++) put(w, ctx, kProblems[i], 2);
    want = wisdom_entry(ctx, kProblems[0], 2);
    check_context("find");
    CHECK(lb_wisdom_find(w, &want.problem, 2, LB_POOL_OWN, 1, INT64_MAX, found, 8) == 3);
    CHECK(found[0].problem.m == 1 && found[1].problem.m == 4 && found[2].problem.m == 16);
    CHECK(same_entry(&found[2], &want));
    CHECK(lb_wisdom_find(w, &want.problem, 2, LB_POOL_OWN, 2, 15, found, 8) == 1 && found[0].problem.m == 4);
    CHECK(lb_wisdom_find(w, &want.problem, 2, LB_POOL_OWN, 1, INT64_MAX, found, 2) == 2 && found[1].problem.m == 4);
    CHECK(lb_wisdom_find(w, &want.problem, 1, LB_POOL_OWN, 1, INT64_MAX, found, 8) == 0);
    CHECK(lb_wisdom_find(w, &want.problem, 2, LB_POOL_FOREIGN, 1, INT64_MAX, found, 8) == 0);
}

void subject_wisdom(void) {
    lowbit_ctx *ctx = NULL;
    lowbit_wisdom *w = NULL;
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    CHECK(lowbit_wisdom_create(ctx, &w, NULL) == LOWBIT_OK);
    check_find(w, ctx);
    lowbit_wisdom_destroy(w);
    lowbit_ctx_destroy(ctx);
}
