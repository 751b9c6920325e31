/* SPDX-License-Identifier: Apache-2.0 */
/* Where sets of problems come from: the texts of bench/shapes, which the build puts into the program, and files. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/shape_set.h"
#include "kernels/base/base.h"

static const struct {
    const char *name, *text;
} kSets[] = {
#define LB_SHAPE_SET(name, text) {name, text},
#include "shapes.inc"
#undef LB_SHAPE_SET
};

static const char *text_named(const char *name) {
    for (size_t i = 0; i < LB_COUNT(kSets); i++)
        if (strcmp(kSets[i].name, name) == 0) return kSets[i].text;
    return NULL;
}

/* ---- help ---- */

/* The first line of a text is a comment that says what it is. */
static void print_set(const lb_shape_set *set, const char *text, size_t problems) {
    printf("%-16s %4zu  %.*s\n", set->name, problems, (int)strcspn(text + 2, "\n"), text + 2);
}

static void print_model(const lb_shape_set *set) {
    printf("%s (%s)\n", set->name, set->formats);
    for (size_t i = 0; i < set->count; i++) {
        const lb_set_line *line = &set->lines[i];
        printf("  %-14s ", line->layer);
        if (!lb_layer_has_rows(line)) printf("m{%s}", set->rows);
        printf("%s\n", line->text);
    }
}

bool lb_shapes_help(const lb_shapes_options *o) {
    const bool sets = o->sets && strcmp(o->sets, "help") == 0, models = o->models && strcmp(o->models, "help") == 0;
    for (size_t i = 0; (sets || models) && i < LB_COUNT(kSets); i++) {
        lb_shape_set set;
        lb_shapes shapes = {.convs = o->convs};
        if (lb_shape_set_parse(&set, kSets[i].name, kSets[i].text, NULL) == LOWBIT_OK &&
            lb_shape_set_expand(&set, &shapes, NULL) == LOWBIT_OK) {
            if (sets) print_set(&set, kSets[i].text, shapes.count);
            if (models && set.layers > 0) print_model(&set);
        }
        lb_shapes_free(&shapes);
        lb_shape_set_release(&set);
    }
    return sets || models;
}

/* ---- adding ---- */

/* What options ask of layers is the caller's mistake, what a text says is the text's. */
static int fail(const lb_shapes *shapes, const char *command, const char *source, size_t line, lowbit_status status,
                const lowbit_error *error) {
    const int code = shapes->formats || shapes->rows ? LB_EXIT_USAGE : LB_EXIT_FAILED;
    const char *reason = error->message[0] ? error->message : lowbit_status_string(status);
    if (line == 0) return lb_cli_error(code, command, "%s: %s", source, reason);
    return lb_cli_error(code, command, "%s:%zu: %s", source, line, reason);
}

/* source: as errors call it. */
static int add_text(lb_shapes *shapes, const char *command, const char *source, const char *name, const char *text) {
    lb_shape_set set;
    lowbit_error error = LOWBIT_ERROR_INIT;
    lowbit_status status = lb_shape_set_parse(&set, name, text, &error);
    if (status == LOWBIT_OK) status = lb_shape_set_expand(&set, shapes, &error);
    const int code = status == LOWBIT_OK ? LB_EXIT_OK : fail(shapes, command, source, set.at, status, &error);
    lb_shape_set_release(&set);
    return code;
}

/* Reads a whole file into text[MOST_BYTES]; NULL, or why it cannot. */
enum { MOST_BYTES = 1 << 20 };
static const char *read_text(const char *path, char *text) {
    FILE *file = fopen(path, "r");
    const size_t size = file ? fread(text, 1, MOST_BYTES, file) : 0;
    const bool failed = !file || ferror(file);
    const int reason = errno;
    if (file) fclose(file);
    if (failed) return strerror(reason);
    if (size == MOST_BYTES) return "it is longer than a set may be";
    if (memchr(text, 0, size)) return "it is no text";
    text[size] = 0;
    return NULL;
}

