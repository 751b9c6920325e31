/* SPDX-License-Identifier: Apache-2.0 */
/* A packed network over a data set: one row for each batch and number of threads. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/eval.h"
#include "cli/interrupt.h"
#include "cli/network_limit.h"
#include "cli/wisdom.h"
#include "kernels/base/base.h"
#include "lowbit/lowbit.h"
#include "nn/net_file.h"
#include "nn/predict.h"
#include "tuner/stats.h"

typedef struct evaluation {
    const lb_eval *e;
    lowbit_ctx *ctx;
    lowbit_wisdom *wisdom;
    lb_limits *limits;
    lowbit_pool pool;
    lb_net net;
    lb_net_about about;
    lb_dataset data;
    int64_t file_bytes, count;
    double *answers, *seconds;
} evaluation;

static int tell(void *user, int64_t done, int64_t all) {
    const evaluation *v = user;
    lb_cli_progress("%s: %lld of %lld %s", v->about.model, (long long)done, (long long)all,
                    lb_dataset_things(&v->data));
    return lb_cli_interrupted();
}

static json_t *predictions_json(const evaluation *v) {
    json_t *list = json_array();
    for (int64_t i = 0; i < v->count; i++)
        json_array_append_new(list,
                              v->data.classes > 0 ? json_integer((json_int_t)v->answers[i]) : json_real(v->answers[i]));
    return list;
}

/* What the data are judged by; null for a correlation that is none. */
static json_t *metrics_json(const evaluation *v) {
    const lb_metric *metrics[LB_GLUE_METRICS];
    const int count = lb_dataset_metrics(&v->data, metrics);
    json_t *object = json_object();
    for (int i = 0; i < count; i++) {
        double value = 0;
        const bool known = lb_predict_metric(&v->data, metrics[i], v->answers, v->count, &value, NULL) == LOWBIT_OK;
        json_object_set_new(object, metrics[i]->name, known && isfinite(value) ? json_real(value) : json_null());
    }
    return object;
}

/* How right it is: numbers that are no classes are never simply right. */
static void add_answers(const evaluation *v, json_t *row) {
    const int64_t correct = lb_predict_correct(&v->data, v->answers, v->count);
    const bool classes = v->data.classes > 0;
    json_object_set_new(row, "correct", classes ? json_integer(correct) : json_null());
    json_object_set_new(row, "accuracy", classes ? json_real((double)correct / (double)v->count) : json_null());
    json_object_set_new(row, "metrics", metrics_json(v));
}

static void add_sizes(const evaluation *v, const lb_session *session, json_t *row) {
    lb_cli_add_sizes(&v->net, row);
    json_object_set_new(row, "file_bytes", json_integer(v->file_bytes));
    json_object_set_new(row, "session_bytes", json_integer(lb_session_bytes(session)));
    json_object_set_new(row, "peak_rss_bytes", json_integer((json_int_t)lb_peak_rss()));
}

static json_t *row_json(evaluation *v, const lb_session *session, int64_t batch, uint32_t threads) {
    const int64_t runs = lb_max(1, v->count / batch), things = lb_min(batch, v->count);
    const double tokens = lb_dataset_mean_tokens(&v->data, v->count) * (double)things;
    lb_sample times;
    lb_summarize(v->seconds, (size_t)runs, &times); /* of full batches: the last one may be short */
    const double p50 = times.median_s * 1e6;
    json_t *row = json_pack("{s:s, s:s, s:I, s:n, s:f, s:f, s:I, s:I, s:f}", "model", v->about.model, "recipe",
                            v->about.recipe, "images", (json_int_t)v->count, "agreement", "p50_us", p50, "p95_us",
                            lb_quantile(v->seconds, (size_t)runs, 0.95) * 1e6, "batch", (json_int_t)batch, "threads",
                            (json_int_t)threads, "gops", 2e-3 * lb_run_macs(&v->net, things, tokens) / p50);
    add_answers(v, row);
    add_sizes(v, session, row);
    /* Behind everything else: to measure a limit takes memory. */
    const double limit_s =
        lb_network_limit_s(v->limits, &v->net, session, things, tokens, threads > 1 ? &v->pool : NULL);
    json_object_set_new(row, "share", json_real(limit_s * 1e6 / p50));
    if (v->e->predictions) json_object_set_new(row, "predictions", predictions_json(v));
    return row;
}

