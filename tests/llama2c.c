/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints of llama2.c: every tensor of a small one is where it belongs, wrong numbers and lengths are refused, and
 * the checkpoint of the data folder is read. */
#include "nn/llama2c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"
#include "tests/check.h"

enum { NUMBERS = 7, MOST = 4096 };

/* dim 8, hidden 6, 2 layers, 4 heads, 2 of keys, 5 tokens, 3 positions. */
static const int32_t kUsual[NUMBERS] = {8, 6, 2, 4, 2, 5, 3};

/* Floats of such a file, counted as run.c walks through it. */
static size_t floats_of(const int32_t n[NUMBERS]) {
    const size_t dim = (size_t)n[0], hidden = (size_t)n[1], layers = (size_t)n[2], head = dim / (size_t)n[3];
    const size_t kv = head * (size_t)n[4], words = (size_t)abs(n[5]), positions = (size_t)n[6];
    size_t total = words * dim;
    total += layers * (dim + dim * dim + 2 * dim * kv + dim * dim + dim);
    total += layers * 3 * dim * hidden + dim + positions * head;
    return total + (n[5] < 0 ? words * dim : 0);
}

/* A file whose floats count from 0, in guarded memory at an odd address. */
static uint8_t *make(const int32_t n[NUMBERS], size_t floats) {
    const size_t length = 4 * (NUMBERS + floats);
    uint8_t *bytes = check_guarded(length + (length + 1) % 2, CHECK_GUARD_AFTER);
    memcpy(bytes, n, 4 * NUMBERS);
    for (size_t i = 0; i < floats; i++) {
        const float x = (float)i;
        memcpy(bytes + 4 * (NUMBERS + i), &x, sizeof x);
    }
    return bytes;
}

static bool check_tensor(const lb_safetensors *file, const char *name, int64_t rows, int64_t cols, size_t first) {
    const lb_tensor *t = lb_safetensors_find(file, name);
    check_context("%s", name);
    if (!t) return CHECK(t);
    if (!CHECK(t->rank == (rows > 0 ? 2 : 1) && t->shape[0] == (rows > 0 ? rows : cols))) return false;
    if (!CHECK(rows == 0 || t->shape[1] == cols)) return false;
    float *x = malloc((size_t)t->elements * sizeof *x);
    if (!x) return CHECK(x);
    const bool read = CHECK(lb_tensor_floats(t, x, NULL) == LOWBIT_OK);
    const bool right =
        read && CHECK(x[0] == (float)first && x[t->elements - 1] == (float)first + (float)t->elements - 1);
    free(x);
    return right;
}

static void check_whole(int32_t words) {
    int32_t n[NUMBERS];
    lb_safetensors f;
    lb_config config = {.classes = 0};
    memcpy(n, kUsual, sizeof n);
    n[5] = words;
    const size_t floats = floats_of(n);
    const uint8_t *bytes = make(n, floats);
    check_context("%d tokens", (int)words);
    CHECK(lb_llama2c_is(bytes, 4 * (NUMBERS + floats)));
    if (!CHECK(lb_llama2c_parse(bytes, 4 * (NUMBERS + floats), &f, &config, NULL) == LOWBIT_OK)) return;
    CHECK(f.count == (words < 0 ? 21 : 20) && config.heads == 4 && config.kv_heads == 2 && config.positions == 3);
    CHECK(config.rope_pairs && config.rope_base == 10000 && config.norm_epsilon == 1e-5);
    check_tensor(&f, "model.embed_tokens.weight", 5, 8, 0);
    check_tensor(&f, "model.layers.1.input_layernorm.weight", 0, 8, 40 + 8);
    check_tensor(&f, "model.layers.0.self_attn.q_proj.weight", 8, 8, 56);
    check_tensor(&f, "model.layers.1.self_attn.k_proj.weight", 4, 8, 56 + 128 + 32);
    check_tensor(&f, "model.layers.0.self_attn.v_proj.weight", 4, 8, 248);
    check_tensor(&f, "model.layers.1.self_attn.o_proj.weight", 8, 8, 312 + 64);
    check_tensor(&f, "model.layers.0.post_attention_layernorm.weight", 0, 8, 440);
    check_tensor(&f, "model.layers.1.mlp.gate_proj.weight", 6, 8, 456 + 48);
    check_tensor(&f, "model.layers.0.mlp.down_proj.weight", 8, 6, 552);
    check_tensor(&f, "model.layers.1.mlp.up_proj.weight", 6, 8, 648 + 48);
    check_tensor(&f, "model.norm.weight", 0, 8, 744);
    if (words < 0) check_tensor(&f, "lm_head.weight", 5, 8, 752 + 6);
    CHECK(words < 0 || !lb_safetensors_find(&f, "lm_head.weight"));
    lb_safetensors_close(&f);
}

