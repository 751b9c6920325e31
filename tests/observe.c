/* SPDX-License-Identifier: Apache-2.0 */
/* Calibration: the histogram beside counting, ranges and their corners, and the ends of each kind beside brute force on
 * the elements themselves. */
#include "nn/observe.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"
#include "nn/observe_ends.h"
#include "tests/check.h"

enum { MOST = 100000 };

/* ---- distributions ---- */

static float normal(void) {
    const double u = ((double)(check_random() >> 11) + 1) * 0x1p-53, v = (double)(check_random() >> 11) * 0x1p-53;
    return (float)(sqrt(-2 * log(u)) * cos(6.283185307179586 * v));
}

enum { NORMAL, RELU, LAPLACE, SHIFTED, OUTLIER, NEGATIVE, TWO, DISTRIBUTIONS };
static const char *const kNames[] = {"normal", "relu", "laplace", "shifted", "outlier", "negative", "two values"};

static float draw(int distribution) {
    const float x = normal();
    switch (distribution) {
        case RELU: return x > 0 ? x : 0;
        case LAPLACE: return copysignf(-logf(1 - 0.99999f * fabsf(check_random_float(-1, 1))), x);
        case SHIFTED: return x > -0.5f ? x : -0.5f * expf(x + 0.5f);
        case OUTLIER: return check_random_in(0, 19999) ? x : 40 * x;
        case NEGATIVE: return -fabsf(x) - 0.01f;
        case TWO: return x > 0 ? 3.0f : -1.0f;
        default: return x;
    }
}

static const float *sample(int distribution, int64_t count) {
    static float x[MOST];
    for (int64_t i = 0; i < count; i++) x[i] = draw(distribution);
    return x;
}

/* Sees x in batches of random sizes. */
static void observe(uint32_t kind, const float *x, int64_t count, lb_observer *o) {
    lb_observer_begin(kind, o);
    for (int64_t at = 0, size; at < count; at += size) {
        size = lb_min(check_random_in(0, 9999), count - at);
        lb_observer_add(o, x + at, size);
    }
}

/* ---- the histogram ---- */

/* Counts again, by the definition of a bin. */
static void check_bins(const lb_observer *o, const float *x, int64_t count) {
    static int64_t bins[LB_OBSERVER_BINS];
    int64_t zeros = 0;
    float least = 0, most = 0;
    memset(bins, 0, sizeof bins);
    for (int64_t i = 0; i < count; i++) {
        zeros += x[i] == 0;
        least = x[i] < least ? x[i] : least;
        most = x[i] > most ? x[i] : most;
        if (x[i] != 0) bins[LB_OBSERVER_HALF + (int)floor((double)x[i] / pow(2, o->width))]++;
    }
    CHECK(o->count == count && o->zeros == zeros && o->bad == 0 && o->least == least && o->most == most);
    CHECK(memcmp(bins, o->bins, sizeof bins) == 0);
    const double largest = most > -least ? (double)most : -(double)least, reach = pow(2, o->width) * LB_OBSERVER_HALF;
    CHECK(largest == 0 || (largest < reach && largest >= reach / 2));
}

void subject_observe(void) {
    static const float kFactors[] = {1, 1e-3f, 1e6f, FLT_MIN * 1e-5f, 1e37f};
    static lb_observer o, again;
    static float x[30000];
    for (int d = 0; d < DISTRIBUTIONS; d++)
        for (size_t f = 0; f < LB_COUNT(kFactors); f++) {
            const int64_t count = (int64_t)LB_COUNT(x);
            const float *drawn = sample(d, count);
            /* It grows: later elements are up to 60 times as large. */
            for (int64_t i = 0; i < count; i++)
                x[i] = drawn[i] / 16 * kFactors[f] * (i < count / 2 ? 0.017f : i < count - 99 ? 0.5f : 1);
            check_context("%s times %g", kNames[d], (double)kFactors[f]);
            observe(LB_CALIBRATE_MSE, x, count, &o);
            check_bins(&o, x, count);
            for (int64_t i = 0; i < count / 2; i++) {
                const float kept = x[i];
                x[i] = x[count - 1 - i];
                x[count - 1 - i] = kept;
            }
            observe(LB_CALIBRATE_MSE, x, count, &again);
            CHECK(o.width == again.width && memcmp(o.bins, again.bins, sizeof o.bins) == 0);
        }
    x[0] = FLT_MAX, x[1] = -FLT_MAX, x[2] = FLT_TRUE_MIN, x[3] = -FLT_TRUE_MIN, x[4] = -0.0f, x[5] = -2, x[6] = -4;
    check_context("corners");
    for (int64_t first = 0; first < 7; first++)
        for (int64_t count = 1; first + count <= 7; count++) {
            observe(LB_CALIBRATE_MINMAX, x + first, count, &o);
            check_bins(&o, x + first, count);
        }
}

