/* SPDX-License-Identifier: Apache-2.0 */
/* What several threads gain over one, and how much of each thread that is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/report/plots.h"
#include "bench/report/refs.h"

/* Over the same problem on one thread; 0 where that was not timed. */
static double speed_up(const lb_report *r, const lb_report_cell *c) {
    for (size_t i = 0; i < r->cell_count; i++) {
        const lb_report_cell *one = &r->cells[i];
        if (one->ours && one->ok && !one->repeat && one->threads == 1 && one->cold == c->cold &&
            strcmp(one->problem, c->problem) == 0)
            return one->median_us / c->median_us;
    }
    return 0;
}

static bool make_bar(const lb_report *r, lb_ref *ref, int64_t which) {
    (void)which;
    ref->group[0] = ref->cell->cold;
    ref->group[1] = ref->cell->threads;
    ref->x = ref->cell->threads > 1 && ref->cell->ours ? speed_up(r, ref->cell) : 0;
    return ref->x > 0;
}

static void text(const lb_ref *ref, char value[LB_FIGURE_VALUE]) {
    snprintf(value, LB_FIGURE_VALUE, "%.2f× (%.0f %%)", ref->x, 100 * ref->x / (double)ref->cell->threads);
}

static void plot_bars(const lb_report *r, lb_figures *figures) {
    lb_refs refs = lb_refs_of(r, figures, make_bar, 0);
    for (size_t start = 0, end; start < refs.count; start = end) {
        end = lb_refs_group_end(&refs, start);
        char regime[LB_REF_REGIME];
        const double threads = (double)refs.items[start].cell->threads;
        lb_ref_regime(refs.items[start].cell, regime);
        lb_figure *f = lb_figure_add(figures, LB_FIGURE_BARS, "growth", "threads");
        lb_figure_title(f, "Speed-up, %s", regime);
        lb_figure_caption(f,
                          "How many times as fast as one thread; the mark at %.0f is what %.0f threads could gain at "
                          "most, unless their caches hold what one could not.%s",
                          threads, threads,
                          end - start > LB_REF_BARS ? " A bar is the median of a format's problems, its whisker goes "
                                                      "from the least to the most."
                                                    : " In brackets: the efficiency of a thread.");
        if (!f) break;
        f->x = (lb_axis){.title = "times as fast as one thread", .unit = LB_UNIT_TIMES, .base = threads};
        lb_refs_bars(&refs, start, end, figures, f, text);
    }
    free(refs.items);
}

static bool make_curve(const lb_report *r, lb_ref *ref, int64_t which) {
    (void)which;
    ref->group[0] = ref->cell->cold;
    ref->series = ref->cell->problem;
    ref->x = (double)ref->cell->threads;
    return ref->cell->ours && speed_up(r, ref->cell) > 0;
}

/* Curves need three thread counts. */
static void plot_curves(const lb_report *r, lb_figures *figures) {
    enum { LEAST_POINTS = 3 };
    lb_refs refs = lb_refs_of(r, figures, make_curve, 0);
    lb_figure *f = NULL;
    double most = 1;
    for (size_t start = 0, end; start < refs.count; start = end) {
        end = lb_refs_series_end(&refs, start);
        if (end - start < LEAST_POINTS || (f && f->series_count == LB_FIGURE_CURVES)) continue;
        if (!f) f = lb_figure_add(figures, LB_FIGURE_XY, "growth", "scaling");
        lb_series *series = lb_series_add(f, LB_MARK_LINE, "%s", refs.items[start].series);
        for (size_t i = start; i < end; i++) {
            const double gain = speed_up(r, refs.items[i].cell), threads = refs.items[i].x;
            lb_figure_point point = {.x = threads, .y = gain};
            snprintf(point.label, sizeof point.label, "%.0f threads: %.2f times, efficiency %.0f %%", threads, gain,
                     100 * gain / threads);
            lb_point_add(figures, series, &point);
            most = threads > most ? threads : most;
        }
    }
    free(refs.items);
    if (!f) return;
    lb_figure_title(f, "Speed-up against threads");
    lb_figure_caption(f, "Times as fast as one thread. Along the dashed line every thread adds a whole one.");
    f->x = (lb_axis){.title = "threads", .log = 2};
    f->y = (lb_axis){.title = "times as fast as one thread", .log = 2, .unit = LB_UNIT_TIMES};
    lb_series *guide = lb_series_add(f, LB_MARK_GUIDE, "a thread each");
    lb_point_add(figures, guide, &(lb_figure_point){.x = 1, .y = 1});
    lb_point_add(figures, guide, &(lb_figure_point){.x = most, .y = most});
}

void lb_plot_threads(const lb_report *r, lb_figures *figures) {
    plot_curves(r, figures);
    plot_bars(r, figures);
}
