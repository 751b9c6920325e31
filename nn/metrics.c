/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/metrics.h"

#include <math.h>
#include <stdlib.h>

#include "kernels/base/base.h"

static lowbit_status check_count(int64_t count, lowbit_error *error) {
    LB_REQUIRE(count >= 1, error, LOWBIT_INVALID_ARGUMENT, "a metric of %lld answers", (long long)count);
    return LOWBIT_OK;
}

static lowbit_status accuracy(const double *got, const double *want, int64_t count, double *value,
                              lowbit_error *error) {
    int64_t right = 0;
    LB_TRY(check_count(count, error));
    for (int64_t i = 0; i < count; i++) right += got[i] == want[i];
    *value = (double)right / (double)count;
    return LOWBIT_OK;
}

static lowbit_status f1(const double *got, const double *want, int64_t count, double *value, lowbit_error *error) {
    int64_t both = 0, either = 0;
    LB_TRY(check_count(count, error));
    for (int64_t i = 0; i < count; i++) {
        both += got[i] == 1 && want[i] == 1;
        either += (got[i] == 1) + (want[i] == 1);
    }
    *value = either ? 2 * (double)both / (double)either : 0;
    return LOWBIT_OK;
}

/* ---- Matthews ---- */

enum { MOST_CLASSES = 1000 };

static bool is_class(double x) { return x >= 0 && x < MOST_CLASSES && x == floor(x); }

/* With t_k and p_k as often as k is wanted and got, of n answers c of which are right:
 * (c n - sum t_k p_k) / sqrt((n^2 - sum p_k^2)(n^2 - sum t_k^2)). */
static lowbit_status matthews(const double *got, const double *want, int64_t count, double *value,
                              lowbit_error *error) {
    int64_t t[MOST_CLASSES] = {0}, p[MOST_CLASSES] = {0}, right = 0;
    LB_TRY(check_count(count, error));
    for (int64_t i = 0; i < count; i++) {
        LB_REQUIRE(is_class(got[i]) && is_class(want[i]), error, LOWBIT_INVALID_ARGUMENT, "answer %lld is no class",
                   (long long)i);
        p[(int)got[i]]++;
        t[(int)want[i]]++;
        right += got[i] == want[i];
    }
    const double n = (double)count;
    double tp = 0, pp = 0, tt = 0;
    for (int k = 0; k < MOST_CLASSES; k++) {
        tp += (double)t[k] * (double)p[k];
        pp += (double)p[k] * (double)p[k];
        tt += (double)t[k] * (double)t[k];
    }
    const double below = sqrt(n * n - pp) * sqrt(n * n - tt);
    *value = below > 0 ? ((double)right * n - tp) / below : 0;
    return LOWBIT_OK;
}

/* ---- correlations ---- */

static double mean(const double *x, int64_t count) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += x[i];
    return sum / (double)count;
}

static lowbit_status pearson(const double *got, const double *want, int64_t count, double *value, lowbit_error *error) {
    LB_TRY(check_count(count, error));
    const double mean_got = mean(got, count), mean_want = mean(want, count);
    double both = 0, gg = 0, ww = 0;
    for (int64_t i = 0; i < count; i++) {
        const double g = got[i] - mean_got, w = want[i] - mean_want;
        both += g * w;
        gg += g * g;
        ww += w * w;
    }
    *value = gg > 0 && ww > 0 ? both / (sqrt(gg) * sqrt(ww)) : (double)NAN;
    return LOWBIT_OK;
}

typedef struct placed {
    double x;
    int64_t place;
} placed;

static int by_value(const void *a, const void *b) {
    const double x = ((const placed *)a)->x, y = ((const placed *)b)->x;
    return (x > y) - (x < y);
}

/* ranks[i] of x[i] from 1 on; `sorted` is room for as many. Without NaN. */
static void rank(const double *x, int64_t count, placed *sorted, double *ranks) {
    for (int64_t i = 0; i < count; i++) sorted[i] = (placed){x[i], i};
    qsort(sorted, (size_t)count, sizeof *sorted, by_value);
    for (int64_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && sorted[end].x == sorted[first].x;) end++;
        for (int64_t i = first; i < end; i++) ranks[sorted[i].place] = (double)(first + 1 + end) / 2;
    }
}

static bool has_nan(const double *x, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        if (isnan(x[i])) return true;
    return false;
}

static lowbit_status spearman(const double *got, const double *want, int64_t count, double *value,
                              lowbit_error *error) {
    LB_TRY(check_count(count, error));
    *value = (double)NAN;
    if (has_nan(got, count) || has_nan(want, count)) return LOWBIT_OK;
    placed *sorted = malloc((size_t)count * sizeof *sorted);
    double *ranks = malloc(2 * (size_t)count * sizeof *ranks);
    lowbit_status status = LOWBIT_OK;
    if (sorted && ranks) {
        rank(got, count, sorted, ranks);
        rank(want, count, sorted, ranks + count);
        status = pearson(ranks, ranks + count, count, value, error);
    } else {
        status = lb_fail(error, LOWBIT_NO_MEMORY, "no memory for %lld ranks", (long long)count);
    }
    free(sorted);
    free(ranks);
    return status;
}

const lb_metric lb_accuracy = {"accuracy", accuracy}, lb_f1 = {"f1", f1}, lb_matthews = {"matthews", matthews},
                lb_pearson = {"pearson", pearson}, lb_spearman = {"spearman", spearman};
