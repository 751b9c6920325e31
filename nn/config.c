/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/config.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "kernels/base/base.h"
#include "nn/mapped.h"

enum { LONGEST = 1 << 20, MOST_CLASSES = 1 << 20, LONGEST_SIDE = 1 << 14, MOST_HEADS = 1 << 14, MOST_TOKENS = 1 << 24 };

static const char *const kStems[LB_STEMS] = {"", "cifar", "cifar-pool", "imagenet"};

uint32_t lb_stem_of(const char *name) {
    for (uint32_t i = 1; i < LB_STEMS; i++)
        if (strcmp(name, kStems[i]) == 0) return i;
    return LB_STEM_UNSAID;
}

/* *text = the text of a key, or NULL where the key is missing. */
static lowbit_status read_text(const json_t *json, const char *key, const char **text, lowbit_error *error) {
    const json_t *value = json_object_get(json, key);
    *text = json_string_value(value);
    LB_REQUIRE(!value || *text, error, LOWBIT_BAD_FORMAT, "\"%s\" is no text", key);
    return LOWBIT_OK;
}

static lowbit_status read_count(const json_t *json, const char *key, int64_t most, int64_t *count,
                                lowbit_error *error) {
    const json_t *value = json_object_get(json, key);
    *count = json_integer_value(value);
    LB_REQUIRE(!value || (json_is_integer(value) && *count >= 1 && *count <= most), error, LOWBIT_BAD_FORMAT,
               "\"%s\" is no number of 1 to %lld", key, (long long)most);
    return LOWBIT_OK;
}

static lowbit_status read_channels(const json_t *json, const char *key, float out[LB_CHANNELS], lowbit_error *error) {
    const json_t *list = json_object_get(json, key);
    LB_REQUIRE(json_array_size(list) == LB_CHANNELS, error, LOWBIT_BAD_FORMAT, "\"%s\" is no list of %d numbers", key,
               (int)LB_CHANNELS);
    for (size_t c = 0; c < LB_CHANNELS; c++) {
        const json_t *number = json_array_get(list, c);
        out[c] = (float)json_number_value(number);
        LB_REQUIRE(json_is_number(number) && isfinite(out[c]), error, LOWBIT_BAD_FORMAT,
                   "number %zu of \"%s\" is none, or too large", c, key);
    }
    return LOWBIT_OK;
}

/* A standard deviation of 1/255 is how some say that codes go in as they are: that is exact with a divisor of 1. */
static void undo_division(lb_normalization *n) {
    for (int c = 0; c < LB_CHANNELS; c++)
        if (fabsf(n->std[c] * 255 - 1) > 1e-6f || n->mean[c] != 0) return;
    *n = (lb_normalization){1, {0, 0, 0}, {1, 1, 1}};
}

static lowbit_status read_normalization(const json_t *json, lb_config *config, lowbit_error *error) {
    lb_normalization *n = &config->normalization;
    lb_pixels pixels;
    const bool own = json_object_get(json, "mean") || json_object_get(json, "std");
    const char *mean = own ? "mean" : "image_mean", *std = own ? "std" : "image_std";
    if (!json_object_get(json, mean) && !json_object_get(json, std)) return LOWBIT_OK;
    n->divisor = 255;
    LB_TRY(read_channels(json, mean, n->mean, error));
    LB_TRY(read_channels(json, std, n->std, error));
    LB_REQUIRE(lb_pixels_make(n, &pixels, NULL) == LOWBIT_OK, error, LOWBIT_BAD_FORMAT,
               "\"%s\" has a number that is not above 0", std);
    undo_division(n);
    config->normalized = true;
    return LOWBIT_OK;
}

/* A number above 0, or 0 where the key is missing. */
static lowbit_status read_number(const json_t *json, const char *key, double *number, lowbit_error *error) {
    const json_t *value = json_object_get(json, key);
    *number = json_number_value(value);
    LB_REQUIRE(!value || (*number > 0 && *number < 1e30), error, LOWBIT_BAD_FORMAT, "\"%s\" is no number above 0", key);
    return LOWBIT_OK;
}

static lowbit_status read_word(const json_t *json, const char *key, char *word, size_t size, lowbit_error *error) {
    const char *text;
    LB_TRY(read_text(json, key, &text, error));
    LB_REQUIRE(!text || strlen(text) < size, error, LOWBIT_BAD_FORMAT, "\"%s\" is longer than %zu bytes", key,
               size - 1);
    if (text) memcpy(word, text, strlen(text) + 1);
    return LOWBIT_OK;
}

/* Both names that an object of rotary positions has had, and both places of its base. */
static lowbit_status read_rope(const json_t *json, lb_config *config, lowbit_error *error) {
    static const char *const kObjects[] = {"rope_scaling", "rope_parameters"}, *const kTypes[] = {"rope_type", "type"};
    double within = 0;
    LB_TRY(read_number(json, "rope_theta", &config->rope_base, error));
    for (size_t i = 0; i < LB_COUNT(kObjects); i++)
        for (size_t k = 0; k < LB_COUNT(kTypes); k++) {
            const char *type;
            LB_TRY(read_text(json_object_get(json, kObjects[i]), kTypes[k], &type, error));
            LB_REQUIRE(!type || strcmp(type, "default") == 0, error, LOWBIT_UNSUPPORTED,
                       "\"%s\" is of the type \"%.40s\", which is not known", kObjects[i], type);
        }
    LB_TRY(read_number(json_object_get(json, kObjects[1]), "rope_theta", &within, error));
    if (within > 0) config->rope_base = within;
    return LOWBIT_OK;
}

