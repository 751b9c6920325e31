/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes of packed networks from JSON: foreign bytes. */
#include "nn/net_fields.h"

#include <math.h>

bool lb_json_integer(const json_t *object, const char *key, int64_t least, int64_t most, int64_t otherwise,
                     int64_t *value) {
    const json_t *number = json_object_get(object, key);
    *value = otherwise;
    if (!number) return true;
    *value = json_integer_value(number);
    return json_is_integer(number) && *value >= least && *value <= most;
}

static bool get_list(const json_t *object, const char *key, int64_t least, int64_t most, size_t count, int64_t *list) {
    const json_t *array = json_object_get(object, key);
    if (json_array_size(array) != count) return false;
    for (size_t i = 0; i < count; i++) {
        const json_t *number = json_array_get(array, i);
        list[i] = json_integer_value(number);
        if (!json_is_integer(number) || list[i] < least || list[i] > most) return false;
    }
    return true;
}

/* A finite number that is not negative; 0 where there is none. */
static bool get_scale(const json_t *object, const char *key, float *value) {
    const json_t *number = json_object_get(object, key);
    *value = (float)json_number_value(number);
    return !number || (json_is_number(number) && *value >= 0 && isfinite(*value));
}

static bool get_window(const json_t *node, lb_window *w) {
    const json_t *object = json_object_get(node, "window");
    int64_t kernel[2], pad[4];
    if (!object) return true; /* of layers that have none */
    const bool known = get_list(object, "kernel", 1, INT32_MAX, 2, kernel) &&
                       get_list(object, "pad", 0, INT32_MAX, 4, pad) &&
                       lb_json_integer(object, "stride", 1, INT32_MAX, 1, &w->stride) &&
                       lb_json_integer(object, "dilation", 1, INT32_MAX, 1, &w->dilation) &&
                       lb_json_integer(object, "groups", 1, INT32_MAX, 1, &w->groups);
    w->count_padding = json_is_true(json_object_get(object, "count_padding"));
    if (!known) return false;
    w->kernel_height = kernel[0];
    w->kernel_width = kernel[1];
    w->pad_top = pad[0];
    w->pad_left = pad[1];
    w->pad_bottom = pad[2];
    w->pad_right = pad[3];
    return true;
}

static bool get_name(const json_t *object, const char *key, const char *const *names, uint32_t count,
                     uint32_t *number) {
    return lb_named(names, count, json_string_value(json_object_get(object, key)), number);
}

static bool get_attention(const json_t *node, lb_attention_shape *s, uint32_t *kind) {
    const json_t *object = json_object_get(node, "attention");
    if (!object) return true; /* of other layers; 0 heads are refused */
    s->causal = json_is_true(json_object_get(object, "causal"));
    s->rope_halves = json_is_true(json_object_get(object, "rope_halves"));
    return get_name(object, "kind", lb_attention_names, LB_ATTENTION_KINDS, kind) &&
           lb_json_integer(object, "heads", 1, INT32_MAX, 0, &s->heads) &&
           lb_json_integer(object, "kv_heads", 1, INT32_MAX, 0, &s->kv_heads) &&
           lb_json_integer(object, "head", 1, INT32_MAX, 0, &s->head) && get_scale(object, "scale", &s->scale) &&
           get_scale(object, "rope_base", &s->rope_base);
}

static bool get_value(const json_t *node, const char *key, lb_value v, lb_value *value) {
    int64_t number;
    const bool known = lb_json_integer(node, key, 0, v - 1, LB_NO_VALUE, &number);
    *value = (lb_value)number;
    return known;
}

static bool get_fields(const json_t *json, lb_node *node) {
    int64_t shape[3], act;
    node->name = json_string_value(json_object_get(json, "name"));
    const bool known = node->name && get_window(json, &node->window) &&
                       get_list(json, "shape", 1, INT32_MAX, 3, shape) &&
                       lb_json_integer(json, "count", 1, INT32_MAX, 0, &node->count) &&
                       lb_json_integer(json, "first", 0, INT32_MAX, 0, &node->first) &&
                       lb_json_integer(json, "zeros_before", 0, INT32_MAX, 0, &node->zeros_before) &&
                       lb_json_integer(json, "act", 0, LOWBIT_ACT_SILU, 0, &act) &&
                       get_scale(json, "grid", &node->grid) && get_scale(json, "epsilon", &node->epsilon);
    if (!known) return false;
    node->shape = (lb_shape){shape[0], shape[1], shape[2]};
    node->act = (uint32_t)act;
    node->unbiased = json_is_true(json_object_get(json, "unbiased"));
    node->by_token = json_is_true(json_object_get(json, "by_token"));
    return true;
}

static bool get_range(const json_t *json, lb_range *range) {
    int64_t zero;
    const bool known =
        lb_json_integer(json, "zero", INT8_MIN, INT8_MAX, 0, &zero) && get_scale(json, "scale", &range->scale);
    range->zero = (int32_t)zero;
    return known;
}

bool lb_net_fields(const json_t *json, lb_value v, lb_node *node, uint32_t *kind, lb_range *range) {
    return get_name(json, "op", lb_op_names, LB_OPS, &node->op) && get_value(json, "x", v, &node->x) &&
           get_value(json, "second", v, &node->second) && get_value(json, "third", v, &node->third) &&
           get_fields(json, node) && get_attention(json, &node->attention, kind) && get_range(json, range);
}
