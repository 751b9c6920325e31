/* SPDX-License-Identifier: Apache-2.0 */
/* Bars that lie below their names, so that a name may be as long as the canvas is wide. */
#include <math.h>
#include <string.h>

#include "bench/report/canvas.h"
#include "bench/report/scale.h"
#include "bench/report/svg.h"

enum { ROW = 34, BAR_TOP = 17, BAR = 9, AXIS = 46, SIDE = 10, MOST_TICKS = 6 };

static lb_scale scale_of(const lb_figure *f) {
    double low = f->x.base > 0 ? f->x.base : INFINITY, high = f->x.base;
    for (size_t i = 0; i < f->series[0].count; i++) {
        const lb_figure_point *p = &f->series[0].points[i];
        low = fmin(low, p->low < p->high && p->low > 0 ? fmin(p->x, p->low) : p->x);
        high = fmax(high, fmax(p->x, p->high));
    }
    return lb_scale_for(f->x.log, low, high, SIDE, LB_CANVAS_WIDTH - SIDE);
}

static void draw_axis(FILE *file, const lb_figure *f, const lb_scale *scale, double bottom) {
    lb_ticks ticks;
    lb_scale_ticks(scale, MOST_TICKS, &ticks);
    for (size_t i = 0; i < ticks.count; i++) {
        const double x = lb_scale_at(scale, ticks.values[i]);
        char text[32];
        lb_unit_text(f->x.unit, ticks.values[i], text, sizeof text);
        const double half = lb_text_width(text) / 2;
        lb_draw_line(file, x, 0, x, bottom + 4, "g");
        lb_draw_text(file, fmin(fmax(x, half), LB_CANVAS_WIDTH - half), bottom + 18, "middle", "x", text);
    }
    lb_draw_text(file, LB_CANVAS_WIDTH / 2.0, bottom + 37, "middle", "h", f->x.title);
}

static void draw_row(FILE *file, const lb_scale *scale, double base, const lb_figure_point *p, double y) {
    const double from = lb_scale_at(scale, base), to = lb_scale_at(scale, p->x), width = fabs(to - from);
    char label[LB_FIGURE_LABEL];
    snprintf(label, sizeof label, "%s", p->label);
    lb_text_fit(label, sizeof label, LB_CANVAS_WIDTH - 12 - lb_text_width(p->value));
    lb_draw_text(file, 0, y + LB_CANVAS_TEXT, "start", "", label);
    lb_draw_text(file, LB_CANVAS_WIDTH, y + LB_CANVAS_TEXT, "end", "v", p->value);
    fprintf(file, "<rect class=\"b %s%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\"/>\n",
            to < from ? "s1" : "s0", p->hollow ? " o" : "", fmin(from, to), y + BAR_TOP, fmax(width, 0.5), BAR);
    if (!(p->low < p->high) || p->low <= 0) return;
    const double low = lb_scale_at(scale, p->low), high = lb_scale_at(scale, p->high), middle = y + BAR_TOP + BAR / 2.0;
    fprintf(file, "<path class=\"i\" d=\"M%.1f %.1fv8m0-4H%.1fm0-4v8\"/>\n", low, middle - 4, high);
}

void lb_svg_bars(FILE *file, const lb_figure *figure) {
    const lb_series *series = &figure->series[0];
    const lb_scale scale = scale_of(figure);
    const double bottom = (double)(series->count * ROW);
    const double base = figure->x.base > 0 ? figure->x.base : scale.low, x = lb_scale_at(&scale, base);
    lb_draw_begin(file, figure, bottom + AXIS);
    draw_axis(file, figure, &scale, bottom);
    for (size_t i = 0; i < series->count; i++)
        draw_row(file, &scale, figure->x.log ? base : 0, &series->points[i], (double)(i * ROW));
    for (size_t i = 0; i < series->count; i++)
        lb_draw_line(file, x, (double)(i * ROW) + BAR_TOP - 2, x, (double)(i * ROW) + BAR_TOP + BAR + 2, "a");
    lb_draw_end(file);
}
