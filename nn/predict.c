/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/predict.h"

#include "kernels/base/base.h"
#include "tuner/clock.h"

static int32_t greatest(const float *x, int64_t count) {
    int64_t at = 0;
    for (int64_t i = 1; i < count; i++)
        if (x[i] > x[at]) at = i;
    return (int32_t)at;
}

typedef struct work {
    float *images, *outputs;
} work;

static lowbit_status run_batch(const lb_predict *p, const work *w, int64_t first, int64_t images, int32_t *classes,
                               double *seconds, lowbit_error *error) {
    const lb_graph *graph = &p->net->graph;
    const int64_t outputs = lb_shape_elements(graph->nodes[graph->count - 1].shape);
    LB_TRY(lb_dataset_floats(p->data, first, images, p->pixels, graph->nodes[0].shape, w->images, error));
    const double start = lb_clock_seconds(&lb_monotonic_clock);
    LB_TRY(lb_session_run(p->session, &(lb_run_input){w->images, images, NULL}, w->outputs, NULL, NULL, error));
    if (seconds) seconds[first / p->batch] = lb_clock_seconds(&lb_monotonic_clock) - start;
    for (int64_t i = 0; i < images; i++) classes[first + i] = greatest(w->outputs + i * outputs, outputs);
    return LOWBIT_OK;
}

static lowbit_status run_all(const lb_predict *p, const work *w, int32_t *classes, double *seconds,
                             lowbit_error *error) {
    for (int64_t first = 0, images; first < p->count; first += images) {
        images = lb_min(p->batch, p->count - first);
        LB_TRY(run_batch(p, w, first, images, classes, seconds, error));
        LB_REQUIRE(!p->progress || p->progress(p->user, first + images, p->count) == 0, error, LOWBIT_CANCELLED,
                   "stopped after %lld images", (long long)(first + images));
    }
    return LOWBIT_OK;
}

lowbit_status lb_predict_run(const lb_predict *p, int32_t *classes, double *seconds, lowbit_error *error) {
    const lb_graph *graph = &p->net->graph;
    const size_t in = (size_t)lb_shape_elements(graph->nodes[0].shape) * sizeof(float);
    const size_t out = (size_t)lb_shape_elements(graph->nodes[graph->count - 1].shape) * sizeof(float);
    lb_blocks memory = NULL;
    const work w = {lb_blocks_take(&memory, (size_t)p->batch * in), lb_blocks_take(&memory, (size_t)p->batch * out)};
    lowbit_status status = LOWBIT_NO_MEMORY;
    if (w.images && w.outputs)
        status = run_all(p, &w, classes, seconds, error);
    else
        lb_fail(error, status, "no memory for %lld images", (long long)p->batch);
    lb_blocks_free(&memory);
    return status;
}

int64_t lb_predict_correct(const lb_dataset *data, const int32_t *classes, int64_t count) {
    int64_t correct = 0;
    for (int64_t i = 0; i < count; i++) correct += classes[i] == lb_dataset_label(data, i);
    return correct;
}