static lowbit_status read_decoder(const json_t *json, lb_config *config, lowbit_error *error) {
    const json_t *window = json_object_get(json, "sliding_window");
    LB_TRY(read_word(json, "model_type", config->type, sizeof config->type, error));
    LB_TRY(read_word(json, "hidden_act", config->act, sizeof config->act, error));
    LB_TRY(read_count(json, "num_attention_heads", MOST_HEADS, &config->heads, error));
    LB_TRY(read_count(json, "num_key_value_heads", MOST_HEADS, &config->kv_heads, error));
    LB_TRY(read_count(json, "max_position_embeddings", MOST_TOKENS, &config->positions, error));
    LB_TRY(read_number(json, "rms_norm_eps", &config->norm_epsilon, error));
    LB_REQUIRE(!json_is_integer(window) || json_integer_value(window) >= config->positions, error, LOWBIT_UNSUPPORTED,
               "\"sliding_window\" is shorter than \"max_position_embeddings\": every token sees all before it here");
    return read_rope(json, config, error);
}

/* What others call the same. */
static lowbit_status read_aliases(const json_t *json, lb_config *config, lowbit_error *error) {
    const struct {
        const char *key;
        int64_t most, *count;
    } kCounts[] = {{"num_labels", MOST_CLASSES, &config->classes}, {"img_size", LONGEST_SIDE, &config->side},
                   {"num_heads", MOST_HEADS, &config->heads},      {"n_head", MOST_HEADS, &config->heads},
                   {"n_heads", MOST_HEADS, &config->heads},        {"n_positions", MOST_TOKENS, &config->positions}};
    static const char *const kEpsilons[] = {"layer_norm_eps", "layer_norm_epsilon"};
    static const char *const kActs[] = {"activation_function", "activation"};
    for (size_t i = 0; i < LB_COUNT(kCounts); i++)
        if (json_object_get(json, kCounts[i].key))
            LB_TRY(read_count(json, kCounts[i].key, kCounts[i].most, kCounts[i].count, error));
    for (size_t i = 0; i < LB_COUNT(kEpsilons); i++)
        if (json_object_get(json, kEpsilons[i])) LB_TRY(read_number(json, kEpsilons[i], &config->norm_epsilon, error));
    for (size_t i = 0; i < LB_COUNT(kActs); i++)
        LB_TRY(read_word(json, kActs[i], config->act, sizeof config->act, error));
    return LOWBIT_OK;
}

static lowbit_status check_positions(const json_t *json, lowbit_error *error) {
    const char *type;
    LB_TRY(read_text(json, "position_embedding_type", &type, error));
    LB_REQUIRE(!type || strcmp(type, "absolute") == 0, error, LOWBIT_UNSUPPORTED,
               "\"position_embedding_type\" is \"%.40s\", where only \"absolute\" is known", type);
    return LOWBIT_OK;
}

static lowbit_status read_keys(const json_t *json, lb_config *config, lowbit_error *error) {
    const char *model, *input, *stem;
    LB_TRY(read_text(json, "model", &model, error));
    LB_TRY(read_text(json, "input", &input, error));
    LB_TRY(read_text(json, "stem", &stem, error));
    LB_REQUIRE(!model || strlen(model) < sizeof config->model, error, LOWBIT_BAD_FORMAT,
               "\"model\" is longer than %zu bytes", sizeof config->model - 1);
    LB_REQUIRE(!input || strcmp(input, "(u8/255-mean)/std") == 0, error, LOWBIT_BAD_FORMAT,
               "\"input\" is \"%.40s\", where only \"(u8/255-mean)/std\" is known", input);
    if (model) memcpy(config->model, model, strlen(model) + 1);
    if (stem) config->stem = lb_stem_of(stem);
    LB_REQUIRE(!stem || config->stem != LB_STEM_UNSAID, error, LOWBIT_BAD_FORMAT,
               "\"stem\" is \"%.40s\", and not cifar, cifar-pool or imagenet", stem);
    LB_TRY(read_count(json, "num_classes", MOST_CLASSES, &config->classes, error));
    LB_TRY(read_count(json, "image_size", LONGEST_SIDE, &config->side, error));
    LB_TRY(read_decoder(json, config, error));
    LB_TRY(read_aliases(json, config, error));
    LB_TRY(check_positions(json, error));
    return read_normalization(json, config, error);
}

lowbit_status lb_config_parse(const uint8_t *bytes, size_t length, lb_config *config, lowbit_error *error) {
    json_error_t why;
    *config = (lb_config){.classes = 0};
    LB_REQUIRE(length <= LONGEST, error, LOWBIT_BAD_FORMAT, "%zu bytes are no configuration", length);
    json_t *json = json_loadb(length > 0 ? (const char *)bytes : "", length, JSON_REJECT_DUPLICATES, &why);
    LB_REQUIRE(json, error, json_error_code(&why) == json_error_out_of_memory ? LOWBIT_NO_MEMORY : LOWBIT_BAD_FORMAT,
               "line %d is no JSON: %s", why.line, why.text);
    const bool is_object = json_is_object(json);
    const lowbit_status status =
        is_object ? read_keys(json, config, error) : lb_fail(error, LOWBIT_BAD_FORMAT, "a configuration is an object");
    json_decref(json);
    return status;
}

lowbit_status lb_config_read(const char *path, lb_config *config, lowbit_error *error) {
    lb_mapped mapped;
    lowbit_error why = LOWBIT_ERROR_INIT;
    *config = (lb_config){.classes = 0};
    LB_TRY(lb_map_file(path, &mapped, error));
    const lowbit_status status = lb_config_parse(mapped.bytes, mapped.length, config, &why);
    lb_unmap(&mapped);
    return status == LOWBIT_OK ? status : lb_fail(error, status, "%.80s: %s", path, why.message);
}
