/* SPDX-License-Identifier: Apache-2.0 */
/* `lowbit bench network`: how long a network takes, recipe by recipe, and where. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/measure.h"
#include "cli/pack.h"
#include "cli/state.h"
#include "cli/wisdom.h"
#include "kernels/base/base.h"
#include "lowbit/lowbit.h"
#include "nn/net_json.h"
#include "nn/session.h"
#include "nn/text_input.h"
#include "tuner/random.h"

static const char kCommand[] = "bench network";

typedef struct bench {
    lb_cli_model model;
    const char *recipes, *batches, *threads, *isa, *wisdom, *json;
    double budget_s;
    int64_t length; /* tokens of each text */
    bool layers;
    lowbit_ctx *ctx;
    lowbit_wisdom *decisions;
    lowbit_pool pool;
    json_t *results;
    /* what is being timed */
    lb_net net;
    lb_net_about about;
    const char *recipe;
    lb_session *session;
    float *images, *output; /* or texts, */
    int64_t *lengths;       /* whose lengths these are; else NULL */
    double open_s;          /* of a packed network */
    int64_t batch;
    uint32_t thread_count;
    lowbit_status status;
    lowbit_error error;
} bench;

static void run_once(void *arg, size_t reps) {
    bench *b = arg;
    const lb_run_input input = {b->images, b->batch, b->lengths};
    for (size_t i = 0; i < reps && b->status == LOWBIT_OK; i++)
        b->status = lb_session_run(b->session, &input, b->output, NULL, NULL, &b->error);
}

/* ---- layers ---- */

/* Seconds of each value, from when the one before was done, of the fastest of some runs. */
typedef struct layers {
    double *best, *now, last;
    int64_t count;
} layers;

static void note(void *user, lb_value v, const lb_buffer *value, int64_t batch) {
    (void)value, (void)batch;
    layers *l = user;
    const double now = lb_clock_seconds(&lb_monotonic_clock);
    l->now[v] = now - l->last;
    l->last = now;
}

static void time_layers(bench *b, layers *l) {
    enum { RUNS = 20 };
    const lb_run_input input = {b->images, b->batch, b->lengths};
    for (int run = 0; run < RUNS; run++) {
        l->last = lb_clock_seconds(&lb_monotonic_clock);
        b->status = lb_session_run(b->session, &input, b->output, note, l, &b->error);
        for (int64_t v = 1; v < l->count; v++)
            if (run == 0 || l->now[v] < l->best[v]) l->best[v] = l->now[v];
    }
}

static json_t *layer_json(const bench *b, const layers *l, int64_t step) {
    lb_value v;
    lowbit_plan_info info = {.struct_size = sizeof info};
    char problem[192] = "";
    lowbit_error error = LOWBIT_ERROR_INIT;
    if (lb_session_describe(b->session, step, &v, &info, &error) != LOWBIT_OK || v == LB_NO_VALUE) return NULL;
    const lb_node *node = &b->net.graph.nodes[v];
    if (node->op == LB_OP_CONV) {
        lowbit_conv2d conv = b->net.layers[v].conv;
        conv.batch = b->batch;
        lowbit_conv2d_print(&conv, problem, sizeof problem, NULL);
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:f}", "layer", node->name, "kind", lb_op_names[node->op], "conv", problem,
                     "kernel", info.kernel, "us", l->best[v] * 1e6);
}

static json_t *layers_json(bench *b) {
    const size_t count = (size_t)b->net.graph.count;
    layers l = {calloc(count, sizeof(double)), calloc(count, sizeof(double)), 0, (int64_t)count};
    json_t *list = json_array();
    if (l.best && l.now) {
        time_layers(b, &l);
        for (int64_t i = 0; i < lb_session_steps(b->session); i++) {
            json_t *layer = layer_json(b, &l, i);
            if (layer) json_array_append_new(list, layer);
        }
    }
    free(l.best);
    free(l.now);
    return list;
}

static void print_layers(const json_t *list) {
    size_t i;
    json_t *layer;
    json_array_foreach(list, i, layer) {
        const char *conv = json_string_value(json_object_get(layer, "conv"));
        printf("    %-24s %9.1f us  %-40.40s %s\n",
               lb_cli_layer(json_string_value(json_object_get(layer, "layer")), 24),
               json_real_value(json_object_get(layer, "us")),
               conv[0] ? conv : json_string_value(json_object_get(layer, "kind")),
               json_string_value(json_object_get(layer, "kernel")));
    }
}

/* ---- rows ---- */

static json_t *samples_json(const double *samples, size_t count) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) json_array_append_new(list, json_real(samples[i] * 1e6));
    return list;
}

