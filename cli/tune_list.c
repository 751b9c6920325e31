/* SPDX-License-Identifier: Apache-2.0 */
/* The problems that `lowbit tune` is to tune: words, files of them, layers of known models. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/models.h"
#include "cli/tune.h"

void lb_tune_list_free(lb_tune_list *list) {
    free(list->items);
    *list = (lb_tune_list){0};
}

/* Appends the problem, unless it is there. False without memory. */
static bool append(lb_tune_list *list, const lb_tune_item *item) {
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].text, item->text) == 0) return true;
    if (list->count == list->room) {
        const size_t room = list->room ? 2 * list->room : 64;
        lb_tune_item *items = realloc(list->items, room * sizeof *items);
        if (!items) return false;
        list->items = items;
        list->room = room;
    }
    list->items[list->count++] = *item;
    return true;
}

/* Reads a problem string; false with the reason. */
static bool add(lb_tune_list *list, const char *text, const char *model, const char *layer, lowbit_error *error) {
    lb_tune_item item = {.problem = {.struct_size = sizeof item.problem}, .model = model, .layer = layer};
    if (lowbit_problem_parse(text, &item.problem, error) != LOWBIT_OK) return false;
    if (lowbit_problem_print(&item.problem, item.text, sizeof item.text, error) != LOWBIT_OK) return false;
    if (append(list, &item)) return true;
    snprintf(error->message, sizeof error->message, "no memory for the list of problems");
    return false;
}

int lb_tune_list_words(lb_tune_list *list, const char *command, int count, char *const *words) {
    lowbit_error error = LOWBIT_ERROR_INIT;
    for (int i = 0; i < count; i++)
        if (!add(list, words[i], "", "", &error)) return lb_cli_error(LB_EXIT_USAGE, command, "%s", error.message);
    return LB_EXIT_OK;
}

/* Cuts a comment and blanks off the line's ends; returns where it begins. */
static char *trim(char *line) {
    static const char kBlanks[] = " \t\r\n";
    line[strcspn(line, "#")] = 0;
    line += strspn(line, kBlanks);
    size_t length = strlen(line);
    while (length && strchr(kBlanks, line[length - 1])) line[--length] = 0;
    return line;
}

static int read_lines(lb_tune_list *list, const char *command, const char *path, FILE *file) {
    char *line = NULL;
    size_t size = 0, number = 0;
    int code = LB_EXIT_OK;
    while (code == LB_EXIT_OK && getline(&line, &size, file) >= 0) {
        lowbit_error error = LOWBIT_ERROR_INIT;
        const char *text = trim(line);
        number++;
        if (*text && !add(list, text, "", "", &error))
            code = lb_cli_error(LB_EXIT_FAILED, command, "%s:%zu: %s", path, number, error.message);
    }
    if (code == LB_EXIT_OK && ferror(file))
        code = lb_cli_error(LB_EXIT_FAILED, command, "cannot read %s: %s", path, strerror(errno));
    free(line);
    return code;
}

int lb_tune_list_file(lb_tune_list *list, const char *command, const char *path) {
    if (strcmp(path, "-") == 0) return read_lines(list, command, path, stdin);
    FILE *file = fopen(path, "r");
    if (!file) return lb_cli_error(LB_EXIT_FAILED, command, "cannot read %s: %s", path, strerror(errno));
    const int code = read_lines(list, command, path, file);
    fclose(file);
    return code;
}

/* ---- models ---- */

/* A format alone means activations of a8: "i4g32" is "i4g32a8", and "b1a1" is what it is. */
static bool has_activations(const char *format) {
    char text[LB_PROBLEM_TEXT];
    lowbit_problem problem = {.struct_size = sizeof problem};
    snprintf(text, sizeof text, "%.60s:m1n64k64", format);
    return lowbit_problem_parse(text, &problem, NULL) == LOWBIT_OK;
}

static bool add_layer(lb_tune_list *list, const lb_known_model *model, const lb_layer *layer, const char *format,
                      const char *rows, lowbit_error *error) {
    char text[LB_PROBLEM_TEXT], own[16];
    snprintf(own, sizeof own, "%d", layer->m);
    snprintf(text, sizeof text, "%.48s%s:m%.10sn%dk%d", format, has_activations(format) ? "" : "a8",
             layer->m ? own : rows, layer->n, layer->k);
    return add(list, text, model->name, layer->name, error);
}

static int add_model(lb_tune_list *list, const char *command, const lb_known_model *model, const char *formats,
                     const char *rows) {
    lb_word_list f, m;
    lowbit_error error = LOWBIT_ERROR_INIT;
    if (!lb_cli_words(formats, &f) || !lb_cli_words(rows, &m))
        return lb_cli_error(LB_EXIT_USAGE, command, "--format or --m is no list of at most %d words", LB_MAX_WORDS);
    for (size_t i = 0; i < f.count; i++)
        for (size_t l = 0; l < model->count; l++)
            for (size_t r = 0; r < (model->layers[l].m ? 1 : m.count); r++)
                if (!add_layer(list, model, &model->layers[l], f.list[i], m.list[r], &error))
                    return lb_cli_error(LB_EXIT_USAGE, command, "%s", error.message);
    return LB_EXIT_OK;
}

int lb_tune_list_models(lb_tune_list *list, const char *command, const char *models, const char *formats,
                        const char *rows) {
    lb_word_list names;
    if (!lb_cli_words(models, &names))
        return lb_cli_error(LB_EXIT_USAGE, command, "--model is no list of at most %d words", LB_MAX_WORDS);
    for (size_t i = 0; i < names.count; i++) {
        const lb_known_model *model = lb_known_model_named(names.list[i]);
        if (!model)
            return lb_cli_error(LB_EXIT_USAGE, command,
                                "no model is called '%s'; `lowbit tune --model help` lists them", names.list[i]);
        const int code = add_model(list, command, model, formats ? formats : model->formats, rows ? rows : model->rows);
        if (code != LB_EXIT_OK) return code;
    }
    return LB_EXIT_OK;
}
