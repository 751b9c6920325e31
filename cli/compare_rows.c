/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/compare_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"

/* A kind of row: known by its first field, identified by all of them. Fields that a row lacks do not count. */
static const struct {
    const char *fields[6];
} kKinds[] = {
    {{"problem", "threads", "cold", "impl", "way", "conv"}},
    {{"op", "bytes"}},
    {{"limit", "isa", "width", "bytes", "threads", "unit"}}, /* the last: a product's row has a limit, too */
};

enum { FIELDS = LB_COUNT(kKinds[0].fields), LIMITS = 2 };

/* Times outside of a nanosecond's millionth and thirty years are nobody's. */
static const double kLeast_us = 1e-9, kMost_us = 1e15;

static int bad_row(const lb_rows *rows, const char *command, size_t i, const char *field, const char *what) {
    return lb_cli_error(LB_EXIT_FAILED, command, "%s: results[%zu]: %s %s", rows->path, i, field, what);
}

/* A time; 0 where it is absent, null or 0. False for everything else. */
static bool read_time(const json_t *value, double *us) {
    *us = 0;
    if (!value || json_is_null(value)) return true;
    if (!json_is_number(value)) return false;
    const double number = json_number_value(value);
    if (number != 0 && !(number >= kLeast_us && number <= kMost_us)) return false;
    *us = number;
    return true;
}

static bool read_visits(const json_t *visits, lb_row *row) {
    if (!visits || json_is_null(visits)) return true;
    if (!json_is_array(visits) || json_array_size(visits) > LB_MAX_VISITS) return false;
    const json_t *visit;
    size_t i;
    json_array_foreach(visits, i, visit) {
        if (!read_time(json_object_get(visit, "median_us"), &row->visit[i]) || row->visit[i] == 0) return false;
        row->time.visits = i + 1;
    }
    return true;
}

/* Two factors, of which the first is at most 1 and the second at least. */
static bool read_moments(const json_t *moments, lb_timing *time) {
    if (!moments || json_is_null(moments)) return true;
    const double fast = json_number_value(json_array_get(moments, 0)),
                 slow = json_number_value(json_array_get(moments, 1));
    if (json_array_size(moments) != 2 || !(fast > 0 && fast <= 1 && slow >= 1 && slow <= 1e6)) return false;
    time->fast = fast;
    time->slow = slow;
    return true;
}

/* The time of a row that tells times. One visit is one moment: nothing to compare moments with. */
static int read_times(const lb_rows *rows, const char *command, size_t i, const json_t *from, lb_row *row) {
    static const char kNoTime[] = "is no time in microseconds";
    lb_timing *t = &row->time;
    row->unit = "us";
    if (!read_time(json_object_get(from, "median_us"), &t->median))
        return bad_row(rows, command, i, "median_us", kNoTime);
    if (!read_time(json_object_get(from, "low_us"), &t->low)) return bad_row(rows, command, i, "low_us", kNoTime);
    if (!read_time(json_object_get(from, "high_us"), &t->high)) return bad_row(rows, command, i, "high_us", kNoTime);
    if (t->low > t->high) return bad_row(rows, command, i, "low_us", "is more than high_us");
    if (!read_visits(json_object_get(from, "visits"), row))
        return bad_row(rows, command, i, "visits", "is no list of at most 100 objects with a median_us");
    if (!read_moments(json_object_get(from, "moments"), t))
        return bad_row(rows, command, i, "moments", "are no factors around 1");
    row->value = t->median;
    return LB_EXIT_OK;
}

/* A limit tells a rate, but where its unit is seconds. */
static int read_limit(const lb_rows *rows, const char *command, size_t i, const json_t *from, lb_row *row) {
    static const struct {
        const char *unit, *shown;
        double scale;
    } kUnits[] = {{"op/s", "GOP/s", 1e-9},
                  {"lookup/s", "G/s", 1e-9},
                  {"byte/s", "GB/s", 1e-9},
                  {"cycle/s", "GHz", 1e-9},
                  {"s", "us", 1e6}};
    const char *unit = json_string_value(json_object_get(from, "unit"));
    const json_t *median = json_object_get(from, "median");
    const double number = json_is_number(median) ? json_number_value(median) : -1;
    if (!unit) return bad_row(rows, command, i, "unit", "is no text");
    for (size_t u = 0; u < LB_COUNT(kUnits); u++) {
        if (strcmp(unit, kUnits[u].unit) != 0) continue;
        const double shown = number * kUnits[u].scale;
        if (!(shown >= kLeast_us && shown <= kMost_us))
            return bad_row(rows, command, i, "median", "is no rate or time");
        row->value = shown;
        row->unit = kUnits[u].shown;
        row->time.median = *unit == 's' ? shown : 1 / shown;
        return LB_EXIT_OK;
    }
    return bad_row(rows, command, i, "unit", "is unknown");
}

/* Adds the values of fields that are not what goes without saying. What a terminal could take for a command is left
 * out. */
