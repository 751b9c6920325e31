/* SPDX-License-Identifier: Apache-2.0 */
/* `lowbit bench compare`: two files of one bench, from two commits, two machines or two moments. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/table.h"
#include "cli/compare_rows.h"
#include "kernels/base/base.h"

static const char kCommand[] = "bench compare";

typedef struct settings {
    const char *json;
    double threshold; /* percent; 0 = whatever is slower is no failure */
} settings;

typedef struct comparison {
    const settings *settings;
    lb_rows a, b;
    lb_changes all;
    lb_table table;
    json_t *results, *differences;
} comparison;

/* ---- what else differs ---- */

/* Moments are never the same. */
static bool is_moment(const char *key) { return strcmp(key, "date") == 0 || strcmp(key, "load_average") == 0; }

/* A value as text that is safe on a terminal. */
static void write_value(const json_t *value, char *text, size_t size) {
    char *dump = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII) : NULL;
    const bool is_text = json_is_string(value) && dump;
    snprintf(text, size, "%s", !value ? "(absent)" : !dump ? "?" : is_text ? dump + 1 : dump);
    if (is_text && text[0] && strlen(text) == strlen(dump) - 1) text[strlen(text) - 1] = 0;
    for (char *at = text; *at; at++)
        if (*at == 127) *at = '?';
    free(dump);
}

static void add_difference(comparison *c, const char *part, const char *key, json_t *a, json_t *b) {
    if (is_moment(key) || json_equal(a, b)) return;
    json_array_append_new(c->differences, json_pack("{s:s, s:s, s:O?, s:O?}", "of", part, "key", key, "a", a, "b", b));
}

static void find_differences(comparison *c, const char *part) {
    json_t *a = json_object_get(c->a.file, part), *b = json_object_get(c->b.file, part), *value;
    const char *key;
    json_object_foreach(a, key, value) add_difference(c, part, key, value, json_object_get(b, key));
    json_object_foreach(b, key, value) if (!json_object_get(a, key)) add_difference(c, part, key, NULL, value);
}

static void print_file(char name, const lb_rows *rows) {
    const json_t *run = json_object_get(rows->file, "run");
    static const char *const kKeys[] = {"version", "revision", "compiler", "date"};
    printf("%c: %s", name, rows->path);
    for (size_t i = 0; i < LB_COUNT(kKeys); i++) {
        char text[LB_TABLE_CELL];
        const json_t *value = json_object_get(run, kKeys[i]);
        write_value(value, text, sizeof text);
        if (value && text[0]) printf(", %s", text);
    }
    putchar('\n');
}

static void print_differences(const comparison *c) {
    lb_table table = {.columns = 3, .left = 3};
    const json_t *each;
    size_t i;
    print_file('A', &c->a);
    print_file('B', &c->b);
    lb_table_cell(&table, "what differs");
    lb_table_cell(&table, "A");
    lb_table_cell(&table, "B");
    json_array_foreach(c->differences, i, each) {
        char text[LB_TABLE_CELL];
        lb_table_cell(&table, "%s.%.30s", json_string_value(json_object_get(each, "of")),
                      json_string_value(json_object_get(each, "key")));
        for (const char *side = "a"; side; side = *side == 'a' ? "b" : NULL) {
            const json_t *value = json_object_get(each, side);
            write_value(json_is_null(value) ? NULL : value, text, 34);
            lb_table_cell(&table, "%s", text);
        }
    }
    if (i > 0) putchar('\n');
    if (i > 0) lb_table_print(&table, stdout);
    putchar('\n');
    lb_table_free(&table);
}

/* ---- rows ---- */

static json_t *change_json(const lb_row *a, const lb_row *b, const lb_change *c) {
    json_t *row = json_copy(a->fields);
    json_t *what =
        json_pack("{s:f, s:f, s:s, s:f, s:o, s:o, s:s, s:f, s:b, s:b}", "a", a->value, "b", b->value, "unit", a->unit,
                  "ratio", c->ratio, "ratio_low", c->high > 0 ? json_real(c->low) : json_null(), "ratio_high",
                  c->high > 0 ? json_real(c->high) : json_null(), "verdict", lb_change_names[c->verdict], "medians",
                  c->medians, "a_covers", c->a_covers, "b_covers", c->b_covers);
    json_object_update(row, what);
    json_decref(what);
    return row;
}

static void add_cells(lb_table *table, const lb_row *a, const lb_row *b, const lb_change *c) {
    lb_table_cell(table, "%s", a->label);
    lb_table_number(table, a->value);
    lb_table_number(table, b->value);
    lb_table_cell(table, "%s", a->unit);
    lb_table_cell(table, "%.3f", c->ratio);
    if (c->high > 0)
        lb_table_cell(table, "%.3f .. %.3f", c->low, c->high);
    else
        lb_table_cell(table, "-");
    lb_table_cell(table, "%s", c->verdict == LB_CHANGE_NONE ? "-" : lb_change_names[c->verdict]);
}

static void compare_rows(comparison *c) {
    static const char *const kHeads[] = {"row", "A", "B", "", "B / A", "95 %", "B is"};
    c->table = (lb_table){.columns = LB_COUNT(kHeads), .left = 1};
    for (size_t i = 0; i < LB_COUNT(kHeads); i++) lb_table_cell(&c->table, "%s", kHeads[i]);
    for (size_t i = 0; i < c->a.count; i++) {
        lb_row *a = &c->a.list[i], *b = lb_rows_find(&c->b, a->key);
        if (!b) continue;
        a->paired = b->paired = true;
        lb_change change;
        lb_compare(&a->time, &b->time, &change);
        lb_changes_add(&c->all, &change, a->time.high > 0 && b->time.high > 0, c->settings->threshold / 100);
        add_cells(&c->table, a, b, &change);
        json_array_append_new(c->results, change_json(a, b, &change));
    }
}

