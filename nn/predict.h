/* SPDX-License-Identifier: Apache-2.0 */
/* A data set through a network. */
#ifndef LOWBIT_NN_PREDICT_H_
#define LOWBIT_NN_PREDICT_H_

#include "nn/dataset.h"
#include "nn/session.h"

/* Hears how many images are done; returns 0 to go on. */
typedef int (*lb_predict_progress)(void *user, int64_t done, int64_t all);

typedef struct lb_predict {
    lb_session *session;
    const lb_net *net;
    const lb_dataset *data;
    const lb_pixels *pixels;
    int64_t batch;                /* images of a run, at most those of the session */
    int64_t count;                /* images, at most those of the data */
    lb_predict_progress progress; /* or NULL */
    void *user;
} lb_predict;

/* The class of the greatest output of the first `count` images, of equals the first.
 *
 * classes  [count]
 * seconds  of each run, [ceil(count / batch)], without reading the images; or NULL
 *
 * LOWBIT_CANCELLED: by `progress`. */
lowbit_status lb_predict_run(const lb_predict *p, int32_t *classes, double *seconds, lowbit_error *error);

/* How many of `count` images have that label. */
int64_t lb_predict_correct(const lb_dataset *data, const int32_t *classes, int64_t count);

#endif
