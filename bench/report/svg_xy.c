/* SPDX-License-Identifier: Apache-2.0 */
/* Series over two axes: lines with their names at the end, dots with a legend, roofs with their names along them. */
#include <math.h>
#include <string.h>

#include "bench/report/canvas.h"
#include "bench/report/labels.h"
#include "bench/report/scale.h"
#include "bench/report/svg.h"

enum {
    TOP = 26,     /* the title of the y axis stands above the plot */
    PLOT = 220,   /* height */
    BOTTOM = 44,  /* numbers and title of the x axis */
    LEGEND = 20,  /* a line of it */
    LETTERS = 16, /* between two names: the height of a line */
    MOST_TICKS = 6
};

typedef struct plot {
    const lb_figure *figure;
    lb_scale x, y;
    double left, right;             /* of the plot on the canvas */
    double named[LB_FIGURE_SERIES]; /* where names of level roofs stand */
    size_t named_count;
    lb_labels labels; /* of the series whose mark is NAMED, in their order */
} plot;

static bool is_line(const lb_series *s) { return s->mark == LB_MARK_LINE || s->mark == LB_MARK_GUIDE; }

typedef struct range {
    double low, high;
} range;

static void widen(range *r, double value) {
    r->low = fmin(r->low, value);
    r->high = fmax(r->high, value);
}

static void measure(const lb_figure *f, range *x, range *y) {
    *x = *y = (range){INFINITY, -INFINITY};
    for (size_t s = 0; s < f->series_count; s++)
        for (size_t i = 0; i < f->series[s].count; i++) {
            const lb_figure_point *p = &f->series[s].points[i];
            widen(x, p->x);
            widen(y, p->y);
            if (p->low < p->high) {
                widen(y, p->low);
                widen(y, p->high);
            }
        }
    if (x->low > x->high) *x = *y = (range){1, 1}; /* series without points */
}

/* The names at the ends of lines decide what is left for the plot. */
static void lay_out(plot *p, const lb_figure *f) {
    enum { GAP = 12, MOST = 130 };
    range x, y;
    double names = 0, numbers = 0;
    measure(f, &x, &y);
    if (f->y.high > 0) y = (range){f->y.low, f->y.high};
    for (size_t s = 0; s < f->series_count; s++)
        if (is_line(&f->series[s])) names = fmax(names, fmin(lb_text_width(f->series[s].name), MOST) + GAP);
    *p = (plot){.figure = f};
    p->y = lb_scale_for(f->y.log, y.low, y.high, TOP + PLOT, TOP);
    if (!f->y.log && f->y.high > 0) {
        p->y.low = f->y.low;
        p->y.high = f->y.high;
    }
    lb_ticks ticks;
    lb_scale_ticks(&p->y, MOST_TICKS, &ticks);
    for (size_t i = 0; i < ticks.count; i++) {
        char text[32];
        lb_unit_text(f->y.unit, ticks.values[i], text, sizeof text);
        numbers = fmax(numbers, lb_text_width(text));
    }
    p->left = numbers + 8;
    p->right = LB_CANVAS_WIDTH - fmax(names, 16);
    p->x = lb_scale_for(f->x.log, x.low, x.high, p->left, p->right);
    for (size_t s = 0; s < f->series_count; s++) {
        const lb_figure_point *point = f->series[s].points;
        if (f->series[s].mark == LB_MARK_NAMED && f->series[s].count)
            lb_labels_add(&p->labels, lb_scale_at(&p->x, point->x), lb_scale_at(&p->y, point->y), f->series[s].name);
    }
    lb_labels_place(&p->labels, p->left, TOP + 2, LB_CANVAS_WIDTH, TOP + PLOT - 2);
}

