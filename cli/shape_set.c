/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/shape_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/braces.h"
#include "cli/grow.h"
#include "kernels/base/base.h"

/* ---- reading ---- */

static lowbit_status make_room(lb_shape_set *set, lowbit_error *error) {
    lb_set_line *lines = lb_grow(set->lines, set->count, &set->room, sizeof *lines);
    LB_REQUIRE(lines, error, LOWBIT_NO_MEMORY, "no memory for the lines of a set");
    set->lines = lines;
    return LOWBIT_OK;
}

static lowbit_status add_line(lb_shape_set *set, const char *layer, const char *text, lowbit_error *error) {
    lb_set_line line = {.number = set->at};
    LB_REQUIRE(strlen(layer) < sizeof line.layer, error, LOWBIT_BAD_FORMAT,
               "the layer's name has more than %zu characters", sizeof line.layer - 1);
    LB_TRY(make_room(set, error));
    snprintf(line.layer, sizeof line.layer, "%s", layer);
    snprintf(line.text, sizeof line.text, "%s", text);
    set->lines[set->count++] = line;
    set->layers += *layer != 0;
    return LOWBIT_OK;
}

/* Words of a line, of which three are one too many. */
static lowbit_status take_words(lb_shape_set *set, size_t count, char *const words[3], lowbit_error *error) {
    if (count == 0) return LOWBIT_OK;
    LB_REQUIRE(count <= 2, error, LOWBIT_BAD_FORMAT, "more than two words: '%s'", words[2]);
    if (count == 1) return add_line(set, "", words[0], error);
    char *directive = strcmp(words[0], "formats") == 0 ? set->formats
                      : strcmp(words[0], "rows") == 0  ? set->rows
                                                       : NULL;
    if (!directive) {
        const bool conv = words[1][0] == 'b' || words[1][0] == 'h';
        LB_REQUIRE(conv || words[1][0] == 'm' || words[1][0] == 'n', error, LOWBIT_BAD_FORMAT,
                   "the sizes of a layer are [mM]nNkK, or [bB]hH... of a convolution, not '%s'", words[1]);
        LB_REQUIRE(set->layers == 0 || conv == set->convs, error, LOWBIT_BAD_FORMAT,
                   "layers of products and of convolutions are no set");
        set->convs = conv;
        return add_line(set, words[0], words[1], error);
    }
    LB_REQUIRE(!*directive, error, LOWBIT_BAD_FORMAT, "there are %s already", words[0]);
    snprintf(directive, LB_SET_LINE, "%s", words[1]);
    return LOWBIT_OK;
}

/* One line, of so many characters, comment included. */
static lowbit_status take_line(lb_shape_set *set, const char *text, size_t length, lowbit_error *error) {
    char line[LB_SET_LINE], *rest, *words[3];
    const char *comment = memchr(text, '#', length);
    if (comment) length = (size_t)(comment - text);
    LB_REQUIRE(length < sizeof line, error, LOWBIT_BAD_FORMAT, "longer than %zu characters", sizeof line - 1);
    memcpy(line, text, length);
    line[length] = 0;
    size_t count = 0;
    for (char *word = strtok_r(line, " \t\r", &rest); word && count < 3; word = strtok_r(NULL, " \t\r", &rest))
        words[count++] = word;
    return take_words(set, count, words, error);
}

lowbit_status lb_shape_set_parse(lb_shape_set *set, const char *name, const char *text, lowbit_error *error) {
    *set = (lb_shape_set){.at = 0};
    snprintf(set->name, sizeof set->name, "%s", name);
    while (*text) {
        const size_t length = strcspn(text, "\n");
        set->at++;
        LB_TRY(take_line(set, text, length, error));
        text += length + (text[length] == '\n');
    }
    return LOWBIT_OK;
}

void lb_shape_set_release(lb_shape_set *set) {
    free(set->lines);
    *set = (lb_shape_set){.at = 0};
}

/* ---- its problems ---- */

/* A format alone means activations of a8: "i4g32" is "i4g32a8", and "b1a1" is what it is. */
static bool has_activations(const char *format) {
    char text[LB_PROBLEM_TEXT];
    lowbit_problem problem = {.struct_size = sizeof problem};
    snprintf(text, sizeof text, "%.60s:m1n64k64", format);
    return lowbit_problem_parse(text, &problem, NULL) == LOWBIT_OK;
}

static lowbit_status expand_layer(const lb_shape_set *set, const lb_set_line *layer, const char *format,
                                  const char *rows, lb_shapes *shapes, lowbit_error *error) {
    const char *act = has_activations(format) ? "" : "a8";
    char pattern[2 * LB_BRACES_TEXT];
    if (lb_layer_has_rows(layer) || (set->convs && !*rows)) {
        snprintf(pattern, sizeof pattern, "%s%s:%s", format, act, layer->text);
    } else {
        LB_REQUIRE(*rows, error, LOWBIT_BAD_FORMAT, "the layer has no m, and no line says `rows LIST`");
        snprintf(pattern, sizeof pattern, "%s%s:%c{%s}%s", format, act, set->convs ? 'b' : 'm', rows, layer->text);
    }
    return lb_shapes_expand(shapes, set->name, layer->layer, pattern, error);
}

/* The layers in one format, or with NULL the lines that are none. */
static lowbit_status expand_lines(lb_shape_set *set, const char *format, lb_shapes *shapes, lowbit_error *error) {
    const char *rows = shapes->rows ? shapes->rows : set->rows;
    for (size_t i = 0; i < set->count; i++) {
        const lb_set_line *line = &set->lines[i];
        set->at = line->number;
        if (format && *line->layer) LB_TRY(expand_layer(set, line, format, rows, shapes, error));
        if (!format && !*line->layer) LB_TRY(lb_shapes_expand(shapes, set->name, "", line->text, error));
    }
    return LOWBIT_OK;
}

lowbit_status lb_shape_set_expand(lb_shape_set *set, lb_shapes *shapes, lowbit_error *error) {
    const char *formats = shapes->formats ? shapes->formats : set->formats;
    LB_REQUIRE(set->layers == 0 || set->convs == shapes->convs, error, LOWBIT_BAD_FORMAT, "the layers are %s",
               set->convs ? "convolutions: `bench conv` times those" : "no convolutions");
    LB_TRY(expand_lines(set, NULL, shapes, error));
    if (set->layers == 0) return LOWBIT_OK;
    lb_word_list words;
    set->at = 0;
    LB_REQUIRE(*formats, error, LOWBIT_BAD_FORMAT, "there are layers, and no line says `formats LIST`");
    LB_REQUIRE(lb_cli_words(formats, &words), error, LOWBIT_BAD_FORMAT, "formats '%s' are no list of at most %d words",
               formats, LB_MAX_WORDS);
    for (size_t i = 0; i < words.count; i++) LB_TRY(expand_lines(set, words.list[i], shapes, error));
    return LOWBIT_OK;
}
