/* SPDX-License-Identifier: Apache-2.0 */
/* Calibration: what an observer has seen of a value, while real images went through a network, decides what a step of
 * its codes is worth. docs/recipes.md describes the ways.
 *
 *     lb_observer_begin(LB_CALIBRATE_MSE, &observer);
 *     for each batch: lb_observer_add(&observer, x, elements);
 *     lb_observer_range(&observer, -128, 127, false, &range, &error);
 *
 * An observer is one struct of a fixed size: extremes, and a histogram of 8192 bins that keeps nothing of a batch but
 * counts. A bin is a power of two wide, the least one that covers what was seen; where a batch reaches further the bins
 * are merged in pairs until it fits, which gives the counts that the wider bins would have had from the beginning: the
 * order of batches does not matter (but to `average`), nor what a batch is. So the largest magnitude lies between 2048
 * and 4096 bins from 0. Zeros are counted apart: every range has 0 exactly, and after a ReLU they would drown the rest.
 */
#ifndef LOWBIT_NN_OBSERVE_H_
#define LOWBIT_NN_OBSERVE_H_

#include "nn/choice.h"

/* How a range is chosen from what was seen. */
enum {
    LB_CALIBRATE_MINMAX = 1, /* least and greatest element */
    LB_CALIBRATE_AVERAGE,    /* of each batch, as a moving average: 0.9 of what was, 0.1 of the new one */
    LB_CALIBRATE_PERCENTILE, /* below which 1/10000 and above which 1/10000 of all elements lie */
    LB_CALIBRATE_KL,         /* the end that changes the distribution of magnitudes least, after TensorRT */
    LB_CALIBRATE_MSE,        /* the ends of least squared error */
    LB_CALIBRATIONS
};

enum { LB_OBSERVER_HALF = 4096, LB_OBSERVER_BINS = 2 * LB_OBSERVER_HALF };

typedef struct lb_observer {
    uint32_t kind;
    int64_t count;                  /* elements seen */
    int64_t zeros;                  /* that were 0: in no bin */
    int64_t bad;                    /* that were NaN or infinite */
    float least, most;              /* of all; 0 counts as seen */
    double low, high;               /* moving averages of the extremes of batches */
    int32_t width;                  /* a bin is 2^width wide, */
    int64_t bins[LB_OBSERVER_BINS]; /* bin i has the elements of (i - 4096) 2^width <= x < (i - 4095) 2^width */
} lb_observer;

/* "minmax", "average", "percentile", "kl", "mse"; NULL for another number. */
const char *lb_calibration_name(uint32_t kind);

void lb_observer_begin(uint32_t kind, lb_observer *observer);

/* Takes a batch: x[count], count 0 or more. By one thread at a time. */
void lb_observer_add(lb_observer *observer, const float *x, int64_t count);

/* The scale and zero point by which codes low .. high stand for the value.
 *
 * low, high  of the activations: -128, 127 for a8, -8, 7 for a4, -2, 1 for a2
 * symmetric  values of both signs get zero = 0, and the code `high` stands for the end that is further from 0; else the
 *            ends of the range get the ends of the codes. Values of one sign always use all codes: zero = low where
 *            nothing is negative
 *
 * The range has 0 in it, and 0 has a code of its own. A value that was always 0 gets scale 1, zero 0; a scale is at
 * least 2^-126. May be asked again, with other codes. LOWBIT_INVALID_ARGUMENT: nothing was seen; a NaN or an infinity
 * was. */
lowbit_status lb_observer_range(const lb_observer *observer, int32_t low, int32_t high, bool symmetric, lb_range *range,
                                lowbit_error *error);

#endif
