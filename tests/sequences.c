/* SPDX-License-Identifier: Apache-2.0 */
/* Transformers: next to plain loops, in batches of texts of any lengths, by all kinds of recipes, from files, and a
 * text in pieces. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"
#include "lowbit/lowbit.h"
#include "nn/net_file.h"
#include "nn/pack_model.h"
#include "nn/session.h"
#include "tests/check.h"
#include "tests/hostile.h"
#include "tests/net_damage.h"
#include "tests/nn_oracle.h"
#include "tests/sequence_nets.h"

enum { SAMPLES = 6, LONGEST = SEQUENCE_POSITIONS, PIXELS = SEQUENCE_SIDE * SEQUENCE_SIDE * 3, MOST = 50 * LONGEST };

/* Inputs: texts one after another, or images. */
typedef struct {
    int64_t lengths[SAMPLES], starts[SAMPLES + 1]; /* elements of `data` are 2 * starts, or PIXELS * i */
    float data[SAMPLES * PIXELS];
} samples;

static void fill(const sequence_net *net, int64_t count, int64_t *lengths, float *data) {
    for (int64_t i = 0; !net->texts && i < count * PIXELS; i++) data[i] = check_random_float(-1, 1);
    for (int64_t i = 0; net->texts && i < count; i++) {
        lengths[i] = i == 0 ? LONGEST : i == 1 ? 1 : check_random_in(1, LONGEST);
        for (int64_t t = 0; t < lengths[i]; t++) {
            *data++ = (float)check_random_in(0, SEQUENCE_VOCABULARY - 1);
            *data++ = (float)check_random_in(0, 1);
        }
    }
}

static void fill_samples(const sequence_net *net, samples *s) {
    memset(s, 0, sizeof *s);
    fill(net, SAMPLES, s->lengths, s->data);
    s->starts[0] = 0;
    for (int i = 0; i < SAMPLES; i++) s->starts[i + 1] = s->starts[i] + (net->texts ? s->lengths[i] : 1);
}

/* ---- packing and running ---- */

static lowbit_status make(void *user, lb_graph *graph, lowbit_error *error) {
    return sequence_net_make(user, true, graph, error);
}

static int64_t next(void *user, int64_t most, int64_t *lengths, float *data) {
    fill(user, lb_min(most, 8), lengths, data);
    return lb_min(most, 8);
}

static bool pack(const lowbit_ctx *ctx, const sequence_net *net, const char *text, lb_net *packed) {
    static lb_recipe recipe;
    lowbit_error error = LOWBIT_ERROR_INIT;
    void *user = (void *)(uintptr_t)net;
    lowbit_status status = lb_recipe_parse(text, &recipe, &error);
    const lb_pack_model model = {.make = make, .user = user, .recipe = &recipe, .samples = {next, user, LONGEST}};
    if (status == LOWBIT_OK) status = lb_pack_model_run(ctx, &model, packed, &error);
    check_context("%s by %s: %s", net->name, text, error.message);
    CHECK(status == LOWBIT_OK);
    return status == LOWBIT_OK;
}

/* Whether the value that comes out is by token. */
static bool by_token(const lb_net *packed) { return packed->graph.nodes[packed->graph.count - 1].by_token; }

/* All samples, `batch` at a time; outputs stand one after another as in one run. */
static void run(const lowbit_ctx *ctx, const sequence_net *net, const lb_net *packed, const samples *s, int64_t batch,
                uint32_t threads, float *outputs) {
    lowbit_pool pool = LOWBIT_POOL_INIT;
    lowbit_pool_options own = LOWBIT_POOL_OPTIONS_INIT;
    lowbit_error error = LOWBIT_ERROR_INIT;
    own.threads = threads;
    if (threads > 1) CHECK(lowbit_pool_create(ctx, &own, &pool, NULL) == LOWBIT_OK);
    const lb_session_options options = {.batch = batch, .tokens = batch * LONGEST, .pool = threads > 1 ? &pool : NULL};
    lb_session *session = NULL;
    lowbit_status status = lb_session_create(ctx, packed, &options, &session, &error);
    for (int64_t i = 0; status == LOWBIT_OK && i < SAMPLES; i += batch) {
        const int64_t each = net->texts ? 2 : PIXELS, at = by_token(packed) ? s->starts[i] : i;
        const lb_run_input input = {s->data + s->starts[i] * each, lb_min(batch, SAMPLES - i),
                                    net->texts ? s->lengths + i : NULL};
        const long calls = heap_calls();
        status = lb_session_run(session, &input, outputs + at * net->outputs, NULL, NULL, &error);
        CHECK(heap_calls() == calls);
    }
    check_context("%s, %lld at a time: %s", net->name, (long long)batch, error.message);
    CHECK(status == LOWBIT_OK);
    lb_session_destroy(session);
    lowbit_pool_destroy(&pool);
}

