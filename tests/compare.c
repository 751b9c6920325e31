/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing two runs: the exact distribution against counting, intervals that hold what they say, verdicts, sums. */
#include "bench/compare.h"

#include <math.h>
#include <string.h>

#include "tests/check.h"

static bool close_to(double got, double want) { return fabs(got - want) <= 1e-9 * fabs(want); }

/* Orders of n of ours among n + m in which at most u pairs have theirs before ours, by going through all. */
static double share_of_orders(size_t n, size_t m, size_t u) {
    size_t all = 0, few = 0;
    for (uint32_t order = 0; order < 1u << (n + m); order++) {
        size_t ours = 0, theirs = 0, pairs = 0;
        for (size_t i = 0; i < n + m; i++) {
            if (order >> i & 1) {
                ours++;
                pairs += theirs;
            } else {
                theirs++;
            }
        }
        if (ours != n) continue;
        all++;
        few += pairs <= u;
    }
    return (double)few / (double)all;
}

static void check_cuts(void) {
    for (size_t n = 1; n <= 7; n++)
        for (size_t m = 1; m <= 7; m++) {
            check_context("%zu and %zu visits", n, m);
            const long cut = lb_compare_cut(n, m);
            if (cut >= 0) CHECK(share_of_orders(n, m, (size_t)cut) <= 0.025);
            CHECK(share_of_orders(n, m, (size_t)(cut + 1)) > 0.025);
        }
    check_context("tables");
    CHECK(lb_compare_cut(7, 7) == 8 && lb_compare_cut(3, 3) == -1 && lb_compare_cut(4, 4) == 0); /* of any text book */
    CHECK(lb_compare_cut(20, 20) == 127 && lb_compare_cut(0, 7) == -1);
    const long exact = lb_compare_cut(25, 25), about = lb_compare_cut(26, 25);
    CHECK(exact == 211 && about > exact && about < exact + 15); /* where the exact count ends, the normal one goes on */
    CHECK(lb_compare_cut(100, 100) > 4000 && lb_compare_cut(100, 100) < 5000);
}

static void draw(double *visits, size_t count, double factor) {
    for (size_t i = 0; i < count; i++) visits[i] = factor * (1 + 0.1 * pow((double)check_random_float(0, 1), 3));
}

/* The interval must hold the true ratio in 95 of 100 cases or a few more, and verdicts on equals must be as rare. */
static void check_intervals(double factor) {
    enum { CASES = 2000, VISITS = 7 };
    int held = 0, verdicts = 0;
    for (int i = 0; i < CASES; i++) {
        double one[VISITS], two[VISITS];
        draw(one, VISITS, 1);
        draw(two, VISITS, factor);
        const lb_timing a = {.median = 1, .visits = VISITS, .visit = one},
                        b = {.median = 1, .visits = VISITS, .visit = two};
        lb_change c;
        lb_compare(&a, &b, &c);
        CHECK(c.low <= c.ratio && c.ratio <= c.high);
        held += c.low <= factor && factor <= c.high;
        verdicts += c.verdict == (factor > 1 ? LB_CHANGE_SLOWER : LB_CHANGE_FASTER);
    }
    check_context("a factor of %g", factor);
    CHECK(held >= 0.94 * CASES && held <= 0.985 * CASES);
    CHECK(factor == 1 ? verdicts <= 0.04 * CASES : verdicts == CASES);
}

/* Without visits the intervals of the medians are all there is; without them, nothing is shown. */
static void check_fewer(void) {
    check_context("few");
    double three[] = {1, 2, 3};
    lb_timing a = {.median = 10, .low = 9, .high = 11, .visits = 3, .visit = three};
    lb_timing b = {.median = 20, .low = 18, .high = 22, .visits = 3, .visit = three};
    lb_change c;
    lb_compare(&a, &b, &c);
    CHECK(c.ratio == 2 && close_to(c.low, 18.0 / 11) && close_to(c.high, 22.0 / 9) && c.verdict == LB_CHANGE_SLOWER);
    CHECK(!c.a_covers && !c.b_covers);
    lb_compare(&b, &a, &c);
    CHECK(c.ratio == 0.5 && c.verdict == LB_CHANGE_FASTER);
    b = (lb_timing){.median = 10.5, .low = 10.2, .high = 12};
    lb_compare(&a, &b, &c);
    CHECK(c.verdict == LB_CHANGE_NONE && c.a_covers && !c.b_covers);
    b = (lb_timing){.median = 30};
    lb_compare(&a, &b, &c);
    CHECK(c.ratio == 3 && c.low == 0 && c.high == 0 && c.verdict == LB_CHANGE_NONE);
}

/* A machine whose moments differ by 2 % shows no difference of 2.5 %, but one of 4. */
static void check_moments(void) {
    check_context("moments");
    double one[7], two[7];
    for (int i = 0; i < 7; i++) one[i] = 1 + 0.0001 * i;
    for (double factor = 1.025; factor < 1.05; factor += 0.015) {
        for (int i = 0; i < 7; i++) two[i] = factor * one[i];
        lb_timing a = {.median = one[3], .visits = 7, .visit = one}, b = {.median = two[3], .visits = 7, .visit = two};
        lb_change c;
        lb_compare(&a, &b, &c);
        CHECK(c.verdict == LB_CHANGE_SLOWER && c.high / c.low < 1.001);
        a.fast = b.fast = 0.98;
        a.slow = b.slow = 1.02;
        lb_compare(&a, &b, &c);
        CHECK(c.verdict == (factor > 1.03 ? LB_CHANGE_SLOWER : LB_CHANGE_NONE));
        CHECK(c.low < c.ratio / 1.028 && c.low > c.ratio / 1.029 && c.high > c.ratio * 1.028 &&
              c.high < c.ratio * 1.029);
    }
}

static void check_sums(void) {
    check_context("sums");
    lb_changes all = {.count = 0};
    CHECK(lb_changes_mean(&all) == 1);
    const lb_change slower = {.low = 1.06, .high = 1.2, .verdict = LB_CHANGE_SLOWER, .medians = 2, .a_covers = true};
    const lb_change faster = {.low = 0.4, .high = 0.6, .verdict = LB_CHANGE_FASTER, .medians = 0.5};
    const lb_change same = {.low = 0.9, .high = 1.1, .medians = 1.029, .a_covers = true, .b_covers = true};
    lb_changes_add(&all, &slower, true, 0.05);
    lb_changes_add(&all, &faster, true, 0.05);
    lb_changes_add(&all, &same, false, 0.05);
    CHECK(all.count == 3 && all.verdicts[LB_CHANGE_SLOWER] == 1 && all.verdicts[LB_CHANGE_FASTER] == 1);
    CHECK(all.verdicts[LB_CHANGE_NONE] == 1 && all.within == 1 && all.beyond == 1);
    CHECK(all.intervals == 2 && all.a_covers == 1 && all.b_covers == 0);
    CHECK(close_to(lb_changes_mean(&all), cbrt(1.029)));
}

void subject_compare(void) {
    check_cuts();
    check_intervals(1);
    check_intervals(1.2);
    check_intervals(0.8);
    check_fewer();
    check_moments();
    check_sums();
}
