/* SPDX-License-Identifier: Apache-2.0 */
/* Networks and their configurations: any bytes. What is taken has an order in which it can be computed and an output;
 * everything else is refused with a reason.
 *
 * An input is config.json, a zero, and the header of a file: name, rank and shape of each tensor stay JSON, their data
 * are made up here, as many bytes as the header says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/model.h"
#include "tests/fuzz/fuzz.h"
#include "tests/safetensors.h"

enum { MOST_DATA = 1 << 16, PREFIX = 8 };

static void check_opened(lb_opened *o) {
    const lb_graph *g = &o->graph;
    lb_graph_fuse(&o->graph);
    for (int64_t i = 0; i < g->count; i++) {
        const lb_node *n = &g->nodes[i];
        if (n->op == LB_OP_NONE || n->op == LB_OP_INPUT) continue;
        fuzz_require(n->x >= 0 && n->x < i && g->nodes[n->x].op != LB_OP_NONE, "a value is known when it is read");
        fuzz_require(n->second < i, "and so is the second one");
        fuzz_require(n->op != LB_OP_CONV || n->weights, "a convolution has weights");
    }
    fuzz_require(o->classes >= 1 && o->input.shape.channels == LB_CHANNELS, "an input and an output");
    lb_model_close(o);
}

/* The data that a header wants: the largest end among its offsets, read off the text. */
static size_t data_of(const char *header) {
    unsigned long long most = 0;
    for (const char *at = strstr(header, "data_offsets"); at; at = strstr(at + 1, "data_offsets")) {
        unsigned long long begin, end;
        if (sscanf(at, "data_offsets\":[%8llu,%8llu]", &begin, &end) == 2 && end > most) most = end;
    }
    return most < MOST_DATA ? (size_t)most : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *zero = size > 0 ? memchr(data, 0, size) : NULL;
    const size_t configured = zero ? (size_t)(zero - data) : 0, from = zero ? configured + 1 : 0;
    lb_config config = {.classes = 0};
    lb_safetensors file;
    lb_opened opened;
    lowbit_error error = LOWBIT_ERROR_INIT;
    if (configured > 0 && lb_config_parse(data, configured, &config, &error) != LOWBIT_OK)
        fuzz_require(error.message[0] != 0, "a configuration is refused with a reason");
    char *header = calloc(size - from + 1, 1);
    uint8_t *bytes = calloc(PREFIX + size + MOST_DATA, 1);
    fuzz_require(header && bytes, "memory");
    if (size > from) memcpy(header, data + from, size - from);
    const size_t length = safetensors_make(header, data_of(header), bytes);
    if (lb_safetensors_parse(bytes, length, &file, NULL) == LOWBIT_OK) {
        error = (lowbit_error)LOWBIT_ERROR_INIT;
        if (lb_model_from(&file, &config, NULL, &opened, &error) == LOWBIT_OK)
            check_opened(&opened);
        else
            fuzz_require(error.message[0] != 0, "a network is refused with a reason");
        lb_safetensors_close(&file);
    }
    free(header);
    free(bytes);
    return 0;
}

/* ---- seeds ---- */

typedef struct {
    const char *name;
    int rank, shape[4];
} row;

static const row kSmall[] = {
    {"conv1.weight", 4, {2, 3, 3, 3}}, {"conv1.bias", 1, {2}}, {"fc.weight", 2, {3, 2}}, {"fc.bias", 1, {3}}};
static const char *const kNorms[] = {"weight", "bias", "running_mean", "running_var"};

static int put(char *text, size_t room, const char *name, int rank, const int *shape, int *at) {
    int elements = 1, used = snprintf(text, room, "%s\"%s\":{\"dtype\":\"U8\",\"shape\":[", *at ? "," : "{", name);
    for (int i = 0; i < rank; i++) {
        used += snprintf(text + used, room - (size_t)used, "%s%d", i ? "," : "", shape[i]);
        elements *= shape[i];
    }
    used += snprintf(text + used, room - (size_t)used, "],\"data_offsets\":[%d,%d]}", *at, *at + elements);
    *at += elements;
    return used;
}

/* A ResNet of one block with random names of its norms in turn; seed 1 has a configuration in front. */
size_t fuzz_seed(size_t index, uint8_t *data, size_t room) {
    static const char kConfig[] = "{\"mean\":[0,0,0],\"std\":[1,1,1],\"num_classes\":3,\"stem\":\"cifar\"}";
    static const char *const kBlocks[] = {"bn1", "layer1.0.bn1", "layer1.0.bn2"};
    static const row kConvs[] = {{"layer1.0.conv1.weight", 4, {2, 2, 3, 3}},
                                 {"layer1.0.conv2.weight", 4, {2, 2, 3, 3}}};
    char *text = (char *)data, name[64];
    size_t used = index == 1 ? sizeof kConfig : 1;
    int at = 0;
    if (index > 1 || room < 4096) return 0;
    memset(data, 0, room);
    if (index == 1) memcpy(data, kConfig, sizeof kConfig);
    for (size_t i = 0; i < 4; i++)
        used += (size_t)put(text + used, room - used, kSmall[i].name, kSmall[i].rank, kSmall[i].shape, &at);
    for (size_t i = 0; i < 2; i++)
        used += (size_t)put(text + used, room - used, kConvs[i].name, kConvs[i].rank, kConvs[i].shape, &at);
    for (size_t i = 0; i < 12; i++) {
        snprintf(name, sizeof name, "%s.%s", kBlocks[i / 4], kNorms[i % 4]);
        used += (size_t)put(text + used, room - used, name, 1, (const int[]){2}, &at);
    }
    text[used++] = '}';
    return used;
}
