/* SPDX-License-Identifier: Apache-2.0 */
/* Recipes as text: reading them. */
#include "nn/recipe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"
#include "kernels/formats/format.h"
#include "kernels/gemm.h"
#include "kernels/rules.h"
#include "nn/mapped.h"
#include "nn/observe.h"

enum { LINE = 256, MOST_IMAGES = 1000000 };

static const char kSpaces[] = " \t\r";

/* ---- settings ---- */

static const char *const kRanges[] = {"affine", "symmetric"}; /* by lb_recipe.symmetric */

static bool set_calibrate(lb_recipe *r, const char *value) {
    for (uint32_t kind = 1; kind < LB_CALIBRATIONS; kind++)
        if (strcmp(lb_calibration_name(kind), value) == 0) {
            r->calibrate = kind;
            return true;
        }
    return false;
}

static bool set_observe(lb_recipe *r, const char *value) {
    int32_t images = 0;
    for (; *value >= '0' && *value <= '9' && images <= MOST_IMAGES; value++) images = images * 10 + (*value - '0');
    if (*value || images < 1 || images > MOST_IMAGES) return false;
    r->observe = images;
    return true;
}

static bool set_range(lb_recipe *r, const char *value) {
    for (size_t i = 0; i < LB_COUNT(kRanges); i++)
        if (strcmp(kRanges[i], value) == 0) {
            r->symmetric = i == 1;
            return true;
        }
    return false;
}

static const struct {
    const char *name;
    bool (*set)(lb_recipe *recipe, const char *value);
    const char *legal;
} kSettings[] = {
    {"calibrate", set_calibrate, "minmax, average, percentile, kl or mse"},
    {"observe", set_observe, "images, 1 to 1000000"},
    {"range", set_range, "affine or symmetric"},
};

/* ---- lines; each is cut up in place, and what is refused here gets its number in parse_lines ---- */

/* Without the spaces around it. */
static char *trimmed(char *text) {
    text += strspn(text, kSpaces);
    size_t length = strlen(text);
    while (length > 0 && strchr(kSpaces, text[length - 1])) length--;
    text[length] = 0;
    return text;
}

static lowbit_status take_setting(char *line, char *equals, lb_recipe *r, lowbit_error *error) {
    *equals = 0;
    const char *name = trimmed(line), *value = trimmed(equals + 1);
    for (size_t i = 0; i < LB_COUNT(kSettings); i++) {
        if (strcmp(kSettings[i].name, name) != 0) continue;
        LB_REQUIRE(kSettings[i].set(r, value), error, LOWBIT_BAD_FORMAT, "%s is not \"%.32s\" but %s", name, value,
                   kSettings[i].legal);
        return LOWBIT_OK;
    }
    return lb_fail(error, LOWBIT_BAD_FORMAT, "there is no setting \"%.32s\", but calibrate, observe and range", name);
}

static lowbit_status check_pattern(const char *pattern, lowbit_error *error) {
    const size_t length = strlen(pattern);
    LB_REQUIRE(length > 0 && length < LB_RECIPE_PATTERN, error, LOWBIT_BAD_FORMAT,
               "a pattern has 1 to %d characters, not %zu", LB_RECIPE_PATTERN - 1, length);
    for (size_t i = 0; i < length; i++)
        LB_REQUIRE(pattern[i] > ' ' && pattern[i] <= '~' && pattern[i] != '=', error, LOWBIT_BAD_FORMAT,
                   "character %zu of a pattern is no letter, digit or sign; ? stands for any", i + 1);
    return LOWBIT_OK;
}

static lowbit_status take_head(const char *head, lb_choice *choice, lowbit_error *error) {
    char text[LINE + 16];
    lowbit_problem p = {.struct_size = sizeof p};
    snprintf(text, sizeof text, "%s:m1n1k1", head);
    LB_REQUIRE(lowbit_problem_parse(text, &p, NULL) == LOWBIT_OK, error, LOWBIT_BAD_FORMAT,
               "\"%.48s\" is no format with activations, as i8a8s, i4g32a8 or f32af32", head);
    LB_TRY(lb_check_problem(&p, error));
    const lb_format *f = lb_format_of(p.weights.format);
    LB_REQUIRE(!f->distance, error, LOWBIT_BAD_FORMAT, "%s is for distances: another function than a layer's", f->name);
    *choice = (lb_choice){p.weights, LOWBIT_RULE_AUTO, p.activations, p.static_scale};
    return LOWBIT_OK;
}

static lowbit_status take_tensor(lb_choice *choice, lowbit_error *error) {
    LB_REQUIRE(choice->weights.group == LOWBIT_GROUP_ROW && !lb_is_float(lb_format_of(choice->weights.format)), error,
               LOWBIT_BAD_FORMAT, "tensor: one scale is for codes without groups");
    choice->weights.group = LOWBIT_GROUP_TENSOR;
    return LOWBIT_OK;
}

static lowbit_status take_word(const char *word, lb_choice *choice, lowbit_error *error) {
    static const char kRule[] = "rule=";
    if (strcmp(word, "tensor") == 0) return take_tensor(choice, error);
    LB_REQUIRE(strncmp(word, kRule, strlen(kRule)) == 0 && lb_rule_named(word + strlen(kRule), &choice->rule), error,
               LOWBIT_BAD_FORMAT, "\"%.48s\" is neither tensor nor rule=NAME, with a name of docs/formats.md", word);
    uint32_t rule = choice->rule;
    LB_TRY(lb_choose_rule(&choice->weights, &rule, error));
    LB_REQUIRE(rule != LOWBIT_RULE_NEAREST || choice->weights.format != LOWBIT_C4, error, LOWBIT_BAD_FORMAT,
               "rule nearest of c4 needs a book, which a recipe has not");
    return LOWBIT_OK;
}

