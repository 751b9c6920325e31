/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/predict.h"

#include <stdlib.h>

#include "kernels/base/base.h"
#include "tuner/clock.h"

static int64_t greatest(const float *x, int64_t count) {
    int64_t at = 0;
    for (int64_t i = 1; i < count; i++)
        if (x[i] > x[at]) at = i;
    return at;
}

typedef struct work {
    float *room, *outputs;
    int64_t size; /* outputs of an image or a text */
} work;

static lowbit_status run_batch(const lb_predict *p, const work *w, int64_t first, int64_t count, double *answers,
                               double *seconds, lowbit_error *error) {
    lb_run_input input;
    const lb_shape shape = p->net->graph.nodes[0].shape;
    LB_TRY(lb_dataset_input(p->data, first, count, p->pixels, shape, w->room, &input, error));
    const double start = lb_clock_seconds(&lb_monotonic_clock);
    LB_TRY(lb_session_run(p->session, &input, w->outputs, NULL, NULL, error));
    if (seconds) seconds[first / p->batch] = lb_clock_seconds(&lb_monotonic_clock) - start;
    for (int64_t i = 0; i < count; i++) {
        const float *outputs = w->outputs + i * w->size;
        answers[first + i] = w->size == 1 ? (double)outputs[0] : (double)greatest(outputs, w->size);
    }
    return LOWBIT_OK;
}

static lowbit_status run_all(const lb_predict *p, const work *w, double *answers, double *seconds,
                             lowbit_error *error) {
    for (int64_t first = 0, count; first < p->count; first += count) {
        count = lb_min(p->batch, p->count - first);
        LB_TRY(run_batch(p, w, first, count, answers, seconds, error));
        LB_REQUIRE(!p->progress || p->progress(p->user, first + count, p->count) == 0, error, LOWBIT_CANCELLED,
                   "stopped after %lld %s", (long long)(first + count), lb_dataset_things(p->data));
    }
    return LOWBIT_OK;
}

/* Classes for classes, one number for numbers. */
static lowbit_status check_outputs(const lb_predict *p, int64_t outputs, lowbit_error *error) {
    const lb_graph *graph = &p->net->graph;
    LB_REQUIRE(!lb_embeds(graph) && !graph->nodes[graph->count - 1].by_token, error, LOWBIT_UNSUPPORTED,
               "the network makes embeddings, and no answers that are right or wrong");
    LB_REQUIRE((outputs == 1) == (p->data->classes == 0), error, LOWBIT_UNSUPPORTED,
               "the network has %lld outputs, and the data are of %d classes", (long long)outputs, p->data->classes);
    return LOWBIT_OK;
}

lowbit_status lb_predict_run(const lb_predict *p, double *answers, double *seconds, lowbit_error *error) {
    const lb_graph *graph = &p->net->graph;
    const int64_t outputs = lb_shape_elements(graph->nodes[graph->count - 1].shape);
    const size_t in = (size_t)lb_shape_elements(graph->nodes[0].shape) * sizeof(float);
    const size_t out = (size_t)outputs * sizeof(float);
    LB_TRY(check_outputs(p, outputs, error));
    lb_blocks memory = NULL;
    const work w = {lb_blocks_take(&memory, (size_t)p->batch * in), lb_blocks_take(&memory, (size_t)p->batch * out),
                    outputs};
    lowbit_status status = LOWBIT_NO_MEMORY;
    if (w.room && w.outputs)
        status = run_all(p, &w, answers, seconds, error);
    else
        lb_fail(error, status, "no memory for a batch of %lld", (long long)p->batch);
    lb_blocks_free(&memory);
    return status;
}

int64_t lb_predict_correct(const lb_dataset *data, const double *answers, int64_t count) {
    int64_t correct = 0;
    for (int64_t i = 0; i < count; i++) correct += answers[i] == lb_dataset_label(data, i);
    return correct;
}

lowbit_status lb_predict_metric(const lb_dataset *data, const lb_metric *metric, const double *answers, int64_t count,
                                double *value, lowbit_error *error) {
    double *labels = malloc((size_t)count * sizeof *labels);
    LB_REQUIRE(labels, error, LOWBIT_NO_MEMORY, "no memory for %lld labels", (long long)count);
    for (int64_t i = 0; i < count; i++) labels[i] = lb_dataset_label(data, i);
    const lowbit_status status = metric->compute(answers, labels, count, value, error);
    free(labels);
    return status;
}