static lowbit_status evaluate(evaluation *v, int64_t batch, uint32_t threads, json_t *rows, lowbit_error *error) {
    const lowbit_pool *pool = threads > 1 ? &v->pool : NULL;
    const lb_session_options options = {
        .batch = batch, .tokens = lb_dataset_tokens(&v->data, batch), .wisdom = v->wisdom, .pool = pool};
    lb_session *session;
    lb_peak_rss_reset();
    LB_TRY(lb_session_create(v->ctx, &v->net, &options, &session, error));
    const lb_predict predict = {session, &v->net, &v->data, &v->about.pixels, batch, v->count, tell, v};
    const lowbit_status status = lb_predict_run(&predict, v->answers, v->seconds, error);
    lb_cli_progress_clear();
    if (status == LOWBIT_OK) json_array_append_new(rows, row_json(v, session, batch, threads));
    lb_session_destroy(session);
    return status;
}

static int evaluate_all(evaluation *v, json_t *rows) {
    lb_thread_list threads;
    lowbit_error error = LOWBIT_ERROR_INIT;
    if (!lb_cli_threads(v->e->threads, v->ctx, &threads))
        return lb_cli_error(LB_EXIT_USAGE, v->e->command, "--threads \"%s\" is no list of thread counts",
                            v->e->threads);
    for (size_t t = 0; t < threads.count; t++) {
        const lowbit_pool_options options = LOWBIT_POOL_OPTIONS_INIT;
        const int code = lb_cli_pool(v->e->command, v->ctx, threads.threads[t], &options, &v->pool);
        if (code != LB_EXIT_OK) return code;
        for (size_t b = 0; b < v->e->batch_count; b++) {
            const lowbit_status status = evaluate(v, v->e->batch_list[b], threads.threads[t], rows, &error);
            if (status == LOWBIT_CANCELLED) return lb_cli_interrupt_exit(lb_cli_interrupted());
            if (status != LOWBIT_OK) return lb_cli_failed(v->e->command, status, &error);
        }
    }
    return LB_EXIT_OK;
}

static lowbit_status open_all(evaluation *v, const char *path, lowbit_error *error) {
    struct stat about;
    LB_TRY(lb_limits_create(v->ctx, 0.05, &v->limits, error));
    if (v->wisdom) LB_TRY(lb_limits_keep(v->limits, v->wisdom, true, error));
    LB_TRY(lb_net_open(path, LOWBIT_OPEN_VERIFY, &v->net, &v->about, error));
    v->file_bytes = stat(path, &about) == 0 ? (int64_t)about.st_size : 0;
    LB_TRY(lb_dataset_open_for(v->e->data, &v->net.graph, &v->about.pieces, &v->data, error));
    v->count = v->e->limit > 0 ? lb_min(v->e->limit, v->data.count) : v->data.count;
    v->answers = malloc((size_t)v->count * sizeof *v->answers);
    v->seconds = malloc((size_t)v->count * sizeof *v->seconds);
    LB_REQUIRE(v->answers && v->seconds, error, LOWBIT_NO_MEMORY, "no memory for %lld answers", (long long)v->count);
    return LOWBIT_OK;
}

int lb_eval_packed(const lb_eval *e, const char *path, json_t *rows) {
    evaluation v = {.e = e, .pool = LOWBIT_POOL_INIT};
    lowbit_error error = LOWBIT_ERROR_INIT;
    lb_cli_catch_interrupts();
    int code = lb_cli_context(e->command, e->isa, NULL, &v.ctx);
    if (code == LB_EXIT_OK) code = lb_cli_wisdom_read(e->command, e->wisdom, v.ctx, &v.wisdom);
    if (code == LB_EXIT_OK) {
        const lowbit_status status = open_all(&v, path, &error);
        code = status == LOWBIT_OK ? evaluate_all(&v, rows) : lb_cli_failed(e->command, status, &error);
    }
    lowbit_pool_destroy(&v.pool);
    lb_limits_destroy(v.limits);
    lb_dataset_close(&v.data);
    lb_net_free(&v.net);
    lowbit_wisdom_destroy(v.wisdom);
    lowbit_ctx_destroy(v.ctx);
    free(v.answers);
    free(v.seconds);
    return code;
}
