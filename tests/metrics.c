/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics against values computed by hand, and against sums that are written another way. */
#include "nn/metrics.h"

#include <math.h>
#include <string.h>

#include "kernels/base/base.h"
#include "tests/check.h"

enum { MOST = 200 };

static double value_of(const lb_metric *metric, const double *got, const double *want, int64_t count) {
    double value = -99;
    check_context("%s of %lld", metric->name, (long long)count);
    CHECK(metric->compute(got, want, count, &value, NULL) == LOWBIT_OK);
    return value;
}

static bool near(double a, double b) { return fabs(a - b) <= 1e-12; }

/* tp 3, fp 1, fn 2, tn 4 */
static void check_by_hand(void) {
    const double got[] = {1, 1, 1, 1, 0, 0, 0, 0, 0, 0}, want[] = {1, 1, 1, 0, 1, 1, 0, 0, 0, 0};
    CHECK(near(value_of(&lb_accuracy, got, want, 10), 0.7));
    CHECK(near(value_of(&lb_f1, got, want, 10), 6.0 / 9));
    CHECK(near(value_of(&lb_matthews, got, want, 10), (3 * 4 - 1 * 2) / sqrt(4.0 * 5 * 5 * 6)));
    const double x[] = {1, 2, 3, 4}, y[] = {10, 30, 20, 40}, ties[] = {1, 1, 2, 2};
    CHECK(near(value_of(&lb_pearson, x, y, 4), 0.8));
    CHECK(near(value_of(&lb_spearman, x, y, 4), 0.8));
    CHECK(near(value_of(&lb_pearson, x, ties, 4), 2 / sqrt(5)));
    const double steep[] = {1, 10, 100, 1000}, down[] = {9, 5, 2, -7};
    CHECK(near(value_of(&lb_spearman, x, steep, 4), 1) && value_of(&lb_pearson, x, steep, 4) < 0.9);
    CHECK(near(value_of(&lb_spearman, x, down, 4), -1));
    const double a[] = {1, 2, 2, 3, 0}, b[] = {5, 5, 1, 9, 1}; /* ranks 2 3.5 3.5 5 1 and 3.5 3.5 1.5 5 1.5 */
    CHECK(near(value_of(&lb_spearman, a, b, 5), 6 / sqrt(9.5 * 9)));
}

static void check_degenerate(void) {
    const double zeros[] = {0, 0, 0}, some[] = {0, 1, 0}, broken[] = {0, NAN, 1}, three[] = {0, 1, 2};
    double value = 0;
    lowbit_error error = LOWBIT_ERROR_INIT;
    CHECK(value_of(&lb_f1, zeros, zeros, 3) == 0 && value_of(&lb_f1, some, some, 3) == 1);
    CHECK(value_of(&lb_matthews, zeros, some, 3) == 0 && value_of(&lb_matthews, some, zeros, 3) == 0);
    CHECK(near(value_of(&lb_matthews, three, three, 3), 1));
    CHECK(isnan(value_of(&lb_pearson, zeros, some, 3)) && isnan(value_of(&lb_spearman, some, zeros, 3)));
    CHECK(isnan(value_of(&lb_pearson, broken, some, 3)) && isnan(value_of(&lb_spearman, some, broken, 3)));
    CHECK(near(value_of(&lb_accuracy, broken, broken, 3), 2.0 / 3));
    CHECK(lb_matthews.compute(broken, some, 3, &value, &error) == LOWBIT_INVALID_ARGUMENT &&
          strstr(error.message, "answer 1"));
    const double wrong[] = {-1, 0.5, 1000};
    for (size_t i = 0; i < LB_COUNT(wrong); i++)
        CHECK(lb_matthews.compute(&wrong[i], zeros, 1, &value, &error) == LOWBIT_INVALID_ARGUMENT);
    const lb_metric *const all[] = {&lb_accuracy, &lb_f1, &lb_matthews, &lb_pearson, &lb_spearman};
    for (size_t i = 0; i < LB_COUNT(all); i++)
        CHECK(all[i]->compute(zeros, zeros, 0, &value, &error) == LOWBIT_INVALID_ARGUMENT);
}

/* The correlation of all pairs: sum over i, j of (x_i - x_j)(y_i - y_j), which needs no mean. */
static double by_pairs(const double *x, const double *y, int64_t count) {
    double both = 0, xx = 0, yy = 0;
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; j < count; j++) {
            both += (x[i] - x[j]) * (y[i] - y[j]);
            xx += (x[i] - x[j]) * (x[i] - x[j]);
            yy += (y[i] - y[j]) * (y[i] - y[j]);
        }
    return both / sqrt(xx * yy);
}

/* The rank of each is one half, and one for each that is less and half of one for each equal. */
static void ranks_by_counting(const double *x, int64_t count, double *ranks) {
    for (int64_t i = 0; i < count; i++) {
        ranks[i] = 0.5;
        for (int64_t j = 0; j < count; j++) ranks[i] += x[j] < x[i] ? 1 : x[j] == x[i] ? 0.5 : 0;
    }
}

static void check_random_data(void) {
    double x[MOST], y[MOST], rx[MOST], ry[MOST];
    for (int turn = 0; turn < 200; turn++) {
        const int64_t count = check_random_in(3, MOST), span = check_random_in(2, 50);
        for (int64_t i = 0; i < count; i++) {
            x[i] = (double)check_random_in(0, span);
            y[i] = x[i] + (double)check_random_in(0, span);
        }
        x[0] = span + 1.0; /* nothing is constant */
        y[1] = -1;
        ranks_by_counting(x, count, rx);
        ranks_by_counting(y, count, ry);
        CHECK(fabs(value_of(&lb_pearson, x, y, count) - by_pairs(x, y, count)) < 1e-10);
        CHECK(fabs(value_of(&lb_spearman, x, y, count) - by_pairs(rx, ry, count)) < 1e-10);
        for (int64_t i = 0; i < count; i++) {
            x[i] = (double)(check_random() & 1);
            y[i] = check_random() % 3 ? x[i] : 1 - x[i];
        }
        x[0] = y[1] = 0;
        x[1] = y[0] = 1;
        CHECK(fabs(value_of(&lb_matthews, x, y, count) - by_pairs(x, y, count)) < 1e-10); /* of two classes: the same */
    }
}

void subject_metrics(void) {
    check_by_hand();
    check_degenerate();
    check_random_data();
}
