/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tuner/stats.h"

enum {
    EXACT_VISITS = 50, /* of both sides: the counts of arrangements are whole numbers below 2^53 */
    EXACT_PAIRS = EXACT_VISITS / 2 * (EXACT_VISITS / 2)
};

static const double kTail = 0.025;

const char *const lb_change_names[] = {"none", "faster", "slower"};

/* counts[u]: in how many orders of n and m observations u pairs have theirs before ours: the coefficients of
 * prod_{i = 1 .. m} (1 - q^(n + i)) / (1 - q^i). */
static void count_orders(size_t n, size_t m, double counts[EXACT_PAIRS + 1]) {
    const size_t pairs = n * m;
    memset(counts, 0, (pairs + 1) * sizeof *counts);
    counts[0] = 1;
    for (size_t i = 1; i <= m; i++) {
        for (size_t u = pairs; u >= n + i; u--) counts[u] -= counts[u - n - i];
        for (size_t u = i; u <= pairs; u++) counts[u] += counts[u - i];
    }
}

static long exact_cut(size_t n, size_t m) {
    double counts[EXACT_PAIRS + 1], all = 0, tail = 0;
    count_orders(n, m, counts);
    for (size_t u = 0; u <= n * m; u++) all += counts[u];
    long cut = -1;
    for (size_t u = 0; u <= n * m; u++) {
        tail += counts[u];
        if (tail > kTail * all) break;
        cut = (long)u;
    }
    return cut;
}

long lb_compare_cut(size_t n, size_t m) {
    if (n == 0 || m == 0) return -1;
    if (n + m <= EXACT_VISITS) return exact_cut(n, m);
    const double a = (double)n, b = (double)m;
    return (long)floor(a * b / 2 - 1.96 * sqrt(a * b * (a + b + 1) / 12)) - 1;
}

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* False where there are too few visits, or no memory for the ratios of their pairs. */
static bool compare_visits(const lb_timing *a, const lb_timing *b, lb_change *out) {
    const long cut = lb_compare_cut(a->visits, b->visits);
    const size_t pairs = a->visits * b->visits;
    double *ratios = cut < 0 ? NULL : malloc(pairs * sizeof *ratios);
    if (!ratios) return false;
    for (size_t i = 0; i < pairs; i++) ratios[i] = b->visit[i % b->visits] / a->visit[i / b->visits];
    qsort(ratios, pairs, sizeof *ratios, ascending);
    out->ratio = lb_quantile(ratios, pairs, 0.5);
    out->low = ratios[cut];
    out->high = ratios[pairs - 1 - (size_t)cut];
    free(ratios);
    return true;
}

static bool has_interval(const lb_timing *t) { return t->low > 0 && t->high > 0; }

/* Widens the interval of the ratio to what b being fast while a is slow makes of it, and the other way round. */
static void add_moments(const lb_timing *a, const lb_timing *b, lb_change *out) {
    if (out->high <= 0 || a->fast <= 0 || b->fast <= 0) return;
    out->low = fmin(out->low, out->ratio * exp(-hypot(log(b->fast), log(a->slow))));
    out->high = fmax(out->high, out->ratio * exp(hypot(log(b->slow), log(a->fast))));
}

void lb_compare(const lb_timing *a, const lb_timing *b, lb_change *out) {
    *out = (lb_change){.ratio = b->median / a->median, .medians = b->median / a->median};
    const bool visited = compare_visits(a, b, out);
    if (!visited && has_interval(a) && has_interval(b)) {
        out->low = b->low / a->high;
        out->high = b->high / a->low;
    }
    add_moments(a, b, out);
    if (out->low > 1) out->verdict = LB_CHANGE_SLOWER;
    if (out->high > 0 && out->high < 1) out->verdict = LB_CHANGE_FASTER;
    out->a_covers = has_interval(a) && a->low <= b->median && b->median <= a->high;
    out->b_covers = has_interval(b) && b->low <= a->median && a->median <= b->high;
}

void lb_changes_add(lb_changes *all, const lb_change *c, bool has_intervals, double threshold) {
    all->count++;
    all->verdicts[c->verdict]++;
    all->log_sum += log(c->medians);
    all->within += fabs(c->medians - 1) <= LB_REPEATED;
    all->intervals += has_intervals;
    all->a_covers += has_intervals && c->a_covers;
    all->b_covers += has_intervals && c->b_covers;
    all->beyond += c->low > 1 + threshold;
}

double lb_changes_mean(const lb_changes *all) { return all->count ? exp(all->log_sum / (double)all->count) : 1; }
