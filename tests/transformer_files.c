/* SPDX-License-Identifier: Apache-2.0 */
/* Transformers by the names of their files: a made-up network, written with these, is read as itself; with and without
 * prefixes, with q, k and v in one tensor, transposed, with one table for words and outputs. What is missing is
 * refused. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"
#include "nn/model.h"
#include "nn/text_input.h"
#include "tests/check.h"
#include "tests/nn_oracle.h"

enum { MOST = 256, NAME = 128, TOKENS = 7 };

/* How a file differs from the made-up network's own names. */
typedef struct {
    const char *row, *found; /* made up as this, found as that; NULL: the same */
    const char *gain, *bias; /* of norms */
    const char *from, *to;   /* the prefix that is replaced */
    const char *q;           /* the end of the layer of queries; those of keys and values have k and v for its q */
    const char *fused_weight, *fused_bias; /* what stands there where one tensor has all three, or NULL */
    bool columns, tied;
} variant;

typedef struct {
    char name[NAME];
    int32_t rank;
    int64_t shape[4];
    float *data;
} tensor;

static tensor file[MOST];
static size_t count;
static char folder[256];

static int64_t size_of(const tensor *t) {
    int64_t size = 1;
    for (int32_t i = 0; i < t->rank; i++) size *= t->shape[i];
    return size;
}

static void add(const char *name, const char *end, int32_t rank, const int64_t *shape, const float *data) {
    tensor *t = &file[count++];
    CHECK(count <= MOST);
    *t = (tensor){.rank = rank};
    snprintf(t->name, sizeof t->name, "%s%s", name, end);
    memcpy(t->shape, shape, (size_t)rank * sizeof *shape);
    t->data = malloc((size_t)size_of(t) * sizeof *data);
    memcpy(t->data, data, (size_t)size_of(t) * sizeof *data);
}

static void forget(void) {
    while (count > 0) free(file[--count].data);
}

/* [out][y][x][c] as [out][c][y][x]. */
static void add_conv(const lb_node *node, int64_t channels) {
    const lb_window *w = &node->window;
    const int64_t taps = w->kernel_height * w->kernel_width, out = node->shape.channels;
    const int64_t shape[] = {out, channels, w->kernel_height, w->kernel_width};
    add(node->name, ".weight", taps > 1 ? 4 : 2, shape, node->weights);
    for (int64_t n = 0; n < out; n++)
        for (int64_t c = 0; c < channels; c++)
            for (int64_t tap = 0; tap < taps; tap++)
                file[count - 1].data[(n * channels + c) * taps + tap] = node->weights[(n * taps + tap) * channels + c];
    if (node->bias) add(node->name, ".bias", 1, &out, node->bias);
}

static bool ends_with(const char *name, const char *end) {
    return strlen(name) >= strlen(end) && strcmp(name + strlen(name) - strlen(end), end) == 0;
}

/* Tables of images have names of their own, and ones in front; so have sines. */
static void add_table(const lb_node *node, bool image, int64_t rows) {
    const int64_t shape[] = {1, rows, node->shape.channels};
    const bool whole = image || ends_with(node->name, ".pe");
    add(node->name, whole ? "" : ".weight", whole ? 3 : 2, whole ? shape : shape + 1, node->weights);
}

static void collect(const lb_graph *graph, const variant *v) {
    forget();
    for (int64_t i = 0; i < graph->count; i++) {
        const lb_node *node = &graph->nodes[i];
        const bool image = !lb_takes_texts(graph);
        if (node->op == LB_OP_CONV) add_conv(node, graph->nodes[node->x].shape.channels);
        if (node->op == LB_OP_EMBED || node->op == LB_OP_POSITIONS) add_table(node, image, node->count);
        if (node->op == LB_OP_CLASS_TOKEN) add_table(node, image, 1);
        if (node->op != LB_OP_LAYER_NORM) continue;
        add(node->name, v->gain, 1, &node->shape.channels, node->weights);
        add(node->name, v->bias, 1, &node->shape.channels, node->bias);
    }
}

static tensor *find(const char *name) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(file[i].name, name) == 0) return &file[i];
    return NULL;
}

static void drop(tensor *t) {
    free(t->data);
    memmove(t, t + 1, (size_t)(file + --count - t) * sizeof *t);
}

/* Rows of [out][in] as columns. */
static void transpose(tensor *t) {
    const int64_t rows = t->shape[0], columns = t->shape[1];
    float *data = malloc((size_t)(rows * columns) * sizeof *data);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++) data[c * rows + r] = t->data[r * columns + c];
    free(t->data);
    *t = (tensor){.rank = 2, .shape = {columns, rows}, .data = data};
}