static void write_label(size_t kind, lb_row *row) {
    size_t used = 0;
    row->label[0] = 0;
    for (size_t f = 0; f < FIELDS && kKinds[kind].fields[f]; f++) {
        const char *name = kKinds[kind].fields[f];
        const json_t *value = json_object_get(row->fields, name);
        char text[LB_ROW_LABEL] = "";
        if (json_is_string(value) && strcmp(name, "unit") != 0 && strcmp(json_string_value(value), "lowbit") != 0)
            snprintf(text, sizeof text, "%s", json_string_value(value));
        if (json_is_integer(value) && strcmp(name, "threads") == 0)
            snprintf(text, sizeof text, "x%lld", (long long)json_integer_value(value));
        else if (json_is_integer(value) && json_integer_value(value) != 0)
            snprintf(text, sizeof text, "%lld", (long long)json_integer_value(value));
        if (json_is_true(value)) snprintf(text, sizeof text, "%s", name);
        if (!text[0] || used + 1 >= sizeof row->label) continue;
        used += (size_t)snprintf(row->label + used, sizeof row->label - used, "%s%s", used ? " " : "", text);
    }
    for (char *at = row->label; *at; at++)
        if ((unsigned char)*at < ' ' || (unsigned char)*at > '~') *at = '?';
}

static bool take_fields(size_t kind, const json_t *from, lb_row *row) {
    row->fields = json_object();
    for (size_t f = 0; f < FIELDS && kKinds[kind].fields[f]; f++) {
        json_t *value = json_object_get(from, kKinds[kind].fields[f]);
        if (value && json_object_set(row->fields, kKinds[kind].fields[f], value) != 0) return false;
    }
    write_label(kind, row);
    return row->fields != NULL;
}

/* Of several rows alike the second one's key says so: the first is paired with the first. */
static bool take_key(lb_rows *rows, lb_row *row) {
    row->key = json_dumps(row->fields, JSON_COMPACT | JSON_SORT_KEYS);
    if (!row->key) return false;
    const json_int_t before = json_integer_value(json_object_get(rows->seen, row->key));
    if (json_object_set_new(rows->seen, row->key, json_integer(before + 1)) != 0) return false;
    if (before > 0) {
        json_object_set_new(row->fields, "again", json_integer(before));
        free(row->key);
        row->key = json_dumps(row->fields, JSON_COMPACT | JSON_SORT_KEYS);
    }
    return row->key && json_object_set_new(rows->index, row->key, json_integer((json_int_t)rows->count)) == 0;
}

static int read_row(lb_rows *rows, const char *command, size_t i, const json_t *from) {
    size_t kind = 0;
    while (kind < LB_COUNT(kKinds) && !json_is_string(json_object_get(from, kKinds[kind].fields[0]))) kind++;
    if (kind == LB_COUNT(kKinds))
        return bad_row(rows, command, i, "this", "is no row of a limit, an operation or a problem");
    lb_row *row = &rows->list[rows->count];
    const int code = (kind == LIMITS ? read_limit : read_times)(rows, command, i, from, row);
    row->time.visit = row->visit;
    if (code != LB_EXIT_OK) return code;
    if (row->time.median == 0) {
        *row = (lb_row){.value = 0};
        rows->timeless++;
        return LB_EXIT_OK;
    }
    const bool taken = take_fields(kind, from, row) && take_key(rows, row);
    rows->count++; /* even then: what it has is freed with the others */
    return taken ? LB_EXIT_OK : lb_cli_failed(command, LOWBIT_NO_MEMORY, NULL);
}

int lb_rows_read(lb_rows *rows, const char *command, const char *path) {
    json_error_t error;
    *rows = (lb_rows){.path = path,
                      .file = json_load_file(path, JSON_REJECT_DUPLICATES, &error),
                      .index = json_object(),
                      .seen = json_object()};
    if (!rows->file) return lb_cli_error(LB_EXIT_FAILED, command, "%s:%d: %s", path, error.line, error.text);
    const json_t *results = json_object_get(rows->file, "results"), *row;
    if (!json_is_array(results)) return lb_cli_error(LB_EXIT_FAILED, command, "%s: there is no list \"results\"", path);
    rows->list = calloc(json_array_size(results) + 1, sizeof *rows->list);
    if (!rows->list || !rows->index || !rows->seen) return lb_cli_failed(command, LOWBIT_NO_MEMORY, NULL);
    int code = LB_EXIT_OK;
    size_t i;
    json_array_foreach(results, i, row) if (code == LB_EXIT_OK) code = read_row(rows, command, i, row);
    return code;
}

void lb_rows_free(lb_rows *rows) {
    for (size_t i = 0; i < rows->count; i++) {
        json_decref(rows->list[i].fields);
        free(rows->list[i].key);
    }
    free(rows->list);
    json_decref(rows->index);
    json_decref(rows->seen);
    json_decref(rows->file);
    *rows = (lb_rows){.path = NULL};
}

lb_row *lb_rows_find(const lb_rows *rows, const char *key) {
    const json_t *at = json_object_get(rows->index, key);
    return at ? &rows->list[json_integer_value(at)] : NULL;
}
