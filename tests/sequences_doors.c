/* SPDX-License-Identifier: Apache-2.0 */
/* What sessions of texts, tables and layers of sequences refuse; tables as they quantize. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"
#include "lowbit/lowbit.h"
#include "nn/pack_model.h"
#include "nn/session.h"
#include "tests/check.h"
#include "tests/sequence_nets.h"

/* ---- runs ---- */

enum { TEXTS = 2, TOKENS = 12, OUTPUTS = 64 * TOKENS };

static lowbit_status make(void *user, lb_graph *graph, lowbit_error *error) {
    return sequence_net_make(user, true, graph, error);
}

static bool pack(const lowbit_ctx *ctx, const sequence_net *net, lb_net *packed) {
    const lb_pack_model model = {.make = make, .user = (void *)(uintptr_t)net};
    return CHECK(lb_pack_model_floats(ctx, &model, packed, NULL) == LOWBIT_OK);
}

/* Whether anything was computed. */
static void see(void *user, lb_value v, const lb_buffer *value, int64_t count) {
    (void)value, (void)count;
    if (v > 0) *(bool *)user = true;
}

static void refuse(lb_session *session, const float *data, int64_t texts, const int64_t *lengths) {
    float outputs[OUTPUTS];
    bool computed = false;
    lowbit_error error = LOWBIT_ERROR_INIT;
    const lb_run_input input = {data, texts, lengths};
    CHECK(lb_session_run(session, &input, outputs, see, &computed, &error) == LOWBIT_INVALID_ARGUMENT);
    CHECK(error.message[0] != 0 && !computed);
}

static void check_runs(const lowbit_ctx *ctx, const lb_net *packed) {
    static const float kBad[] = {-1, SEQUENCE_VOCABULARY, 0.5f, NAN, INFINITY, -INFINITY, 1e30f};
    static const int64_t kLengths[][TEXTS] = {{0, 1}, {1, -1}, {TOKENS, 1}, {INT64_MAX, INT64_MAX}, {1, INT64_MAX}};
    const int64_t fine[TEXTS] = {5, 3};
    float data[2 * TOKENS] = {0}, outputs[OUTPUTS];
    const lb_session_options options = {.batch = TEXTS, .tokens = TOKENS};
    lb_session *session = NULL;
    if (!CHECK(lb_session_create(ctx, packed, &options, &session, NULL) == LOWBIT_OK)) return;
    for (size_t i = 0; i < LB_COUNT(kBad); i++) {
        check_context("token %g", (double)kBad[i]);
        data[2 * 7] = kBad[i];
        refuse(session, data, TEXTS, fine);
        data[2 * 7] = 0;
    }
    data[3] = 2; /* a segment that there is not */
    refuse(session, data, TEXTS, fine);
    data[3] = 1;
    for (size_t i = 0; i < LB_COUNT(kLengths); i++) refuse(session, data, TEXTS, kLengths[i]);
    refuse(session, data, 0, fine);
    refuse(session, data, TEXTS + 1, fine);
    refuse(session, data, TEXTS, NULL);
    const lb_run_input input = {data, TEXTS, fine};
    CHECK(lb_session_run(session, &input, outputs, NULL, NULL, NULL) == LOWBIT_OK);
    CHECK(lb_session_rewind(session, 1, NULL) == LOWBIT_INVALID_ARGUMENT);
    lb_session_destroy(session);
}

/* A text longer than the table of positions, and sessions that are for nothing. */
static void check_sessions(const lowbit_ctx *ctx, const lb_net *packed) {
    static float data[2 * (SEQUENCE_POSITIONS + 1)];
    static const lb_session_options kBad[] = {{.batch = 2, .tokens = 1},
                                              {.batch = 0, .tokens = 1},
                                              {.batch = INT64_MAX, .tokens = INT64_MAX},
                                              {.batch = 1, .tokens = INT64_MAX},
                                              {.batch = 1, .tokens = 9, .positions = INT64_MAX},
                                              {.batch = 1},
                                              {.batch = 2, .tokens = 9, .positions = 9},
                                              {.batch = 1, .tokens = 9, .positions = -1}};
    const int64_t length = SEQUENCE_POSITIONS + 1;
    const lb_session_options options = {.batch = 1, .tokens = 2 * SEQUENCE_POSITIONS};
    lb_session *session = NULL;
    if (!CHECK(lb_session_create(ctx, packed, &options, &session, NULL) == LOWBIT_OK)) return;
    refuse(session, data, 1, &length);
    lb_session_destroy(session);
    const lb_session_options remembers = {.batch = 1, .tokens = 9, .positions = 9};
    CHECK(lb_session_create(ctx, packed, &remembers, &session, NULL) == LOWBIT_UNSUPPORTED);
    for (size_t i = 0; i < LB_COUNT(kBad); i++)
        CHECK(lb_session_create(ctx, packed, &kBad[i], &session, NULL) == LOWBIT_INVALID_ARGUMENT);
}

