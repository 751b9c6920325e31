/* SPDX-License-Identifier: Apache-2.0 */
/* What the tuner tried for a problem: kernels as a heat map, blocks of the fastest kernel as bars. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/report/plots.h"

enum { MOST_FIGURES = 4, MOST_BARS = 12 };

/* Relative to the fastest that was timed to the end of a race: the least of all may be a lucky sample. */
static double least_of(const lb_report_tuned *t) {
    int64_t most = 0;
    double least = INFINITY;
    for (size_t i = 0; i < t->candidate_count; i++)
        most = t->candidates[i].samples > most ? t->candidates[i].samples : most;
    for (size_t i = 0; i < t->candidate_count; i++)
        if (t->candidates[i].samples == most) least = fmin(least, t->candidates[i].relative);
    return least;
}

/* "w4.dot.1x64.avx512" is the tile "dot.1x64" at the level "avx512". */
static void split(const char *kernel, char tile[LB_FIGURE_NAME], char level[LB_FIGURE_NAME]) {
    const char *dot = strrchr(kernel, '.'), *first = strchr(kernel, '.');
    const char *start = first && first != dot ? first + 1 : kernel;
    const int length = dot && dot > start ? (int)(dot - start) : (int)strlen(start);
    snprintf(tile, LB_FIGURE_NAME, "%.*s", length < LB_FIGURE_NAME - 1 ? length : LB_FIGURE_NAME - 1, start);
    snprintf(level, LB_FIGURE_NAME, "%.40s", dot ? dot + 1 : "");
}

static size_t column_of(lb_figure *f, const char *name) {
    size_t i = 0;
    while (i < f->column_count && strcmp(f->columns[i], name) != 0) i++;
    if (i == f->column_count && i < LB_FIGURE_COLUMNS) {
        snprintf(f->columns[i], sizeof f->columns[i], "%s", name);
        f->column_count++;
    }
    return i;
}

static lb_series *row_of(lb_figure *f, const char *name) {
    for (size_t i = 0; i < f->series_count; i++)
        if (strcmp(f->series[i].name, name) == 0) return &f->series[i];
    return lb_series_add(f, LB_MARK_DOTS, "%s", name);
}

/* A cell has the fastest candidate of its kernel. */
static void add_cell(lb_figures *figures, lb_figure *f, const char *kernel, double relative, bool chosen) {
    char tile[LB_FIGURE_NAME], level[LB_FIGURE_NAME];
    split(kernel, tile, level);
    const size_t column = column_of(f, level);
    lb_series *row = row_of(f, tile);
    if (!row || column == LB_FIGURE_COLUMNS) return;
    lb_figure_point *cell = NULL;
    for (size_t i = 0; i < row->count; i++)
        if ((size_t)row->points[i].x == column) cell = &row->points[i];
    if (!cell) cell = lb_point_add(figures, row, &(lb_figure_point){.x = (double)column, .y = INFINITY});
    if (!cell) return;
    cell->hollow = chosen;
    cell->y = fmin(cell->y, relative);
    snprintf(cell->value, sizeof cell->value, "%.2f", cell->y);
}

static void plot_kernels(lb_figures *figures, const lb_report_tuned *t) {
    const double least = least_of(t);
    lb_figure *f = lb_figure_add(figures, LB_FIGURE_HEAT, "tuner", "kernels");
    lb_figure_title(f, "Kernels: %.40s, %" PRId64 " thread%s", t->problem, t->threads, t->threads == 1 ? "" : "s");
    lb_figure_caption(f,
                      "Time of each kernel with its best blocks, over that of the fastest candidate of the last race: "
                      "1.00 is the fastest, what is darker is faster. Rows: tiles of the kernels; columns: "
                      "instruction set levels. Outlined: what tuning chose.");
    if (!f) return;
    snprintf(f->x.title, sizeof f->x.title, "time / fastest");
    for (size_t i = 0; i < t->candidate_count; i++) {
        const lb_report_candidate *c = &t->candidates[i];
        add_cell(figures, f, c->kernel, c->relative / least, strcmp(c->kernel, t->kernel) == 0);
    }
}

