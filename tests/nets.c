/* SPDX-License-Identifier: Apache-2.0 */
/* Packed networks: the same bits for every batch and number of threads, in memory and from a file; damaged files are
 * refused. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"
#include "lowbit/lowbit.h"
#include "nn/model.h"
#include "nn/net_file.h"
#include "nn/pack_model.h"
#include "nn/session.h"
#include "tests/check.h"
#include "tests/net_damage.h"
#include "tests/nn_oracle.h"

enum { IMAGES = 5, SIDE = 32, PIXELS = SIDE * SIDE * 3, OUTPUTS = 10 };

typedef struct subject {
    const char *model, *recipe; /* recipe NULL = native */
    lb_model_input input;
} subject;

static lowbit_status make(void *user, lb_graph *graph, lowbit_error *error) {
    subject *s = user;
    const lb_model_options options = {.side = SIDE, .width = 8, .classes = OUTPUTS};
    lb_opened opened;
    LB_TRY(lb_model_make_up(s->model, &options, &opened, error));
    lb_graph_fuse(&opened.graph);
    s->input = opened.input;
    *graph = opened.graph;
    return LOWBIT_OK;
}

static void fill_images(float *images, int64_t count, const lb_pixels *pixels) {
    for (int64_t i = 0; i < count * SIDE * SIDE; i++)
        for (int c = 0; c < 3; c++) images[i * 3 + c] = pixels->value[c][check_random_in(0, 255)];
}

static int64_t next(void *user, int64_t most, int64_t *lengths, float *images) {
    (void)lengths;
    subject *s = user;
    fill_images(images, most, &s->input.pixels);
    return most;
}

static bool pack(const lowbit_ctx *ctx, subject *s, lb_net *net) {
    static lb_recipe recipe;
    lowbit_error error = LOWBIT_ERROR_INIT;
    if (s->recipe && !CHECK(lb_recipe_parse(s->recipe, &recipe, &error) == LOWBIT_OK)) return false;
    const lb_pack_model model = {
        .make = make, .user = s, .recipe = s->recipe ? &recipe : NULL, .samples = {next, s, 0}};
    const lowbit_status status = lb_pack_model_run(ctx, &model, net, &error);
    check_context("%s by %s: %s", s->model, s->recipe ? s->recipe : "native", error.message);
    return CHECK(status == LOWBIT_OK);
}

/* The outputs of all images, `batch` at a time. */
static void run(const lowbit_ctx *ctx, const lb_net *net, const float *images, int64_t batch, uint32_t threads,
                float *outputs) {
    lowbit_pool pool = LOWBIT_POOL_INIT;
    lowbit_pool_options own = LOWBIT_POOL_OPTIONS_INIT;
    lowbit_error error = LOWBIT_ERROR_INIT;
    own.threads = threads;
    if (threads > 1) CHECK(lowbit_pool_create(ctx, &own, &pool, NULL) == LOWBIT_OK);
    const lb_session_options options = {.batch = batch, .pool = threads > 1 ? &pool : NULL};
    lb_session *session = NULL;
    const lowbit_status status = lb_session_create(ctx, net, &options, &session, &error);
    if (!CHECK(status == LOWBIT_OK)) fprintf(stderr, "%s\n", error.message);
    for (int64_t i = 0, n; session && i < IMAGES; i += n) {
        n = lb_min(batch, IMAGES - i);
        if (!CHECK(lb_session_run(session, &(lb_run_input){images + i * PIXELS, n, NULL}, outputs + i * OUTPUTS, NULL,
                                  NULL, &error) == LOWBIT_OK)) {
            fprintf(stderr, "%s\n", error.message);
            break;
        }
    }
    lb_session_destroy(session);
    lowbit_pool_destroy(&pool);
}

/* The network in floats, next to plain loops. */
static void check_oracle(subject *s, const float *images, const float *outputs, float tolerance) {
    lb_graph graph;
    float least = outputs[0], most = outputs[0];
    if (!CHECK(make(s, &graph, NULL) == LOWBIT_OK)) return;
    for (int i = 0; i < IMAGES * OUTPUTS; i++) {
        least = fminf(least, outputs[i]);
        most = fmaxf(most, outputs[i]);
    }
    for (int i = 0; i < IMAGES; i++) {
        float *want = nn_oracle(&graph, images + i * PIXELS);
        if (!CHECK(want != NULL)) break;
        for (int n = 0; n < OUTPUTS; n++) {
            check_context("%s: output %d of image %d is %g, not %g, range %g", s->model, n, i,
                          (double)outputs[i * OUTPUTS + n], (double)want[n], (double)(most - least));
            CHECK(fabsf(outputs[i * OUTPUTS + n] - want[n]) <= tolerance * (most - least));
        }
        free(want);
    }
    lb_graph_free(&graph);
}

/* ---- files ---- */

static const char *file_name(void) {
    static char path[512];
    snprintf(path, sizeof path, "%s/net.safetensors", check_scratch_folder());
    return path;
}

