/* SPDX-License-Identifier: Apache-2.0 */
/* Products sorted for a plot: groups that share a figure, in them series, in those points. */
#ifndef LOWBIT_BENCH_REPORT_REFS_H_
#define LOWBIT_BENCH_REPORT_REFS_H_

#include "bench/report/figure.h"
#include "bench/report/model.h"

enum { LB_REF_GROUP = 4 };

typedef struct lb_ref {
    const lb_report_cell *cell;
    int64_t group[LB_REF_GROUP];
    const char *series;
    double x;
} lb_ref;

typedef struct lb_refs {
    lb_ref *items;
    size_t count;
} lb_refs;

/* Fills group and x of a reference to a cell, the series being its family; false leaves the cell out. `which` is what
 * the plot says. */
typedef bool (*lb_ref_maker)(const lb_report *report, lb_ref *ref, int64_t which);

/* The cells that `make` takes, sorted by group, series and x. Rows that do not count and repeated ones are not asked
 * about. Release with free(refs.items). */
lb_refs lb_refs_of(const lb_report *report, lb_figures *figures, lb_ref_maker make, int64_t which);

/* The first reference behind `start` of another group, or of another series. */
size_t lb_refs_group_end(const lb_refs *refs, size_t start);
size_t lb_refs_series_end(const lb_refs *refs, size_t start);

/* A series for the family of the reference, which looks alike in all figures. */
lb_series *lb_refs_series(lb_figure *figure, lb_mark mark, const lb_ref *ref);

/* Adds a bar of length x for each reference start .. end - 1, its number written by `text`. More than LB_REF_BARS
 * become one for each series: the middle one, with a whisker from the least to the most. They must be one group. */
enum { LB_REF_BARS = 16 };
void lb_refs_bars(const lb_refs *refs, size_t start, size_t end, lb_figures *figures, lb_figure *figure,
                  void (*text)(const lb_ref *ref, char value[LB_FIGURE_VALUE]));

/* Groups it by what lb_ref_regime says. */
void lb_ref_by_regime(lb_ref *ref);

/* "1 thread", "2 threads, cold": what figures of products are about. */
enum { LB_REF_REGIME = 48 };
void lb_ref_regime(const lb_report_cell *cell, char text[LB_REF_REGIME]);

#endif
