/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/report/refs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare_groups(const lb_ref *a, const lb_ref *b) {
    for (size_t i = 0; i < LB_REF_GROUP; i++)
        if (a->group[i] != b->group[i]) return a->group[i] < b->group[i] ? -1 : 1;
    return 0;
}

static int compare(const void *left, const void *right) {
    const lb_ref *a = left, *b = right;
    int order = compare_groups(a, b);
    if (order == 0) order = strcmp(a->series, b->series);
    if (order == 0 && a->x != b->x) order = a->x < b->x ? -1 : 1;
    if (order == 0) order = a->cell < b->cell ? -1 : a->cell > b->cell;
    return order;
}

lb_refs lb_refs_of(const lb_report *report, lb_figures *figures, lb_ref_maker make, int64_t which) {
    lb_refs refs = {calloc(report->cell_count + 1, sizeof *refs.items), 0};
    if (!refs.items) {
        figures->failed = true;
        return refs;
    }
    for (size_t i = 0; i < report->cell_count; i++) {
        const lb_report_cell *cell = &report->cells[i];
        refs.items[refs.count] = (lb_ref){.cell = cell, .series = cell->family};
        if (cell->ok && !cell->repeat && make(report, &refs.items[refs.count], which)) refs.count++;
    }
    qsort(refs.items, refs.count, sizeof *refs.items, compare);
    return refs;
}

size_t lb_refs_group_end(const lb_refs *refs, size_t start) {
    size_t end = start;
    while (end < refs->count && compare_groups(&refs->items[end], &refs->items[start]) == 0) end++;
    return end;
}

size_t lb_refs_series_end(const lb_refs *refs, size_t start) {
    const size_t group = lb_refs_group_end(refs, start);
    size_t end = start;
    while (end < group && strcmp(refs->items[end].series, refs->items[start].series) == 0) end++;
    return end;
}

lb_series *lb_refs_series(lb_figure *figure, lb_mark mark, const lb_ref *ref) {
    lb_series *series = lb_series_add(figure, mark, "%s", ref->cell->family);
    if (series) series->style = ref->cell->rank;
    return series;
}

/* Of a run that is sorted by x. */
static void add_middle(const lb_ref *run, size_t count, lb_figures *figures, lb_figure *figure) {
    const double middle = (run[(count - 1) / 2].x + run[count / 2].x) / 2;
    const lb_unit unit = figure->x.unit;
    lb_figure_point point = {.x = middle, .low = run[0].x, .high = run[count - 1].x};
    snprintf(point.label, sizeof point.label, "%.48s, %zu problem%s", run->series, count, count == 1 ? "" : "s");
    if (unit == LB_UNIT_PERCENT)
        snprintf(point.value, sizeof point.value, "%.0f %% (%.0f to %.0f)", 100 * middle, 100 * point.low,
                 100 * point.high);
    else
        snprintf(point.value, sizeof point.value, "%.2f (%.2f to %.2f)", middle, point.low, point.high);
    lb_point_add(figures, &figure->series[0], &point);
}

void lb_refs_bars(const lb_refs *refs, size_t start, size_t end, lb_figures *figures, lb_figure *figure,
                  void (*text)(const lb_ref *ref, char value[LB_FIGURE_VALUE])) {
    if (!figure || !lb_series_add(figure, LB_MARK_DOTS, "%s", figure->title)) return;
    const bool each = end - start <= LB_REF_BARS;
    for (size_t i = start, next; i < end; i = next) {
        const lb_ref *ref = &refs->items[i];
        next = each ? i + 1 : lb_refs_series_end(refs, i);
        if (!each) {
            add_middle(ref, next - i, figures, figure);
            continue;
        }
        lb_figure_point point = {.x = ref->x};
        snprintf(point.label, sizeof point.label, "%.70s", ref->cell->problem);
        text(ref, point.value);
        lb_point_add(figures, &figure->series[0], &point);
    }
}

void lb_ref_by_regime(lb_ref *ref) {
    ref->group[0] = ref->cell->threads;
    ref->group[1] = ref->cell->cold;
}

void lb_ref_regime(const lb_report_cell *cell, char text[LB_REF_REGIME]) {
    snprintf(text, LB_REF_REGIME, "%lld thread%s%s", (long long)cell->threads, cell->threads == 1 ? "" : "s",
             cell->cold ? ", cold" : "");
}
