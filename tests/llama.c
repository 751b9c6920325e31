/* SPDX-License-Identifier: Apache-2.0 */
/* Llama: files of both kinds give the logits of plain loops, in pieces and with what is remembered; texts go on as
 * those loops say. What configurations may not say is refused. The checkpoint of the data folder tells its reference
 * story. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kernels/base/base.h"
#include "lowbit/lowbit.h"
#include "nn/bpe.h"
#include "nn/generate.h"
#include "nn/llama2c.h"
#include "nn/model.h"
#include "nn/pack_model.h"
#include "tests/check.h"

enum { DIM = 24, HIDDEN = 20, LAYERS = 2, HEADS = 4, HEAD = DIM / HEADS, WORDS = 31, POSITIONS = 24, MOST = 64 };

/* A file. */
typedef struct {
    const char *what;
    int kv_heads;
    bool llama2c, tied, biases; /* biases: of q, k and v, as Qwen 2 has them */
    double base, epsilon;
    const char *config;
} variant;

static const variant kVariants[] = {
    {"a checkpoint", 2, true, true, false, 10000, 1e-5, NULL},
    {"a checkpoint with a classifier", 4, true, false, false, 10000, 1e-5, NULL},
    {"Hugging Face's", 4, false, false, false, 10000, 1e-6, "{\"num_attention_heads\": 4}"},
    {"Hugging Face's, all keys", 1, false, true, true, 500, 0.01,
     "{\"model_type\": \"qwen2\", \"hidden_act\": \"silu\", \"num_attention_heads\": 4, \"num_key_value_heads\": 1, "
     "\"rms_norm_eps\": 0.01, \"rope_theta\": 500.0, \"rope_scaling\": null, \"sliding_window\": null, "
     "\"max_position_embeddings\": 24}"},
};

/* ---- tensors ---- */

typedef struct {
    char name[64];
    int64_t rows, cols; /* rows 0: a vector */
    float *data;
} tensor;

static tensor tensors[MOST];
static int count;

static void add(const char *name, int64_t rows, int64_t cols, float middle) {
    tensor *t = &tensors[count++];
    const int64_t size = (rows ? rows : 1) * cols;
    *t = (tensor){.rows = rows, .cols = cols, .data = malloc((size_t)size * sizeof(float))};
    snprintf(t->name, sizeof t->name, "%s", name);
    for (int64_t i = 0; i < size; i++) t->data[i] = middle + check_random_float(-0.4f, 0.4f);
}

static void add_each(int layer, const char *name, int64_t rows, int64_t cols, float middle) {
    char text[64];
    snprintf(text, sizeof text, "model.layers.%d.%s", layer, name);
    add(text, rows, cols, middle);
}

static void make(const variant *v) {
    const int kv = v->kv_heads * HEAD;
    while (count > 0) free(tensors[--count].data);
    add("model.embed_tokens.weight", WORDS, DIM, 0);
    for (int i = 0; i < LAYERS; i++) {
        add_each(i, "input_layernorm.weight", 0, DIM, 1);
        add_each(i, "self_attn.q_proj.weight", DIM, DIM, 0);
        add_each(i, "self_attn.k_proj.weight", kv, DIM, 0);
        add_each(i, "self_attn.v_proj.weight", kv, DIM, 0);
        add_each(i, "self_attn.o_proj.weight", DIM, DIM, 0);
        add_each(i, "post_attention_layernorm.weight", 0, DIM, 1);
        add_each(i, "mlp.gate_proj.weight", HIDDEN, DIM, 0);
        add_each(i, "mlp.down_proj.weight", DIM, HIDDEN, 0);
        add_each(i, "mlp.up_proj.weight", HIDDEN, DIM, 0);
        if (!v->biases) continue;
        add_each(i, "self_attn.q_proj.bias", 0, DIM, 0);
        add_each(i, "self_attn.k_proj.bias", 0, kv, 0);
        add_each(i, "self_attn.v_proj.bias", 0, kv, 0);
    }
    add("model.norm.weight", 0, DIM, 1);
    if (!v->tied) add("lm_head.weight", WORDS, DIM, 0);
}

