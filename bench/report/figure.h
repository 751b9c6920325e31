/* SPDX-License-Identifier: Apache-2.0 */
/* A plot as data: the one description that SVG and gnuplot draw from.
 *
 * Builders (plots.h) fill figures, writers (svg.h, gnuplot.h) draw them; neither knows the other. Memory that runs out
 * marks the list as failed, and the calls then do nothing, so builders need not look. */
#ifndef LOWBIT_BENCH_REPORT_FIGURE_H_
#define LOWBIT_BENCH_REPORT_FIGURE_H_

#include <stdbool.h>
#include <stddef.h>

typedef enum lb_figure_kind {
    LB_FIGURE_XY,   /* series over two axes */
    LB_FIGURE_BARS, /* a row for each point: x is the length of its bar, low .. high its whisker */
    LB_FIGURE_HEAT, /* a series is a row, point.x the index of its column, point.y the heat */
} lb_figure_kind;

typedef enum lb_mark {
    LB_MARK_LINE,  /* points joined, the name at the last one */
    LB_MARK_DOTS,  /* points alone, the name in a legend */
    LB_MARK_NAMED, /* one point, the name beside it, or in the legend where there is no room */
    LB_MARK_ROOF,  /* a line that bounds, the name along it */
    LB_MARK_GUIDE, /* a line to compare with, dashed, the name at its end */
} lb_mark;

typedef enum lb_unit { LB_UNIT_PLAIN, LB_UNIT_BYTES, LB_UNIT_PERCENT, LB_UNIT_TIMES } lb_unit;

enum {
    LB_FIGURE_LABEL = 80,
    LB_FIGURE_VALUE = 32,
    LB_FIGURE_NAME = 48,
    LB_FIGURE_SERIES = 24,
    LB_FIGURE_COLUMNS = 12,
    LB_FIGURE_STYLES = 16, /* that differ: markers, dashes and colours of 8, then the same with hollow markers */
    LB_FIGURE_CURVES = 8   /* as many lines as a plot bears */
};

typedef struct lb_figure_point {
    double x, y;
    double low, high;            /* whisker along y (XY) or x (BARS); none where they are equal */
    char label[LB_FIGURE_LABEL]; /* BARS: the row's name; XY: what the point is, shown on hovering */
    char value[LB_FIGURE_VALUE]; /* BARS, HEAT: the number as it is printed; a roof's first point: its short name */
    bool hollow;                 /* no difference shown, left early: drawn as an outline */
} lb_figure_point;

typedef struct lb_series {
    char name[LB_FIGURE_NAME];
    lb_mark mark;
    size_t style; /* the number of those before it in the figure that have markers, where the builder sets no other */
    lb_figure_point *points;
    size_t count, capacity;
} lb_series;

typedef struct lb_axis {
    char title[64];
    lb_unit unit;
    int log;          /* 0 = linear and from 0, else the base of its ticks: 2 or 10 */
    double base;      /* BARS: where bars begin, and a line is drawn */
    double low, high; /* what the axis shows, of HEAT what is darkest and palest; from the data where both are 0 */
} lb_axis;

typedef struct lb_figure {
    lb_figure_kind kind;
    char section[16]; /* of the page: a name of plots.h */
    char id[32];      /* "roofline-1": unique, fit for a file's name */
    char title[96];
    char caption[640]; /* what it shows and how to read it */
    lb_axis x, y;
    lb_series series[LB_FIGURE_SERIES];
    size_t series_count;
    char columns[LB_FIGURE_COLUMNS][LB_FIGURE_NAME];
    size_t column_count;
} lb_figure;

/* Starts as zeros. */
typedef struct lb_figures {
    lb_figure **items;
    size_t count;
    bool failed; /* there was no memory for something */
} lb_figures;

/* A new figure at the end of the list, its id being the name and a number. NULL without memory. */
lb_figure *lb_figure_add(lb_figures *list, lb_figure_kind kind, const char *section, const char *name);

void lb_figure_title(lb_figure *figure, const char *format, ...) __attribute__((format(printf, 2, 3)));
void lb_figure_caption(lb_figure *figure, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A new series; NULL without a figure, and where the figure is full. */
lb_series *lb_series_add(lb_figure *figure, lb_mark mark, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds a copy of the point and returns the copy, NULL without a series or memory. */
lb_figure_point *lb_point_add(lb_figures *list, lb_series *series, const lb_figure_point *point);

void lb_figures_free(lb_figures *list);

#endif
