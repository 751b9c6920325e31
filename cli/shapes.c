/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/shapes.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static lowbit_status add(lb_shapes *s, const char *text, lowbit_error *error) {
    if (s->count == s->room) {
        const size_t room = s->room ? 2 * s->room : 64;
        lowbit_problem *list = realloc(s->list, room * sizeof *list);
        if (!list) return LOWBIT_NO_MEMORY;
        s->list = list;
        s->room = room;
    }
    lowbit_problem problem = {.struct_size = sizeof problem};
    const lowbit_status status = lowbit_problem_parse(text, &problem, error);
    if (status == LOWBIT_OK) s->list[s->count++] = problem;
    return status;
}

int lb_shapes_add(lb_shapes *s, const char *command, int count, char **words) {
    for (int i = 0; i < count; i++) {
        lowbit_error error = LOWBIT_ERROR_INIT;
        const lowbit_status status = add(s, words[i], &error);
        if (status == LOWBIT_BAD_FORMAT) return lb_cli_error(LB_EXIT_USAGE, command, "%s", error.message);
        if (status != LOWBIT_OK) return lb_cli_failed(command, status, &error);
    }
    return LB_EXIT_OK;
}

/* Cuts a line down to its one word; false where there is none. */
static bool strip(char *line, char **word) {
    static const char kBlanks[] = " \t\r\n";
    line[strcspn(line, "#")] = 0;
    *word = line + strspn(line, kBlanks);
    size_t length = strlen(*word);
    while (length > 0 && strchr(kBlanks, (*word)[length - 1])) length--;
    (*word)[length] = 0;
    return length > 0;
}

static int read_lines(lb_shapes *s, const char *command, const char *path, FILE *file) {
    char *line = NULL, *word;
    size_t size = 0, number = 0;
    int code = LB_EXIT_OK;
    while (code == LB_EXIT_OK && getline(&line, &size, file) >= 0) {
        lowbit_error error = LOWBIT_ERROR_INIT;
        number++;
        const lowbit_status status = strip(line, &word) ? add(s, word, &error) : LOWBIT_OK;
        if (status == LOWBIT_OK) continue;
        code = lb_cli_error(LB_EXIT_FAILED, command, "%s:%zu: %s", path, number,
                            error.message[0] ? error.message : lowbit_status_string(status));
    }
    free(line);
    return code;
}

int lb_shapes_read(lb_shapes *s, const char *command, const char *path) {
    FILE *file = fopen(path, "r");
    if (!file) return lb_cli_error(LB_EXIT_FAILED, command, "cannot read %s: %s", path, strerror(errno));
    const int code = read_lines(s, command, path, file);
    const bool failed = ferror(file);
    fclose(file);
    if (code != LB_EXIT_OK || !failed) return code;
    return lb_cli_error(LB_EXIT_FAILED, command, "cannot read %s", path);
}

void lb_shapes_free(lb_shapes *s) {
    free(s->list);
    *s = (lb_shapes){.list = NULL};
}
