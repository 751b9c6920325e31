/* SPDX-License-Identifier: Apache-2.0 */
/* How good answers are: GLUE's metrics, in doubles. Classes are whole numbers as doubles, so that all have one form.
 *
 *     accuracy     share of got[i] == want[i]
 *     f1           2 tp / (2 tp + fp + fn) of class 1; 0 where that is 0 / 0
 *     matthews     correlation of two classifications (Gorodkin's R_K; of classes 0 and 1 it is
 *                  (tp tn - fp fn) / sqrt((tp + fp)(tp + fn)(tn + fp)(tn + fn))); 0 where one of them is constant
 *     pearson      cov(got, want) / (std(got) std(want)); NaN where one of them is constant
 *     spearman     pearson of the ranks; equal values share the mean of theirs */
#ifndef LOWBIT_NN_METRICS_H_
#define LOWBIT_NN_METRICS_H_

#include "lowbit/types.h"

/* count >= 1. LOWBIT_INVALID_ARGUMENT: none, or for matthews a class that is no whole number of 0 to 999.
 * LOWBIT_NO_MEMORY. A NaN equals nothing, and makes a correlation NaN. */
typedef lowbit_status (*lb_metric_function)(const double *got, const double *want, int64_t count, double *value,
                                            lowbit_error *error);

typedef struct lb_metric {
    const char *name;
    lb_metric_function compute;
} lb_metric;

extern const lb_metric lb_accuracy, lb_f1, lb_matthews, lb_pearson, lb_spearman;

#endif