/* ---- ranges ---- */

static const lb_codes kCodes[] = {{-128, 127, false}, {-128, 127, true}, {-8, 7, false},
                                  {-8, 7, true},      {-2, 1, false},    {-2, 1, true}};

static lb_range range_of(const lb_observer *o, const lb_codes *c) {
    lb_range range = {0, 0};
    CHECK(lb_observer_range(o, c->low, c->high, c->symmetric, &range, NULL) == LOWBIT_OK);
    return range;
}

/* Squared error of what static activations make of x: clamp(rne(x / scale) + zero, low, high). */
static double error_of(const float *x, int64_t count, lb_range r, const lb_codes *c) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++) {
        const double code = fmin(fmax(rint((double)x[i] / (double)r.scale) + r.zero, c->low), c->high);
        const double miss = (double)x[i] - (double)r.scale * (code - r.zero);
        sum += miss * miss;
    }
    return sum;
}

static void check_range(const float *x, int64_t count, float least, float most, const lb_codes *c) {
    static lb_observer o;
    observe(LB_CALIBRATE_MINMAX, x, count, &o);
    const lb_range r = range_of(&o, c);
    CHECK(isfinite(r.scale) && r.scale >= FLT_MIN && r.zero >= c->low && r.zero <= c->high);
    const double scale = r.scale, low = scale * (c->low - r.zero), high = scale * (c->high - r.zero);
    CHECK(low <= (double)least * (1 - 1e-6) + scale / 2 && high >= (double)most * (1 - 1e-6) - scale / 2);
    const bool least_scale = r.scale == FLT_MIN;
    if (least == 0) CHECK(r.zero == c->low);
    if (least == 0 && !least_scale) CHECK(fabs(scale * (c->high - c->low) - (double)most) <= 1e-6 * (double)most);
    if (most == 0) CHECK(r.zero == c->high);
    if (least < 0 && most > 0 && c->symmetric) {
        CHECK(r.zero == 0);
        CHECK(least_scale || fabs(scale * c->high - fmax(-(double)least, (double)most)) <= 1e-6 * scale * c->high);
    }
    for (int64_t i = 0; i < count; i++) { /* no element is further off than a step and what rounds */
        const float one[] = {x[i]};
        CHECK(sqrt(error_of(one, 1, r, c)) <= scale * 1.0001);
    }
}

/* Average: the moving average of three batches. */
static void check_average(void) {
    static const float kBatches[3][2] = {{-1, 4}, {-2, 2}, {5, 9}};
    static lb_observer o;
    lb_observer_begin(LB_CALIBRATE_AVERAGE, &o);
    for (int i = 0; i < 3; i++) lb_observer_add(&o, kBatches[i], 2);
    const double low = 0.9 * (0.9 * -1 + 0.1 * -2) + 0.1 * 0, high = 0.9 * (0.9 * 4 + 0.1 * 2) + 0.1 * 9;
    const lb_range r = range_of(&o, &kCodes[0]);
    check_context("average");
    CHECK(fabs((double)r.scale - (high - low) / 255) < 1e-8 && r.zero == -128 - (int)rint(low / (high - low) * 255));
}

static void check_unusable(void) {
    static lb_observer o;
    lowbit_error error = LOWBIT_ERROR_INIT;
    lb_range r = {0, 0};
    check_context("unusable");
    for (uint32_t kind = 1; kind < LB_CALIBRATIONS; kind++) {
        const float zeros[] = {0, -0.0f, 0}, bad[] = {1, NAN, 2, INFINITY, -INFINITY};
        r.scale = 7;
        lb_observer_begin(kind, &o);
        lb_observer_add(&o, bad, 0);
        CHECK(lb_observer_range(&o, -128, 127, false, &r, &error) == LOWBIT_INVALID_ARGUMENT);
        CHECK(strstr(error.message, "no element") && r.scale == 7);
        lb_observer_add(&o, zeros, 3);
        CHECK(lb_observer_range(&o, -128, 127, false, &r, NULL) == LOWBIT_OK && r.scale == 1 && r.zero == 0);
        lb_observer_add(&o, bad, 5);
        CHECK(lb_observer_range(&o, -128, 127, false, &r, &error) == LOWBIT_INVALID_ARGUMENT);
        CHECK(strstr(error.message, "3 elements of 8"));
    }
    lb_observer_begin(LB_CALIBRATIONS, &o);
    CHECK(lb_observer_range(&o, -128, 127, false, &r, NULL) == LOWBIT_INVALID_ARGUMENT);
    lb_observer_begin(LB_CALIBRATE_KL, &o);
    CHECK(lb_observer_range(&o, 1, 127, false, &r, NULL) == LOWBIT_INVALID_ARGUMENT);
    CHECK(lb_observer_range(&o, -1, 0, false, &r, NULL) == LOWBIT_INVALID_ARGUMENT);
    CHECK(!lb_calibration_name(0) && !lb_calibration_name(LB_CALIBRATIONS));
}