static void check_file(const lowbit_ctx *ctx, const subject *s, const lb_net *net, const float *images,
                       const float *want) {
    lb_net again;
    lb_net_about about = {.model = s->model, .recipe = s->recipe ? s->recipe : "native", .pixels = s->input.pixels};
    lowbit_error error = LOWBIT_ERROR_INIT;
    float outputs[IMAGES * OUTPUTS] = {0};
    if (!CHECK(lb_net_save(net, &about, file_name(), &error) == LOWBIT_OK)) fprintf(stderr, "%s\n", error.message);
    const lowbit_status status = lb_net_open(file_name(), 0, &again, &about, &error);
    check_context("%s by %s from a file: %s", s->model, about.recipe, error.message);
    if (!CHECK(status == LOWBIT_OK)) return;
    CHECK(strcmp(about.model, s->model) == 0);
    CHECK(memcmp(&about.pixels, &s->input.pixels, sizeof about.pixels) == 0);
    const lb_net_sizes a = lb_net_size(net), b = lb_net_size(&again);
    CHECK(a.payload_bytes == b.payload_bytes && a.scale_bytes == b.scale_bytes && a.rest_bytes == b.rest_bytes);
    run(ctx, &again, images, IMAGES, 1, outputs);
    CHECK(check_same_floats(outputs, want, IMAGES, OUTPUTS, OUTPUTS, OUTPUTS));
    lb_net_free(&again);
    if (check_failures() == 0) net_damage_check(file_name());
}

/* Layers of floats may take another kernel for another batch, whose sums round in another order. */
static void check_outputs(const float *outputs, const float *want, bool exact) {
    if (exact)
        CHECK(check_same_floats(outputs, want, IMAGES, OUTPUTS, OUTPUTS, OUTPUTS));
    else
        CHECK(nn_cosine(outputs, want, IMAGES * OUTPUTS) > 0.999999);
}

static void check_net(const lowbit_ctx *ctx, subject s, double least_cosine, bool exact) {
    lb_net net, floats;
    float outputs[IMAGES * OUTPUTS] = {0}, want[IMAGES * OUTPUTS] = {0};
    static float images[IMAGES * PIXELS];
    subject in_floats = s;
    in_floats.recipe = "f32";
    if (!pack(ctx, &in_floats, &floats)) return;
    if (pack(ctx, &s, &net)) {
        fill_images(images, IMAGES, &s.input.pixels);
        run(ctx, &net, images, IMAGES, 1, want);
        run(ctx, &net, images, 2, 1, outputs);
        check_outputs(outputs, want, exact);
        run(ctx, &net, images, 3, 2, outputs);
        check_outputs(outputs, want, exact);
        run(ctx, &floats, images, IMAGES, 1, outputs);
        /* A float next to a threshold falls to either side, by the order of a sum. */
        const bool steps = strstr(s.model, "apot") != NULL;
        check_oracle(&in_floats, images, outputs, steps ? 0.05f : 1e-4f);
        const double c = nn_cosine(outputs, want, IMAGES * OUTPUTS);
        check_context("%s by %s: cosine %.4f", s.model, s.recipe ? s.recipe : "native", c);
        CHECK(c >= least_cosine);
        check_file(ctx, &s, &net, images, want);
        lb_net_free(&net);
    }
    lb_net_free(&floats);
}

void subject_nets(void) {
    static const struct {
        const char *model, *recipe;
        double cosine;
        bool exact; /* integers throughout */
    } kNets[] = {
        {"resnet20", "w8a8", 0.99, true},
        {"resnet20", "w8a8-dynamic", 0.99, true},
        {"resnet20", "w4a8g32", 0.9, true},
        {"resnet20", "*: i4zg32a8s; first: i8a8s", 0.9, true},
        {"resnet20", "*: i4g32pa8s; first: i8a8s", 0.9, true},
        {"resnet20", "*: i8a4s", 0.5, true},
        {"resnet18", "w8a8", 0.99, true},
        {"resnet18", "*: i4g32af", 0.9, false},
        {"alexnet-small", "w8a8", 0.99, true},
        {"bnn-cnv", NULL, 0.999999, true},
        {"ternary-cnv", NULL, 0.999999, true},
        {"resnet20-apot", NULL, 0.999, false},
        {"resnet20", "*: i8ma8", 0.99, true},
        {"resnet20", "*: i8za8s tensor; conv1: i8ma8 tensor", 0.9, true},
        {"resnet20", "*: i8a1; first: i8a8", 0.2, true},
        {"resnet20", "*: b1a1; first: i8a8", 0.2, true},
    };
    lowbit_ctx *ctx = NULL;
    if (!CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK)) return;
    for (size_t i = 0; i < LB_COUNT(kNets) && check_failures() == 0; i++)
        check_net(ctx, (subject){.model = kNets[i].model, .recipe = kNets[i].recipe}, kNets[i].cosine, kNets[i].exact);
    lowbit_ctx_destroy(ctx);
}
