/* SPDX-License-Identifier: Apache-2.0 */
/* What changes with one size of the product: problems that differ in M, N or K alone are found among all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/report/plots.h"
#include "bench/report/refs.h"

enum { DIMENSIONS = 3, MOST_FIGURES = 3, LEAST_POINTS = 3 };

static const char kNames[DIMENSIONS] = {'M', 'N', 'K'};

static int64_t size_of(const lb_report_cell *c, int64_t dimension) {
    return dimension == 0 ? c->m : dimension == 1 ? c->n : c->k;
}

static bool make(const lb_report *r, lb_ref *ref, int64_t dimension) {
    (void)r;
    const lb_report_cell *c = ref->cell;
    ref->group[0] = c->threads;
    ref->group[1] = c->cold;
    ref->group[2] = size_of(c, (dimension + 1) % DIMENSIONS);
    ref->group[3] = size_of(c, (dimension + 2) % DIMENSIONS);
    ref->x = (double)size_of(c, dimension);
    return c->ours;
}

/* Points of the series that are long enough to be a curve; how many of those there are. */
static size_t weigh(const lb_refs *refs, size_t start, size_t end, size_t *curves) {
    size_t points = 0;
    *curves = 0;
    for (size_t i = start, next; i < end; i = next) {
        next = lb_refs_series_end(refs, i);
        if (next - i < LEAST_POINTS) continue;
        points += next - i;
        ++*curves;
    }
    return points;
}

/* What a plot shows of a product: M against the speed, M against the time, N or K against the time for each. */
enum { SPEED, TIME, TIME_EACH };

static double scale_of(const lb_ref *ref, int what) { return what == TIME_EACH ? 1e3 / ref->x : 1; }

static void add_curves(lb_figures *figures, lb_figure *f, const lb_refs *refs, size_t start, size_t end, int what) {
    for (size_t i = start, next, drawn = 0; i < end && drawn < LB_FIGURE_CURVES; i = next) {
        next = lb_refs_series_end(refs, i);
        if (next - i < LEAST_POINTS) continue;
        drawn++;
        lb_series *series = lb_refs_series(f, LB_MARK_LINE, &refs->items[i]);
        for (size_t j = i; j < next; j++) {
            const lb_ref *ref = &refs->items[j];
            const lb_report_cell *c = ref->cell;
            if (j > i && ref->x == ref[-1].x) continue;
            lb_figure_point point = {.x = ref->x, .y = what == SPEED ? c->gops : c->median_us * scale_of(ref, what)};
            if (what != SPEED && c->low_us > 0 && c->high_us > c->low_us) {
                point.low = c->low_us * scale_of(ref, what);
                point.high = c->high_us * scale_of(ref, what);
            }
            snprintf(point.label, sizeof point.label, "%.40s: %.4g us, %.4g GOP/s", c->problem, c->median_us, c->gops);
            lb_point_add(figures, series, &point);
        }
    }
}

/* Twice the size, twice the time: from the first point of the first curve. */
static void add_proportion(lb_figures *figures, lb_figure *f) {
    if (f->series_count == 0 || f->series[0].count == 0) return;
    const lb_series *first = &f->series[0];
    const lb_figure_point a = first->points[0], b = first->points[first->count - 1];
    lb_series *guide = lb_series_add(f, LB_MARK_GUIDE, "proportional");
    lb_point_add(figures, guide, &(lb_figure_point){.x = a.x, .y = a.y});
    lb_point_add(figures, guide, &(lb_figure_point){.x = b.x, .y = a.y * b.x / a.x});
}

static void set_axes(lb_figure *f, char dimension, int what) {
    static const char *const kTitles[] = {"GOP/s", "µs", "ns for each"};
    f->x.log = 2;
    f->x.title[0] = dimension;
    f->y.log = what == TIME ? 10 : 0;
    snprintf(f->y.title, sizeof f->y.title, what == TIME_EACH ? "%s %c" : "%s", kTitles[what], dimension);
}

static void add_figure(lb_figures *figures, const lb_refs *refs, size_t start, size_t end, int64_t dimension,
                       int what) {
    static const struct {
        const char *section, *name, *title, *caption;
    } kWhats[] = {
        [SPEED] = {"limits", "rows", "Speed",
                   "Operations (2 M N K) a second at the median time, for each format. Where a curve is still rising, "
                   "reading the weights binds; where it is level, computing does."},
        [TIME] =
            {"growth", "time", "Time",
             "Median time of a call, whiskers: the 95 % interval of the median. A curve along the dashed line costs "
             "twice as much for twice the rows; where it is flatter, more rows are nearly free, since reading the "
             "weights binds."},
        [TIME_EACH] = {
            "growth", "each", "Cost",
            "Median time divided by the size that grows, whiskers: the 95 % interval. A level curve costs "
            "twice as much for twice the size; a falling one has fixed costs, a rising one has left a cache."}};
    const lb_report_cell *c = refs->items[start].cell;
    const int64_t first = dimension == 0 ? 1 : 0, second = 3 - dimension - first;
    char regime[LB_REF_REGIME];
    size_t curves;
    lb_ref_regime(c, regime);
    weigh(refs, start, end, &curves);
    lb_figure *f = lb_figure_add(figures, LB_FIGURE_XY, kWhats[what].section, kWhats[what].name);
    if (!f) return;
    lb_figure_title(f, "%s against %c: %c = %lld, %c = %lld, %s", kWhats[what].title, kNames[dimension], kNames[first],
                    (long long)size_of(c, first), kNames[second], (long long)size_of(c, second), regime);
    lb_figure_caption(f, "%s%s", kWhats[what].caption,
                      curves > LB_FIGURE_CURVES ? " More formats were timed than are drawn; the table has them." : "");
    set_axes(f, kNames[dimension], what);
    add_curves(figures, f, refs, start, end, what);
    if (what == TIME) add_proportion(figures, f);
}

/* The figures with the most points; ties go to the smaller group. */
static void plot(const lb_report *r, lb_figures *figures, int64_t dimension, int what) {
    lb_refs refs = lb_refs_of(r, figures, make, dimension);
    size_t drawn_at[MOST_FIGURES];
    for (size_t drawn = 0; drawn < MOST_FIGURES; drawn++) {
        size_t best = 0, best_start = 0, curves;
        for (size_t start = 0, end; start < refs.count; start = end) {
            bool taken = false;
            end = lb_refs_group_end(&refs, start);
            for (size_t i = 0; i < drawn; i++) taken = taken || drawn_at[i] == start;
            const size_t points = weigh(&refs, start, end, &curves);
            if (taken || points <= best) continue;
            best = points;
            best_start = start;
        }
        if (best == 0) break;
        drawn_at[drawn] = best_start;
        add_figure(figures, &refs, best_start, lb_refs_group_end(&refs, best_start), dimension, what);
    }
    free(refs.items);
}

void lb_plot_rows(const lb_report *r, lb_figures *figures) { plot(r, figures, 0, SPEED); }

void lb_plot_sizes(const lb_report *r, lb_figures *figures) {
    plot(r, figures, 0, TIME);
    plot(r, figures, 1, TIME_EACH);
    plot(r, figures, 2, TIME_EACH);
}