void subject_observe_ranges(void) {
    static const float kEnds[][2] = {{-1, 3},      {0, 5},         {-5, 0},        {-1e-44f, 1e-44f},
                                     {0, 1e-39f},  {-1, 1e-9f},    {-1e-9f, 1e9f}, {-FLT_MAX, FLT_MAX},
                                     {0, FLT_MAX}, {-0.017f, 2.5f}};
    for (size_t c = 0; c < LB_COUNT(kCodes); c++)
        for (size_t e = 0; e < LB_COUNT(kEnds); e++) {
            float x[64] = {kEnds[e][0], kEnds[e][1]};
            check_context("%g .. %g to %d .. %d%s", (double)kEnds[e][0], (double)kEnds[e][1], kCodes[c].low,
                          kCodes[c].high, kCodes[c].symmetric ? " symmetric" : "");
            for (size_t i = 2; i < LB_COUNT(x); i++) {
                const float share = check_random_float(0, 1);
                x[i] = kEnds[e][0] * share + kEnds[e][1] * (1 - share);
            }
            check_range(x, (int64_t)LB_COUNT(x), kEnds[e][0], kEnds[e][1], &kCodes[c]);
        }
    check_average();
    check_unusable();
}

/* ---- ends ---- */

static int ascending(const void *a, const void *b) {
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Beside the sorted elements: within a bin. */
static void check_percentile(const float *x, int64_t count) {
    static lb_observer o;
    static float sorted[MOST];
    const lb_codes c = kCodes[0];
    const int64_t beyond = count / 10000;
    observe(LB_CALIBRATE_PERCENTILE, x, count, &o);
    memcpy(sorted, x, (size_t)count * sizeof *x);
    qsort(sorted, (size_t)count, sizeof *sorted, ascending);
    const double low = fmin((double)sorted[beyond], 0), high = fmax((double)sorted[count - 1 - beyond], 0);
    const lb_range r = range_of(&o, &c);
    CHECK(fabs((double)r.scale * 255 - (high - low)) <= 2 * ldexp(1, o.width) + 1e-6 * (high - low));
    CHECK(abs(r.zero - (int)rint(-128 - low / (double)r.scale)) <= 2);
}

/* The least error among many scales and all sensible zero points, by the elements. */
static void check_mse(const float *x, int64_t count, const lb_codes *c) {
    static lb_observer o;
    observe(LB_CALIBRATE_MSE, x, count, &o);
    const lb_range chosen = range_of(&o, c);
    const bool fixed = o.least == 0 || o.most == 0 || c->symmetric;
    const double widest = fmax((double)o.most, -(double)o.least) * (c->symmetric ? 1 : 2);
    double least = INFINITY;
    for (int i = 1; i <= 60; i++) {
        const float scale = (float)(widest * i / 60 / (c->symmetric ? c->high : c->high - c->low));
        for (int j = 0; j <= (fixed ? 0 : 16); j++) {
            const int32_t zero = o.least == 0   ? c->low
                                 : o.most == 0  ? c->high
                                 : c->symmetric ? 0
                                                : c->low + (c->high - c->low) * j / 16;
            least = fmin(least, error_of(x, count, (lb_range){scale, zero}, c));
        }
    }
    CHECK(error_of(x, count, chosen, c) <= least * 1.05 + 1e-12);
}

/* What the histogram says of an error, beside the elements: for ranges that cut a lot and such that cut nothing. */
static void check_error(const float *x, int64_t count, const lb_codes *c) {
    static lb_observer o;
    observe(LB_CALIBRATE_MSE, x, count, &o);
    for (int percent = 15; percent < 120; percent += 10) {
        const double part = percent / 100.0;
        const lb_range r = lb_range_between((lb_ends){part * (double)o.least, part * (double)o.most}, c);
        const double want = error_of(x, count, r, c), got = lb_observer_error(&o, r, c);
        CHECK(fabs(got - want) <= 0.02 * want);
    }
}

/* Textbook: the least relative entropy over all ends, P and Q written out. */
static double textbook_divergence(const int64_t *h, int end, int levels) {
    static double p[LB_OBSERVER_HALF], q[LB_OBSERVER_HALF];
    double p_sum = 0, q_sum = 0, divergence = 0;
    for (int j = 0; j < LB_OBSERVER_HALF; j++) p[j] = q[j] = 0;
    for (int j = 0; j < LB_OBSERVER_HALF; j++) p[j < end ? j : end - 1] += (double)h[j];
    for (int level = 0; level < levels; level++) {
        const int first = level * (end / levels), last = (level + 1) * (end / levels);
        double mass = 0, filled = 0;
        for (int j = first; j < last; j++) mass += (double)h[j], filled += p[j] > 0;
        for (int j = first; j < last; j++) q[j] = p[j] > 0 ? mass / filled : 0;
    }
    for (int j = 0; j < end; j++) p_sum += p[j], q_sum += q[j];
    for (int j = 0; j < end; j++) {
        const double smooth = 0.9999 * q[j] / q_sum + 0.0001 / end;
        if (p[j] > 0) divergence += p[j] / p_sum * log(p[j] / p_sum / smooth);
    }
    return q_sum > 0 ? divergence : INFINITY;
}

static void check_kl(const float *x, int64_t count, const lb_codes *c) {
    static lb_observer o;
    static int64_t h[LB_OBSERVER_HALF];
    observe(LB_CALIBRATE_KL, x, count, &o);
    const bool both = o.least < 0 && o.most > 0;
    const int levels = both ? c->high + 1 : c->high - c->low + 1, step = levels > 32 ? levels : 32;
    const double width = ldexp(1, o.width), most = fmax((double)o.most, -(double)o.least);
    double least = INFINITY, found = INFINITY;
    memset(h, 0, sizeof h);
    for (int64_t i = 0; i < count; i++)
        if (x[i] != 0) h[x[i] > 0 ? (int)floor((double)x[i] / width) : (int)ceil(-(double)x[i] / width) - 1]++;
    const lb_range r = range_of(&o, c);
    for (int end = step; end - step < (int)(most / width) + 1 && end <= LB_OBSERVER_HALF; end += step) {
        const double cut = fmin(end * width, most), divergence = textbook_divergence(h, end, levels);
        const double low = both || o.most == 0 ? fmin(cut, -(double)o.least) : 0;
        const double high = both || o.least == 0 ? fmin(cut, (double)o.most) : 0;
        const double scale = c->symmetric && both ? fmax(low, high) / c->high : (low + high) / (c->high - c->low);
        least = fmin(least, divergence);
        if (fabs(scale - (double)r.scale) <= 1e-6 * scale) found = fmin(found, divergence);
    }
    CHECK(found <= least + 1e-9);
}

/* What is known of the normal distribution: the step of least squared error in standard deviations (Max 1960: 0.3352
 * for 16 levels, 0.0308 for 256), and that relative entropy cuts one outlier off. */
static void check_known(void) {
    static lb_observer o;
    const float outlier = 100;
    const float *x = sample(NORMAL, MOST);
    check_context("known");
    observe(LB_CALIBRATE_MSE, x, MOST, &o);
    CHECK(fabs((double)range_of(&o, &kCodes[3]).scale - 0.3352) < 0.015);
    CHECK(fabs((double)range_of(&o, &kCodes[1]).scale - 0.0308) < 0.002);
    observe(LB_CALIBRATE_KL, x, MOST, &o);
    lb_observer_add(&o, &outlier, 1);
    CHECK((double)range_of(&o, &kCodes[1]).scale * 127 < 15);
    observe(LB_CALIBRATE_MINMAX, x, MOST, &o);
    lb_observer_add(&o, &outlier, 1);
    CHECK(fabs((double)range_of(&o, &kCodes[1]).scale * 127 - 100) < 1e-4);
}

void subject_observe_ends(void) {
    for (int d = 0; d < DISTRIBUTIONS; d++) {
        const float *x = sample(d, MOST);
        check_context("%s: percentile", kNames[d]);
        check_percentile(x, MOST);
        for (size_t c = 0; c < LB_COUNT(kCodes); c++) {
            check_context("%s to %d .. %d%s", kNames[d], kCodes[c].low, kCodes[c].high,
                          kCodes[c].symmetric ? " symmetric" : "");
            check_kl(x, MOST, &kCodes[c]);
            if (d == TWO) continue; /* some scales hit them by chance */
            check_mse(x, 4000, &kCodes[c]);
            check_error(x, MOST, &kCodes[c]);
        }
    }
    check_known();
}
