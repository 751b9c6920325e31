/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/llama2c.h"

#include <stdio.h>
#include <stdlib.h>

#include "kernels/base/base.h"

enum { NAME = 64, ELEMENT = 4, MOST_SIZE = 1 << 20, MOST_LAYERS = 1 << 10, MOST_COUNT = 1 << 24 };

/* The numbers in front, in the order of the file. */
enum { DIM, HIDDEN, LAYERS, HEADS, KV_HEADS, VOCABULARY, POSITIONS, NUMBERS };

/* What follows from them. */
enum { KV = NUMBERS, SINES, SIZES };

static const struct {
    const char *name;
    int64_t most;
} kNumbers[NUMBERS] = {{"dim", MOST_SIZE},     {"hidden_dim", MOST_SIZE}, {"n_layers", MOST_LAYERS},
                       {"n_heads", MOST_SIZE}, {"n_kv_heads", MOST_SIZE}, {"vocab_size", MOST_COUNT},
                       {"seq_len", MOST_COUNT}};

/* The matrices, in the order of the file: [rows][cols], or [cols] where there is one size. NULL: not read. */
enum { ONE = -1 };
static const struct {
    const char *name; /* behind "model.layers.N." where every layer has one */
    int rows, cols;   /* sizes */
    bool each;
} kTensors[] = {
    {"model.embed_tokens.weight", VOCABULARY, DIM, false},
    {"input_layernorm.weight", ONE, DIM, true},
    {"self_attn.q_proj.weight", DIM, DIM, true},
    {"self_attn.k_proj.weight", KV, DIM, true},
    {"self_attn.v_proj.weight", KV, DIM, true},
    {"self_attn.o_proj.weight", DIM, DIM, true},
    {"post_attention_layernorm.weight", ONE, DIM, true},
    {"mlp.gate_proj.weight", HIDDEN, DIM, true},
    {"mlp.down_proj.weight", DIM, HIDDEN, true},
    {"mlp.up_proj.weight", HIDDEN, DIM, true},
    {"model.norm.weight", ONE, DIM, false},
    {NULL, POSITIONS, SINES, false}, /* cosines and sines of every position */
    {"lm_head.weight", VOCABULARY, DIM, false},
};

/* A file whose numbers make sense. */
typedef struct checkpoint {
    int64_t sizes[SIZES];
    bool shared; /* no lm_head */
} checkpoint;

/* ---- the numbers ---- */

