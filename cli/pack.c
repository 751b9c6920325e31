/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pack.h"

#include <stdio.h>
#include <string.h>

#include "kernels/base/base.h"
#include "kernels/base/ctx.h"
#include "lowbit/lowbit.h"
#include "nn/dataset.h"
#include "nn/model.h"
#include "nn/pack_model.h"
#include "tuner/random.h"

enum { NOISE_TOKENS = 64 }; /* of a text of noise */

/* A network that is opened as often as it is asked for, and the images or texts that calibrate it. */
typedef struct packing {
    const lb_cli_model *model;
    char name[64];
    lb_model_input input;
    int64_t words, longest; /* of networks that take texts */
    lb_pieces pieces;
    lb_dataset data;
    int64_t at; /* the next image or text */
    lb_recipe recipe;
} packing;

static lowbit_status make_graph(void *user, lb_graph *graph, lowbit_error *error) {
    packing *p = user;
    const lb_cli_model *m = p->model;
    lb_opened opened;
    LB_TRY(m->random ? lb_model_make_up(m->model, &m->options, &opened, error)
                     : lb_model_open(m->model, &m->options, &opened, error));
    lb_graph_fuse(&opened.graph);
    memcpy(p->name, opened.name, sizeof p->name);
    p->input = opened.input;
    p->words = lb_words(&opened.graph);
    p->longest = lb_longest_text(&opened.graph);
    *graph = opened.graph; /* all that an opened model owns */
    return LOWBIT_OK;
}

static int64_t next_things(void *user, int64_t most, int64_t *lengths, float *data) {
    packing *p = user;
    lb_run_input input;
    int64_t tokens = 0;
    const int64_t count = lb_min(most, p->data.count - p->at);
    if (count <= 0) return 0;
    if (lb_dataset_input(&p->data, p->at, count, &p->input.pixels, p->input.shape, data, &input, NULL) != LOWBIT_OK)
        return 0;
    for (int64_t i = 0; lengths && i < count; i++) tokens += lengths[i] = input.lengths[i];
    if (tokens > 0) memcpy(data, input.data, (size_t)(tokens * lb_shape_elements(p->input.shape)) * sizeof *data);
    p->at += count;
    return count;
}

/* Noise, for networks whose weights are noise. */
static int64_t next_noise(void *user, int64_t most, int64_t *lengths, float *data) {
    packing *p = user;
    const uint64_t seed = (uint64_t)++p->at;
    if (lengths)
        lb_noise_texts(p->words, most, lb_min(p->longest, NOISE_TOKENS), seed, data, lengths);
    else
        lb_random_floats(data, most * lb_shape_elements(p->input.shape), seed);
    return most;
}

static lb_samples samples_of(packing *p) {
    const bool noise = p->model->random || p->model->noise;
    return (lb_samples){.next = p->model->calibrate ? next_things
                                : noise             ? next_noise
                                                    : NULL,
                        .user = p,
                        .longest = p->model->calibrate ? lb_dataset_tokens(&p->data, 1) : NOISE_TOKENS};
}

static bool is_native(const char *recipe) { return strcmp(recipe, "native") == 0; }

/* The recipe's text for the file: its normal form, or the word itself. */
static lowbit_status tell(const packing *p, const char *word, lb_blocks *texts, lb_net_about *about,
                          lowbit_error *error) {
    char *recipe = lb_blocks_take(texts, LB_RECIPE_TEXT), *name = lb_blocks_take(texts, sizeof p->name);
    LB_REQUIRE(recipe && name, error, LOWBIT_NO_MEMORY, "no memory for the text of a recipe");
    memcpy(name, p->name, sizeof p->name);
    *about = (lb_net_about){.model = name, .recipe = recipe, .pixels = p->input.pixels, .pieces = p->pieces};
    if (!is_native(word)) return lb_recipe_print(&p->recipe, recipe, LB_RECIPE_TEXT, error);
    snprintf(recipe, LB_RECIPE_TEXT, "%s", word);
    return LOWBIT_OK;
}

/* Of a network that takes texts. Without a vocabulary it can be packed and timed all the same. */
static lowbit_status find_pieces(packing *p, lb_blocks *texts, lowbit_error *error) {
    const lb_cli_model *m = p->model;
    lowbit_error why = LOWBIT_ERROR_INIT;
    if (p->words == 0 || p->pieces.text.length > 0 || (m->random && !m->vocab)) return LOWBIT_OK;
    const lowbit_status status = lb_pieces_read(m->model, m->vocab, texts, &p->pieces, &why);
    if (status == LOWBIT_OK || (status == LOWBIT_NOT_FOUND && !m->vocab)) return LOWBIT_OK;
    return lb_fail(error, status, "%s", why.message);
}

/* The network is opened once more, since what it takes says how the data are read. */
static lowbit_status open_data(packing *p, lb_blocks *texts, lowbit_error *error) {
    lb_graph graph;
    LB_TRY(make_graph(p, &graph, error));
    lowbit_status status = find_pieces(p, texts, error);
    if (status == LOWBIT_OK) status = lb_dataset_open_for(p->model->calibrate, &graph, &p->pieces, &p->data, error);
    lb_graph_free(&graph);
    return status;
}

