/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/model.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "kernels/base/base.h"
#include "nn/llama2c.h"
#include "nn/text_input.h"

enum { LONGEST_PATH = 4096, LONGEST_SIDE = 1 << 14 };

/* ---- pixels ---- */

/* floor(128 (2 code / 255 - 1)) / 128 = floor((256 code - 128 * 255) / 255) / 128 */
static void fixed_point(lb_pixels *pixels) {
    for (int c = 0; c < LB_CHANNELS; c++)
        for (int code = 0; code < 256; code++)
            pixels->value[c][code] = (float)lb_min(256 * code / 255 - 128, 127) / 128;
}

/* Who trains a network for small images on large ones takes ImageNet's numbers. */
static const lb_normalization *normalization_of(const lb_opened *opened, const lb_model_options *options,
                                                const lb_config *config) {
    const lb_normalization *usual = opened->model->normalization;
    if (options->normalization) return options->normalization;
    if (config->normalized) return &config->normalization;
    const bool grown = opened->input.shape.height > 64 && opened->model->side <= 64;
    return grown && usual->divisor != 1 ? &lb_imagenet : usual;
}

/* What the graph does not hold: the input, the output, the name. */
static lowbit_status finish(lb_opened *opened, const lb_model_options *options, const lb_config *config,
                            lowbit_error *error) {
    const lb_graph *graph = &opened->graph;
    opened->input.shape = graph->nodes[0].shape;
    opened->classes = graph->nodes[graph->count - 1].shape.channels;
    snprintf(opened->name, sizeof opened->name, "%s", config->model[0] ? config->model : opened->model->name);
    LB_REQUIRE(config->classes == 0 || config->classes == opened->classes || lb_embeds(graph), error, LOWBIT_BAD_FORMAT,
               "config.json says %lld classes, the last layer has %lld", (long long)config->classes,
               (long long)opened->classes);
    if (opened->model->input == LB_INPUT_TEXT) return LOWBIT_OK;
    if (opened->model->input == LB_INPUT_FIXED_POINT) {
        fixed_point(&opened->input.pixels);
        return LOWBIT_OK;
    }
    return lb_pixels_make(normalization_of(opened, options, config), &opened->input.pixels, error);
}

/* ---- building ---- */

static lowbit_status build(const lb_source *source, const lb_model_options *options, const lb_config *config,
                           lb_opened *opened, lowbit_error *error) {
    lb_model_options resolved = *options;
    resolved.config = config;
    if (resolved.side == 0) resolved.side = config->side;
    if (resolved.stem == LB_STEM_UNSAID) resolved.stem = config->stem;
    LB_REQUIRE(resolved.side >= 0 && resolved.side <= LONGEST_SIDE && resolved.width >= 0 &&
                   resolved.width <= LONGEST_SIDE && resolved.classes >= 0 && resolved.stem < LB_STEMS,
               error, LOWBIT_INVALID_ARGUMENT, "a side of %lld, a width of %lld, or another option is out of range",
               (long long)resolved.side, (long long)resolved.width);
    lb_graph_begin(&opened->graph, source);
    opened->model->build(&opened->graph, opened->model, &resolved);
    lowbit_status status = lb_graph_end(&opened->graph, error);
    if (status == LOWBIT_OK) status = finish(opened, options, config, error);
    opened->graph.source = NULL;
    if (status != LOWBIT_OK) lb_model_close(opened);
    return status;
}

static const lb_model_options kUsual = {.side = 0};
static const lb_config kNoConfig = {.classes = 0};

lowbit_status lb_model_from(const lb_safetensors *file, const lb_config *config, const lb_model_options *options,
                            lb_opened *opened, lowbit_error *error) {
    const lb_source source = {.file = file};
    if (!options) options = &kUsual;
    if (!config) config = &kNoConfig;
    *opened = (lb_opened){.model = NULL};
    LB_TRY(lb_network_find(&source, config, &opened->model, error));
    return build(&source, options, config, opened, error);
}

/* Which of the formats a file has, its first bytes tell. */
static lowbit_status open_tensors(const char *path, lb_safetensors *file, lb_config *config, lowbit_error *error) {
    lb_mapped mapped;
    LB_TRY(lb_map_file(path, &mapped, error));
    const bool llama2c = lb_llama2c_is(mapped.bytes, mapped.length);
    lb_unmap(&mapped);
    return llama2c ? lb_llama2c_open(path, file, config, error) : lb_safetensors_open(path, file, error);
}

static lowbit_status open_file(const char *path, const lb_model_options *options, lb_config *config, lb_opened *opened,
                               lowbit_error *error) {
    lb_safetensors file;
    LB_TRY(open_tensors(path, &file, config, error));
    const lowbit_status status = lb_model_from(&file, config, options, opened, error);
    lb_safetensors_close(&file);
    return status;
}

/* What a file beside the configuration says of pixels, where that says nothing. */
static lowbit_status add_pixels(const char *path, lb_config *config, lowbit_error *error) {
    lb_config other;
    LB_TRY(lb_config_read(path, &other, error));
    if (!config->normalized) config->normalization = other.normalization;
    config->normalized |= other.normalized;
    return LOWBIT_OK;
}

lowbit_status lb_model_open(const char *path, const lb_model_options *options, lb_opened *opened, lowbit_error *error) {
    char file[LONGEST_PATH], beside[LONGEST_PATH];
    struct stat at;
    lb_config config = kNoConfig;
    *opened = (lb_opened){.model = NULL};
    LB_REQUIRE(strlen(path) < LONGEST_PATH - 32, error, LOWBIT_INVALID_ARGUMENT, "a path of %zu bytes", strlen(path));
    if (stat(path, &at) != 0 || !S_ISDIR(at.st_mode)) return open_file(path, options, &config, opened, error);
    snprintf(file, sizeof file, "%.4000s/model.safetensors", path);
    snprintf(beside, sizeof beside, "%.4000s/config.json", path);
    if (stat(beside, &at) == 0) LB_TRY(lb_config_read(beside, &config, error));
    snprintf(beside, sizeof beside, "%.4000s/preprocessor_config.json", path);
    if (stat(beside, &at) == 0) LB_TRY(add_pixels(beside, &config, error));
    return open_file(file, options, &config, opened, error);
}

lowbit_status lb_model_make_up(const char *name, const lb_model_options *options, lb_opened *opened,
                               lowbit_error *error) {
    char names[200];
    size_t at = 0;
    *opened = (lb_opened){.model = lb_network_named(name)};
    if (!options) options = &kUsual;
    for (size_t i = 0; i < lb_network_count && at < sizeof names - 32; i++)
        at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", i > 0 ? ", " : "", lb_networks[i].name);
    snprintf(names + at, sizeof names - at, ", ...");
    LB_REQUIRE(opened->model, error, LOWBIT_NOT_FOUND, "there is no network \"%.32s\", only %s", name, names);
    const lb_source source = {.seed = options->seed};
    return build(&source, options, &kNoConfig, opened, error);
}

void lb_model_close(lb_opened *opened) {
    lb_graph_free(&opened->graph);
    *opened = (lb_opened){.model = NULL};
}
