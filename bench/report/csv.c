/* SPDX-License-Identifier: Apache-2.0 */
/* The results as one tidy table: the columns are the union of what the rows have. */
#include <stdlib.h>
#include <string.h>

#include "bench/report/escape.h"
#include "bench/report/report.h"

/* Names of columns, "median_us" or "counters.cycles", in the order in which they were met. */
typedef struct columns {
    char **names;
    size_t count;
    bool failed;
} columns;

static bool is_scalar(const json_t *value) { return !json_is_array(value) && !json_is_object(value); }

static bool is_named(const char *name, const char *outer, const char *key) {
    const size_t length = strlen(outer);
    if (!length) return strcmp(name, key) == 0;
    return strncmp(name, outer, length) == 0 && name[length] == '.' && strcmp(name + length + 1, key) == 0;
}

static void add_column(columns *c, const char *outer, const char *key) {
    for (size_t i = 0; i < c->count; i++)
        if (is_named(c->names[i], outer, key)) return;
    char **names = realloc(c->names, (c->count + 1) * sizeof *names);
    if (names) c->names = names;
    const size_t size = strlen(outer) + strlen(key) + 2;
    char *name = names ? malloc(size) : NULL;
    c->failed = c->failed || !name;
    if (!name) return;
    snprintf(name, size, "%s%s%s", outer, *outer ? "." : "", key);
    c->names[c->count++] = name;
}

static void add_columns(columns *c, const json_t *object, const char *outer) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        if (is_scalar(value)) add_column(c, outer, key);
        if (json_is_object(value) && !*outer) add_columns(c, value, key);
    }
}

static const json_t *value_of(const json_t *row, const char *name) {
    const json_t *value = json_object_get(row, name);
    const char *dot = strchr(name, '.');
    if (value || !dot) return value;
    return json_object_get(json_object_getn(row, name, (size_t)(dot - name)), dot + 1);
}

static void put_value(FILE *file, const json_t *value) {
    if (json_is_string(value)) lb_put_csv(file, json_string_value(value));
    if (json_is_boolean(value)) fputs(json_is_true(value) ? "true" : "false", file);
    if (json_is_integer(value)) fprintf(file, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    if (json_is_real(value)) fprintf(file, "%.9g", json_real_value(value));
}

bool lb_report_write_csv(FILE *file, const lb_report *report) {
    columns c = {0};
    size_t row_index;
    const json_t *row;
    for (size_t i = 0; i < report->file_count; i++)
        json_array_foreach(json_object_get(report->files[i], "results"), row_index, row) add_columns(&c, row, "");
    fputs("kind", file);
    for (size_t i = 0; i < c.count; i++) {
        fputc(',', file);
        lb_put_csv(file, c.names[i]);
    }
    fputc('\n', file);
    for (size_t i = 0; i < report->file_count; i++)
        json_array_foreach(json_object_get(report->files[i], "results"), row_index, row) {
            fputs(lb_report_kind(row), file);
            for (size_t j = 0; j < c.count; j++) {
                fputc(',', file);
                put_value(file, value_of(row, c.names[j]));
            }
            fputc('\n', file);
        }
    for (size_t i = 0; i < c.count; i++) free(c.names[i]);
    free(c.names);
    return !c.failed;
}