/* ---- the end ---- */

static double percent(size_t part, size_t all) { return all ? 100 * (double)part / (double)all : 0; }

static void print_alone(const char *name, const lb_rows *rows) {
    for (size_t i = 0; i < rows->count; i++)
        if (!rows->list[i].paired) printf("only in %s: %s\n", name, rows->list[i].label);
    if (rows->timeless) printf("without a time in %s: %zu\n", name, rows->timeless);
}

static void print_summary(const comparison *c) {
    const lb_changes *all = &c->all;
    printf("\n");
    print_alone("A", &c->a);
    print_alone("B", &c->b);
    printf("%zu rows: B takes %.3f of the time of A (geometric mean)\n", all->count, lb_changes_mean(all));
    printf("%zu faster, %zu slower, of %zu no difference shown\n", all->verdicts[LB_CHANGE_FASTER],
           all->verdicts[LB_CHANGE_SLOWER], all->verdicts[LB_CHANGE_NONE]);
    printf("medians within %.0f %%: %.1f %%", 100 * LB_REPEATED, percent(all->within, all->count));
    if (all->intervals)
        printf("; A's interval holds B's median in %.1f %%, B's A's in %.1f %%", percent(all->a_covers, all->intervals),
               percent(all->b_covers, all->intervals));
    printf("\n");
    if (c->settings->threshold > 0)
        printf("slower by more than %g %%, beyond chance: %zu\n", c->settings->threshold, all->beyond);
}

static json_t *alone_json(const lb_rows *rows) {
    json_t *list = json_array();
    for (size_t i = 0; i < rows->count; i++)
        if (!rows->list[i].paired) json_array_append(list, rows->list[i].fields);
    return list;
}

static json_t *side_json(const lb_rows *rows) {
    return json_pack("{s:o, s:O?, s:O?, s:o, s:I}", "file", lb_cli_text_json(rows->path, strlen(rows->path)), "machine",
                     json_object_get(rows->file, "machine"), "run", json_object_get(rows->file, "run"), "alone",
                     alone_json(rows), "timeless", (json_int_t)rows->timeless);
}

static json_t *summary_json(const comparison *c) {
    const lb_changes *all = &c->all;
    return json_pack("{s:I, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "count", (json_int_t)all->count, "mean",
                     lb_changes_mean(all), "faster", (json_int_t)all->verdicts[LB_CHANGE_FASTER], "slower",
                     (json_int_t)all->verdicts[LB_CHANGE_SLOWER], "none", (json_int_t)all->verdicts[LB_CHANGE_NONE],
                     "within", (json_int_t)all->within, "intervals", (json_int_t)all->intervals, "a_covers",
                     (json_int_t)all->a_covers, "b_covers", (json_int_t)all->b_covers, "beyond",
                     (json_int_t)all->beyond);
}

static int write_json(const comparison *c) {
    return lb_cli_write_json(
        kCommand, c->settings->json,
        json_pack("{s:o, s:o, s:O, s:O, s:o}", "a", side_json(&c->a), "b", side_json(&c->b), "differences",
                  c->differences, "results", c->results, "summary", summary_json(c)));
}

static int tell(comparison *c) {
    if (!lb_cli_json_only(c->settings->json)) {
        print_differences(c);
        lb_table_print(&c->table, stdout);
        print_summary(c);
    }
    const int code = c->settings->json ? write_json(c) : LB_EXIT_OK;
    return code == LB_EXIT_OK && c->settings->threshold > 0 && c->all.beyond > 0 ? LB_EXIT_FAILED : code;
}

static int run(comparison *c, const char *a, const char *b) {
    int code = lb_rows_read(&c->a, kCommand, a);
    if (code == LB_EXIT_OK) code = lb_rows_read(&c->b, kCommand, b);
    if (code != LB_EXIT_OK) return code;
    find_differences(c, "machine");
    find_differences(c, "run");
    compare_rows(c);
    if (c->all.count == 0) return lb_cli_error(LB_EXIT_FAILED, kCommand, "no row of %s is in %s", a, b);
    return tell(c);
}

int lb_cmd_bench_compare(int argc, char **argv) {
    settings o = {.json = NULL};
    const lb_option table[] = {
        {"--threshold", "P", "fail where something got slower by more than P percent, beyond chance", LB_OPTION_NUMBER,
         &o.threshold},
        LB_OPTION_JSON(&o.json),
    };
    const lb_syntax syntax = {.usage = "A.json B.json [--json FILE|-] [--threshold P]",
                              .text =
                                  "Compares the rows that two files of `bench gemm`, `layers`, `limits`, `pack` or\n"
                                  "`tune` have in common. Ratios are of times: more than 1 is slower in B.",
                              .options = table,
                              .option_count = LB_COUNT(table),
                              .min_words = 2,
                              .max_words = 2};
    int code;
    if (!lb_cli_parse(&argc, argv, &syntax, &code)) return code;
    comparison c = {.settings = &o, .results = json_array(), .differences = json_array()};
    code = run(&c, argv[1], argv[2]);
    lb_rows_free(&c.a);
    lb_rows_free(&c.b);
    lb_table_free(&c.table);
    json_decref(c.results);
    json_decref(c.differences);
    return code;
}
