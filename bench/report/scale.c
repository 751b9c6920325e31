/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/report/scale.h"

#include <math.h>
#include <stdio.h>

/* 1, 2 or 5 times a power of ten: the step that cuts the span into at most `most` parts. */
static double nice_step(double span, double most) {
    const double power = pow(10, floor(log10(span / most)));
    static const double kSteps[] = {1, 2, 5, 10};
    for (size_t i = 0; i < sizeof kSteps / sizeof kSteps[0]; i++)
        if (power * kSteps[i] * most >= span * (1 - 1e-9)) return power * kSteps[i];
    return power * 20;
}

lb_scale lb_scale_for(int log, double low, double high, double from, double to) {
    enum { PARTS = 5 };
    lb_scale scale = {log, low, high, from, to};
    if (log) {
        const double air = fmax(pow(high / low, 0.04), 1.05);
        scale.low = low / air;
        scale.high = high * air;
    } else {
        const double step = nice_step(high > 0 ? high : 1, PARTS);
        scale.low = 0;
        scale.high = step * ceil((high > 0 ? high : 1) / step - 1e-9);
    }
    return scale;
}

double lb_scale_at(const lb_scale *s, double value) {
    const double part = s->log ? log(value / s->low) / log(s->high / s->low) : (value - s->low) / (s->high - s->low);
    return s->from + part * (s->to - s->from);
}

static void add(const lb_scale *s, lb_ticks *ticks, double value) {
    const double slack = (s->high - s->low) * 1e-9;
    if (value < s->low - slack || value > s->high + slack) return;
    if (ticks->count < LB_TICKS) ticks->values[ticks->count] = value;
    ticks->count++;
}

static void linear_ticks(const lb_scale *s, size_t most, lb_ticks *ticks) {
    const double step = nice_step(s->high - s->low, (double)most - 1);
    ticks->count = 0;
    for (double i = ceil(s->low / step - 1e-9); i * step <= s->high + step * 1e-9; i++)
        add(s, ticks, i * step + 0.0); /* + 0: no -0 */
}

/* Every `stride`th power of the base, and between decades the digits of `mask` (bit d: d times a power of ten). */
static void log_ticks(const lb_scale *s, int stride, unsigned mask, lb_ticks *ticks) {
    const double unit = log(s->log);
    const int first = (int)floor(log(s->low) / unit), last = (int)ceil(log(s->high) / unit);
    ticks->count = 0;
    for (int power = first; power <= last; power++)
        for (int digit = 1; digit < 10 && power % stride == 0; digit++)
            if (mask >> digit & 1) add(s, ticks, digit * pow(s->log, power));
}

void lb_scale_ticks(const lb_scale *s, size_t most, lb_ticks *ticks) {
    enum { STRIDES = 40, ONE = 1 << 1, ONE_THREE = 1 << 1 | 1 << 3, ONE_TWO_FIVE = 1 << 1 | 1 << 2 | 1 << 5 };
    if (!s->log) {
        linear_ticks(s, most, ticks);
        return;
    }
    if (s->log == 10) {
        log_ticks(s, 1, ONE_TWO_FIVE, ticks);
        if (ticks->count > most) log_ticks(s, 1, ONE_THREE, ticks);
    }
    for (int stride = 1; stride < STRIDES && (s->log != 10 || ticks->count > most); stride++) {
        log_ticks(s, stride, ONE, ticks);
        if (ticks->count <= most) break;
    }
    if (ticks->count < 2) linear_ticks(s, most, ticks);
    if (ticks->count > most) ticks->count = most;
}

void lb_unit_text(lb_unit unit, double value, char *text, size_t size) {
    static const struct {
        double scale;
        const char *suffix;
    } kUnits[] = {[LB_UNIT_PLAIN] = {1, ""}, {1, " B"}, [LB_UNIT_PERCENT] = {100, " %"}, [LB_UNIT_TIMES] = {1, "×"}};
    static const char *const kBytes[] = {" B", " KiB", " MiB", " GiB", " TiB"};
    const char *suffix = kUnits[unit].suffix;
    value *= kUnits[unit].scale;
    for (int i = 0; unit == LB_UNIT_BYTES && i < 4 && value >= 1024; i++) {
        value /= 1024;
        suffix = kBytes[i + 1];
    }
    const int digits = fabs(value) < 1 ? 2 : 4;
    if (fabs(value) >= 1e6 || (value != 0 && fabs(value) < 1e-4))
        snprintf(text, size, "%.3g%s", value, suffix);
    else if (fabs(value) >= 1000)
        snprintf(text, size, "%.0f%s", value, suffix);
    else
        snprintf(text, size, "%.*g%s", digits, value, suffix);
}