static int32_t number_at(const uint8_t *p) {
    return (int32_t)(p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
}

/* A file of safetensors has zeros where hidden_dim stands: the upper half of a length. */
bool lb_llama2c_is(const uint8_t *bytes, size_t length) {
    if (length < NUMBERS * ELEMENT) return false;
    for (int i = 0; i < NUMBERS; i++) {
        const int64_t n = number_at(bytes + i * ELEMENT), size = i == VOCABULARY && n < 0 ? -n : n;
        if (size < 1 || size > kNumbers[i].most) return false;
    }
    return true;
}

static lowbit_status read_numbers(const uint8_t *bytes, size_t length, checkpoint *c, lowbit_error *error) {
    int64_t *s = c->sizes;
    LB_REQUIRE(length >= NUMBERS * ELEMENT, error, LOWBIT_BAD_FORMAT, "%zu bytes are no checkpoint of llama2.c",
               length);
    for (int i = 0; i < NUMBERS; i++) s[i] = number_at(bytes + i * ELEMENT);
    c->shared = s[VOCABULARY] > 0;
    if (!c->shared) s[VOCABULARY] = -s[VOCABULARY];
    for (int i = 0; i < NUMBERS; i++)
        LB_REQUIRE(s[i] >= 1 && s[i] <= kNumbers[i].most, error, LOWBIT_BAD_FORMAT, "%s is %lld, not 1 to %lld",
                   kNumbers[i].name, (long long)s[i], (long long)kNumbers[i].most);
    LB_REQUIRE(s[DIM] % (2 * s[HEADS]) == 0 && s[HEADS] % s[KV_HEADS] == 0, error, LOWBIT_BAD_FORMAT,
               "a dim of %lld, %lld heads and %lld heads of keys do not divide each other", (long long)s[DIM],
               (long long)s[HEADS], (long long)s[KV_HEADS]);
    s[KV] = s[DIM] / s[HEADS] * s[KV_HEADS];
    s[SINES] = s[DIM] / s[HEADS]; /* half of them cosines */
    return LOWBIT_OK;
}

/* ---- the tensors ---- */

static bool is_there(const checkpoint *c, size_t i) { return i + 1 < LB_COUNT(kTensors) || !c->shared; }
static int64_t layers_of(const checkpoint *c, size_t i) { return kTensors[i].each ? c->sizes[LAYERS] : 1; }

/* At most 2^50 bytes, and so no overflow. */
static int64_t bytes_of(const checkpoint *c, size_t i) {
    const int64_t rows = kTensors[i].rows == ONE ? 1 : c->sizes[kTensors[i].rows];
    return rows * c->sizes[kTensors[i].cols] * ELEMENT;
}

static void add_tensor(const checkpoint *c, size_t i, int64_t layer, const uint8_t *data, lb_safetensors *file) {
    char *name = file->text + file->count * NAME;
    lb_tensor *t = &file->tensors[file->count++];
    const bool matrix = kTensors[i].rows != ONE;
    const int size = kTensors[i].each ? snprintf(name, NAME, "model.layers.%d.", (int)layer) : 0;
    snprintf(name + size, (size_t)(NAME - size), "%s", kTensors[i].name);
    *t = (lb_tensor){.name = name, .dtype = lb_dtype_of("F32"), .rank = matrix ? 2 : 1, .data = data};
    if (matrix) t->shape[0] = c->sizes[kTensors[i].rows];
    t->shape[t->rank - 1] = c->sizes[kTensors[i].cols];
    lb_tensor_size(t);
}

static lowbit_status find_tensors(const checkpoint *c, const uint8_t *bytes, size_t length, lb_safetensors *file,
                                  lowbit_error *error) {
    const size_t most = LB_COUNT(kTensors) * (size_t)c->sizes[LAYERS];
    int64_t end = NUMBERS * ELEMENT;
    for (size_t i = 0; i < LB_COUNT(kTensors); i++)
        if (is_there(c, i)) end += layers_of(c, i) * bytes_of(c, i);
    LB_REQUIRE((uint64_t)end == length, error, LOWBIT_BAD_FORMAT,
               "a checkpoint of llama2.c with these numbers has %lld bytes, the file %zu", (long long)end, length);
    LB_TRY(lb_safetensors_take(file, most, 0, most * NAME, error));
    const uint8_t *at = bytes + NUMBERS * ELEMENT;
    for (size_t i = 0; i < LB_COUNT(kTensors); i++)
        for (int64_t layer = 0; is_there(c, i) && layer < layers_of(c, i); layer++, at += bytes_of(c, i))
            if (kTensors[i].name) add_tensor(c, i, layer, at, file);
    lb_safetensors_sort(file);
    return LOWBIT_OK;
}

/* ---- the doors ---- */

lowbit_status lb_llama2c_parse(const uint8_t *bytes, size_t length, lb_safetensors *file, lb_config *config,
                               lowbit_error *error) {
    checkpoint c;
    *file = (lb_safetensors){.count = 0};
    LB_TRY(read_numbers(bytes, length, &c, error));
    const lowbit_status status = find_tensors(&c, bytes, length, file, error);
    if (status != LOWBIT_OK) {
        lb_safetensors_close(file);
        return status;
    }
    config->heads = c.sizes[HEADS];
    config->kv_heads = c.sizes[KV_HEADS];
    config->positions = c.sizes[POSITIONS];
    config->rope_pairs = true;
    config->rope_base = 10000;
    config->norm_epsilon = 1e-5;
    return LOWBIT_OK;
}

lowbit_status lb_llama2c_open(const char *path, lb_safetensors *file, lb_config *config, lowbit_error *error) {
    lb_mapped mapped;
    lowbit_error reason = LOWBIT_ERROR_INIT;
    *file = (lb_safetensors){.count = 0};
    LB_TRY(lb_map_file(path, &mapped, error));
    const lowbit_status status = lb_llama2c_parse(mapped.bytes, mapped.length, file, config, &reason);
    if (status == LOWBIT_OK)
        file->mapped = mapped;
    else
        lb_unmap(&mapped);
    return status == LOWBIT_OK ? status : lb_fail(error, status, "%.80s: %s", path, reason.message);
}
