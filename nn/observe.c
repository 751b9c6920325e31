/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/observe.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "kernels/base/base.h"
#include "nn/observe_ends.h"

enum { HALF = LB_OBSERVER_HALF, HALF_BITS = 12 };
_Static_assert(HALF == 1 << HALF_BITS, "bins on one side of 0");

/* Of what was, in a moving average. */
static const double kMemory = 0.9;

static lb_ends ends_minmax(const lb_observer *o, const lb_codes *codes) {
    (void)codes;
    return (lb_ends){(double)o->least, (double)o->most};
}

static lb_ends ends_average(const lb_observer *o, const lb_codes *codes) {
    (void)codes;
    return (lb_ends){o->low, o->high};
}

static const struct {
    const char *name;
    lb_ends (*find)(const lb_observer *observer, const lb_codes *codes);
} kKinds[LB_CALIBRATIONS] = {
    [LB_CALIBRATE_MINMAX] = {"minmax", ends_minmax},
    [LB_CALIBRATE_AVERAGE] = {"average", ends_average},
    [LB_CALIBRATE_PERCENTILE] = {"percentile", lb_ends_percentile},
    [LB_CALIBRATE_KL] = {"kl", lb_ends_kl},
    [LB_CALIBRATE_MSE] = {"mse", lb_ends_mse},
};

const char *lb_calibration_name(uint32_t kind) { return kind < LB_CALIBRATIONS ? kKinds[kind].name : NULL; }

void lb_observer_begin(uint32_t kind, lb_observer *observer) {
    memset(observer, 0, sizeof *observer);
    observer->kind = kind;
}

double lb_observer_edge(const lb_observer *o, int32_t i) { return ldexp(i - HALF, o->width); }

static void merge_pairs(lb_observer *o) {
    int64_t *above = o->bins + HALF, *below = o->bins + HALF - 1; /* above[j] and below[-j] are j bins from 0 */
    for (int32_t j = 0; j < HALF / 2; j++) {
        above[j] = above[2 * j] + above[2 * j + 1];
        below[-j] = below[-2 * j] + below[-2 * j - 1];
    }
    memset(above + HALF / 2, 0, HALF / 2 * sizeof *above);
    memset(o->bins, 0, HALF / 2 * sizeof *o->bins);
    o->width++;
}

/* Makes room for a magnitude. */
static void reach(lb_observer *o, float magnitude) {
    int exponent;
    if (magnitude == 0) return;
    frexp((double)magnitude, &exponent); /* magnitude < 2^exponent */
    if (o->least == 0 && o->most == 0) o->width = exponent - HALF_BITS;
    while (o->width < exponent - HALF_BITS) merge_pairs(o);
}

static void count(lb_observer *o, const float *x, int64_t count) {
    const double inverse = ldexp(1, -o->width);
    for (int64_t i = 0; i < count; i++) {
        if (x[i] == 0)
            o->zeros++;
        else if (isfinite(x[i]))
            o->bins[HALF + (int32_t)floor((double)x[i] * inverse)]++;
        else
            o->bad++;
    }
}

void lb_observer_add(lb_observer *o, const float *x, int64_t elements) {
    float least = 0, most = 0;
    for (int64_t i = 0; i < elements; i++) {
        if (!isfinite(x[i])) continue;
        if (x[i] < least) least = x[i];
        if (x[i] > most) most = x[i];
    }
    if (elements == 0) return;
    reach(o, -least > most ? -least : most);
    count(o, x, elements);
    const double memory = o->count ? kMemory : 0;
    o->low = memory * o->low + (1 - memory) * (double)least;
    o->high = memory * o->high + (1 - memory) * (double)most;
    if (least < o->least) o->least = least;
    if (most > o->most) o->most = most;
    o->count += elements;
}

lb_range lb_range_between(lb_ends ends, const lb_codes *codes) {
    const bool both = ends.low < 0 && ends.high > 0;
    const double width = codes->symmetric && both ? fmax(-ends.low, ends.high) / codes->high
                                                  : (ends.high - ends.low) / (codes->high - codes->low);
    const float scale = (float)fmax(width, FLT_MIN);
    if (codes->symmetric && both) return (lb_range){scale, 0};
    const double zero = codes->low - rint(ends.low / (double)scale);
    return (lb_range){scale, (int32_t)fmin(zero, codes->high)};
}

lowbit_status lb_observer_range(const lb_observer *observer, int32_t low, int32_t high, bool symmetric, lb_range *range,
                                lowbit_error *error) {
    const lb_codes codes = {low, high, symmetric};
    LB_REQUIRE(observer->kind > 0 && observer->kind < LB_CALIBRATIONS, error, LOWBIT_INVALID_ARGUMENT,
               "calibration %u is unknown", observer->kind);
    LB_REQUIRE(low <= 0 && high > 0, error, LOWBIT_INVALID_ARGUMENT, "codes %d .. %d: 0 and 1 must be among them", low,
               high);
    LB_REQUIRE(observer->count > 0, error, LOWBIT_INVALID_ARGUMENT, "calibration has seen no element");
    LB_REQUIRE(observer->bad == 0, error, LOWBIT_INVALID_ARGUMENT,
               "calibration has seen %lld elements of %lld that are NaN or infinite", (long long)observer->bad,
               (long long)observer->count);
    *range = observer->zeros == observer->count
                 ? (lb_range){1, 0}
                 : lb_range_between(kKinds[observer->kind].find(observer, &codes), &codes);
    return LOWBIT_OK;
}
