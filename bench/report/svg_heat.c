/* SPDX-License-Identifier: Apache-2.0 */
/* A heat map: a number in every cell, the darker the smaller it is. */
#include <math.h>

#include "bench/report/canvas.h"
#include "bench/report/svg.h"

enum { CELL = 28, HEAD = 24, STEPS = 6, FOOT = 22 };

/* 0 (pale) .. STEPS - 1: along the axis y where that is given, else by the logarithm, twice the least or more being
 * pale. */
static int step_of(const lb_figure *f, double value, double least) {
    const double part = f->y.high > 0 ? (f->y.high - value) / (f->y.high - f->y.low) : 1 - log2(fmax(value / least, 1));
    return (int)fmin(fmax(part, 0) * STEPS, STEPS - 1);
}

static double least_of(const lb_figure *f) {
    double least = INFINITY;
    for (size_t s = 0; s < f->series_count; s++)
        for (size_t i = 0; i < f->series[s].count; i++) least = fmin(least, f->series[s].points[i].y);
    return least;
}

static void draw_cell(FILE *file, const lb_figure_point *p, int step, double x, double y, double width) {
    fprintf(file, "<rect class=\"q q%d%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\"/>\n", step,
            p->hollow ? " chosen" : "", x + 1.5, y + 1.5, width - 3, CELL - 3);
    lb_draw_text(file, x + width / 2, y + CELL / 2.0 + 4, "middle", step >= STEPS / 2 ? "on" : "", p->value);
}

void lb_svg_heat(FILE *file, const lb_figure *f) {
    const double least = least_of(f), height = HEAD + CELL * (double)f->series_count + FOOT;
    double left = 0;
    for (size_t s = 0; s < f->series_count; s++) left = fmax(left, lb_text_width(f->series[s].name) + 8);
    left = fmin(left, 150);
    const double width = (LB_CANVAS_WIDTH - left) / (double)(f->column_count ? f->column_count : 1);
    lb_draw_begin(file, f, height);
    for (size_t c = 0; c < f->column_count; c++) {
        char name[LB_FIGURE_NAME];
        snprintf(name, sizeof name, "%s", f->columns[c]);
        lb_text_fit(name, sizeof name, width - 4);
        lb_draw_text(file, left + width * ((double)c + 0.5), 14, "middle", "x", name);
    }
    for (size_t s = 0; s < f->series_count; s++) {
        const double y = HEAD + CELL * (double)s;
        char name[LB_FIGURE_NAME];
        snprintf(name, sizeof name, "%s", f->series[s].name);
        lb_text_fit(name, sizeof name, left - 8);
        lb_draw_text(file, left - 8, y + CELL / 2.0 + 4, "end", "y", name);
        for (size_t i = 0; i < f->series[s].count; i++)
            draw_cell(file, &f->series[s].points[i], step_of(f, f->series[s].points[i].y, least),
                      left + width * f->series[s].points[i].x, y, width);
    }
    lb_draw_text(file, (LB_CANVAS_WIDTH + left) / 2, height - 6, "middle", "h", f->x.title);
    lb_draw_end(file);
}
