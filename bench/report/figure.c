/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/report/figure.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t count_named(const lb_figures *list, const char *name) {
    const size_t length = strlen(name);
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        const char *id = list->items[i]->id;
        count += strncmp(id, name, length) == 0 && id[length] == '-';
    }
    return count;
}

lb_figure *lb_figure_add(lb_figures *list, lb_figure_kind kind, const char *section, const char *name) {
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): the size of the pointer is meant */
    lb_figure **items = realloc(list->items, (list->count + 1) * sizeof *items);
    if (items) list->items = items;
    lb_figure *figure = items ? calloc(1, sizeof *figure) : NULL;
    if (!figure) {
        list->failed = true;
        return NULL;
    }
    figure->kind = kind;
    snprintf(figure->section, sizeof figure->section, "%s", section);
    snprintf(figure->id, sizeof figure->id, "%.20s-%zu", name, count_named(list, name) + 1);
    list->items[list->count++] = figure;
    return figure;
}

void lb_figure_title(lb_figure *figure, const char *format, ...) {
    va_list args;
    if (!figure) return;
    va_start(args, format);
    vsnprintf(figure->title, sizeof figure->title, format, args);
    va_end(args);
}

void lb_figure_caption(lb_figure *figure, const char *format, ...) {
    va_list args;
    if (!figure) return;
    va_start(args, format);
    vsnprintf(figure->caption, sizeof figure->caption, format, args);
    va_end(args);
}

static bool has_markers(lb_mark mark) { return mark == LB_MARK_LINE || mark == LB_MARK_DOTS || mark == LB_MARK_NAMED; }

lb_series *lb_series_add(lb_figure *figure, lb_mark mark, const char *format, ...) {
    va_list args;
    if (!figure || figure->series_count == LB_FIGURE_SERIES) return NULL;
    lb_series *series = &figure->series[figure->series_count];
    for (size_t i = 0; i < figure->series_count; i++) series->style += has_markers(figure->series[i].mark);
    figure->series_count++;
    series->mark = mark;
    va_start(args, format);
    vsnprintf(series->name, sizeof series->name, format, args);
    va_end(args);
    return series;
}

lb_figure_point *lb_point_add(lb_figures *list, lb_series *series, const lb_figure_point *point) {
    if (!series) return NULL;
    if (series->count == series->capacity) {
        const size_t capacity = series->capacity ? 2 * series->capacity : 8;
        lb_figure_point *points = realloc(series->points, capacity * sizeof *points);
        if (!points) {
            list->failed = true;
            return NULL;
        }
        series->points = points;
        series->capacity = capacity;
    }
    series->points[series->count] = *point;
    return &series->points[series->count++];
}

void lb_figures_free(lb_figures *list) {
    for (size_t i = 0; i < list->count; i++) {
        for (size_t s = 0; s < list->items[i]->series_count; s++) free(list->items[i]->series[s].points);
        free(list->items[i]);
    }
    free(list->items);
    *list = (lb_figures){0};
}