void subject_sequence_doors(void) {
    lowbit_ctx *ctx = NULL;
    lb_net packed;
    if (!CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK)) return;
    if (pack(ctx, &sequence_nets[1], &packed)) {
        check_runs(ctx, &packed);
        check_sessions(ctx, &packed);
        lb_net_free(&packed);
    }
    lowbit_ctx_destroy(ctx);
}

/* ---- layers ---- */

static void class_of_text(lb_graph *g, lb_value x) { lb_class_token(g, lb_embed(g, x, "w", 4, 8, 0), "cls"); }
static void class_of_pixels(lb_graph *g, lb_value x) { lb_class_token(g, x, "cls"); }
static void positions_too_few(lb_graph *g, lb_value x) { lb_positions(g, lb_tokens(g, x), "pos", 17, 2); }
static void embed_of_image(lb_graph *g, lb_value x) { lb_embed(g, x, "w", 4, 8, 0); }
static void embed_column(lb_graph *g, lb_value x) { lb_embed(g, x, "w", 4, 8, 2); }
static void embed_of_embedding(lb_graph *g, lb_value x) { lb_embed(g, lb_embed(g, x, "w", 4, 8, 0), "w", 4, 8, 0); }
static void token_and_text(lb_graph *g, lb_value x) {
    const lb_value y = lb_embed(g, x, "w", 4, 8, 0);
    lb_add(g, y, lb_first_token(g, y));
}
static void product_of_shapes(lb_graph *g, lb_value x) { lb_multiply(g, x, lb_tokens(g, x)); }
static void attention_of(lb_graph *g, lb_value image, lb_attention_shape shape) {
    const lb_value x = lb_tokens(g, image);
    lb_attend(g, x, x, x, "attention", &shape);
}
static void attention_heads(lb_graph *g, lb_value x) {
    attention_of(g, x, (lb_attention_shape){2, 2, 3, 1, false, 0, false});
}
static void attention_groups(lb_graph *g, lb_value x) {
    attention_of(g, x, (lb_attention_shape){2, 3, 4, 1, false, 0, false});
}
static void attention_scale(lb_graph *g, lb_value x) {
    attention_of(g, x, (lb_attention_shape){2, 2, 4, NAN, false, 0, false});
}
static void attention_rope(lb_graph *g, lb_value x) {
    attention_of(g, x, (lb_attention_shape){8, 8, 1, 1, false, 100, false});
}
static void no_function(lb_graph *g, lb_value x) { lb_act(g, x, 9); }
static void epsilon_below_zero(lb_graph *g, lb_value x) { lb_layer_norm(g, x, "ln", NULL, NULL, -1, false); }
static void unbiased_of_one(lb_graph *g, lb_value x) {
    lb_layer_norm(g, lb_embed(g, x, "w", 4, 1, 0), "ln", NULL, NULL, 0, true);
}
static void rows_before(lb_graph *g, lb_value x) { lb_linear_rows(g, x, "fc", "w", NULL, -1, 4); }
static void two_inputs(lb_graph *g, lb_value x) {
    (void)x;
    lb_input_tokens(g);
}

