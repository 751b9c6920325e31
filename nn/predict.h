/* SPDX-License-Identifier: Apache-2.0 */
/* A data set through a network. */
#ifndef LOWBIT_NN_PREDICT_H_
#define LOWBIT_NN_PREDICT_H_

#include "nn/dataset.h"
#include "nn/session.h"

/* Hears how many images or texts are done; returns 0 to go on. */
typedef int (*lb_predict_progress)(void *user, int64_t done, int64_t all);

typedef struct lb_predict {
    lb_session *session;
    const lb_net *net;
    const lb_dataset *data;
    const lb_pixels *pixels;
    int64_t batch;                /* images or texts of a run, at most those of the session */
    int64_t count;                /* of all, at most those of the data */
    lb_predict_progress progress; /* or NULL */
    void *user;
} lb_predict;

/* What the network says of the first `count` images or texts: the class of the greatest output, of equals the first;
 * of data that are no classes the only output.
 *
 * answers  [count]
 * seconds  of each run, [ceil(count / batch)], without reading the images; or NULL
 *
 * LOWBIT_CANCELLED: by `progress`. LOWBIT_UNSUPPORTED: the network's outputs are no answers to these data. */
lowbit_status lb_predict_run(const lb_predict *p, double *answers, double *seconds, lowbit_error *error);

/* How many of `count` answers are the label. */
int64_t lb_predict_correct(const lb_dataset *data, const double *answers, int64_t count);

/* One of the data's metrics over `count` answers; statuses of lb_metric_function. */
lowbit_status lb_predict_metric(const lb_dataset *data, const lb_metric *metric, const double *answers, int64_t count,
                                double *value, lowbit_error *error);

#endif
