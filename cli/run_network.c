/* SPDX-License-Identifier: Apache-2.0 */
/* `lowbit run`: what a network sees in pictures, or makes of texts. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/pack.h"
#include "cli/run_outputs.h"
#include "cli/wisdom.h"
#include "kernels/base/base.h"
#include "lowbit/lowbit.h"
#include "nn/dataset.h"
#include "nn/session.h"

static const char kCommand[] = "run";

enum { TOP = 5, SHOWN = 6 /* elements of an embedding */ };

typedef struct running {
    lb_cli_model model;
    const char *recipe, *isa, *wisdom, *json, *data, *npy;
    lowbit_ctx *ctx;
    lowbit_wisdom *decisions;
    lb_net net;
    lb_net_about about;
    lb_blocks memory;
    lb_session *session;
    lb_wordpiece tokenizer; /* of networks that take texts */
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

static void print_classes(const json_t *classes) {
    size_t i;
    json_t *one;
    json_array_foreach(classes, i, one)
        printf("    class %4lld  %6.2f%%\n", (long long)json_integer_value(json_object_get(one, "class")),
               100 * json_real_value(json_object_get(one, "probability")));
}

static void print_embedding(const json_t *embedding) {
    size_t i;
    json_t *x;
    printf("   ");
    json_array_foreach(embedding, i, x) if (i < SHOWN) printf(" %9.6f", json_real_value(x));
    printf("%s\n", json_array_size(embedding) > SHOWN ? " ..." : "");
}

static json_t *embedding_json(const running *r) {
    json_t *list = json_array();
    for (int64_t i = 0; i < r->outputs; i++) json_array_append_new(list, json_real((double)r->output[i]));
    return list;
}

/* What the network makes of an image or a text: an embedding, one number, or classes. */
static void tell(const running *r, const char *kind, const char *word) {
    json_t *result = json_pack("{s:s, s:s, s:o}", "model", r->about.model, "recipe", r->about.recipe, kind,
                               lb_cli_text_json(word, strlen(word)));
    const bool prints = !lb_cli_json_only(r->json);
    if (prints) printf("%s\n", word);
    if (lb_embeds(&r->net.graph)) {
        json_t *embedding = embedding_json(r);
        if (prints) print_embedding(embedding);
        json_object_set_new(result, "embedding", embedding);
    } else if (r->outputs == 1) {
        if (prints) printf("    score %.6g\n", (double)r->output[0]);
        json_object_set_new(result, "score", json_real((double)r->output[0]));
    } else {
        softmax(r->output, r->outputs);
        json_t *classes = classes_json(r);
        if (prints) print_classes(classes);
        json_object_set_new(result, "classes", classes);
    }
    json_array_append_new(r->results, result);
}

static lowbit_status look_at(const running *r, const char *path, lowbit_error *error) {
    LB_TRY(lb_picture_floats(path, &r->about.pixels, r->net.graph.nodes[0].shape, r->image, error));
    LB_TRY(lb_session_run(r->session, &(lb_run_input){r->image, 1, NULL}, r->output, NULL, NULL, error));
    tell(r, "image", path);
    return LOWBIT_OK;
}

/* A text, or two with a tab between them. */
static lowbit_status read_text(const running *r, const char *text, lowbit_error *error) {
    lb_text_set set;
    const char *tab = strchr(text, '\t');
    const lb_glue_row row = {.first = {text, tab ? (size_t)(tab - text) : strlen(text)},
                             .second = lb_text_of(tab ? tab + 1 : "")};
    LB_TRY(lb_text_set_of(&row, 1, &r->tokenizer, lb_longest_text(&r->net.graph), &set, error));
    const lb_run_input input = lb_text_set_input(&set, 0, 1);
    const lowbit_status status = lb_session_run(r->session, &input, r->output, NULL, NULL, error);
    lb_text_set_close(&set);
    if (status == LOWBIT_OK) tell(r, "text", text);
    return status;
}

static lowbit_status make_session(running *r, lowbit_error *error) {
    const lb_graph *graph = &r->net.graph;
    const lb_node *last = &graph->nodes[graph->count - 1];
    const lb_session_options options = {.batch = 1, .tokens = lb_longest_text(graph), .wisdom = r->decisions};
    LB_REQUIRE(!last->by_token, error, LOWBIT_UNSUPPORTED, "the network has outputs for every token");
    if (lb_takes_texts(graph)) LB_TRY(lb_pieces_tokenizer(&r->about.pieces, graph, &r->tokenizer, error));
    r->outputs = lb_shape_elements(last->shape);
    r->image = lb_blocks_take(&r->memory, (size_t)lb_shape_elements(graph->nodes[0].shape) * sizeof(float));
    r->output = lb_blocks_take(&r->memory, (size_t)r->outputs * sizeof(float));
    LB_REQUIRE(r->image && r->output, error, LOWBIT_NO_MEMORY, "no memory for an image");
    return lb_session_create(r->ctx, &r->net, &options, &r->session, error);
}

static int run_words(running *r, int count, char **words) {
    lowbit_error error = LOWBIT_ERROR_INIT;
    if (count == 0) return LB_EXIT_OK;
    lowbit_status status = make_session(r, &error);
    for (int i = 0; i < count && status == LOWBIT_OK; i++)
        status = (lb_takes_texts(&r->net.graph) ? read_text : look_at)(r, words[i], &error);
    return status == LOWBIT_OK ? LB_EXIT_OK : lb_cli_failed(kCommand, status, &error);
}

static int run_data(running *r) {
    return r->data ? lb_cli_run_outputs(kCommand, r->ctx, &r->net, &r->about, r->decisions, r->data, r->npy)
                   : LB_EXIT_OK;
}

static int run(running *r, int count, char **words) {
    if (count == 0 && !r->data) return lb_cli_error(LB_EXIT_USAGE, kCommand, "an image, a text or --data is missing");
    if (!r->data != !r->npy) return lb_cli_error(LB_EXIT_USAGE, kCommand, "--data and --npy go together");
    int code = lb_cli_context(kCommand, r->isa, NULL, &r->ctx);
    r->results = json_array();
    if (code == LB_EXIT_OK) code = lb_cli_wisdom_read(kCommand, r->wisdom, r->ctx, &r->decisions);
    if (code == LB_EXIT_OK) code = lb_cli_open(&r->model, r->ctx, r->recipe, &r->net, &r->about, &r->memory);
    if (code == LB_EXIT_OK) code = run_words(r, count, words);
    if (code == LB_EXIT_OK) code = run_data(r);
    if (code == LB_EXIT_OK && r->json)
        code = lb_cli_write_json(kCommand, r->json,
                                 json_pack("{s:o, s:O}", "run", lb_cli_run_json(), "results", r->results));
    lb_session_destroy(r->session);
    lb_wordpiece_close(&r->tokenizer);
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
        {"--data", "DATA", "all of a data set, as of `lowbit eval`, for --npy", LB_OPTION_TEXT, &r.data},
        {"--npy", "FILE", "the outputs for that data set: a matrix of floats", LB_OPTION_TEXT, &r.npy},
        LB_OPTION_MODEL(r.model),
        LB_OPTION_CPUS,
        LB_OPTION_ISA(&r.isa),
        LB_OPTION_WISDOM(&r.wisdom),
        LB_OPTION_JSON(&r.json),
    };
    const lb_syntax syntax = {.usage = "MODEL [IMAGE|TEXT]... [options]",
                              .text =
                                  "Classifies pictures, PNG or JPEG, or texts, two of which have a tab between them: "
                                  "the most probable classes of each. Of networks that have no classes: the "
                                  "embedding of each text.",
                              .options = table,
                              .option_count = sizeof table / sizeof table[0],
                              .min_words = 1,
                              .max_words = -1};
    int code;
    if (!lb_cli_parse(&argc, argv, &syntax, &code)) return code;
    r.model.model = argv[1];
    return run(&r, argc - 2, argv + 2);
}
