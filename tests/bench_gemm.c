/* SPDX-License-Identifier: Apache-2.0 */
/* Visits of the bench: the first and every other one run on the pool that they are given, and add to one result. */
#include "bench/gemm.h"

#include "tests/check.h"

/* A pool of three threads that are one, and how often it was asked. */
static size_t three_threads(void *user) {
    (void)user;
    return 3;
}

static void in_turn(void *user, size_t n, lowbit_task task, void *arg) {
    ++*(size_t *)user;
    for (size_t i = 0; i < n; i++) task(arg, i, i % 3);
}

void subject_bench_gemm(void) {
    enum { PASSES = 3 };
    size_t asked = 0, before = 0;
    const lowbit_pool pool = {sizeof pool, &asked, three_threads, in_turn};
    lowbit_ctx *ctx = NULL;
    lb_limits *limits = NULL;
    lowbit_problem problem = {.struct_size = sizeof problem};
    static lb_gemm_result result;
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    CHECK(lb_limits_create(ctx, 0.0005, &limits, NULL) == LOWBIT_OK);
    CHECK(lowbit_problem_parse("i8a8:m96n512k256", &problem, NULL) == LOWBIT_OK);
    const lb_gemm_bench bench = {
        .ctx = ctx, .limits = limits, .pool = &pool, .budget_s = 0.003, .passes = PASSES, .verified_products = 1};
    for (size_t pass = 0; pass < PASSES; pass++, before = asked) {
        lowbit_error error = LOWBIT_ERROR_INIT;
        CHECK((pass ? lb_bench_gemm_again : lb_bench_gemm)(&bench, &problem, &result, &error) == LOWBIT_OK);
        CHECK(result.series.visits == pass + 1 && result.plan.threads > 1);
        CHECK(asked >= before + result.series.visit[pass].samples);
    }
    CHECK(result.verdict.exact && result.time.median_s > 0 && result.share > 0);
    lb_limits_destroy(limits);
    lowbit_ctx_destroy(ctx);
}
