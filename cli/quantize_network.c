/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/quantize.h"

#include <stdio.h>
#include <string.h>

#include "kernels/base/base.h"
#include "lowbit/lowbit.h"
#include "nn/dataset.h"
#include "nn/errors.h"
#include "nn/net_json.h"

/* Images or texts that values are compared on, some at a time: all values of them are kept in floats. */
enum { THINGS = 64, BATCH = 8 };

/* The network by the recipe and in floats. */
typedef struct pair {
    const lb_quantize_network *q;
    lowbit_ctx *ctx;
    lb_net net, floats;
    lb_net_about about, about_floats;
    lb_blocks memory;
    lb_value_error *errors; /* [count] */
} pair;

/* ---- errors ---- */

static lowbit_status add_things(pair *p, const lb_dataset *data, lb_session *floats, lb_session *net, float *room,
                                lowbit_error *error) {
    const lb_graph *graph = &p->net.graph;
    const int64_t count = lb_min(THINGS, data->count);
    for (int64_t first = 0, n; first < count; first += n) {
        n = lb_min(BATCH, count - first);
        lb_run_input input;
        LB_TRY(lb_dataset_input(data, first, n, &p->about.pixels, graph->nodes[0].shape, room, &input, error));
        LB_TRY(lb_errors_add(floats, net, graph, &input, p->errors, error));
    }
    return LOWBIT_OK;
}

static lowbit_status compare_on(pair *p, const lb_dataset *data, lowbit_error *error) {
    const lb_graph *graph = &p->net.graph;
    const lb_session_options options = {.batch = BATCH, .tokens = lb_dataset_tokens(data, BATCH)};
    lb_session *floats = NULL, *net = NULL;
    float *room = lb_blocks_take(&p->memory, (size_t)(BATCH * lb_shape_elements(graph->nodes[0].shape)) * sizeof *room);
    p->errors = lb_blocks_take(&p->memory, (size_t)graph->count * sizeof *p->errors);
    LB_REQUIRE(room && p->errors, error, LOWBIT_NO_MEMORY, "no memory for errors");
    lowbit_status status = lb_session_create(p->ctx, &p->floats, &options, &floats, error);
    if (status == LOWBIT_OK) status = lb_session_create(p->ctx, &p->net, &options, &net, error);
    if (status == LOWBIT_OK) status = add_things(p, data, floats, net, room, error);
    lb_session_destroy(floats);
    lb_session_destroy(net);
    return status;
}

static lowbit_status compare(pair *p, lowbit_error *error) {
    lb_dataset data;
    LB_TRY(lb_dataset_open_for(p->q->model.calibrate, &p->net.graph, &p->about.pieces, &data, error));
    const lowbit_status status = compare_on(p, &data, error);
    lb_dataset_close(&data);
    return status;
}

/* ---- what is told ---- */

static json_t *layer_json(const pair *p, lb_value v) {
    const lb_node *node = &p->net.graph.nodes[v];
    char problem[192] = "";
    if (node->op == LB_OP_CONV) lowbit_conv2d_print(&p->net.layers[v].conv, problem, sizeof problem, NULL);
    json_t *layer = json_pack("{s:s, s:s, s:s}", "layer", node->name, "kind", lb_op_names[node->op], "conv", problem);
    if (p->errors && p->errors[v].count) {
        json_object_set_new(layer, "snr_db", json_real(lb_error_snr_db(&p->errors[v])));
        json_object_set_new(layer, "cosine", json_real(lb_error_cosine(&p->errors[v])));
    }
    return layer;
}

static json_t *layers_json(const pair *p) {
    json_t *list = json_array();
    for (lb_value v = 1; v < p->net.graph.count; v++)
        if (p->net.graph.nodes[v].op != LB_OP_NONE) json_array_append_new(list, layer_json(p, v));
    return list;
}

static json_t *result_json(const pair *p) {
    json_t *result = json_pack("{s:s, s:s, s:o, s:o}", "model", p->about.model, "recipe", p->about.recipe, "file",
                               lb_cli_text_json(p->q->out, strlen(p->q->out)), "layers", layers_json(p));
    lb_cli_add_sizes(&p->net, result);
    return result;
}

static void print_result(const json_t *result) {
    size_t i;
    json_t *layer;
    printf("%s: payload %lld bytes, scales %lld, tables %lld, the rest %lld\n",
           json_string_value(json_object_get(result, "model")),
           (long long)json_integer_value(json_object_get(result, "payload_bytes")),
           (long long)json_integer_value(json_object_get(result, "scale_bytes")),
           (long long)json_integer_value(json_object_get(result, "table_bytes")),
           (long long)json_integer_value(json_object_get(result, "rest_bytes")));
    printf("%-28s %-48s %8s %9s\n", "layer", "what", "SNR dB", "cosine");
    json_array_foreach(json_object_get(result, "layers"), i, layer) {
        const char *conv = json_string_value(json_object_get(layer, "conv"));
        const json_t *snr = json_object_get(layer, "snr_db");
        printf("%-28s %-48.48s ", lb_cli_layer(json_string_value(json_object_get(layer, "layer")), 28),
               conv[0] ? conv : json_string_value(json_object_get(layer, "kind")));
        if (snr)
            printf("%8.2f %9.6f\n", json_real_value(snr), json_real_value(json_object_get(layer, "cosine")));
        else
            printf("%8s %9s\n", "-", "-");
    }
}

static int tell(const pair *p) {
    json_t *result = result_json(p);
    int code = LB_EXIT_OK;
    if (!lb_cli_json_only(p->q->json)) print_result(result);
    if (p->q->json)
        code = lb_cli_write_json(p->q->model.command, p->q->json,
                                 json_pack("{s:o, s:[O]}", "run", lb_cli_run_json(), "results", result));
    json_decref(result);
    return code;
}

static int save_and_compare(pair *p) {
    lowbit_error error = LOWBIT_ERROR_INIT;
    lowbit_status status = lb_net_save(&p->net, &p->about, p->q->out, &error);
    if (status == LOWBIT_OK && p->q->model.calibrate) status = compare(p, &error);
    return status == LOWBIT_OK ? tell(p) : lb_cli_failed(p->q->model.command, status, &error);
}

int lb_cli_quantize_network(const lb_quantize_network *q) {
    pair p = {.q = q};
    int code = lb_cli_context(q->model.command, q->isa, NULL, &p.ctx);
    if (code == LB_EXIT_OK) code = lb_cli_pack(&q->model, p.ctx, q->recipe, NULL, &p.net, &p.about, &p.memory);
    if (code == LB_EXIT_OK && q->model.calibrate)
        code = lb_cli_pack(&q->model, p.ctx, "f32", NULL, &p.floats, &p.about_floats, &p.memory);
    if (code == LB_EXIT_OK) code = save_and_compare(&p);
    lb_net_free(&p.net);
    lb_net_free(&p.floats);
    lb_blocks_free(&p.memory);
    lowbit_ctx_destroy(p.ctx);
    return code;
}
