/* SPDX-License-Identifier: Apache-2.0 */
/* Transformers of the data folder: their reference's outputs, hidden values among them, and those that were trained as
 * right as they are said to be, on all public images. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"
#include "lowbit/lowbit.h"
#include "nn/model.h"
#include "nn/pack_model.h"
#include "nn/predict.h"
#include "tests/check.h"
#include "tests/nn_oracle.h"

enum { BATCH = 50, THREADS = 2, FREE = 2 /* images that sums in another order may move over a border */ };

static const double kSame = 1e-4; /* of the reference's range */

typedef struct {
    const lowbit_ctx *ctx;
    lowbit_pool pool;
    lb_net net;
    lb_pixels pixels;
} runner;

static const char *data_path(const char *format, const char *name) {
    static char path[4096], tail[256];
    snprintf(tail, sizeof tail, format, name);
    snprintf(path, sizeof path, "%s/%s", getenv("LOWBIT_DATA"), tail);
    return path;
}

/* ---- floats of a model ---- */

typedef struct {
    const char *path, *row;
    lb_pixels pixels;
} source;

static lowbit_status make(void *user, lb_graph *graph, lowbit_error *error) {
    source *s = user;
    lb_opened o;
    LB_TRY(lb_model_open(s->path, NULL, &o, error));
    CHECK(strcmp(o.model->name, s->row) == 0);
    lb_graph_fuse(&o.graph);
    s->pixels = o.input.pixels;
    *graph = o.graph;
    return LOWBIT_OK;
}

static bool open_floats(runner *r, const char *path, const char *row) {
    lowbit_error error = LOWBIT_ERROR_INIT;
    source s = {.path = path, .row = row};
    const lb_pack_model model = {.make = make, .user = &s, .pool = &r->pool};
    const lowbit_status status = lb_pack_model_floats(r->ctx, &model, &r->net, &error);
    r->pixels = s.pixels;
    if (!CHECK(status == LOWBIT_OK)) printf("%s: %s\n", path, error.message);
    return status == LOWBIT_OK;
}

/* What a run computes: the output, and the value of the last norm. */
typedef struct {
    lb_value norm;
    float *hidden;
} seen;

static lb_value last_norm(const lb_graph *graph) {
    lb_value last = LB_NO_VALUE;
    for (lb_value v = 0; v < graph->count; v++)
        if (graph->nodes[v].op == LB_OP_LAYER_NORM) last = v;
    return last;
}

static void see(void *user, lb_value v, const lb_buffer *value, int64_t count) {
    const seen *s = user;
    if (v == s->norm) memcpy(s->hidden, value->data, (size_t)(count * lb_shape_elements(value->shape)) * sizeof(float));
}

static void run(const runner *r, const lb_run_input *input, int64_t tokens, float *output, float *hidden) {
    const lb_session_options options = {.batch = input->sequences, .tokens = tokens, .pool = &r->pool};
    seen s = {hidden ? last_norm(&r->net.graph) : LB_NO_VALUE, hidden};
    lb_session *session = NULL;
    lowbit_error error = LOWBIT_ERROR_INIT;
    if (CHECK(lb_session_create(r->ctx, &r->net, &options, &session, &error) == LOWBIT_OK))
        CHECK(lb_session_run(session, input, output, see, &s, &error) == LOWBIT_OK);
    if (error.status != LOWBIT_OK) printf("%s\n", error.message);
    lb_session_destroy(session);
}

/* ---- references ---- */

static float *read_tensor(const lb_safetensors *file, const char *name) {
    const lb_tensor *t = lb_safetensors_find(file, name);
    float *x = t ? malloc((size_t)t->elements * sizeof *x) : NULL;
    CHECK(x && lb_tensor_floats(t, x, NULL) == LOWBIT_OK);
    return x;
}

static void check_same(const float *got, const float *want, int64_t count, double range) {
    const double most = nn_difference(got, want, count);
    if (!CHECK(most <= kSame * range)) printf("off by %g of the range\n", most / range);
}

/* ---- images ---- */

static void check_images(const runner *r, const lb_safetensors *reference) {
    lb_cifar cifar;
    const lb_tensor *logits = lb_safetensors_find(reference, "logits"),
                    *tokens = lb_safetensors_find(reference, "tokens");
    const int64_t count = logits->shape[0], all = lb_shape_elements(r->net.graph.nodes[0].shape) * count;
    if (!CHECK(lb_cifar_open(data_path("cifar10/%s", "test_public.bin"), 10, &cifar, NULL) == LOWBIT_OK)) return;
    float *images = malloc((size_t)all * sizeof *images), *got = calloc((size_t)logits->elements, sizeof *got);
    float *hidden = tokens ? calloc((size_t)tokens->elements, sizeof *hidden) : NULL;
    float *want = read_tensor(reference, "logits"), *want_hidden = tokens ? read_tensor(reference, "tokens") : NULL;
    lb_cifar_floats(&cifar, 0, count, &r->pixels, images);
    run(r, &(lb_run_input){images, count, NULL}, 0, got, hidden);
    check_same(got, want, logits->elements, nn_range(want, logits->elements));
    if (hidden) check_same(hidden, want_hidden, tokens->elements, nn_range(want_hidden, tokens->elements));
    free(images), free(got), free(hidden), free(want), free(want_hidden);
    lb_cifar_close(&cifar);
}