static json_t *row_json(const bench *b, const lb_sample *time, const double *samples) {
    const double operations = 2 * lb_run_macs(&b->net, b->batch, (double)(b->batch * b->length));
    json_t *row =
        json_pack("{s:s, s:s, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:I, s:o}", "model", b->about.model, "format",
                  b->recipe, "batch", (json_int_t)b->batch, "threads", (json_int_t)b->thread_count, "p50_us",
                  time->median_s * 1e6, "min_us", time->min_s * 1e6, "p10_us", time->p10_s * 1e6, "p90_us",
                  time->p90_s * 1e6, "gops", operations / time->median_s * 1e-9, "session_bytes",
                  (json_int_t)lb_session_bytes(b->session), "samples_us", samples_json(samples, time->samples));
    lb_cli_add_sizes(&b->net, row);
    return row;
}

static int time_session(bench *b) {
    double *samples = malloc(LB_MAX_SAMPLES * sizeof *samples);
    lb_measure_options options = LB_MEASURE_DEFAULTS(b->budget_s);
    lb_sample time;
    if (!samples) return lb_cli_failed(kCommand, LOWBIT_NO_MEMORY, NULL);
    options.samples = samples;
    b->status = LOWBIT_OK;
    b->error = (lowbit_error)LOWBIT_ERROR_INIT;
    lb_measure_with(&options, run_once, b, &time);
    json_t *row = row_json(b, &time, samples);
    free(samples);
    if (b->layers) json_object_set_new(row, "layers", layers_json(b));
    if (b->open_s > 0) json_object_set_new(row, "open_us", json_real(b->open_s * 1e6));
    json_array_append_new(b->results, row);
    if (b->status != LOWBIT_OK) return lb_cli_failed(kCommand, b->status, &b->error);
    if (lb_cli_json_only(b->json)) return LB_EXIT_OK;
    printf("%-20.20s %-24.24s %5lld %3u %11.1f %11.1f %8.1f %10.1fK\n", b->about.model, b->recipe, (long long)b->batch,
           b->thread_count, time.median_s * 1e6, time.min_s * 1e6, json_real_value(json_object_get(row, "gops")),
           (double)json_integer_value(json_object_get(row, "payload_bytes")) / 1024);
    if (b->layers) print_layers(json_object_get(row, "layers"));
    fflush(stdout);
    return LB_EXIT_OK;
}

/* Noise: images, or texts of the length that is asked for. */
static lowbit_status take_buffers(bench *b, lowbit_error *error) {
    const lb_graph *graph = &b->net.graph;
    const bool texts = lb_takes_texts(graph);
    const int64_t rows = texts ? b->batch * b->length : b->batch;
    const int64_t in = rows * lb_shape_elements(graph->nodes[0].shape);
    const int64_t out = rows * lb_shape_elements(graph->nodes[graph->count - 1].shape);
    LB_REQUIRE(!texts || (b->length >= 1 && b->length <= lb_longest_text(graph)), error, LOWBIT_INVALID_ARGUMENT,
               "texts of %lld tokens, where the network takes 1 to %lld", (long long)b->length,
               (long long)lb_longest_text(graph));
    b->images = malloc((size_t)in * sizeof *b->images);
    b->output = malloc((size_t)out * sizeof *b->output);
    b->lengths = texts ? malloc((size_t)b->batch * sizeof *b->lengths) : NULL;
    LB_REQUIRE(b->images && b->output && (b->lengths || !texts), error, LOWBIT_NO_MEMORY,
               "no memory for a batch of %lld", (long long)b->batch);
    if (texts)
        lb_noise_texts(lb_words(graph), b->batch, b->length, 1, b->images, b->lengths);
    else
        lb_random_floats(b->images, in, 1);
    return LOWBIT_OK;
}

static lowbit_status make_session(bench *b, lowbit_error *error) {
    const lowbit_pool *pool = b->thread_count > 1 ? &b->pool : NULL;
    const lb_session_options options = {
        .batch = b->batch, .tokens = b->batch * b->length, .wisdom = b->decisions, .pool = pool};
    LB_TRY(take_buffers(b, error));
    return lb_session_create(b->ctx, &b->net, &options, &b->session, error);
}

static int time_batch(bench *b, int64_t batch) {
    lowbit_error error = LOWBIT_ERROR_INIT;
    b->batch = batch;
    b->session = NULL;
    const lowbit_status status = make_session(b, &error);
    const int code = status == LOWBIT_OK ? time_session(b) : lb_cli_failed(kCommand, status, &error);
    lb_session_destroy(b->session);
    free(b->images);
    free(b->output);
    free(b->lengths);
    b->images = b->output = NULL;
    b->lengths = NULL;
    return code;
}

static int time_threads(bench *b, uint32_t threads, const lb_word_list *batches) {
    const lowbit_pool_options options = LOWBIT_POOL_OPTIONS_INIT;
    int code = lb_cli_pool(kCommand, b->ctx, threads, &options, &b->pool);
    b->thread_count = threads;
    for (size_t i = 0; i < batches->count && code == LB_EXIT_OK; i++) {
        int64_t batch;
        if (!lb_cli_size(batches->list[i], &batch) || batch < 1)
            return lb_cli_error(LB_EXIT_USAGE, kCommand, "--batch: \"%s\" is no number of images or texts",
                                batches->list[i]);
        code = time_batch(b, batch);
    }
    return code;
}

