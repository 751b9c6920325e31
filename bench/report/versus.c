/* SPDX-License-Identifier: Apache-2.0 */
/* How much faster we are than each other library, problem by problem. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/report/plots.h"
#include "bench/report/refs.h"

enum { MOST_BARS = 20, MOST_FIGURES = 24 };

/* Libraries are numbered by the row in which they come first. */
static int64_t number_of(const lb_report *r, const char *impl) {
    size_t i = 0;
    while (strcmp(r->cells[i].impl, impl) != 0) i++;
    return (int64_t)i;
}

static bool make(const lb_report *r, lb_ref *ref, int64_t which) {
    (void)which;
    ref->group[0] = number_of(r, ref->cell->impl);
    ref->group[1] = ref->cell->threads;
    ref->group[2] = ref->cell->cold;
    ref->x = (double)ref->cell->m;
    return !ref->cell->ours && ref->cell->ratio > 0;
}

static void add_bar(lb_figures *figures, lb_series *series, const lb_report_cell *c) {
    lb_figure_point point = {.x = c->ratio, .hollow = strcmp(c->verdict, "none") == 0};
    if (c->ratio_low > 0 && c->ratio_high > c->ratio_low) {
        point.low = c->ratio_low;
        point.high = c->ratio_high;
    }
    snprintf(point.label, sizeof point.label, "%.40s%s%.24s", c->problem, *c->way ? " · " : "", c->way);
    if (point.high > 0)
        snprintf(point.value, sizeof point.value, "%.2f× (%.2f–%.2f)", c->ratio, c->ratio_low, c->ratio_high);
    else
        snprintf(point.value, sizeof point.value, "%.2f×", c->ratio);
    lb_point_add(figures, series, &point);
}

static void add_figure(lb_figures *figures, const lb_refs *refs, size_t start, size_t end, size_t part, size_t parts) {
    const lb_report_cell *c = refs->items[start].cell;
    char regime[LB_REF_REGIME], of[48] = "";
    lb_ref_regime(c, regime);
    if (parts > 1) snprintf(of, sizeof of, " (%zu of %zu)", part + 1, parts);
    lb_figure *f = lb_figure_add(figures, LB_FIGURE_BARS, "peers", "peer");
    lb_figure_title(f, "Against %.24s %.16s, %s%s", c->impl, c->version, regime, of);
    lb_figure_caption(f,
                      "Its time over ours: bars to the right are problems on which lowbit is faster. Whiskers: 95 %% "
                      "intervals of the ratio. Hollow bars: no difference was shown.%s",
                      c->beside ? " It ran in another process; the cost of an empty call there is in the table." : "");
    if (!f) return;
    f->x = (lb_axis){.title = "its time / ours", .unit = LB_UNIT_TIMES, .log = 10, .base = 1};
    lb_series *series = lb_series_add(f, LB_MARK_DOTS, "%s", c->impl);
    for (size_t i = start; i < end; i++) add_bar(figures, series, refs->items[i].cell);
}

void lb_plot_peers(const lb_report *r, lb_figures *figures) {
    lb_refs refs = lb_refs_of(r, figures, make, 0);
    const size_t before = figures->count;
    for (size_t start = 0, end; start < refs.count && figures->count < before + MOST_FIGURES; start = end) {
        end = lb_refs_group_end(&refs, start);
        const size_t count = end - start, parts = (count + MOST_BARS - 1) / MOST_BARS;
        for (size_t part = 0; part < parts; part++)
            add_figure(figures, &refs, start + part * count / parts, start + (part + 1) * count / parts, part, parts);
    }
    free(refs.items);
}