static void draw_axes(FILE *file, const plot *p) {
    const lb_figure *f = p->figure;
    char text[32];
    lb_ticks ticks;
    lb_draw_text(file, 0, LB_CANVAS_TEXT, "start", "h", f->y.title);
    lb_scale_ticks(&p->y, MOST_TICKS, &ticks);
    for (size_t i = 0; i < ticks.count; i++) {
        const double y = lb_scale_at(&p->y, ticks.values[i]);
        lb_draw_line(file, p->left, y, p->right, y, "g");
        lb_unit_text(f->y.unit, ticks.values[i], text, sizeof text);
        lb_draw_text(file, p->left - 6, y + 4, "end", "y", text);
    }
    lb_draw_line(file, p->left, TOP + PLOT, p->right, TOP + PLOT, "a");
    const size_t most = (size_t)fmax(2, fmin(MOST_TICKS, (p->right - p->left) / 52));
    lb_scale_ticks(&p->x, most, &ticks);
    for (size_t i = 0; i < ticks.count; i++) {
        const double x = lb_scale_at(&p->x, ticks.values[i]);
        lb_draw_line(file, x, TOP + PLOT, x, TOP + PLOT + 4, "a");
        lb_unit_text(f->x.unit, ticks.values[i], text, sizeof text);
        lb_draw_text(file, x, TOP + PLOT + 18, "middle", "x", text);
    }
    lb_draw_text(file, (p->left + p->right) / 2, TOP + PLOT + 36, "middle", "h", f->x.title);
}

static void draw_path(FILE *file, const plot *p, const lb_series *s, const char *style) {
    fprintf(file, "<path class=\"%s\" d=\"", style);
    for (size_t i = 0; i < s->count; i++)
        fprintf(file, "%c%.1f %.1f", i ? 'L' : 'M', lb_scale_at(&p->x, s->points[i].x),
                lb_scale_at(&p->y, s->points[i].y));
    fputs("\"/>\n", file);
}

static void draw_points(FILE *file, const plot *p, const lb_series *s) {
    for (size_t i = 0; i < s->count; i++) {
        const lb_figure_point *point = &s->points[i];
        const double x = lb_scale_at(&p->x, point->x);
        if (point->low < point->high && point->low > 0)
            lb_draw_line(file, x, lb_scale_at(&p->y, point->low), x, lb_scale_at(&p->y, point->high), "w");
        lb_draw_marker(file, s->style, x, lb_scale_at(&p->y, point->y), point->hollow, point->label);
    }
}

/* The place nearest to a level roof where no other roof's name stands: above it, below it, farther away. */
static double free_place(plot *p, double y) {
    static const double kPlaces[] = {-5, 13, -18, 26, -31, 39};
    enum { LAST = sizeof kPlaces / sizeof kPlaces[0] - 1, APART = 13 };
    for (size_t i = 0;; i++) {
        const double place = y + kPlaces[i];
        bool is_free = place > LB_CANVAS_TEXT && place < TOP + PLOT;
        for (size_t j = 0; j < p->named_count; j++) is_free = is_free && fabs(p->named[j] - place) >= APART;
        if (is_free || i == LAST) return p->named[p->named_count++] = place;
    }
}

/* A roof's name lies along it where that is steep, else at its end. */
static void draw_roof(FILE *file, plot *p, const lb_series *s) {
    draw_path(file, p, s, "r");
    if (s->count < 2) return;
    const lb_figure_point *a = &s->points[0], *b = &s->points[s->count - 1];
    const double x0 = lb_scale_at(&p->x, a->x), y0 = lb_scale_at(&p->y, a->y);
    const double x1 = lb_scale_at(&p->x, b->x), y1 = lb_scale_at(&p->y, b->y);
    if (a->y == b->y) {
        lb_draw_text(file, x1, free_place(p, y1), "end", "n", s->name);
        return;
    }
    const double angle = atan2(y1 - y0, x1 - x0);
    fprintf(file, "<g transform=\"translate(%.1f %.1f) rotate(%.1f)\">", x0, y0, angle * 180 / acos(-1));
    lb_draw_text(file, 12, -4, "start", "n", a->value);
    fputs("</g>\n", file);
}

