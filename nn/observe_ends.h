/* SPDX-License-Identifier: Apache-2.0 */
/* From a histogram to the ends of a range: what nn/observe.c leaves to a function for each kind of calibration. */
#ifndef LOWBIT_NN_OBSERVE_ENDS_H_
#define LOWBIT_NN_OBSERVE_ENDS_H_

#include "nn/observe.h"

/* low <= 0 <= high, one of them not 0. */
typedef struct lb_ends {
    double low, high;
} lb_ends;

/* Codes that a range is made for. */
typedef struct lb_codes {
    int32_t low, high;
    bool symmetric;
} lb_codes;

/* The edge below bin i. */
double lb_observer_edge(const lb_observer *observer, int32_t i);

/* The range between two ends, as lb_observer_range says. */
lb_range lb_range_between(lb_ends ends, const lb_codes *codes);

/* Squared error of all elements by codes of the range, those of a bin spread evenly over it. */
double lb_observer_error(const lb_observer *observer, lb_range range, const lb_codes *codes);

/* Each for an observer that has seen something but zeros, and for the codes. */
lb_ends lb_ends_percentile(const lb_observer *observer, const lb_codes *codes);
lb_ends lb_ends_kl(const lb_observer *observer, const lb_codes *codes);
lb_ends lb_ends_mse(const lb_observer *observer, const lb_codes *codes);

#endif