static lowbit_status take_rule(char *line, char *colon, lb_recipe *r, lowbit_error *error) {
    *colon = 0;
    const char *pattern = trimmed(line);
    lb_recipe_rule rule = {0};
    char *rest = NULL, *word = strtok_r(colon + 1, kSpaces, &rest);
    LB_TRY(check_pattern(pattern, error));
    LB_REQUIRE(word, error, LOWBIT_BAD_FORMAT, "nothing is behind the colon");
    LB_TRY(take_head(word, &rule.choice, error));
    while ((word = strtok_r(NULL, kSpaces, &rest))) LB_TRY(take_word(word, &rule.choice, error));
    LB_REQUIRE(r->count < LB_RECIPE_LINES, error, LOWBIT_BAD_FORMAT, "a recipe has at most %d rules", LB_RECIPE_LINES);
    memcpy(rule.pattern, pattern, strlen(pattern));
    r->rules[r->count++] = rule;
    return LOWBIT_OK;
}

static const lb_preset *preset_named(const char *name) {
    const lb_preset *p;
    for (size_t i = 0; (p = lb_preset_at(i)); i++)
        if (strcmp(p->name, name) == 0) return p;
    return NULL;
}

static lowbit_status take_lines(const char *text, bool presets, lb_recipe *r, lowbit_error *error);

static lowbit_status take_line(char *line, bool presets, lb_recipe *r, lowbit_error *error) {
    char *colon = strchr(line, ':'), *equals = strchr(line, '=');
    if (colon) return take_rule(line, colon, r, error);
    if (equals) return take_setting(line, equals, r, error);
    const lb_preset *preset = presets ? preset_named(line) : NULL;
    LB_REQUIRE(preset, error, LOWBIT_BAD_FORMAT, "there is no preset of this name");
    return take_lines(preset->text, false, r, error);
}

/* Copies the next line, without comment and spaces, and moves behind it; false if it is too long. */
static bool next_line(const char **at, char line[LINE]) {
    const size_t length = strcspn(*at, ";\n#");
    const char *end = *at + length;
    const bool fits = length < LINE;
    memcpy(line, *at, fits ? length : 0);
    line[fits ? length : 0] = 0;
    if (*end == '#') end += strcspn(end, "\n");
    *at = end;
    return fits;
}

static lowbit_status take_lines(const char *text, bool presets, lb_recipe *r, lowbit_error *error) {
    int32_t number = 1;
    for (const char *at = text;; at++) {
        char line[LINE], shown[LINE];
        const bool fits = next_line(&at, line);
        char *words = trimmed(line);
        const int32_t before = r->count;
        lowbit_error reason = LOWBIT_ERROR_INIT;
        memcpy(shown, words, strlen(words) + 1);
        LB_REQUIRE(fits, error, LOWBIT_BAD_FORMAT, "line %d has more than %d characters", number, LINE - 1);
        LB_REQUIRE(!*words || take_line(words, presets, r, &reason) == LOWBIT_OK, error, LOWBIT_BAD_FORMAT,
                   "line %d, \"%.60s\": %s", number, shown, reason.message);
        for (int32_t i = before; i < r->count; i++) r->rules[i].line = number;
        if (!*at) return LOWBIT_OK;
        number += *at == '\n';
    }
}

lowbit_status lb_recipe_parse(const char *text, lb_recipe *recipe, lowbit_error *error) {
    memset(recipe, 0, sizeof *recipe);
    recipe->calibrate = LB_CALIBRATE_MSE;
    recipe->observe = LB_RECIPE_OBSERVE;
    return take_lines(text, true, recipe, error);
}

/* ---- files ---- */

static lowbit_status parse_bytes(const lb_mapped *file, lb_recipe *recipe, lowbit_error *error) {
    LB_REQUIRE(file->length < LB_RECIPE_TEXT, error, LOWBIT_BAD_FORMAT, "%zu bytes are no recipe, which has up to %d",
               file->length, LB_RECIPE_TEXT - 1);
    LB_REQUIRE(file->length == 0 || !memchr(file->bytes, 0, file->length), error, LOWBIT_BAD_FORMAT,
               "a byte is 0, which no text has");
    char *text = malloc(file->length + 1);
    LB_REQUIRE(text, error, LOWBIT_NO_MEMORY, "no memory for a text of %zu bytes", file->length);
    if (file->length) memcpy(text, file->bytes, file->length);
    text[file->length] = 0;
    const lowbit_status status = lb_recipe_parse(text, recipe, error);
    free(text);
    return status;
}

lowbit_status lb_recipe_read(const char *word, lb_recipe *recipe, lowbit_error *error) {
    if (strpbrk(word, ":=;#\n") || preset_named(word)) return lb_recipe_parse(word, recipe, error);
    lb_mapped file;
    lowbit_error reason = LOWBIT_ERROR_INIT;
    const lowbit_status mapped = lb_map_file(word, &file, &reason);
    LB_REQUIRE(mapped != LOWBIT_NOT_FOUND, error, mapped, "there is neither a preset nor a file \"%.150s\"", word);
    LB_REQUIRE(mapped == LOWBIT_OK, error, mapped, "%s", reason.message);
    const lowbit_status status = parse_bytes(&file, recipe, &reason);
    lb_unmap(&file);
    LB_REQUIRE(status == LOWBIT_OK, error, status, "%.60s: %.180s", word, reason.message);
    return LOWBIT_OK;
}
