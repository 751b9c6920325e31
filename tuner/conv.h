/* SPDX-License-Identifier: Apache-2.0 */
/* What the plan of a convolution is: its shape, and the plan of the product that it is. */
#ifndef LOWBIT_TUNER_CONV_H_
#define LOWBIT_TUNER_CONV_H_

#include "kernels/conv.h"
#include "tuner/plan.h"

struct lowbit_conv2d_plan {
    lowbit_conv2d conv;
    lb_conv_shape shape;
    lowbit_plan *product;
    int64_t l2_bytes;
};

/* How the output is cut into tasks. */
typedef struct lb_conv_steps {
    int64_t rows, columns;
} lb_conv_steps;

/* Most rows of a task of a run with m rows, whatever the threads. */
int64_t lb_conv_most_rows(const lowbit_conv2d_plan *plan, const lb_gemm_config *config, int64_t m);

lb_conv_steps lb_conv_steps_of(const lowbit_conv2d_plan *plan, const lb_gemm_config *config, int64_t m);

/* Refuses a plan that is NULL, and a batch that it is not for; else the rows of that batch. */
lowbit_status lb_conv_plan_rows(const lowbit_conv2d_plan *plan, int64_t batch, int64_t *m, lowbit_error *error);

/* The product of one matrix as a plan wants it: see tuner/conv_plan.c. */
lowbit_problem lb_conv_planned(const lowbit_conv2d *conv, const lb_conv_shape *shape);

#endif
