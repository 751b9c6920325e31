/* SPDX-License-Identifier: Apache-2.0 */
/* Which layer tolerates which format: each alone is quantized, all others stay floats. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/eval.h"
#include "cli/interrupt.h"
#include "kernels/base/base.h"
#include "kernels/base/ctx.h"
#include "lowbit/lowbit.h"
#include "nn/dataset.h"
#include "nn/predict.h"

enum { BATCH = 32 };

typedef struct study {
    const lb_eval *e;
    lowbit_ctx *ctx;
    lowbit_pool pool;
    uint32_t threads;
    lb_dataset data;
    int64_t count;
    double *answers;
    lb_word_list formats;
    json_t *rows;
} study;

static const lowbit_pool *pool_of(const study *s) { return s->threads > 1 ? &s->pool : NULL; }

static lowbit_status predict(study *s, const lb_net *net, const lb_net_about *about, lowbit_error *error) {
    const lb_session_options options = {
        .batch = BATCH, .tokens = lb_dataset_tokens(&s->data, BATCH), .pool = pool_of(s)};
    lb_session *session;
    LB_TRY(lb_session_create(s->ctx, net, &options, &session, error));
    const lb_predict p = {session, net, &s->data, &about->pixels, BATCH, s->count, NULL, NULL};
    const lowbit_status status = lb_predict_run(&p, s->answers, NULL, error);
    lb_session_destroy(session);
    return status;
}

/* One network, and a row for it. */
static int try_recipe(study *s, const char *recipe, const char *layer, const char *format) {
    lb_net net;
    lb_net_about about;
    lb_blocks texts = NULL;
    lowbit_error error = LOWBIT_ERROR_INIT;
    int code = lb_cli_pack(&s->e->model, s->ctx, recipe, pool_of(s), &net, &about, &texts);
    if (code != LB_EXIT_OK) return code;
    lb_cli_progress("%s: %s", layer, format);
    const lowbit_status status = predict(s, &net, &about, &error);
    lb_cli_progress_clear();
    if (status == LOWBIT_OK) {
        const int64_t correct = lb_predict_correct(&s->data, s->answers, s->count);
        json_array_append_new(s->rows, json_pack("{s:s, s:s, s:s, s:I, s:I, s:f, s:I}", "model", about.model, "layer",
                                                 layer, "format", format, "images", (json_int_t)s->count, "correct",
                                                 (json_int_t)correct, "accuracy", (double)correct / (double)s->count,
                                                 "payload_bytes", (json_int_t)lb_net_size(&net).payload_bytes));
    }
    lb_net_free(&net);
    lb_blocks_free(&texts);
    if (status != LOWBIT_OK) return lb_cli_failed(s->e->command, status, &error);
    return lb_cli_interrupted() ? lb_cli_interrupt_exit(lb_cli_interrupted()) : LB_EXIT_OK;
}

static int try_layer(study *s, const char *layer) {
    for (size_t f = 0; f < s->formats.count; f++) {
        char recipe[256];
        snprintf(recipe, sizeof recipe, "%.120s: %.100s", layer, s->formats.list[f]);
        const int code = try_recipe(s, recipe, layer, s->formats.list[f]);
        if (code != LB_EXIT_OK) return code;
    }
    return LB_EXIT_OK;
}

static int take_answers(study *s) {
    s->count = s->e->limit > 0 ? lb_min(s->e->limit, s->data.count) : s->data.count;
    s->answers = malloc((size_t)s->count * sizeof *s->answers);
    return s->answers ? LB_EXIT_OK : lb_cli_failed(s->e->command, LOWBIT_NO_MEMORY, NULL);
}

/* The words for parts of a transformer, as far as a graph has them. */
static int try_parts(study *s, const lb_graph *graph) {
    const char *word;
    int code = LB_EXIT_OK;
    for (size_t i = 0; code == LB_EXIT_OK && (word = lb_recipe_part(i)); i++)
        if (lb_recipe_has_part(graph, word)) code = try_layer(s, word);
    return code;
}

static int try_layers(study *s, const lb_graph *graph) {
    int code = LB_EXIT_OK;
    for (int64_t v = 0; v < graph->count && code == LB_EXIT_OK; v++)
        if (graph->nodes[v].op == LB_OP_CONV) code = try_layer(s, graph->nodes[v].name);
    return code;
}

/* Everything that the graph of the network in floats has. */
static int try_all(study *s) {
    lb_net net;
    lb_net_about about;
    lb_blocks texts = NULL;
    lowbit_error error = LOWBIT_ERROR_INIT;
    int code = lb_cli_pack(&s->e->model, s->ctx, "f32", pool_of(s), &net, &about, &texts);
    if (code != LB_EXIT_OK) return code;
    const lowbit_status status = lb_dataset_open_for(s->e->data, &net.graph, &about.pieces, &s->data, &error);
    code = status == LOWBIT_OK ? take_answers(s) : lb_cli_failed(s->e->command, status, &error);
    if (code == LB_EXIT_OK) code = try_recipe(s, "f32", "(none)", "f32");
    if (code == LB_EXIT_OK) code = (s->e->parts ? try_parts : try_layers)(s, &net.graph);
    lb_net_free(&net);
    lb_blocks_free(&texts);
    return code;
}

static int begin(study *s) {
    const lowbit_pool_options options = LOWBIT_POOL_OPTIONS_INIT;
    if (!lb_cli_words(s->e->sensitivity, &s->formats))
        return lb_cli_error(LB_EXIT_USAGE, s->e->command, "--sensitivity \"%s\" is no list", s->e->sensitivity);
    int code = lb_cli_context(s->e->command, s->e->isa, NULL, &s->ctx);
    if (code != LB_EXIT_OK) return code;
    s->threads = s->ctx->machine.usable_threads;
    return lb_cli_pool(s->e->command, s->ctx, s->threads, &options, &s->pool);
}

int lb_eval_sensitivity(const lb_eval *e, json_t *rows) {
    study s = {.e = e, .rows = rows, .pool = LOWBIT_POOL_INIT};
    lb_cli_catch_interrupts();
    int code = begin(&s);
    if (code == LB_EXIT_OK) code = try_all(&s);
    free(s.answers);
    lb_dataset_close(&s.data);
    lowbit_pool_destroy(&s.pool);
    lowbit_ctx_destroy(s.ctx);
    return code;
}

void lb_eval_print_sensitivity(const json_t *rows) {
    size_t i;
    json_t *row;
    const char *layer = "";
    json_array_foreach(rows, i, row) {
        const char *own = json_string_value(json_object_get(row, "layer"));
        if (strcmp(own, layer) != 0) printf("%s%-28s", i ? "\n" : "", lb_cli_layer(own, 28));
        layer = own;
        printf("  %s %.2f%%", json_string_value(json_object_get(row, "format")),
               100 * json_real_value(json_object_get(row, "accuracy")));
    }
    putchar('\n');
}
