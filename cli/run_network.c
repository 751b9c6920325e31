/* SPDX-License-Identifier: Apache-2.0 */
/* `lowbit run`: what a network sees in pictures. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/pack.h"
#include "cli/wisdom.h"
#include "kernels/base/base.h"
#include "lowbit/lowbit.h"
#include "nn/dataset.h"
#include "nn/session.h"

static const char kCommand[] = "run";

enum { TOP = 5 };

typedef struct running {
    lb_cli_model model;
    const char *recipe, *isa, *wisdom, *json;
    lowbit_ctx *ctx;
    lowbit_wisdom *decisions;
    lb_net net;
    lb_net_about about;
    lb_blocks memory;
    lb_session *session;
    float *image, *output;
    int64_t outputs;
    json_t *results;
} running;

/* Logits to probabilities: exp(x - max) over the sum. */
static void softmax(float *x, int64_t count) {
    float most = x[0];
    double sum = 0;
    for (int64_t i = 1; i < count; i++) most = fmaxf(most, x[i]);
    for (int64_t i = 0; i < count; i++) sum += exp((double)(x[i] - most));
    for (int64_t i = 0; i < count; i++) x[i] = (float)(exp((double)(x[i] - most)) / sum);
}

/* The most probable classes, each taken out once it is told. */
static json_t *classes_json(const running *r) {
    json_t *list = json_array();
    for (int n = 0; n < TOP && n < r->outputs; n++) {
        int64_t at = 0;
        for (int64_t i = 1; i < r->outputs; i++)
            if (r->output[i] > r->output[at]) at = i;
        json_array_append_new(list,
                              json_pack("{s:I, s:f}", "class", (json_int_t)at, "probability", (double)r->output[at]));
        r->output[at] = -1;
    }
    return list;
}

static void print_classes(const char *path, const json_t *classes) {
    size_t i;
    json_t *one;
    printf("%s\n", path);
    json_array_foreach(classes, i, one)
        printf("    class %4lld  %6.2f%%\n", (long long)json_integer_value(json_object_get(one, "class")),
               100 * json_real_value(json_object_get(one, "probability")));
}

static lowbit_status look_at(const running *r, const char *path, lowbit_error *error) {
    LB_TRY(lb_picture_floats(path, &r->about.pixels, r->net.graph.nodes[0].shape, r->image, error));
    LB_TRY(lb_session_run(r->session, &(lb_run_input){r->image, 1, NULL}, r->output, NULL, NULL, error));
    softmax(r->output, r->outputs);
    json_t *classes = classes_json(r);
    if (!lb_cli_json_only(r->json)) print_classes(path, classes);
    json_array_append_new(r->results, json_pack("{s:s, s:s, s:s, s:o}", "model", r->about.model, "recipe",
                                                r->about.recipe, "image", path, "classes", classes));
    return LOWBIT_OK;
}

static lowbit_status make_session(running *r, lowbit_error *error) {
    const lb_graph *graph = &r->net.graph;
    const lb_session_options options = {.batch = 1, .wisdom = r->decisions};
    r->outputs = lb_shape_elements(graph->nodes[graph->count - 1].shape);
    r->image = lb_blocks_take(&r->memory, (size_t)lb_shape_elements(graph->nodes[0].shape) * sizeof(float));
    r->output = lb_blocks_take(&r->memory, (size_t)r->outputs * sizeof(float));
    LB_REQUIRE(r->image && r->output, error, LOWBIT_NO_MEMORY, "no memory for an image");
    return lb_session_create(r->ctx, &r->net, &options, &r->session, error);
}

static int look_at_all(running *r, int count, char **paths) {
    lowbit_error error = LOWBIT_ERROR_INIT;
    lowbit_status status = make_session(r, &error);
    for (int i = 0; i < count && status == LOWBIT_OK; i++) status = look_at(r, paths[i], &error);
    return status == LOWBIT_OK ? LB_EXIT_OK : lb_cli_failed(kCommand, status, &error);
}

static int run(running *r, int count, char **paths) {
    int code = lb_cli_context(kCommand, r->isa, NULL, &r->ctx);
    r->results = json_array();
    if (code == LB_EXIT_OK) code = lb_cli_wisdom_read(kCommand, r->wisdom, r->ctx, &r->decisions);
    if (code == LB_EXIT_OK) code = lb_cli_open(&r->model, r->ctx, r->recipe, &r->net, &r->about, &r->memory);
    if (code == LB_EXIT_OK) code = look_at_all(r, count, paths);
    if (code == LB_EXIT_OK && r->json)
        code = lb_cli_write_json(kCommand, r->json,
                                 json_pack("{s:o, s:O}", "run", lb_cli_run_json(), "results", r->results));
    lb_session_destroy(r->session);
    lb_net_free(&r->net);
    lb_blocks_free(&r->memory);
    lowbit_wisdom_destroy(r->decisions);
    lowbit_ctx_destroy(r->ctx);
    json_decref(r->results);
    return code;
}

int lb_cmd_run(int argc, char **argv) {
    running r = {.model.command = kCommand, .recipe = "f32"};
    const lb_option table[] = {
        {"--recipe", "RECIPE", "how a network in floats is quantized (default: f32)", LB_OPTION_TEXT, &r.recipe},
        LB_OPTION_MODEL(r.model),
        LB_OPTION_CPUS,
        LB_OPTION_ISA(&r.isa),
        LB_OPTION_WISDOM(&r.wisdom),
        LB_OPTION_JSON(&r.json),
    };
    const lb_syntax syntax = {.usage = "MODEL IMAGE... [options]",
                              .text = "Classifies pictures, PNG or JPEG: the most probable classes of each.",
                              .options = table,
                              .option_count = sizeof table / sizeof table[0],
                              .min_words = 2,
                              .max_words = -1};
    int code;
    if (!lb_cli_parse(&argc, argv, &syntax, &code)) return code;
    r.model.model = argv[1];
    return run(&r, argc - 2, argv + 2);
}
