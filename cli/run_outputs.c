/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_outputs.h"

#include <stdlib.h>

#include "cli/interrupt.h"
#include "cli/npy.h"
#include "kernels/base/base.h"
#include "kernels/base/ctx.h"
#include "nn/dataset.h"
#include "nn/session.h"

enum { BATCH = 32 };

typedef struct work {
    const lb_net *net;
    const lb_net_about *about;
    lb_dataset data;
    lb_session *session;
    float *room;
    float *values; /* of `outputs`, which owns them */
    lb_npy outputs;
} work;

static lowbit_status run_all(work *w, lowbit_error *error) {
    for (int64_t first = 0, end; first < w->data.count; first = end) {
        lb_run_input input;
        end = lb_min(first + BATCH, w->data.count);
        LB_TRY(lb_dataset_input(&w->data, first, end - first, &w->about->pixels, w->net->graph.nodes[0].shape, w->room,
                                &input, error));
        LB_TRY(lb_session_run(w->session, &input, w->values + first * w->outputs.shape[1], NULL, NULL, error));
        lb_cli_progress("%s: %lld of %lld %s", w->about->model, (long long)end, (long long)w->data.count,
                        lb_dataset_things(&w->data));
        LB_REQUIRE(!lb_cli_interrupted(), error, LOWBIT_CANCELLED, "stopped");
    }
    return LOWBIT_OK;
}

static lowbit_status begin(work *w, const lowbit_ctx *ctx, lowbit_wisdom *wisdom, const lowbit_pool *pool,
                           lowbit_error *error) {
    const lb_graph *graph = &w->net->graph;
    const lb_node *last = &graph->nodes[graph->count - 1];
    const int64_t width = lb_shape_elements(last->shape), count = w->data.count;
    const lb_session_options options = {
        .batch = BATCH, .tokens = lb_dataset_tokens(&w->data, BATCH), .wisdom = wisdom, .pool = pool};
    LB_REQUIRE(!last->by_token, error, LOWBIT_UNSUPPORTED, "the network has outputs for every token");
    w->outputs = (lb_npy){.kind = 'f', .size = sizeof(float), .ndim = 2, .shape = {count, width}};
    w->outputs.count = count * width;
    w->values = malloc((size_t)w->outputs.count * sizeof *w->values);
    w->outputs.data = (uint8_t *)w->values;
    w->room = malloc((size_t)(BATCH * lb_shape_elements(graph->nodes[0].shape)) * sizeof *w->room);
    LB_REQUIRE(w->values && w->room, error, LOWBIT_NO_MEMORY, "no memory for %lld outputs",
               (long long)w->outputs.count);
    return lb_session_create(ctx, w->net, &options, &w->session, error);
}

static lowbit_status run(work *w, const lowbit_ctx *ctx, lowbit_wisdom *wisdom, const lowbit_pool *pool,
                         const char *data, const char *path, lowbit_error *error) {
    LB_TRY(lb_dataset_open_for(data, &w->net->graph, &w->about->pieces, &w->data, error));
    lowbit_status status = begin(w, ctx, wisdom, pool, error);
    if (status == LOWBIT_OK) status = run_all(w, error);
    lb_cli_progress_clear();
    if (status == LOWBIT_OK) status = lb_npy_write(path, &w->outputs, error);
    lb_session_destroy(w->session);
    lb_npy_free(&w->outputs);
    free(w->room);
    lb_dataset_close(&w->data);
    return status;
}

int lb_cli_run_outputs(const char *command, const lowbit_ctx *ctx, const lb_net *net, const lb_net_about *about,
                       lowbit_wisdom *wisdom, const char *data, const char *path) {
    work w = {.net = net, .about = about};
    lowbit_pool pool = LOWBIT_POOL_INIT;
    lowbit_error error = LOWBIT_ERROR_INIT;
    const lowbit_pool_options options = LOWBIT_POOL_OPTIONS_INIT;
    const uint32_t threads = ctx->machine.usable_threads;
    lb_cli_catch_interrupts();
    int code = lb_cli_pool(command, ctx, threads, &options, &pool);
    if (code == LB_EXIT_OK) {
        const lowbit_status status = run(&w, ctx, wisdom, threads > 1 ? &pool : NULL, data, path, &error);
        code = status == LOWBIT_OK          ? LB_EXIT_OK
               : status == LOWBIT_CANCELLED ? lb_cli_interrupt_exit(lb_cli_interrupted())
                                            : lb_cli_failed(command, status, &error);
    }
    lowbit_pool_destroy(&pool);
    return code;
}