void subject_sequence_layers(void) {
    static const struct {
        void (*build)(lb_graph *graph, lb_value x);
        bool text; /* what x is; else an image */
    } kWrong[] = {{class_of_text, true},     {class_of_pixels, false},    {positions_too_few, false},
                  {embed_of_image, false},   {embed_column, true},        {embed_of_embedding, true},
                  {token_and_text, true},    {product_of_shapes, false},  {attention_heads, false},
                  {attention_groups, false}, {attention_scale, false},    {attention_rope, false},
                  {no_function, false},      {epsilon_below_zero, false}, {unbiased_of_one, true},
                  {rows_before, false},      {two_inputs, false}};
    static const lb_source kSource = {.seed = 1};
    for (size_t i = 0; i < LB_COUNT(kWrong); i++) {
        lb_graph graph;
        lowbit_error error = LOWBIT_ERROR_INIT;
        lb_graph_begin(&graph, &kSource);
        kWrong[i].build(&graph, kWrong[i].text ? lb_input_tokens(&graph) : lb_input(&graph, (lb_shape){4, 4, 8}));
        check_context("wrong layer %zu", i);
        CHECK(lb_graph_end(&graph, &error) != LOWBIT_OK && error.message[0]);
        lb_graph_free(&graph);
    }
}

/* ---- tables ---- */

static void check_row(const lb_table *t, const float *values, int64_t row, float tolerance) {
    float got[40];
    lb_table_row(t, row, 0, t->features, got);
    for (int64_t c = 0; c < t->features; c++) {
        const float want = values[row * t->features + c];
        check_context("format %u, row %lld, %lld: %g, not %g", t->format, (long long)row, (long long)c, (double)got[c],
                      (double)want);
        CHECK(fabsf(got[c] - want) <= tolerance);
    }
    float part[3];
    lb_table_row(t, row, 17, 3, part);
    CHECK(memcmp(part, got + 17, sizeof part) == 0);
}

/* Signs times the mean magnitude, by hand. */
static void check_signs(const lb_table *t, const float *values) {
    for (int64_t n = 0; n < t->rows; n++) {
        float got[40];
        double mean = 0;
        for (int64_t c = 0; c < t->features; c++)
            mean += fabs((double)values[n * t->features + c]) / (double)t->features;
        lb_table_row(t, n, 0, t->features, got);
        for (int64_t c = 0; c < t->features; c++) {
            const double want = values[n * t->features + c] < 0 ? -mean : mean;
            CHECK(fabs((double)got[c] - want) <= 1e-6);
        }
    }
}

static void refuse_table(lb_choice choice) { CHECK(lb_check_table(&choice, NULL) == LOWBIT_UNSUPPORTED); }

void subject_sequence_tables(void) {
    enum { ROWS = 9, FEATURES = 37 };
    static const struct {
        uint32_t format;
        int32_t codes; /* greatest code of the greatest magnitude; 0: signs */
    } kFormats[] = {{LOWBIT_F32, 1 << 24}, {LOWBIT_I8, 127}, {LOWBIT_I4, 7}, {LOWBIT_B1, 0}};
    float values[ROWS * FEATURES];
    lowbit_ctx *ctx = NULL;
    if (!CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK)) return;
    for (int i = 0; i < ROWS * FEATURES; i++) values[i] = check_random_float(-1, 1);
    for (size_t i = 0; i < LB_COUNT(kFormats); i++) {
        lb_choice choice = lb_choice_floats();
        lb_blocks memory = NULL;
        lb_table t;
        choice.weights.format = kFormats[i].format;
        if (CHECK(lb_table_make(ctx, values, ROWS, FEATURES, &choice, NULL, &memory, &t, NULL) == LOWBIT_OK)) {
            for (int64_t n = 0; kFormats[i].codes && n < ROWS; n++)
                check_row(&t, values, n, 0.5001f / (float)kFormats[i].codes);
            if (!kFormats[i].codes) check_signs(&t, values);
        }
        lb_blocks_free(&memory);
    }
    lb_choice choice = lb_choice_floats();
    static const uint32_t kNone[] = {LOWBIT_T5, LOWBIT_NF4, LOWBIT_C4, LOWBIT_BF16, LOWBIT_L1I8, LOWBIT_L1F32, 99};
    for (size_t i = 0; i < LB_COUNT(kNone); i++) {
        choice.weights.format = kNone[i];
        refuse_table(choice);
    }
    choice.weights.format = LOWBIT_I8;
    choice.activations = LOWBIT_A8;
    refuse_table(choice);
    choice.activations = LOWBIT_AF;
    choice.weights.group = 32;
    refuse_table(choice);
    lowbit_ctx_destroy(ctx);
}