static void check_refused(const int32_t n[NUMBERS], size_t floats, size_t length, const char *reason) {
    lb_safetensors f;
    lb_config config = {.heads = 77};
    lowbit_error error = LOWBIT_ERROR_INIT;
    const uint8_t *bytes = make(n, floats);
    CHECK(lb_llama2c_parse(bytes, length, &f, &config, &error) == LOWBIT_BAD_FORMAT && config.heads == 77);
    check_context("\"%s\", %zu bytes", error.message, length);
    CHECK(strstr(error.message, reason) && f.count == 0 && !f.tensors);
}

void subject_llama2c(void) {
    static const struct {
        int number;
        int32_t value;
        const char *reason;
    } kWrong[] = {
        {0, 0, "dim is 0"},
        {0, -8, "dim is -8"},
        {0, 1 << 21, "dim is 2097152"},
        {0, 10, "do not divide"},
        {0, 12, "do not divide"},
        {1, 0, "hidden_dim is 0"},
        {1, INT32_MAX, "hidden_dim"},
        {2, 0, "n_layers is 0"},
        {2, 1025, "n_layers is"},
        {3, 0, "n_heads is 0"},
        {3, 3, "do not divide"},
        {3, 8, "do not divide"},
        {4, 0, "n_kv_heads is 0"},
        {4, 3, "do not divide"},
        {5, 0, "vocab_size is 0"},
        {5, INT32_MIN, "vocab_size"},
        {6, 0, "seq_len is 0"},
        {6, -1, "seq_len is -1"},
        {2, 3, "has"},
        {5, 6, "has"},
    };
    const size_t floats = floats_of(kUsual), length = 4 * (NUMBERS + floats);
    lb_safetensors f;
    lb_config config = {.classes = 0};
    check_whole(5);
    check_whole(-5);
    for (size_t i = 0; i < LB_COUNT(kWrong); i++) {
        int32_t n[NUMBERS];
        memcpy(n, kUsual, sizeof n);
        n[kWrong[i].number] = kWrong[i].value;
        check_refused(n, floats, length, kWrong[i].reason);
    }
    for (size_t cut = 0; cut < length; cut++)
        check_refused(kUsual, floats, cut, cut < 28 ? "no checkpoint" : "has 3060");
    check_refused(kUsual, floats + 1, length + 1, "has 3060 bytes, the file 3061");
    check_context("what is none");
    CHECK(!lb_llama2c_is((const uint8_t *)"\x40\0\0\0\0\0\0\0{\"a\":{\"dtype\":\"F32\"", 28));
    CHECK(!lb_llama2c_is((const uint8_t *)"hello world, I am a text file", 28));
    CHECK(lb_llama2c_open("/proc/none", &f, &config, NULL) == LOWBIT_NOT_FOUND);
    CHECK(lb_llama2c_open("/dev/null", &f, &config, NULL) == LOWBIT_BAD_FORMAT);
}

void subject_llama2c_data(void) {
    const char *folder = getenv("LOWBIT_DATA");
    char path[4096];
    lb_safetensors f;
    lb_config config = {.classes = 0};
    if (!folder) check_skip("LOWBIT_DATA names no folder with models/stories260k");
    snprintf(path, sizeof path, "%s/models/stories260k/stories260K.bin", folder);
    check_context("%s", path);
    if (!CHECK(lb_llama2c_open(path, &f, &config, NULL) == LOWBIT_OK)) return;
    CHECK(f.count == 2 + 5 * 9 && config.heads == 8 && config.kv_heads == 4 && config.positions == 512);
    const lb_tensor *words = lb_safetensors_find(&f, "model.embed_tokens.weight");
    const lb_tensor *down = lb_safetensors_find(&f, "model.layers.4.mlp.down_proj.weight");
    CHECK(words && words->shape[0] == 512 && words->shape[1] == 64);
    CHECK(down && down->shape[0] == 64 && down->shape[1] == 172);
    lb_safetensors_close(&f);
}