static const tensor *find(const char *name) {
    for (int i = 0; i < count; i++)
        if (strcmp(tensors[i].name, name) == 0) return &tensors[i];
    return NULL;
}

/* ---- plain loops ---- */

/* y = W x [+ b] of a layer's name without ".weight". */
static void multiply(const char *name, const double *x, double *y) {
    char text[80];
    snprintf(text, sizeof text, "%s.weight", name);
    const tensor *w = find(text);
    snprintf(text, sizeof text, "%s.bias", name);
    const tensor *b = find(text);
    for (int64_t n = 0; n < w->rows; n++) {
        y[n] = b ? (double)b->data[n] : 0;
        for (int64_t k = 0; k < w->cols; k++) y[n] += (double)w->data[n * w->cols + k] * x[k];
    }
}

static void norm(const char *name, double epsilon, const double *x, double *y) {
    const tensor *gain = find(name);
    double squares = 0;
    for (int i = 0; i < DIM; i++) squares += x[i] * x[i];
    for (int i = 0; i < DIM; i++) y[i] = x[i] / sqrt(squares / DIM + epsilon) * (double)gain->data[i];
}

/* Rotates the heads of a vector at a position. */
static void rotate(const variant *v, double *x, int heads, int position) {
    for (int h = 0; h < heads; h++)
        for (int i = 0; i < HEAD / 2; i++) {
            const double angle = position * pow(v->base, -2.0 * i / HEAD);
            double *a = x + h * HEAD + (v->llama2c ? 2 * i : i), *b = v->llama2c ? a + 1 : a + HEAD / 2;
            const double p = *a, q = *b;
            *a = p * cos(angle) - q * sin(angle);
            *b = p * sin(angle) + q * cos(angle);
        }
}

static void attend(const variant *v, int tokens, double (*q)[DIM], double (*k)[DIM], double (*values)[DIM],
                   double (*out)[DIM]) {
    for (int t = 0; t < tokens; t++)
        for (int h = 0; h < HEADS; h++) {
            const int shared = h / (HEADS / v->kv_heads) * HEAD;
            double p[POSITIONS], sum = 0, *o = out[t] + h * HEAD;
            for (int s = 0; s <= t; s++) {
                double dot = 0;
                for (int i = 0; i < HEAD; i++) dot += q[t][h * HEAD + i] * k[s][shared + i];
                sum += p[s] = exp(dot / sqrt(HEAD));
            }
            for (int i = 0; i < HEAD; i++) {
                o[i] = 0;
                for (int s = 0; s <= t; s++) o[i] += p[s] / sum * values[s][shared + i];
            }
        }
}

static const char *layer_name(int layer, const char *name) {
    static char text[4][64];
    static int turn;
    char *out = text[turn++ % 4];
    snprintf(out, sizeof text[0], "model.layers.%d.%s", layer, name);
    return out;
}

static void run_layer(const variant *v, int layer, int tokens, double (*x)[DIM]) {
    static double q[POSITIONS][DIM], k[POSITIONS][DIM], values[POSITIONS][DIM], out[POSITIONS][DIM];
    double y[DIM], gate[HIDDEN], up[HIDDEN];
    for (int t = 0; t < tokens; t++) {
        norm(layer_name(layer, "input_layernorm.weight"), v->epsilon, x[t], y);
        multiply(layer_name(layer, "self_attn.q_proj"), y, q[t]);
        multiply(layer_name(layer, "self_attn.k_proj"), y, k[t]);
        multiply(layer_name(layer, "self_attn.v_proj"), y, values[t]);
        rotate(v, q[t], HEADS, t);
        rotate(v, k[t], v->kv_heads, t);
    }
    attend(v, tokens, q, k, values, out);
    for (int t = 0; t < tokens; t++) {
        multiply(layer_name(layer, "self_attn.o_proj"), out[t], y);
        for (int i = 0; i < DIM; i++) x[t][i] += y[i];
        norm(layer_name(layer, "post_attention_layernorm.weight"), v->epsilon, x[t], y);
        multiply(layer_name(layer, "mlp.gate_proj"), y, gate);
        multiply(layer_name(layer, "mlp.up_proj"), y, up);
        for (int i = 0; i < HIDDEN; i++) gate[i] *= up[i] / (1 + exp(-gate[i]));
        multiply(layer_name(layer, "mlp.down_proj"), gate, y);
        for (int i = 0; i < DIM; i++) x[t][i] += y[i];
    }
}