static int time_recipe(bench *b, const lb_thread_list *threads, const lb_word_list *batches) {
    lb_blocks texts = NULL;
    int code = lb_cli_pack(&b->model, b->ctx, b->recipe, NULL, &b->net, &b->about, &texts);
    for (size_t t = 0; t < threads->count && code == LB_EXIT_OK; t++)
        code = time_threads(b, threads->threads[t], batches);
    lb_net_free(&b->net);
    lb_blocks_free(&texts);
    return code;
}

/* A packed network: how long it takes until it is there, its weights unread, too. */
static int time_packed(bench *b, const lb_thread_list *threads, const lb_word_list *batches) {
    lowbit_error error = LOWBIT_ERROR_INIT;
    const double start = lb_clock_seconds(&lb_monotonic_clock);
    const lowbit_status status = lb_net_open(b->model.model, 0, &b->net, &b->about, &error);
    b->open_s = lb_clock_seconds(&lb_monotonic_clock) - start;
    int code = status == LOWBIT_OK ? LB_EXIT_OK : lb_cli_failed(kCommand, status, &error);
    b->recipe = "packed";
    for (size_t t = 0; t < threads->count && code == LB_EXIT_OK; t++)
        code = time_threads(b, threads->threads[t], batches);
    lb_net_free(&b->net);
    return code;
}

static int time_all(bench *b) {
    lb_word_list recipes, batches;
    lb_thread_list threads;
    if (!lb_cli_words(b->recipes, &recipes) || !lb_cli_words(b->batches, &batches) ||
        !lb_cli_threads(b->threads, b->ctx, &threads))
        return lb_cli_error(LB_EXIT_USAGE, kCommand, "--recipe, --batch or --threads is no list");
    if (!lb_cli_json_only(b->json))
        printf("%-20s %-24s %5s %3s %11s %11s %8s %11s\n", "model", "recipe", "batch", "th", "p50 us", "min us",
               "GOP/s", "payload");
    if (!b->model.random && lb_cli_is_packed(b->model.model)) return time_packed(b, &threads, &batches);
    for (size_t i = 0; i < recipes.count; i++) {
        b->recipe = recipes.list[i];
        const int code = time_recipe(b, &threads, &batches);
        if (code != LB_EXIT_OK) return code;
    }
    return LB_EXIT_OK;
}

static int run(bench *b) {
    int code = lb_cli_context(kCommand, b->isa, NULL, &b->ctx);
    b->results = json_array();
    if (code == LB_EXIT_OK) code = lb_cli_wisdom_read(kCommand, b->wisdom, b->ctx, &b->decisions);
    if (code == LB_EXIT_OK) {
        lb_cli_state_warn(kCommand, b->ctx);
        code = time_all(b);
    }
    if (code == LB_EXIT_OK && b->json)
        code = lb_cli_write_json(kCommand, b->json,
                                 json_pack("{s:o, s:o, s:O}", "machine", lb_cli_machine_json(b->ctx), "run",
                                           lb_cli_run_json(), "results", b->results));
    lowbit_pool_destroy(&b->pool);
    lowbit_wisdom_destroy(b->decisions);
    lowbit_ctx_destroy(b->ctx);
    json_decref(b->results);
    return code;
}

int lb_cmd_bench_network(int argc, char **argv) {
    bench b = {.model.command = kCommand,
               .model.noise = true,
               .recipes = "f32,w8a8",
               .batches = "1",
               .threads = "1",
               .budget_s = 1,
               .length = 128,
               .pool = LOWBIT_POOL_INIT};
    const lb_option table[] = {
        {"--recipe", "LIST", "recipes, as w8a8,ternary (default: f32,w8a8)", LB_OPTION_TEXT, &b.recipes},
        LB_OPTION_MODEL(b.model),
        {"--batch", "LIST", "images or texts of a run (default: 1)", LB_OPTION_TEXT, &b.batches},
        {"--length", "N", "tokens of each text (default: 128)", LB_OPTION_COUNT, &b.length},
        {"--threads", "LIST", "thread counts, as 1,2,all (default: 1)", LB_OPTION_TEXT, &b.threads},
        {"--time", "S", "seconds of samples for each row (default: 1)", LB_OPTION_SECONDS, &b.budget_s},
        {"--layers", NULL, "the time of every layer", LB_OPTION_FLAG, &b.layers},
        LB_OPTION_CPUS,
        LB_OPTION_ISA(&b.isa),
        LB_OPTION_WISDOM(&b.wisdom),
        LB_OPTION_JSON(&b.json),
    };
    const lb_syntax syntax = {.usage = "MODEL [--recipe LIST] [options]",
                              .text = "Times whole networks on images of noise, or on texts of made-up tokens.",
                              .options = table,
                              .option_count = sizeof table / sizeof table[0],
                              .min_words = 1,
                              .max_words = 1};
    int code;
    if (!lb_cli_parse(&argc, argv, &syntax, &code)) return code;
    b.model.model = argv[1];
    return run(&b);
}