/* What a candidate has that the rule's blocks have not: "n 512, split 2". */
static void describe(const lb_report_candidate *c, const lb_report_candidate *rule, char *text, size_t size) {
    const char *key;
    json_t *value;
    size_t used = 0;
    if (c == rule) {
        snprintf(text, size, "the rule's blocks, %" PRId64 " thread%s", c->uses, c->uses == 1 ? "" : "s");
        return;
    }
    text[0] = 0;
    json_object_foreach((json_t *)(uintptr_t)c->blocks, key, value) {
        if (!json_is_integer(value) || json_equal(value, json_object_get(rule->blocks, key)) || used >= size) continue;
        const json_int_t number = json_integer_value(value);
        if (number == INT64_MAX)
            used += (size_t)snprintf(text + used, size - used, "%s%.12s unlimited", used ? ", " : "", key);
        else
            used += (size_t)snprintf(text + used, size - used, "%s%.12s %" JSON_INTEGER_FORMAT, used ? ", " : "", key,
                                     number);
    }
    if (used < size && c->uses != rule->uses)
        snprintf(text + used, size - used, "%s%" PRId64 " thread%s", used ? ", " : "", c->uses,
                 c->uses == 1 ? "" : "s");
}

static const lb_report_candidate *rule_of(const lb_report_tuned *t) {
    for (size_t i = 0; i < t->candidate_count; i++)
        if (t->candidates[i].by_rule && strcmp(t->candidates[i].kernel, t->kernel) == 0) return &t->candidates[i];
    return NULL;
}

static size_t count_of(const lb_report_tuned *t) {
    size_t count = 0;
    for (size_t i = 0; i < t->candidate_count; i++) count += strcmp(t->candidates[i].kernel, t->kernel) == 0;
    return count;
}

static void plot_blocks(lb_figures *figures, const lb_report_tuned *t) {
    const lb_report_candidate *rule = rule_of(t);
    if (!rule || count_of(t) < 2) return;
    lb_figure *f = lb_figure_add(figures, LB_FIGURE_BARS, "tuner", "blocks");
    lb_figure_title(f, "Blocks: %.40s, %" PRId64 " thread%s", t->problem, t->threads, t->threads == 1 ? "" : "s");
    lb_figure_caption(f,
                      "Other blocks and threads for %.40s, the kernel that was chosen: time over that with the blocks "
                      "of the rule. Bars to the left are faster than the rule.",
                      t->kernel);
    if (!f) return;
    f->x = (lb_axis){.title = "time / time by rule", .unit = LB_UNIT_TIMES, .log = 10, .base = 1};
    lb_series *series = lb_series_add(f, LB_MARK_DOTS, "%.40s", t->kernel);
    for (size_t i = 0; i < t->candidate_count && series->count < MOST_BARS; i++) {
        const lb_report_candidate *c = &t->candidates[i];
        if (strcmp(c->kernel, t->kernel) != 0) continue;
        lb_figure_point point = {.x = c->relative / rule->relative};
        describe(c, rule, point.label, sizeof point.label);
        snprintf(point.value, sizeof point.value, "%.2f×", point.x);
        if (!lb_point_add(figures, series, &point)) return;
    }
}

static void plot_most(const lb_report *r, lb_figures *figures, void (*plot)(lb_figures *, const lb_report_tuned *)) {
    size_t drawn = 0;
    for (size_t i = 0; i < r->tuned_count && drawn < MOST_FIGURES; i++) {
        const size_t before = figures->count;
        if (r->tuned[i].candidate_count > 1) plot(figures, &r->tuned[i]);
        drawn += figures->count > before;
    }
}

void lb_plot_kernels(const lb_report *r, lb_figures *figures) { plot_most(r, figures, plot_kernels); }
void lb_plot_blocks(const lb_report *r, lb_figures *figures) { plot_most(r, figures, plot_blocks); }