/* "shapes/my.txt" is called "my". */
static int add_file(lb_shapes *shapes, const char *command, const char *path) {
    char name[LB_SHAPE_NAME], *text = malloc(MOST_BYTES);
    const char *reason = text ? read_text(path, text) : "no memory";
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    const size_t length = strlen(base),
                 stem = length > 4 && strcmp(base + length - 4, ".txt") == 0 ? length - 4 : length;
    snprintf(name, sizeof name, "%.*s", (int)lb_min((int64_t)stem, LB_SHAPE_NAME - 1), base);
    const int code = reason ? lb_cli_error(LB_EXIT_FAILED, command, "cannot read %s: %s", path, reason)
                            : add_text(shapes, command, path, name, text);
    free(text);
    return code;
}

static bool is_file(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && !S_ISDIR(info.st_mode);
}

static int add_set(lb_shapes *shapes, const char *command, const char *name) {
    const char *text = is_file(name) ? NULL : text_named(name);
    if (text) return add_text(shapes, command, name, name, text);
    if (is_file(name)) return add_file(shapes, command, name);
    return lb_cli_error(LB_EXIT_FAILED, command,
                        "cannot read %s: no such file, and no set of this name (--shapes help lists them)", name);
}

static int add_model(lb_shapes *shapes, const char *command, const char *name) {
    const char *text = text_named(name);
    const size_t before = shapes->count;
    const int code = text ? add_text(shapes, command, name, name, text) : LB_EXIT_OK;
    if (code != LB_EXIT_OK || (shapes->count > before && *shapes->list[before].layer)) return code;
    return lb_cli_error(LB_EXIT_USAGE, command, "no model is called '%s'; --model help lists them", name);
}

static int add_each(lb_shapes *shapes, const char *command, const char *option, const char *list,
                    int (*add)(lb_shapes *, const char *, const char *)) {
    lb_word_list names;
    if (!lb_cli_words(list, &names))
        return lb_cli_error(LB_EXIT_USAGE, command, "%s is no list of at most %d words", option, LB_MAX_WORDS);
    int code = LB_EXIT_OK;
    for (size_t i = 0; i < names.count && code == LB_EXIT_OK; i++) code = add(shapes, command, names.list[i]);
    return code;
}

static int add_words(lb_shapes *shapes, const char *command, int count, char **words) {
    for (int i = 0; i < count; i++) {
        lowbit_error error = LOWBIT_ERROR_INIT;
        const lowbit_status status = lb_shapes_expand(shapes, "", "", words[i], &error);
        if (status == LOWBIT_BAD_FORMAT) return lb_cli_error(LB_EXIT_USAGE, command, "%s", error.message);
        if (status != LOWBIT_OK) return lb_cli_failed(command, status, &error);
    }
    return LB_EXIT_OK;
}

int lb_shapes_add_models(lb_shapes *shapes, const char *command, const char *models) {
    return add_each(shapes, command, "--model", models, add_model);
}

int lb_shapes_collect(lb_shapes *shapes, const char *command, int count, char **words, const lb_shapes_options *o) {
    *shapes = (lb_shapes){.formats = o->formats, .rows = o->rows, .convs = o->convs};
    if (!o->sets && !o->models && (o->formats || o->rows))
        return lb_cli_error(LB_EXIT_USAGE, command, "--format and --m are for the layers of a model");
    int code = add_words(shapes, command, count, words);
    if (code == LB_EXIT_OK && o->sets)
        code = is_file(o->sets) ? add_file(shapes, command, o->sets) /* whatever commas its name has */
                                : add_each(shapes, command, "--shapes", o->sets, add_set);
    if (code == LB_EXIT_OK && o->models) code = lb_shapes_add_models(shapes, command, o->models);
    if (code != LB_EXIT_OK || shapes->count > 0) return code;
    return lb_cli_error(LB_EXIT_USAGE, command, "there is no problem: name some, or sets of them");
}
