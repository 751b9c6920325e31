/* SPDX-License-Identifier: Apache-2.0 */
/* The ends of a range by percentile, by relative entropy, by squared error. */
#include <math.h>

#include "kernels/base/base.h"
#include "nn/observe_ends.h"

enum { HALF = LB_OBSERVER_HALF };

/* ---- percentile ---- */

static const double kTail = 1e-4;

/* How far from 0 the elements reach on one side (sign 1 or -1), but for a share kTail of all elements; those of a bin
 * count as spread evenly over it. */
static double reach_of(const lb_observer *o, int sign) {
    const double tail = kTail * (double)o->count;
    double passed = 0;
    for (int32_t j = HALF - 1; j >= 0; j--) {
        const double here = (double)o->bins[sign > 0 ? HALF + j : HALF - 1 - j];
        if (passed + here > tail) return ldexp(j + 1 - (tail - passed) / here, o->width);
        passed += here;
    }
    return 0;
}

lb_ends lb_ends_percentile(const lb_observer *o, const lb_codes *codes) {
    (void)codes;
    const lb_ends ends = {-fmin(reach_of(o, -1), -(double)o->least), fmin(reach_of(o, 1), (double)o->most)};
    /* Almost all are 0: the few that are not are all that there is. */
    return ends.low < 0 || ends.high > 0 ? ends : (lb_ends){(double)o->least, (double)o->most};
}

/* ---- relative entropy ---- */

/* The share of Q that is spread evenly, so that no bin of it is empty, and the least step from one end to the next. */
static const double kSmooth = 1e-4;
enum { LEAST_STEP = 32 };

/* KL(P || Q) for magnitudes that are cut at bin `end`. P: the bins below it, and in the last of them also all from
 * there on. Q: the bins below it alone, in `levels` runs of equal length, the elements of a run spread evenly over
 * those of its bins that P has elements in. */
static double divergence(const int64_t *magnitudes, int32_t end, int32_t levels) {
    const int32_t length = end / levels;
    double inside = 0, tail = 0, sum = 0;
    for (int32_t j = 0; j < HALF; j++) *(j < end ? &inside : &tail) += (double)magnitudes[j];
    if (inside == 0) return INFINITY;
    for (int32_t first = 0; first < end; first += length) {
        double run = 0;
        int32_t filled = 0;
        for (int32_t j = first; j < first + length; j++) {
            run += (double)magnitudes[j];
            filled += magnitudes[j] > 0 || (j == end - 1 && tail > 0);
        }
        for (int32_t j = first; j < first + length; j++) {
            const double p = ((double)magnitudes[j] + (j == end - 1 ? tail : 0)) / (inside + tail);
            if (p > 0) sum += p * log(p / ((1 - kSmooth) * run / filled / inside + kSmooth / end));
        }
    }
    return sum;
}

lb_ends lb_ends_kl(const lb_observer *o, const lb_codes *codes) {
    const bool both = o->least < 0 && o->most > 0;
    const int32_t levels = both ? codes->high + 1 : codes->high - codes->low + 1;
    const int32_t step = (int32_t)lb_round_up(LEAST_STEP, levels);
    int64_t magnitudes[HALF];
    int32_t used = 0, best = HALF;
    double least = INFINITY;
    for (int32_t j = 0; j < HALF; j++) {
        magnitudes[j] = o->bins[HALF + j] + o->bins[HALF - 1 - j];
        if (magnitudes[j] > 0) used = j + 1;
    }
    for (int32_t end = step; end < used + step && end <= HALF; end += step) {
        const double found = divergence(magnitudes, end, levels);
        if (found < least) best = end, least = found;
    }
    const double cut = ldexp(best, o->width);
    return (lb_ends){-fmin(cut, -(double)o->least), fmin(cut, (double)o->most)};
}

/* ---- squared error ---- */

enum { PARTS = 80 };

/* The integral of (u - code(u))^2 from code(0) to u, in steps: each code before has added 1/12. */
static double error_below(double u, const lb_codes *codes) {
    const double code = fmin(fmax(rint(u), codes->low), codes->high), miss = u - code;
    return code / 12 + miss * miss * miss / 3;
}

double lb_observer_error(const lb_observer *o, lb_range range, const lb_codes *codes) {
    const double scale = range.scale, width = ldexp(1, o->width);
    double sum = 0;
    for (int32_t i = 0; i < LB_OBSERVER_BINS; i++) {
        if (o->bins[i] == 0) continue;
        const double from = lb_observer_edge(o, i) / scale + range.zero, to = from + width / scale;
        sum += (double)o->bins[i] * (error_below(to, codes) - error_below(from, codes));
    }
    return sum * scale * scale * (scale / width);
}

typedef struct search {
    const lb_observer *observer;
    const lb_codes *codes;
    lb_ends best;
    double least;
} search;

static void try_ends(search *s, double low, double high) {
    const lb_ends ends = {low, high};
    const double error = lb_observer_error(s->observer, lb_range_between(ends, s->codes), s->codes);
    if (error < s->least) s->best = ends, s->least = error;
}

lb_ends lb_ends_mse(const lb_observer *o, const lb_codes *codes) {
    const double low = o->least, high = o->most;
    search s = {o, codes, {low, high}, INFINITY};
    for (int i = PARTS; i > 0; i--) try_ends(&s, low * i / PARTS, high * i / PARTS);
    if (codes->symmetric || low == 0 || high == 0) return s.best;
    for (int i = PARTS; i > 0; i--) try_ends(&s, s.best.low, high * i / PARTS);
    for (int i = PARTS; i > 0; i--) try_ends(&s, low * i / PARTS, s.best.high);
    return s.best;
}
