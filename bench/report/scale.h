/* SPDX-License-Identifier: Apache-2.0 */
/* From values to places: linear and logarithmic scales, and the round numbers that stand at them. */
#ifndef LOWBIT_BENCH_REPORT_SCALE_H_
#define LOWBIT_BENCH_REPORT_SCALE_H_

#include "bench/report/figure.h"

/* Values low .. high lie at from .. to of the canvas. */
typedef struct lb_scale {
    int log; /* as in lb_axis */
    double low, high;
    double from, to;
} lb_scale;

/* A scale that shows low .. high with some air: linear ones begin at 0 and end at a round number. Logarithmic ones need
 * low > 0. */
lb_scale lb_scale_for(int log, double low, double high, double from, double to);

double lb_scale_at(const lb_scale *scale, double value);

enum { LB_TICKS = 12 };
typedef struct lb_ticks {
    double values[LB_TICKS];
    size_t count;
} lb_ticks;

/* At most `most` (2 .. LB_TICKS) round values on the scale, ascending; as many of 1, 2, 5, 10 .. as fit on one to base
 * 10, powers of two to base 2, even steps on a linear one and where a logarithmic one spans too little for two. */
void lb_scale_ticks(const lb_scale *scale, size_t most, lb_ticks *ticks);

/* The number as it stands at a tick or in a label: "0.05", "1200", "64 KiB", "85 %", "1.5x" with a real sign. */
void lb_unit_text(lb_unit unit, double value, char *text, size_t size);

#endif