/* Puts K and V behind Q, under the new name. `end` is that of a weight or a bias. */
static void fuse(const variant *v, tensor *q, const char *end, const char *new_end) {
    char name[NAME];
    const size_t length = strlen(q->name) - strlen(v->q) - strlen(end);
    const int64_t size = size_of(q);
    q->data = realloc(q->data, 3 * (size_t)size * sizeof *q->data);
    for (int i = 1; i < 3; i++) {
        char layer[16];
        snprintf(layer, sizeof layer, "%s", v->q);
        layer[strlen(layer) - 1] = i == 1 ? 'k' : 'v';
        snprintf(name, sizeof name, "%.*s%s%s", (int)length, q->name, layer, end);
        tensor *other = find(name);
        CHECK(other != NULL);
        if (!other) return;
        memcpy(q->data + i * size, other->data, (size_t)size * sizeof *q->data);
        drop(other);
    }
    q->shape[0] *= 3;
    q->name[length] = 0;
    strcat(q->name, new_end);
}

static void vary(const variant *v) {
    for (size_t i = 0; v->fused_weight && i < count; i++) {
        char weight[32], bias[32];
        snprintf(weight, sizeof weight, "%s.weight", v->q);
        snprintf(bias, sizeof bias, "%s.bias", v->q);
        if (ends_with(file[i].name, weight)) fuse(v, &file[i], ".weight", v->fused_weight);
        if (ends_with(file[i].name, bias)) fuse(v, &file[i], ".bias", v->fused_bias);
    }
    for (size_t i = 0; v->columns && i < count; i++)
        if (strstr(file[i].name, "h.") && file[i].rank == 2) {
            char name[NAME];
            memcpy(name, file[i].name, NAME);
            transpose(&file[i]);
            memcpy(file[i].name, name, NAME);
        }
    if (v->tied) drop(find("lm_head.weight"));
    for (size_t i = 0; v->from && i < count; i++) {
        char name[NAME];
        if (strncmp(file[i].name, v->from, strlen(v->from)) != 0) continue;
        snprintf(name, sizeof name, "%s%s", v->to, file[i].name + strlen(v->from));
        memcpy(file[i].name, name, NAME);
    }
}

static void write_file(size_t without) {
    lb_tensor tensors[MOST];
    char path[300];
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (i == without) continue;
        tensors[n] =
            (lb_tensor){.name = file[i].name, .dtype = lb_dtype_of("F32"), .rank = file[i].rank, .data = file[i].data};
        memcpy(tensors[n].shape, file[i].shape, sizeof file[i].shape);
        CHECK(lb_tensor_size(&tensors[n++]));
    }
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    CHECK(lb_safetensors_write(path, tensors, n, NULL, 0, NULL) == LOWBIT_OK);
}

static void write_config(const char *text) {
    char path[300];
    snprintf(path, sizeof path, "%s/config.json", folder);
    FILE *f = fopen(path, "w");
    if (CHECK(f != NULL)) {
        CHECK(fputs(text, f) >= 0);
        fclose(f);
    }
}

static float *outputs_of(const lb_opened *o) {
    static float data[3 * 32 * 32];
    const bool texts = lb_takes_texts(&o->graph);
    for (int i = 0; i < (int)LB_COUNT(data); i++)
        data[i] = !texts ? (float)(i % 17) / 8 - 1 : i % 2 ? 0 : (float)(i * 5 % 11);
    return texts ? nn_oracle_text(&o->graph, data, TOKENS) : nn_oracle(&o->graph, data);
}

static void check_same(const lb_opened *a, const lb_opened *b) {
    float *x = outputs_of(a), *y = outputs_of(b);
    CHECK(a->classes == b->classes && x && y && memcmp(x, y, (size_t)a->classes * sizeof *x) == 0);
    free(x), free(y);
}

/* Biases of linear layers may be missing; the table of outputs, too; and classes, where an embedding remains. */
static bool is_optional(const char *name) {
    return (ends_with(name, "bias") && !strstr(name, "norm") && !strstr(name, "Norm") && !strstr(name, "ln_")) ||
           strcmp(name, "lm_head.weight") == 0 || strcmp(name, "classifier.weight") == 0;
}

