/* SPDX-License-Identifier: Apache-2.0 */
/* The exponentials of a softmax: against the long double ones of the C library, what they do with infinities and NaN,
 * and the same bits from every level. */
#include "kernels/simd/softmax_scalar.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"
#include "kernels/ukernels.h"
#include "tests/check.h"
#include "tests/problems.h"

enum { MOST = 300 };

/* Errors in units of the last place of what is exact for those floats, and of the sum in parts of it. */
static void check_errors(void) {
    double worst = 0, worst_sum = 0;
    for (int round = 0; round < 2000; round++) {
        const int64_t n = check_random_in(1, MOST);
        const float reach = round % 2 ? 80 : 3;
        float x[MOST] = {0}, y[MOST] = {0}, most = -INFINITY;
        long double sum = 0;
        for (int64_t i = 0; i < n; i++) x[i] = y[i] = check_random_float(-reach, 0);
        for (int64_t i = 0; i < n; i++) most = fmaxf(most, x[i]);
        const float got = lb_soften_row(y, (size_t)n, NULL);
        for (int64_t i = 0; i < n; i++) {
            const long double want = expl((long double)(x[i] - most));
            int exponent;
            frexpl(want, &exponent);
            worst = fmax(worst, (double)(fabsl((long double)y[i] - want) / ldexpl(1, exponent - FLT_MANT_DIG)));
            sum += want;
        }
        worst_sum = fmax(worst_sum, (double)(fabsl((long double)got - sum) / sum));
    }
    check_context("%.2f ulp, sum within %.2g", worst, worst_sum);
    CHECK(worst <= 1 && worst >= 0.5);
    CHECK(worst_sum <= 0x1p-21);
}

static void check_specials(void) {
    float x[] = {1, -INFINITY, 0, -200, 1}, one = 5, nan[] = {1, NAN, 0}, all[] = {-INFINITY, -INFINITY};
    const float factors[] = {2, 3, 4, 5, -1};
    check_context("special values of softmax");
    CHECK(lb_soften_row(&one, 1, NULL) == 1 && one == 1);
    CHECK(fabsf(lb_soften_row(x, LB_COUNT(x), factors) - (2 + expf(-1))) < 1e-6f);
    CHECK(x[0] == 2 && x[1] == 0 && fabsf(x[2] - 4 * expf(-1)) < 1e-6f && x[3] == 0 && x[4] == -1);
    CHECK(isnan(lb_soften_row(nan, LB_COUNT(nan), NULL)) && nan[0] == 1 && isnan(nan[1]));
    CHECK(isnan(lb_soften_row(all, LB_COUNT(all), NULL)));
}

static float any_value(void) {
    static const float kSpecial[] = {0, -0.0f, INFINITY, -INFINITY, NAN, FLT_MAX, -FLT_MAX, 87, -87, 0x1p-140f};
    if (check_random() % 40 == 0) return kSpecial[check_random_in(0, LB_COUNT(kSpecial) - 1)];
    return check_random_float(-1, 1) * (check_random() % 3 ? 4.0f : 100.0f);
}

static void check_levels(const lowbit_ctx *ctx) {
    for (size_t u = 0; lb_unit_at(u); u++) {
        const lb_isa_unit *unit = lb_unit_at(u);
        if (!(unit->isa & ctx->isa_enabled)) continue;
        for (int round = 0; round < 1500; round++) {
            const size_t n = (size_t)check_random_in(1, MOST), bytes = n * sizeof(float);
            const int side = round % 2 ? CHECK_GUARD_AFTER : CHECK_GUARD_BEFORE;
            float want[MOST], factors[MOST], *x = check_guarded(bytes, side), *with = check_guarded(bytes, side);
            for (size_t i = 0; i < n; i++) {
                want[i] = x[i] = round % 3 ? check_random_float(-9, 9) : any_value();
                factors[i] = with[i] = check_random_float(0, 2);
            }
            const float sum = lb_soften_row(want, n, round % 2 ? factors : NULL);
            const float got = unit->soften_row(x, n, round % 2 ? with : NULL);
            check_context("softmax of %zu by %s", n, lb_unit_name(unit));
            CHECK(check_same_floats(x, want, 1, (int64_t)n, (int64_t)n, (int64_t)n));
            CHECK(check_same_floats(&got, &sum, 1, 1, 1, 1));
            check_guard_free_all();
        }
    }
}

void subject_softmax(void) {
    lowbit_ctx *ctx = context_with(0);
    check_errors();
    check_specials();
    check_levels(ctx);
    lowbit_ctx_destroy(ctx);
}