static int64_t output_count(const sequence_net *net, const lb_net *packed, const samples *s) {
    return (by_token(packed) ? s->starts[SAMPLES] : SAMPLES) * net->outputs;
}

/* ---- floats ---- */

static void check_close(const float *got, const float *want, int64_t count, double tolerance) {
    double most = 0;
    for (int64_t i = 0; i < count; i++) most = fmax(most, fabs((double)want[i]));
    for (int64_t i = 0; i < count && check_failures() == 0; i++) {
        check_context("output %lld is %g, not %g", (long long)i, (double)got[i], (double)want[i]);
        CHECK(fabs((double)got[i] - (double)want[i]) <= tolerance * most);
    }
}

/* Every sample by itself, by plain loops, of the graph before or after fusing. */
static void check_oracle(const sequence_net *net, bool fuse, const samples *s, const float *outputs) {
    lb_graph graph;
    lowbit_error error = LOWBIT_ERROR_INIT;
    const lowbit_status status = sequence_net_make(net, fuse, &graph, &error);
    check_context("%s: %s", net->name, error.message);
    if (!CHECK(status == LOWBIT_OK)) return;
    const bool each = graph.nodes[graph.count - 1].by_token;
    for (int i = 0; i < SAMPLES && check_failures() == 0; i++) {
        const float *data = s->data + s->starts[i] * (net->texts ? 2 : PIXELS);
        float *want = nn_oracle_text(&graph, data, s->lengths[i]);
        CHECK(want != NULL);
        if (!want) break;
        check_close(outputs + (each ? s->starts[i] : i) * net->outputs, want, (each ? s->lengths[i] : 1) * net->outputs,
                    2e-5);
        free(want);
    }
    lb_graph_free(&graph);
}

void subject_sequences(void) {
    static samples s;
    static float outputs[SAMPLES * MOST], again[SAMPLES * MOST];
    lowbit_ctx *ctx = NULL;
    if (!CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK)) return;
    for (size_t i = 0; i < sequence_net_count && check_failures() == 0; i++) {
        const sequence_net *net = &sequence_nets[i];
        lb_net packed;
        if (!pack(ctx, net, "f32", &packed)) break;
        fill_samples(net, &s);
        run(ctx, net, &packed, &s, SAMPLES, 1, outputs);
        check_oracle(net, false, &s, outputs);
        check_oracle(net, true, &s, outputs);
        run(ctx, net, &packed, &s, 2, 2, again);
        check_close(again, outputs, output_count(net, &packed, &s), 2e-5);
        lb_net_free(&packed);
    }
    lowbit_ctx_destroy(ctx);
}

/* ---- recipes ---- */

static void check_file(const lowbit_ctx *ctx, const sequence_net *net, const lb_net *packed, const samples *s,
                       const float *want) {
    static float outputs[SAMPLES * MOST];
    char path[512];
    lb_net again;
    const lb_text words = lb_text_of("[UNK]\nwords\n");
    lb_net_about about = {.model = net->name, .recipe = "", .pixels = {{{0}}}, .pieces = {words, true}};
    if (!net->texts) about.pieces = (lb_pieces){.cased = false};
    lowbit_error error = LOWBIT_ERROR_INIT;
    snprintf(path, sizeof path, "%s/sequence.safetensors", check_scratch_folder());
    lowbit_status status = lb_net_save(packed, &about, path, &error);
    if (status == LOWBIT_OK) status = lb_net_open(path, 0, &again, &about, &error);
    check_context("%s from a file: %s", net->name, error.message);
    CHECK(status == LOWBIT_OK);
    if (status != LOWBIT_OK) return;
    const lb_net_sizes a = lb_net_size(packed), b = lb_net_size(&again);
    CHECK(a.payload_bytes == b.payload_bytes && a.scale_bytes == b.scale_bytes && a.rest_bytes == b.rest_bytes &&
          a.table_bytes == b.table_bytes);
    CHECK(about.pieces.cased == net->texts &&
          lb_text_equal(about.pieces.text, net->texts ? words : (lb_text){NULL, 0}));
    run(ctx, net, &again, s, SAMPLES, 1, outputs);
    const int64_t count = output_count(net, packed, s);
    CHECK(check_same_floats(outputs, want, 1, count, count, count));
    lb_net_free(&again);
    if (check_failures() == 0) net_damage_check(path);
}

