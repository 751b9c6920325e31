/* SPDX-License-Identifier: Apache-2.0 */
/* How far the samples of a product lie apart: what its median hides. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/report/plots.h"
#include "bench/report/refs.h"
#include "tuner/stats.h"

enum { LEAST_SAMPLES = 20, STEPS = 10, MOST_FIGURES = 2 };

static bool make(const lb_report *r, lb_ref *ref, int64_t which) {
    (void)r;
    (void)which;
    lb_ref_by_regime(ref);
    ref->x = ref->cell->median_us;
    return ref->cell->ours && json_array_size(ref->cell->samples) >= LEAST_SAMPLES;
}

static int compare(const void *left, const void *right) {
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void add_curve(lb_figures *figures, lb_figure *f, const lb_report_cell *c) {
    const size_t count = json_array_size(c->samples);
    double *sorted = malloc(count * sizeof *sorted);
    lb_series *series = lb_series_add(f, LB_MARK_DOTS, "%s", c->problem);
    if (!sorted) {
        figures->failed = true;
        return;
    }
    for (size_t i = 0; i < count; i++) sorted[i] = json_number_value(json_array_get(c->samples, i));
    qsort(sorted, count, sizeof *sorted, compare);
    const double middle = lb_quantile(sorted, count, 0.5);
    for (int step = 0; step <= STEPS; step++) {
        const double part = (double)step / STEPS;
        lb_point_add(figures, series, &(lb_figure_point){.x = lb_quantile(sorted, count, part) / middle, .y = part});
    }
    free(sorted);
}

/* As many products as a plot bears, evenly from the list. */
static void add_figure(lb_figures *figures, const lb_refs *refs, size_t start, size_t end) {
    const size_t count = end - start, drawn = count < LB_FIGURE_CURVES ? count : LB_FIGURE_CURVES;
    char regime[LB_REF_REGIME];
    lb_ref_regime(refs->items[start].cell, regime);
    lb_figure *f = lb_figure_add(figures, LB_FIGURE_XY, "growth", "spread");
    lb_figure_title(f, "Spread of the samples, %s", regime);
    lb_figure_caption(f,
                      "Which part of the samples of a product took at most so many times its median; a marker every "
                      "tenth. An upright column is a quiet machine, a long tail to the right are its neighbours.%s",
                      drawn < count ? " Some of the products, evenly chosen." : "");
    if (!f) return;
    f->x = (lb_axis){.title = "time / median", .unit = LB_UNIT_TIMES, .log = 10};
    f->y = (lb_axis){.title = "samples", .unit = LB_UNIT_PERCENT};
    for (size_t i = 0; i < drawn; i++) add_curve(figures, f, refs->items[start + i * count / drawn].cell);
}

void lb_plot_spread(const lb_report *r, lb_figures *figures) {
    lb_refs refs = lb_refs_of(r, figures, make, 0);
    size_t drawn = 0;
    for (size_t start = 0, end; start < refs.count && drawn < MOST_FIGURES; start = end, drawn++) {
        end = lb_refs_group_end(&refs, start);
        add_figure(figures, &refs, start, end);
    }
    free(refs.items);
}