/* Names at the ends of lines, moved apart where lines end close to each other. */
static void draw_names(FILE *file, const plot *p) {
    size_t order[LB_FIGURE_SERIES], count = 0;
    double places[LB_FIGURE_SERIES];
    for (size_t s = 0; s < p->figure->series_count; s++) {
        const lb_series *series = &p->figure->series[s];
        if (!is_line(series) || series->count == 0) continue;
        const double y = lb_scale_at(&p->y, series->points[series->count - 1].y);
        size_t at = count++;
        for (; at > 0 && places[at - 1] > y; at--) {
            places[at] = places[at - 1];
            order[at] = order[at - 1];
        }
        places[at] = y;
        order[at] = s;
    }
    for (size_t i = 1; i < count; i++) places[i] = fmax(places[i], places[i - 1] + LETTERS);
    double floor = TOP + PLOT;
    for (size_t i = count; i-- > 0; floor = places[i] - LETTERS) places[i] = fmin(places[i], floor);
    for (size_t i = 0; i < count; i++) {
        const lb_series *series = &p->figure->series[order[i]];
        const lb_figure_point *last = &series->points[series->count - 1];
        const double x = lb_scale_at(&p->x, last->x), y = lb_scale_at(&p->y, last->y);
        char name[LB_FIGURE_NAME];
        snprintf(name, sizeof name, "%s", series->name);
        lb_text_fit(name, sizeof name, LB_CANVAS_WIDTH - p->right - 10);
        lb_draw_line(file, x + 6, y, p->right + 8, places[i], "w");
        lb_draw_text(file, p->right + 10, places[i] + 4, "start", series->mark == LB_MARK_GUIDE ? "n" : "", name);
    }
}

/* Whether the name of the series stands nowhere else. *named counts those that may have a label. */
static bool in_legend(const plot *p, const lb_series *series, size_t *named) {
    if (series->mark != LB_MARK_NAMED || !series->count) return series->mark == LB_MARK_DOTS;
    return !*p->labels.items[(*named)++].anchor;
}

/* Lines of the legend; with a file, draws them too. */
static int draw_legend(FILE *file, const plot *p) {
    double x = p->left;
    int lines = 0;
    size_t named = 0;
    for (size_t s = 0; s < p->figure->series_count; s++) {
        const lb_series *series = &p->figure->series[s];
        if (!in_legend(p, series, &named)) continue;
        const double width = lb_text_width(series->name) + 30;
        if (lines == 0 || x + width > LB_CANVAS_WIDTH) {
            x = p->left;
            lines++;
        }
        const double y = TOP + PLOT + BOTTOM + LEGEND * lines - 8;
        if (file) {
            lb_draw_marker(file, series->style, x + 5, y - 4, false, "");
            lb_draw_text(file, x + 14, y, "start", "", series->name);
        }
        x += width;
    }
    return lines;
}

void lb_svg_xy(FILE *file, const lb_figure *figure) {
    plot p;
    lay_out(&p, figure);
    lb_draw_begin(file, figure, TOP + PLOT + BOTTOM + LEGEND * draw_legend(NULL, &p));
    draw_axes(file, &p);
    for (size_t s = 0; s < figure->series_count; s++) {
        const lb_series *series = &figure->series[s];
        char name[16];
        snprintf(name, sizeof name, "l s%zu", lb_style_class(series->style));
        if (series->mark == LB_MARK_ROOF) draw_roof(file, &p, series);
        if (series->mark == LB_MARK_GUIDE) draw_path(file, &p, series, "r d");
        if (series->mark == LB_MARK_LINE) draw_path(file, &p, series, name);
        if (series->mark == LB_MARK_LINE || series->mark == LB_MARK_DOTS || series->mark == LB_MARK_NAMED)
            draw_points(file, &p, series);
    }
    draw_names(file, &p);
    lb_labels_draw(file, &p.labels);
    draw_legend(file, &p);
    lb_draw_end(file);
}