static void check_recipe(const lowbit_ctx *ctx, const sequence_net *net, const char *recipe, double least) {
    static samples s;
    static float floats[SAMPLES * MOST], outputs[SAMPLES * MOST], again[SAMPLES * MOST];
    lb_net packed;
    fill_samples(net, &s);
    if (!pack(ctx, net, "f32", &packed)) return;
    run(ctx, net, &packed, &s, SAMPLES, 1, floats);
    lb_net_free(&packed);
    if (!pack(ctx, net, recipe, &packed)) return;
    const int64_t count = output_count(net, &packed, &s);
    run(ctx, net, &packed, &s, SAMPLES, 1, outputs);
    double c = nn_cosine(floats, outputs, count);
    check_context("%s by %s: cosine %.4f", net->name, recipe, c);
    CHECK(c >= least);
    run(ctx, net, &packed, &s, 4, 3, again);
    c = nn_cosine(again, outputs, count);
    check_context("%s by %s, other batches: cosine %.6f", net->name, recipe, c);
    CHECK(c > 0.9999);
    check_file(ctx, net, &packed, &s, outputs);
    lb_net_free(&packed);
}

void subject_sequence_recipes(void) {
    static const struct {
        int net;
        const char *recipe;
        double cosine;
    } kCases[] = {
        {0, "w8a8", 0.99},
        {0, "w8a8-dynamic; attention: i8a8", 0.99},
        {0, "*: i4g32a8s; first: i8a8s; 0.attn: i8a8", 0.9},
        {1, "w8a8; embedding: i8af", 0.99},
        {1, "w8a8-dynamic; words: b1af; segments: i4af; attention: i8a8", 0.7},
        {1, "*: b1a1; last: f32af32; embedding: b1af; attention: b1a1", -1},
        {2, "w8a8; range = symmetric", 0.99},
        {2, "*: i8a8; embedding: i2af; *: f32af32", 0.6},
        {3, "w8a8; attention: i8a8", 0.98},
        {3, "*: i4g32af", 0.9},
        {4, "w8a8", 0.99},
        {4, "bf16; embedding: i8af32", 0.999},
    };
    lowbit_ctx *ctx = NULL;
    if (!CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK)) return;
    for (size_t i = 0; i < LB_COUNT(kCases) && check_failures() == 0; i++)
        check_recipe(ctx, &sequence_nets[kCases[i].net], kCases[i].recipe, kCases[i].cosine);
    lowbit_ctx_destroy(ctx);
}

/* What JSON says of layers of sequences, said wrong. */
void subject_sequence_files(void) {
    static const struct {
        int net;
        const char *from, *to;
    } kWords[] = {
        {0, "class_token", "class_tokem"},
        {0, "'heads':4", "'heads':3"},
        {0, "'kv_heads':4", "'kv_heads':3"},
        {0, "'head':8", "'head':9"},
        {0, "'count':17", "'count':16"},
        {0, "'kind':'f32'", "'kind':'i32'"},
        {0, "'third':", "'thirt':"},
        {0, "'third':8", "'third':9"},
        {1, "'by_token':true", "'by_token':null"},
        {1, "'count':50", "'count':51"},
        {1, "'first':1", "'first':2"},
        {1, "'format':'i8'", "'format':'i4'"},
        {1, "'format':'i8'", "'format':'t5'"},
        {0, "'op':'tokens'", "'op':'affine'"},
        {2, "'act':4", "'act':5"},
        {2, "'epsilon':9", "'epsilon':-"},
    };
    lowbit_ctx *ctx = NULL;
    if (!CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK)) return;
    for (size_t i = 0; i < LB_COUNT(kWords); i++) {
        const sequence_net *net = &sequence_nets[kWords[i].net];
        const lb_net_about about = {.model = net->name, .recipe = "", .pixels = {{{0}}}};
        char path[512];
        lb_net packed;
        snprintf(path, sizeof path, "%s/words.safetensors", check_scratch_folder());
        if (!pack(ctx, net, net->texts ? "embedding: i8af" : "f32", &packed)) break;
        if (CHECK(lb_net_save(&packed, &about, path, NULL) == LOWBIT_OK))
            net_damage_word(path, kWords[i].from, kWords[i].to);
        lb_net_free(&packed);
    }
    lowbit_ctx_destroy(ctx);
}