/* What comes behind the last of the tokens. */
static void logits_of(const variant *v, const int32_t *ids, int tokens, double *logits) {
    static double x[POSITIONS][DIM];
    const tensor *words = find("model.embed_tokens.weight");
    double y[DIM];
    for (int t = 0; t < tokens; t++)
        for (int i = 0; i < DIM; i++) x[t][i] = (double)words->data[ids[t] * DIM + i];
    for (int layer = 0; layer < LAYERS; layer++) run_layer(v, layer, tokens, x);
    norm("model.norm.weight", v->epsilon, x[tokens - 1], y);
    multiply(v->tied ? "model.embed_tokens" : "lm_head", y, logits);
}

/* ---- files ---- */

static void write_llama2c(const variant *v, const char *path) {
    static const char *const kEach[] = {
        "input_layernorm.weight",  "self_attn.q_proj.weight", "self_attn.k_proj.weight",
        "self_attn.v_proj.weight", "self_attn.o_proj.weight", "post_attention_layernorm.weight",
        "mlp.gate_proj.weight",    "mlp.down_proj.weight",    "mlp.up_proj.weight"};
    const int32_t numbers[] = {DIM, HIDDEN, LAYERS, HEADS, v->kv_heads, v->tied ? WORDS : -WORDS, POSITIONS};
    static const float kSines[POSITIONS * HEAD];
    FILE *file = fopen(path, "wb");
    if (!CHECK(file)) return;
    fwrite(numbers, 4, LB_COUNT(numbers), file);
    fwrite(find("model.embed_tokens.weight")->data, 4, (size_t)WORDS * DIM, file);
    for (size_t i = 0; i < LB_COUNT(kEach); i++)
        for (int layer = 0; layer < LAYERS; layer++) {
            const tensor *t = find(layer_name(layer, kEach[i]));
            fwrite(t->data, 4, (size_t)((t->rows ? t->rows : 1) * t->cols), file);
        }
    fwrite(find("model.norm.weight")->data, 4, DIM, file);
    fwrite(kSines, 4, LB_COUNT(kSines), file);
    if (!v->tied) fwrite(find("lm_head.weight")->data, 4, (size_t)WORDS * DIM, file);
    CHECK(fclose(file) == 0);
}

static void write_safetensors(const char *path) {
    lb_tensor all[MOST];
    for (int i = 0; i < count; i++) {
        const tensor *t = &tensors[i];
        all[i] = (lb_tensor){.name = t->name,
                             .dtype = lb_dtype_of("F32"),
                             .rank = t->rows ? 2 : 1,
                             .shape = {t->rows, t->cols},
                             .data = t->data};
        if (!t->rows) all[i].shape[0] = t->cols;
        CHECK(lb_tensor_size(&all[i]));
    }
    CHECK(lb_safetensors_write(path, all, (size_t)count, NULL, 0, NULL) == LOWBIT_OK);
}

static char folder[256], path[300];

/* Writes it; `path` is then what to open. */
static void write_file(const variant *v) {
    snprintf(path, sizeof path, "%s/%s", folder, v->llama2c ? "model.bin" : "model.safetensors");
    if (v->llama2c) {
        write_llama2c(v, path);
        return;
    }
    write_safetensors(path);
    check_put_file(folder, "config.json", v->config);
    snprintf(path, sizeof path, "%s", folder);
}

static lowbit_status make_graph(void *user, lb_graph *graph, lowbit_error *error) {
    lb_opened o;
    LB_TRY(lb_model_open(user, NULL, &o, error));
    CHECK(strcmp(o.model->name, "llama") == 0 && o.classes == WORDS);
    lb_graph_fuse(&o.graph);
    *graph = o.graph;
    return LOWBIT_OK;
}

static bool open_net(const lowbit_ctx *ctx, const char *model, lb_net *net) {
    lowbit_error error = LOWBIT_ERROR_INIT;
    const lb_pack_model packing = {.make = make_graph, .user = (void *)(uintptr_t)model};
    const lowbit_status status = lb_pack_model_floats(ctx, &packing, net, &error);
    if (!CHECK(status == LOWBIT_OK)) printf("%s\n", error.message);
    return status == LOWBIT_OK;
}