static void check_variant(const variant *v) {
    const lb_model_options small = {.side = 32, .width = 8, .classes = 11, .seed = 5};
    lb_opened made, read;
    lowbit_error error = LOWBIT_ERROR_INIT;
    check_context("%s as %s", v->row, v->to ? v->to : "it is");
    if (!CHECK(lb_model_make_up(v->row, &small, &made, NULL) == LOWBIT_OK)) return;
    collect(&made.graph, v);
    vary(v);
    write_file(count);
    if (CHECK(lb_model_open(folder, NULL, &read, &error) == LOWBIT_OK)) {
        CHECK(strcmp(read.model->name, v->found ? v->found : v->row) == 0);
        check_same(&made, &read);
        lb_model_close(&read);
    } else {
        printf("%s\n", error.message);
    }
    lb_model_close(&made);
    for (size_t i = 0; i < count; i++) {
        check_context("%s without %s", v->row, file[i].name);
        write_file(i);
        const lowbit_status status = lb_model_open(folder, NULL, &read, &error);
        CHECK(status == LOWBIT_OK ? is_optional(file[i].name) : error.message[0] != 0);
        if (status == LOWBIT_OK) lb_model_close(&read);
    }
}

/* What config.json says of heads, norms and functions, by any of its names. */
static void check_config(void) {
    static const struct {
        const char *text;
        int64_t heads;
        float epsilon;
    } kSaid[] = {{"{}", 1, 1e-12f},
                 {"{\"num_attention_heads\": 2, \"layer_norm_eps\": 1e-3}", 2, 1e-3f},
                 {"{\"n_head\": 4, \"layer_norm_epsilon\": 0.5, \"activation_function\": \"relu\"}", 4, 0.5f}};
    static const char *const kRefused[] = {"{\"num_attention_heads\": 3}", "{\"num_attention_heads\": 0}",
                                           "{\"hidden_act\": \"softplus\"}", "{\"num_labels\": 3}",
                                           "{\"position_embedding_type\": \"relative_key\"}"};
    lb_opened o;
    lowbit_error error = LOWBIT_ERROR_INIT;
    write_file(count);
    for (size_t i = 0; i < LB_COUNT(kSaid); i++) {
        check_context("config.json is %s", kSaid[i].text);
        write_config(kSaid[i].text);
        if (!CHECK(lb_model_open(folder, NULL, &o, &error) == LOWBIT_OK)) continue;
        for (int64_t n = 0; n < o.graph.count; n++) {
            const lb_node *node = &o.graph.nodes[n];
            if (node->op == LB_OP_ATTENTION) CHECK(node->attention.heads == kSaid[i].heads);
            if (node->op == LB_OP_LAYER_NORM) CHECK(node->epsilon == kSaid[i].epsilon);
        }
        lb_model_close(&o);
    }
    for (size_t i = 0; i < LB_COUNT(kRefused); i++) {
        check_context("config.json is %s", kRefused[i]);
        write_config(kRefused[i]);
        CHECK(lb_model_open(folder, NULL, &o, &error) != LOWBIT_OK && error.message[0]);
    }
    write_config("{}");
}

void subject_transformer_files(void) {
    const variant kVariants[] = {
        {.row = "vit",
         .gain = ".weight",
         .bias = ".bias",
         .q = ".q",
         .fused_weight = ".qkv.weight",
         .fused_bias = ".qkv.bias"},
        {.row = "vit-postnorm",
         .gain = ".weight",
         .bias = ".bias",
         .q = ".q",
         .fused_weight = ".in_proj_weight",
         .fused_bias = ".in_proj_bias"},
        {.row = "vit-prenorm", .gain = ".alpha", .bias = ".beta"},
        {.row = "vit-hf", .gain = ".weight", .bias = ".bias"},
        {.row = "vit-hf", .gain = ".weight", .bias = ".bias", .from = "vit.", .to = ""},
        {.row = "news", .gain = ".a_2", .bias = ".b_2"},
        {.row = "distilbert", .gain = ".weight", .bias = ".bias"},
        {.row = "distilbert", .gain = ".weight", .bias = ".bias", .from = "distilbert.", .to = ""},
        {.row = "minilm", .found = "bert", .gain = ".weight", .bias = ".bias", .from = "bert.", .to = ""},
        {.row = "gpt2-any",
         .gain = ".weight",
         .bias = ".bias",
         .q = ".q",
         .fused_weight = ".c_attn.weight",
         .fused_bias = ".c_attn.bias",
         .columns = true,
         .tied = true},
        {.row = "gpt2-any",
         .gain = ".weight",
         .bias = ".bias",
         .from = "transformer.",
         .to = "",
         .q = ".q",
         .fused_weight = ".c_attn.weight",
         .fused_bias = ".c_attn.bias",
         .columns = true},
        {.row = "bert", .gain = ".gamma", .bias = ".beta"},
        {.row = "bert", .gain = ".weight", .bias = ".bias"},
    };
    snprintf(folder, sizeof folder, "%s", check_scratch_folder());
    write_config("{}");
    for (size_t i = 0; i < LB_COUNT(kVariants); i++) check_variant(&kVariants[i]);
    check_config(); /* of the last one, BERT */
    forget();
}