/* ---- a text in pieces ---- */

/* One text whole, and the same by a session that remembers: by pieces of random lengths, going back now and then. The
 * outputs that count are those of the last token. */
static void check_pieces(const lowbit_ctx *ctx, const sequence_net *net, const lb_net *packed, double least) {
    float data[2 * LONGEST], outputs[MOST], want[MOST];
    int64_t length = LONGEST;
    lowbit_error error = LOWBIT_ERROR_INIT;
    const lb_session_options whole = {.batch = 1, .tokens = LONGEST};
    const lb_session_options pieces = {.batch = 1, .tokens = LONGEST, .positions = LONGEST};
    lb_session *a = NULL, *b = NULL;
    fill(net, 1, &length, data);
    lowbit_status status = lb_session_create(ctx, packed, &whole, &a, &error);
    if (status == LOWBIT_OK) status = lb_session_create(ctx, packed, &pieces, &b, &error);
    for (int64_t done = 0, n; status == LOWBIT_OK && done < LONGEST && check_failures() == 0; done += n) {
        n = check_random_in(1, lb_min(LONGEST - done, 7));
        const int64_t all = done + n;
        status = lb_session_run(a, &(lb_run_input){data, 1, &all}, want, NULL, NULL, &error);
        for (int back = 0; back < 2 && status == LOWBIT_OK; back++) {
            status = lb_session_run(b, &(lb_run_input){data + 2 * done, 1, &n}, outputs, NULL, NULL, &error);
            const int64_t last = by_token(packed) ? net->outputs * (n - 1) : 0;
            const double c =
                nn_cosine(outputs + last, want + (by_token(packed) ? net->outputs * (all - 1) : 0), net->outputs);
            check_context("%s: %lld tokens behind %lld: cosine %.7f", net->name, (long long)n, (long long)done, c);
            CHECK(c >= least && lb_session_position(b) == all);
            if (back == 0) CHECK(lb_session_rewind(b, done, NULL) == LOWBIT_OK && lb_session_position(b) == done);
        }
    }
    check_context("%s in pieces: %s", net->name, error.message);
    CHECK(status == LOWBIT_OK);
    length = 1;
    CHECK(lb_session_run(b, &(lb_run_input){data, 1, &length}, outputs, NULL, NULL, NULL) == LOWBIT_INVALID_ARGUMENT);
    CHECK(lb_session_rewind(b, LONGEST + 1, NULL) == LOWBIT_INVALID_ARGUMENT);
    lb_session_destroy(a);
    lb_session_destroy(b);
}

void subject_sequence_pieces(void) {
    static const struct {
        const char *recipe;
        double cosine;
    } kCases[] = {{"f32", 0.9999999}, {"w8a8; attention: i8a8", 0.9999}, {"w8a8-dynamic; attention: b1a1", 0.9999}};
    lowbit_ctx *ctx = NULL;
    if (!CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK)) return;
    for (size_t i = 0; i < sequence_net_count; i++)
        for (size_t j = 0; j < LB_COUNT(kCases) && check_failures() == 0; j++) {
            lb_net packed;
            if (!sequence_nets[i].remembers || !pack(ctx, &sequence_nets[i], kCases[j].recipe, &packed)) continue;
            check_pieces(ctx, &sequence_nets[i], &packed, kCases[j].cosine);
            lb_net_free(&packed);
        }
    lowbit_ctx_destroy(ctx);
}