/* ---- next to each other ---- */

static void check_logits(const variant *v, lb_session *session) {
    static const int64_t kPieces[] = {5, 1, 1, 3, 1};
    int32_t ids[POSITIONS];
    float input[2 * POSITIONS], got[WORDS];
    double want[WORDS];
    int tokens = 0;
    for (size_t i = 0; i < LB_COUNT(kPieces); i++) {
        for (int64_t t = 0; t < kPieces[i]; t++) {
            ids[tokens + t] = (int32_t)check_random_in(0, WORDS - 1);
            input[2 * t] = (float)ids[tokens + t];
            input[2 * t + 1] = 0;
        }
        tokens += (int)kPieces[i];
        const lb_run_input run = {input, 1, &kPieces[i]};
        if (!CHECK(lb_session_run(session, &run, got, NULL, NULL, NULL) == LOWBIT_OK)) return;
        logits_of(v, ids, tokens, want);
        double most = 0, off = 0;
        for (int n = 0; n < WORDS; n++) {
            most = fmax(most, fabs(want[n]));
            off = fmax(off, fabs(want[n] - (double)got[n]));
        }
        check_context("%s, %d tokens: off by %g of %g", v->what, tokens, off, most);
        CHECK(off <= 1e-5 * most);
    }
}

typedef struct {
    int32_t ids[POSITIONS];
    int count, most;
} story;

static bool hear(void *user, int32_t token) {
    story *s = user;
    s->ids[s->count++] = token;
    return s->count < s->most;
}

static int32_t likeliest(const double *x, int64_t n) {
    int64_t at = 0;
    for (int64_t i = 1; i < n; i++)
        if (x[i] > x[at]) at = i;
    return (int32_t)at;
}

static void check_text(const variant *v, lb_session *session, lb_sampler *sampler, int64_t chunk, int64_t steps,
                       int most) {
    int32_t ids[POSITIONS + 1] = {7, 3, 11, 2};
    const int prompt = 4, told = most < (int)steps - prompt + 1 ? most : (int)steps - prompt + 1;
    double want[WORDS];
    story s = {.most = most};
    lb_generated result;
    const lb_generate g = {session, sampler, ids, prompt, steps, chunk, hear, &s};
    check_context("%s by %d, %d steps, until %d", v->what, (int)chunk, (int)steps, most);
    CHECK(lb_session_rewind(session, 0, NULL) == LOWBIT_OK);
    if (!CHECK(lb_generate_run(&g, &result, NULL) == LOWBIT_OK && s.count == told)) return;
    CHECK(result.decoded == told - 1 && result.prefill_s > 0 && (told == 1) == (result.decode_s == 0));
    for (int i = 0; i < told; i++) {
        logits_of(v, ids, prompt + i, want);
        ids[prompt + i] = likeliest(want, WORDS);
        CHECK(s.ids[i] == ids[prompt + i]);
    }
}

static void check_variant(const lowbit_ctx *ctx, const variant *v) {
    lb_net net;
    lb_session *session;
    lb_sampler sampler;
    const int32_t many[POSITIONS + 1] = {0};
    const lb_session_options options = {.batch = 1, .tokens = 5, .positions = POSITIONS};
    check_context("%s", v->what);
    make(v);
    write_file(v);
    if (!open_net(ctx, path, &net)) return;
    int64_t positions = 99;
    CHECK(lb_generate_check(&net, &positions, NULL) == LOWBIT_OK && positions == 99);
    CHECK(lb_sampler_make(WORDS, 0, 1, 0, &sampler, NULL) == LOWBIT_OK);
    if (CHECK(lb_session_create(ctx, &net, &options, &session, NULL) == LOWBIT_OK)) {
        check_logits(v, session);
        check_text(v, session, &sampler, 5, POSITIONS, 100);
        check_text(v, session, &sampler, 1, 9, 100);
        check_text(v, session, &sampler, 3, POSITIONS, 6);
        check_text(v, session, &sampler, 3, 4, 100);
        lowbit_error error = LOWBIT_ERROR_INIT;
        lb_generated result;
        lb_generate g = {session, &sampler, many, POSITIONS + 1, POSITIONS, 5, hear, NULL};
        CHECK(lb_generate_run(&g, &result, &error) == LOWBIT_INVALID_ARGUMENT && strstr(error.message, "25 tokens"));
        g.prompt_count = 0;
        CHECK(lb_generate_run(&g, &result, NULL) == LOWBIT_INVALID_ARGUMENT);
        lb_session_destroy(session);
    }
    lb_sampler_free(&sampler);
    lb_net_free(&net);
}

