/* SPDX-License-Identifier: Apache-2.0 */
/* Packed networks: any bytes. What opens, its blobs unverified, runs without a step outside of its memory.
 *
 * An input is a file of safetensors behind one byte, which says whether the file's sum is made right (bit 0), since a
 * fuzzer does not guess sums. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lowbit/lowbit.h"
#include "nn/model.h"
#include "nn/net_file.h"
#include "nn/net_json.h"
#include "nn/pack_model.h"
#include "nn/session.h"
#include "tests/fuzz/fuzz.h"
#include "tests/sequence_nets.h"

enum { MOST_ELEMENTS = 1 << 14, MOST_MACS = 1 << 22, SIDE = 8, TOKENS = 4 };

static const lowbit_ctx *context(void) {
    static lowbit_ctx *ctx;
    if (!ctx) fuzz_require(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK, "a context");
    return ctx;
}

/* The digits of the sum, in the bytes of the file. */
static void sign(const lb_safetensors *file) {
    char sum[LB_NET_CHECK];
    char *told = (char *)(uintptr_t)lb_safetensors_text(file, LB_NET_CHECK_KEY);
    if (!told || strlen(told) != LB_NET_CHECK - 1) return;
    lb_net_check(file->tensors, file->count, file->metadata, file->metadata_count, sum);
    memcpy(told, sum, LB_NET_CHECK);
}

static bool is_small(const lb_net *net) {
    int64_t elements = 0;
    for (int64_t v = 0; v < net->graph.count; v++) {
        const int64_t own = lb_shape_elements(net->graph.nodes[v].shape);
        if (own > MOST_ELEMENTS) return false;
        elements += own;
    }
    return elements <= 64 * MOST_ELEMENTS && lb_net_macs(net) <= MOST_MACS;
}

static void run(const lb_net *net) {
    const lb_graph *graph = &net->graph;
    const lb_session_options options = {.batch = 1, .tokens = TOKENS};
    const int64_t length = TOKENS;
    lowbit_error error = LOWBIT_ERROR_INIT;
    lb_session *session = NULL;
    if (lb_session_create(context(), net, &options, &session, &error) != LOWBIT_OK) {
        fuzz_require(error.message[0] != 0, "a refusal has a reason");
        return;
    }
    float *in = calloc((size_t)lb_shape_elements(graph->nodes[0].shape) * TOKENS, sizeof *in);
    float *out = malloc((size_t)lb_shape_elements(graph->nodes[graph->count - 1].shape) * TOKENS * sizeof *out);
    if (in && out && lb_session_run(session, &(lb_run_input){in, 1, &length}, out, NULL, NULL, &error) != LOWBIT_OK)
        fuzz_require(error.message[0] != 0, "a run that fails has a reason");
    free(in);
    free(out);
    lb_session_destroy(session);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    void *bytes = NULL; /* of exactly the file's bytes, so that the sanitizer sees one too many */
    lb_safetensors file;
    lb_net net;
    lb_net_about about;
    lowbit_error error = LOWBIT_ERROR_INIT;
    if (size < 2 || posix_memalign(&bytes, 64, size - 1) != 0) return 0;
    memcpy(bytes, data + 1, size - 1);
    lowbit_status status = lb_safetensors_parse(bytes, size - 1, &file, &error);
    if (status == LOWBIT_OK) {
        if (data[0] & 1) sign(&file);
        status = lb_net_read(&file, 0, &net, &about, &error);
    }
    if (status == LOWBIT_OK) {
        if (is_small(&net)) run(&net);
        lb_net_free(&net);
    } else {
        fuzz_require(error.message[0] != 0, "a refusal has a reason");
    }
    free(bytes);
    return 0;
}

/* ---- seeds: small networks with made-up weights ---- */

typedef struct seed {
    const char *model, *recipe; /* of nn/zoo.h, or of tests/sequence_nets.h */
    lb_pixels pixels;
} seed;

static const sequence_net *sequence_named(const char *name) {
    for (size_t i = 0; i < sequence_net_count; i++)
        if (strcmp(sequence_nets[i].name, name) == 0) return &sequence_nets[i];
    return NULL;
}

