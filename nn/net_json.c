/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/net_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *const lb_op_names[LB_OPS] = {[LB_OP_INPUT] = "input",
                                         [LB_OP_CONV] = "conv",
                                         [LB_OP_AFFINE] = "affine",
                                         [LB_OP_RELU] = "relu",
                                         [LB_OP_HARDTANH] = "hardtanh",
                                         [LB_OP_ADD] = "add",
                                         [LB_OP_MAX_POOL] = "max_pool",
                                         [LB_OP_AVERAGE_POOL] = "average_pool",
                                         [LB_OP_ADAPTIVE_AVERAGE_POOL] = "adaptive_average_pool",
                                         [LB_OP_SUBSAMPLE] = "subsample",
                                         [LB_OP_SHIFT] = "shift",
                                         [LB_OP_STEPS] = "steps",
                                         [LB_OP_TOKENS] = "tokens",
                                         [LB_OP_CLASS_TOKEN] = "class_token",
                                         [LB_OP_POSITIONS] = "positions",
                                         [LB_OP_EMBED] = "embed",
                                         [LB_OP_LAYER_NORM] = "layer_norm",
                                         [LB_OP_RMS_NORM] = "rms_norm",
                                         [LB_OP_NORMALIZE] = "normalize",
                                         [LB_OP_ACT] = "act",
                                         [LB_OP_TANH] = "tanh",
                                         [LB_OP_MULTIPLY] = "multiply",
                                         [LB_OP_ATTENTION] = "attention",
                                         [LB_OP_TAKE_FIRST] = "take_first",
                                         [LB_OP_TAKE_LAST] = "take_last",
                                         [LB_OP_TAKE_MEAN] = "take_mean"};

const char *const lb_attention_names[LB_ATTENTION_KINDS] = {
    [LB_ATTENTION_F32] = "f32", [LB_ATTENTION_I8] = "i8", [LB_ATTENTION_B1] = "b1"};

const char *const lb_net_tokenizers[2] = {"wordpiece", "wordpiece-cased"};

bool lb_named(const char *const *names, uint32_t count, const char *name, uint32_t *number) {
    for (*number = 0; name && *number < count; ++*number)
        if (names[*number] && strcmp(names[*number], name) == 0) return true;
    return false;
}

void lb_tensor_name(char name[LB_TENSOR_NAME], lb_value v, const char *kind, int64_t part) {
    if (part < 0)
        snprintf(name, LB_TENSOR_NAME, "%d.%s", v, kind);
    else
        snprintf(name, LB_TENSOR_NAME, "%d.%s.%lld", v, kind, (long long)part);
}

size_t lb_node_arrays(lb_node *node, lb_node_array arrays[LB_NODE_ARRAYS]) {
    const int64_t channels = node->shape.channels;
    switch (node->op) {
        case LB_OP_CONV: arrays[0] = (lb_node_array){"bias", &node->bias, channels}; return 1;
        case LB_OP_AFFINE:
        case LB_OP_LAYER_NORM:
            arrays[0] = (lb_node_array){"weights", &node->weights, channels};
            arrays[1] = (lb_node_array){"bias", &node->bias, channels};
            return 2;
        case LB_OP_STEPS:
            arrays[0] = (lb_node_array){"weights", &node->weights, channels * node->count};
            arrays[1] = (lb_node_array){"bias", &node->bias, node->count + 1};
            return 2;
        case LB_OP_CLASS_TOKEN:
        case LB_OP_RMS_NORM: arrays[0] = (lb_node_array){"weights", &node->weights, channels}; return 1;
        case LB_OP_POSITIONS: arrays[0] = (lb_node_array){"weights", &node->weights, channels * node->count}; return 1;
        default: return 0;
    }
}

/* FNV-1a over words of 64 bits: every step is a bijection of what was before, so one changed bit is never lost. */
static uint64_t mix(uint64_t sum, const void *bytes, size_t count) {
    const uint8_t *at = bytes;
    for (size_t i = 0; i < count; i += sizeof(uint64_t)) {
        uint64_t word = 0;
        memcpy(&word, at + i, count - i < sizeof word ? count - i : sizeof word);
        sum = (sum ^ word) * UINT64_C(1099511628211);
    }
    return sum;
}

static uint64_t sum_of(const char *name, const void *bytes, size_t count) {
    const uint64_t named = mix(UINT64_C(14695981039346656037), name, strlen(name));
    return mix(named, bytes, count) + count;
}

void lb_net_check(const lb_tensor *tensors, size_t count, const lb_text_pair *metadata, size_t metadata_count,
                  char check[LB_NET_CHECK]) {
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        if (!strstr(tensors[i].name, ".packed."))
            sum += sum_of(tensors[i].name, tensors[i].data, (size_t)tensors[i].bytes);
    for (size_t i = 0; i < metadata_count; i++)
        if (strcmp(metadata[i].key, LB_NET_CHECK_KEY) != 0)
            sum += sum_of(metadata[i].key, metadata[i].value, strlen(metadata[i].value));
    snprintf(check, LB_NET_CHECK, "%016" PRIx64, sum);
}