static lowbit_status pack(packing *p, const lowbit_ctx *ctx, const char *recipe, const lowbit_pool *pool, lb_net *net,
                          lb_net_about *about, lb_blocks *texts, lowbit_error *error) {
    if (!is_native(recipe)) LB_TRY(lb_recipe_read(recipe, &p->recipe, error));
    if (p->model->calibrate) LB_TRY(open_data(p, texts, error));
    const lb_pack_model model = {.make = make_graph,
                                 .user = p,
                                 .recipe = is_native(recipe) ? NULL : &p->recipe,
                                 .samples = samples_of(p),
                                 .pool = pool};
    LB_TRY(lb_pack_model_run(ctx, &model, net, error));
    lowbit_status status = find_pieces(p, texts, error);
    if (status == LOWBIT_OK) status = tell(p, recipe, texts, about, error);
    if (status != LOWBIT_OK) lb_net_free(net);
    return status;
}

int lb_cli_pack(const lb_cli_model *model, const lowbit_ctx *ctx, const char *recipe, const lowbit_pool *pool,
                lb_net *net, lb_net_about *about, lb_blocks *texts) {
    packing p = {.model = model};
    lowbit_error error = LOWBIT_ERROR_INIT;
    if (!model->random && lb_cli_is_packed(model->model))
        return lb_cli_error(LB_EXIT_FAILED, model->command, "%s is packed already: recipes are for networks in floats",
                            model->model);
    lb_cli_progress("packing %s by %s", model->model, recipe);
    const lowbit_status status = pack(&p, ctx, recipe, pool, net, about, texts, &error);
    lb_cli_progress_clear();
    lb_dataset_close(&p.data);
    return status == LOWBIT_OK ? LB_EXIT_OK : lb_cli_failed(model->command, status, &error);
}

/* Packs with all threads of the machine. */
static int pack_all(const lb_cli_model *model, const lowbit_ctx *ctx, const char *recipe, lb_net *net,
                    lb_net_about *about, lb_blocks *texts) {
    lowbit_pool pool = LOWBIT_POOL_INIT;
    const lowbit_pool_options options = LOWBIT_POOL_OPTIONS_INIT;
    const uint32_t threads = ctx->machine.usable_threads;
    int code = lb_cli_pool(model->command, ctx, threads, &options, &pool);
    if (code == LB_EXIT_OK) code = lb_cli_pack(model, ctx, recipe, threads > 1 ? &pool : NULL, net, about, texts);
    lowbit_pool_destroy(&pool);
    return code;
}

int lb_cli_pack_file(const lb_cli_model *model, const char *isa, const char *recipe, const char *path) {
    lowbit_ctx *ctx = NULL;
    lb_blocks texts = NULL;
    lb_net net = {0};
    lb_net_about about;
    lowbit_error error = LOWBIT_ERROR_INIT;
    int code = lb_cli_context(model->command, isa, NULL, &ctx);
    if (code == LB_EXIT_OK) code = pack_all(model, ctx, recipe, &net, &about, &texts);
    if (code == LB_EXIT_OK) {
        const lowbit_status status = lb_net_save(&net, &about, path, &error);
        if (status != LOWBIT_OK) code = lb_cli_failed(model->command, status, &error);
    }
    lb_net_free(&net);
    lb_blocks_free(&texts);
    lowbit_ctx_destroy(ctx);
    return code;
}

void lb_cli_add_sizes(const lb_net *net, json_t *row) {
    const lb_net_sizes sizes = lb_net_size(net);
    json_object_set_new(row, "payload_bytes", json_integer(sizes.payload_bytes));
    json_object_set_new(row, "scale_bytes", json_integer(sizes.scale_bytes));
    json_object_set_new(row, "table_bytes", json_integer(sizes.table_bytes));
    json_object_set_new(row, "rest_bytes", json_integer(sizes.rest_bytes));
}

const char *lb_cli_layer(const char *name, size_t width) {
    const size_t length = strlen(name);
    return name + (length > width ? length - width : 0);
}

bool lb_cli_is_packed(const char *path) {
    lb_safetensors file;
    if (lb_safetensors_open(path, &file, NULL) != LOWBIT_OK) return false;
    const bool packed = lb_net_is_packed(&file);
    lb_safetensors_close(&file);
    return packed;
}

int lb_cli_open(const lb_cli_model *model, const lowbit_ctx *ctx, const char *recipe, lb_net *net, lb_net_about *about,
                lb_blocks *texts) {
    lowbit_error error = LOWBIT_ERROR_INIT;
    if (model->random || !lb_cli_is_packed(model->model)) return pack_all(model, ctx, recipe, net, about, texts);
    const lowbit_status status = lb_net_open(model->model, LOWBIT_OPEN_VERIFY, net, about, &error);
    return status == LOWBIT_OK ? LB_EXIT_OK : lb_cli_failed(model->command, status, &error);
}