static lowbit_status make(void *user, lb_graph *graph, lowbit_error *error) {
    seed *s = user;
    const sequence_net *sequence = sequence_named(s->model);
    if (sequence) return sequence_net_make(sequence, true, graph, error);
    const lb_model_options options = {.side = strstr(s->model, "cnv") ? 32 : SIDE, .width = 4, .classes = 3};
    lb_opened opened;
    const lowbit_status status = lb_model_make_up(s->model, &options, &opened, error);
    if (status != LOWBIT_OK) return status;
    lb_graph_fuse(&opened.graph);
    s->pixels = opened.input.pixels;
    *graph = opened.graph;
    return LOWBIT_OK;
}

static int64_t next(void *user, int64_t most, int64_t *lengths, float *images) {
    const seed *s = user;
    const sequence_net *sequence = sequence_named(s->model);
    const int64_t side = sequence ? SEQUENCE_SIDE : SIDE;
    for (int64_t i = 0; lengths && i < most; i++) lengths[i] = TOKENS;
    for (int64_t i = 0; lengths && i < most * TOKENS * 2; i++)
        images[i] = (float)(i % 2 ? 0 : i * 7 % SEQUENCE_VOCABULARY);
    for (int64_t i = 0; !lengths && i < most * side * side * 3; i++) images[i] = (float)(i * 37 % 101 - 50) / 50;
    return most;
}

enum { ROOM = 1 << 16 };

/* A packed network as a file. */
static size_t pack(seed *s, uint8_t *to) {
    static lb_recipe recipe;
    char path[] = "/tmp/lowbit-fuzz-XXXXXX";
    lb_net net;
    lb_mapped mapped;
    fuzz_require(!s->recipe || lb_recipe_parse(s->recipe, &recipe, NULL) == LOWBIT_OK, "a recipe");
    const lb_pack_model model = {
        .make = make, .user = s, .recipe = s->recipe ? &recipe : NULL, .samples = {next, s, TOKENS}};
    fuzz_require(lb_pack_model_run(context(), &model, &net, NULL) == LOWBIT_OK, "a network");
    const lb_net_about about = {.model = s->model, .recipe = s->recipe ? s->recipe : "native", .pixels = s->pixels};
    const int handle = mkstemp(path);
    fuzz_require(handle >= 0 && lb_net_save(&net, &about, path, NULL) == LOWBIT_OK, "its file");
    lb_net_free(&net);
    fuzz_require(lb_map_file(path, &mapped, NULL) == LOWBIT_OK && mapped.length < ROOM, "its bytes");
    const size_t size = mapped.length;
    memcpy(to, mapped.bytes, size);
    lb_unmap(&mapped);
    close(handle);
    unlink(path);
    return size;
}

size_t fuzz_seed(size_t index, uint8_t *data, size_t room) {
    static seed seeds[] = {{"resnet20", "w8a8", {{{0}}}},
                           {"resnet20", "*: i4g32a8", {{{0}}}},
                           {"resnet8", "*: t2a8", {{{0}}}},
                           {"resnet20", "*: b1a1", {{{0}}}},
                           {"bnn-cnv", NULL, {{{0}}}},
                           {"vit", "w8a8", {{{0}}}},
                           {"bert", "w8a8; embedding: i8af; attention: i8a8", {{{0}}}},
                           {"mean", "*: i8a8; attention: b1a1", {{{0}}}},
                           {"llama", "*: i4g32a8; embedding: b1af", {{{0}}}}};
    static uint8_t files[sizeof seeds / sizeof *seeds][ROOM]; /* made once: packing takes longer than reading */
    static size_t sizes[sizeof seeds / sizeof *seeds];
    const size_t at = index / 2;
    if (at >= sizeof seeds / sizeof *seeds) return 0;
    if (!sizes[at]) sizes[at] = pack(&seeds[at], files[at]);
    if (sizes[at] + 1 > room) return 0;
    data[0] = (uint8_t)(index % 2);
    memcpy(data + 1, files[at], sizes[at]);
    return sizes[at] + 1;
}
