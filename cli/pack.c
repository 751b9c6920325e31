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

/* A network that is opened as often as it is asked for, and the images that calibrate it. */
typedef struct packing {
    const lb_cli_model *model;
    char name[64];
    lb_model_input input;
    lb_dataset data;
    int64_t at; /* the next image */
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
    *graph = opened.graph; /* all that an opened model owns */
    return LOWBIT_OK;
}

static int64_t next_images(void *user, int64_t most, int64_t *lengths, float *images) {
    (void)lengths;
    packing *p = user;
    const int64_t count = lb_min(most, p->data.count - p->at);
    if (count <= 0) return 0;
    if (lb_dataset_floats(&p->data, p->at, count, &p->input.pixels, p->input.shape, images, NULL) != LOWBIT_OK)
        return 0;
    p->at += count;
    return count;
}

/* Images of noise, for networks whose weights are noise. */
static int64_t next_noise(void *user, int64_t most, int64_t *lengths, float *images) {
    (void)lengths;
    packing *p = user;
    lb_random_floats(images, most * lb_shape_elements(p->input.shape), (uint64_t)++p->at);
    return most;
}

static lb_samples samples_of(packing *p) {
    const bool noise = p->model->random || p->model->noise;
    return (lb_samples){.next = p->model->calibrate ? next_images : noise ? next_noise : NULL, .user = p};
}

static bool is_native(const char *recipe) { return strcmp(recipe, "native") == 0; }

/* The recipe's text for the file: its normal form, or the word itself. */
static lowbit_status tell(const packing *p, const char *word, lb_blocks *texts, lb_net_about *about,
                          lowbit_error *error) {
    char *recipe = lb_blocks_take(texts, LB_RECIPE_TEXT), *name = lb_blocks_take(texts, sizeof p->name);
    LB_REQUIRE(recipe && name, error, LOWBIT_NO_MEMORY, "no memory for the text of a recipe");
    memcpy(name, p->name, sizeof p->name);
    *about = (lb_net_about){.model = name, .recipe = recipe, .pixels = p->input.pixels};
    if (!is_native(word)) return lb_recipe_print(&p->recipe, recipe, LB_RECIPE_TEXT, error);
    snprintf(recipe, LB_RECIPE_TEXT, "%s", word);
    return LOWBIT_OK;
}

static lowbit_status pack(packing *p, const lowbit_ctx *ctx, const char *recipe, const lowbit_pool *pool, lb_net *net,
                          lb_net_about *about, lb_blocks *texts, lowbit_error *error) {
    const lb_cli_model *m = p->model;
    if (!is_native(recipe)) LB_TRY(lb_recipe_read(recipe, &p->recipe, error));
    if (m->calibrate) LB_TRY(lb_dataset_open(m->calibrate, 0, &p->data, error));
    const lb_pack_model model = {.make = make_graph,
                                 .user = p,
                                 .recipe = is_native(recipe) ? NULL : &p->recipe,
                                 .samples = samples_of(p),
                                 .pool = pool};
    LB_TRY(lb_pack_model_run(ctx, &model, net, error));
    const lowbit_status status = tell(p, recipe, texts, about, error);
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
