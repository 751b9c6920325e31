/* SPDX-License-Identifier: Apache-2.0 */
/* The problems that `lowbit tune` is to tune: words, files of them, layers of known models. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/models.h"
#include "cli/shapes.h"
#include "cli/tune.h"

void lb_tune_list_free(lb_tune_list *list) {
    free(list->items);
    *list = (lb_tune_list){0};
}

/* Appends the problem, unless it is there; false with the reason. */
static bool append(lb_tune_list *list, const lowbit_problem *problem, const char *model, const char *layer,
                   lowbit_error *error) {
    lb_tune_item item = {.problem = *problem, .model = model, .layer = layer};
    if (lowbit_problem_print(problem, item.text, sizeof item.text, error) != LOWBIT_OK) return false;
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].text, item.text) == 0) return true;
    if (list->count == list->room) {
        const size_t room = list->room ? 2 * list->room : 64;
        lb_tune_item *items = realloc(list->items, room * sizeof *items);
        snprintf(error->message, sizeof error->message, "no memory for the list of problems");
        if (!items) return false;
        list->items = items;
        list->room = room;
    }
    list->items[list->count++] = item;
    return true;
}

int lb_tune_list_shapes(lb_tune_list *list, const char *command, int count, char **words, const char *path) {
    lb_shapes shapes = {0};
    lowbit_error error = LOWBIT_ERROR_INIT;
    int code = lb_shapes_add(&shapes, command, count, words);
    if (code == LB_EXIT_OK && path) code = lb_shapes_read(&shapes, command, path);
    for (size_t i = 0; i < shapes.count && code == LB_EXIT_OK; i++)
        if (!append(list, &shapes.list[i], "", "", &error))
            code = lb_cli_error(LB_EXIT_FAILED, command, "%s", error.message);
    lb_shapes_free(&shapes);
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
    lowbit_problem problem = {.struct_size = sizeof problem};
    return lowbit_problem_parse(text, &problem, error) == LOWBIT_OK &&
           append(list, &problem, model->name, layer->name, error);
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