/* ---- configurations ---- */

static void check_configs(void) {
    static const struct {
        const char *config, *reason;
    } kConfigs[] = {
        {"{}", "0 heads of 24 features"},
        {"{\"num_attention_heads\": 0}", "num_attention_heads"},
        {"{\"num_attention_heads\": 5}", "has 24 rows"},
        {"{\"num_attention_heads\": 25}", "25 heads of 24 features"},
        {"{\"num_attention_heads\": 4, \"num_key_value_heads\": 2}", "has 24 rows, where 12 belong"},
        {"{\"num_attention_heads\": 4, \"model_type\": \"gemma\"}", "\"gemma\""},
        {"{\"num_attention_heads\": 4, \"hidden_act\": \"gelu\"}", "\"gelu\""},
        {"{\"num_attention_heads\": 4, \"rope_theta\": 0}", "rope_theta"},
        {"{\"num_attention_heads\": 4, \"rope_scaling\": {\"rope_type\": \"llama3\"}}", "\"llama3\""},
        {"{\"num_attention_heads\": 4, \"rope_parameters\": {\"type\": \"linear\"}}", "\"linear\""},
        {"{\"num_attention_heads\": 4, \"max_position_embeddings\": 9, \"sliding_window\": 8}", "sliding_window"},
        {"{\"num_attention_heads\": 4, \"rms_norm_eps\": 2}", "epsilon"},
    };
    make(&kVariants[2]);
    write_file(&kVariants[2]);
    for (size_t i = 0; i < LB_COUNT(kConfigs); i++) {
        lb_opened o;
        lowbit_error error = LOWBIT_ERROR_INIT;
        check_put_file(folder, "config.json", kConfigs[i].config);
        CHECK(lb_model_open(folder, NULL, &o, &error) != LOWBIT_OK);
        check_context("\"%s\" for %s", error.message, kConfigs[i].config);
        CHECK(strstr(error.message, kConfigs[i].reason));
    }
}

static lowbit_status make_small(void *user, lb_graph *graph, lowbit_error *error) {
    const lb_model_options small = {.width = 64};
    lb_opened o;
    LB_TRY(lb_model_make_up(user, &small, &o, error));
    *graph = o.graph;
    return LOWBIT_OK;
}

static void check_other(const lowbit_ctx *ctx, const char *name, lowbit_status status, int64_t most) {
    lb_net net;
    int64_t positions = 5000;
    const lb_pack_model packing = {.make = make_small, .user = (void *)(uintptr_t)name};
    check_context("%s", name);
    if (!CHECK(lb_pack_model_floats(ctx, &packing, &net, NULL) == LOWBIT_OK)) return;
    CHECK(lb_generate_check(&net, &positions, NULL) == status && positions == most);
    lb_net_free(&net);
}

void subject_llama(void) {
    lowbit_ctx *ctx = NULL;
    if (!CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK)) return;
    snprintf(folder, sizeof folder, "%.200s/llama", check_scratch_folder());
    CHECK(mkdir(folder, 0700) == 0);
    for (size_t i = 0; i < LB_COUNT(kVariants); i++) check_variant(ctx, &kVariants[i]);
    check_configs();
    check_other(ctx, "bert", LOWBIT_UNSUPPORTED, 512);
    check_other(ctx, "gpt2-any", LOWBIT_OK, 1024);
    check_other(ctx, "resnet8", LOWBIT_UNSUPPORTED, 5000);
    make(&kVariants[0]);
    while (count > 0) free(tensors[--count].data);
    lowbit_ctx_destroy(ctx);
}