/* As many of all public images as stated. */
static void check_accuracy(const runner *r, double stated) {
    lb_dataset data;
    lb_session *session;
    const lb_session_options options = {.batch = BATCH, .pool = &r->pool};
    if (!CHECK(lb_dataset_open(data_path("cifar10/%s", "test_public.bin"), 10, &data, NULL) == LOWBIT_OK)) return;
    double *answers = malloc((size_t)data.count * sizeof *answers);
    if (CHECK(lb_session_create(r->ctx, &r->net, &options, &session, NULL) == LOWBIT_OK)) {
        const lb_predict p = {session, &r->net, &data, &r->pixels, BATCH, data.count, NULL, NULL};
        CHECK(lb_predict_run(&p, answers, NULL, NULL) == LOWBIT_OK);
        const int64_t correct = lb_predict_correct(&data, answers, data.count);
        if (!CHECK(fabs((double)correct - stated * (double)data.count) <= FREE))
            printf("%d of %d right, stated %g\n", (int)correct, (int)data.count, stated);
        lb_session_destroy(session);
    }
    free(answers);
    lb_dataset_close(&data);
}

/* ---- texts ---- */

/* Rows of 24 places, of which the mask says which are tokens: those in front. */
enum { PLACES = 24 };

static void check_texts(const runner *r, const lb_safetensors *reference) {
    const lb_tensor *logits = lb_safetensors_find(reference, "logits");
    const int64_t count = logits->shape[0], width = lb_safetensors_find(reference, "last_hidden_state")->shape[2];
    float *ids = read_tensor(reference, "input_ids"), *mask = read_tensor(reference, "attention_mask");
    float *types = read_tensor(reference, "token_type_ids"), *want = read_tensor(reference, "logits");
    float *want_hidden = read_tensor(reference, "last_hidden_state");
    float *data = malloc((size_t)(count * PLACES * 2) * sizeof *data), got[64] = {0};
    float *hidden = calloc((size_t)(count * PLACES * width), sizeof *hidden);
    int64_t lengths[16] = {0}, tokens = 0;
    CHECK(count <= 16 && logits->elements <= 64);
    for (int64_t i = 0; i < count * PLACES; i++)
        if (mask[i] > 0) {
            CHECK(lengths[i / PLACES]++ == i % PLACES);
            data[2 * tokens] = ids[i];
            data[2 * tokens++ + 1] = types[i];
        }
    run(r, &(lb_run_input){data, count, lengths}, tokens, got, hidden);
    check_same(got, want, logits->elements, nn_range(want, logits->elements));
    const double range = nn_range(want_hidden, count * PLACES * width);
    for (int64_t i = 0, first = 0; i < count; first += lengths[i++] * width)
        check_same(hidden + first, want_hidden + i * PLACES * width, lengths[i] * width, range);
    CHECK(tokens < count * PLACES); /* else nothing is ragged */
    free(ids), free(mask), free(types), free(want), free(want_hidden), free(data), free(hidden);
}

/* ---- the folder ---- */

typedef struct {
    const char *name, *row;
    double stated; /* share of the images that are right, as the folder's README says; 0: random weights */
} known;

static const known kModels[] = {
    {"vit_random_timm_d96_l3", "vit", 0},
    {"vit_prenorm_cifar10", "vit-prenorm", 0.7202},
    {"vit_postnorm_cifar10", "vit-postnorm", 0.7356},
    {"bert_random_h64_l2", "bert", 0},
};

static void check_reference(const runner *r, const known *k) {
    lb_safetensors reference;
    const bool texts = lb_takes_texts(&r->net.graph);
    const char *path = texts ? "models/%s/reference.safetensors" : "models/%s/ref_logits.safetensors";
    if (!CHECK(lb_safetensors_open(data_path(path, k->name), &reference, NULL) == LOWBIT_OK)) return;
    (texts ? check_texts : check_images)(r, &reference);
    lb_safetensors_close(&reference);
}

static void check_stated(const runner *r, const known *k) {
    if (k->stated > 0) check_accuracy(r, k->stated);
}

static void each_model(void (*check)(const runner *, const known *)) {
    runner r = {.pool = LOWBIT_POOL_INIT};
    lowbit_ctx *ctx;
    const lowbit_pool_options threads = {.struct_size = sizeof threads, .threads = THREADS};
    if (!getenv("LOWBIT_DATA")) check_skip("LOWBIT_DATA names no folder with cifar10/ and models/");
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    CHECK(lowbit_pool_create(ctx, &threads, &r.pool, NULL) == LOWBIT_OK);
    r.ctx = ctx;
    for (size_t i = 0; i < LB_COUNT(kModels); i++) {
        char path[4096];
        check_context("%s", kModels[i].name);
        snprintf(path, sizeof path, "%s", data_path("models/%s", kModels[i].name));
        if (!open_floats(&r, path, kModels[i].row)) continue;
        check(&r, &kModels[i]);
        lb_net_free(&r.net);
    }
    lowbit_pool_destroy(&r.pool);
    lowbit_ctx_destroy(ctx);
}

void subject_transformers_data(void) { each_model(check_reference); }
void subject_transformers_accuracy(void) { each_model(check_stated); }
