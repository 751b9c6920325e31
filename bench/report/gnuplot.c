/* SPDX-License-Identifier: Apache-2.0 */
/* Figures for gnuplot 5: a file of data and a script for each. */
#include <math.h>

#include "bench/report/escape.h"
#include "bench/report/report.h"
#include "bench/report/scale.h"

/* Blocks of a data file are series; two blank lines part them. Missing whiskers are the point itself. */
void lb_report_write_data(FILE *file, const lb_figure *f) {
    fputs("# x y low high label value\n", file);
    for (size_t s = 0; s < f->series_count; s++) {
        fprintf(file, "%s# ", s ? "\n\n" : "");
        lb_put_gnuplot(file, f->series[s].name);
        fputc('\n', file);
        for (size_t i = 0; i < f->series[s].count; i++) {
            const lb_figure_point *p = &f->series[s].points[i];
            const double middle = f->kind == LB_FIGURE_BARS ? p->x : p->y;
            const bool whisker = p->low < p->high && p->low > 0;
            fprintf(file, "%.9g %.9g %.9g %.9g ", p->x, f->kind == LB_FIGURE_HEAT ? -(double)s : p->y,
                    whisker ? p->low : middle, whisker ? p->high : middle);
            lb_put_gnuplot(file, p->label);
            fputc(' ', file);
            lb_put_gnuplot(file, p->value);
            fputc('\n', file);
        }
    }
}

static void write_axis(FILE *file, char name, const lb_axis *axis) {
    fprintf(file, "set %clabel ", name);
    lb_put_gnuplot(file, axis->title);
    fputc('\n', file);
    if (axis->log) fprintf(file, "set logscale %c %d\n", name, axis->log);
    if (axis->unit == LB_UNIT_BYTES) fprintf(file, "set format %c '%%.0b %%BB'\n", name);
}

static void write_xy(FILE *file, const lb_figure *f) {
    write_axis(file, 'x', &f->x);
    write_axis(file, 'y', &f->y);
    fputs("set key outside right\nset grid\n", file);
    if (!f->y.log && f->y.high > 0) fprintf(file, "set yrange [%.9g:%.9g]\n", f->y.low, f->y.high);
    if (!f->y.log && !(f->y.high > 0)) fputs("set yrange [0:*]\n", file);
    for (size_t s = 0; s < f->series_count; s++) {
        static const char *const kStyles[] = {[LB_MARK_LINE] = "yerrorlines lt %zu",
                                              [LB_MARK_DOTS] = "points pt %zu",
                                              [LB_MARK_NAMED] = "points pt %zu",
                                              [LB_MARK_ROOF] = "lines lc 'gray40' lw 2",
                                              [LB_MARK_GUIDE] = "lines lc 'gray40' dt 2"};
        const lb_mark mark = f->series[s].mark;
        fprintf(file, "%s data index %zu using %s title ", s ? ", \\\n    " : "plot", s,
                mark == LB_MARK_LINE ? "1:2:3:4" : "1:2");
        lb_put_gnuplot(file, f->series[s].name);
        fputs(" with ", file);
        fprintf(file, kStyles[mark], s + 1);
    }
    fputc('\n', file);
}

/* The numbers behind the bars need room. */
static void write_bars(FILE *file, const lb_figure *f) {
    double low = f->x.base, high = f->x.base;
    for (size_t i = 0; f->series_count && i < f->series[0].count; i++) {
        low = fmin(low, f->series[0].points[i].x);
        high = fmax(high, fmax(f->series[0].points[i].x, f->series[0].points[i].high));
    }
    write_axis(file, 'x', &f->x);
    const lb_scale scale = {.log = f->x.log,
                            .low = f->x.log ? low / 1.3 : 0,
                            .high = f->x.log ? high * 1.3 * sqrt(high / low) : high * 1.4};
    lb_ticks ticks;
    lb_scale_ticks(&scale, LB_TICKS / 2, &ticks);
    fprintf(file, "set xrange [%.9g:%.9g]\nset xtics (", scale.low, scale.high);
    for (size_t i = 0; i < ticks.count; i++) fprintf(file, "%s%.9g", i ? ", " : "", ticks.values[i]);
    fputs(")\n", file);
    fprintf(file,
            "set key off\nset yrange [-%.1f:0.5]\nset style fill solid 0.5\n"
            "plot data using (($1+%.9g)/2.0):(-$0):(%.9g):1:(-$0-0.3):(-$0+0.3):ytic(5) with boxxyerror, \\\n"
            "     data using 1:(-$0):3:4 with xerrorbars pt 0 lc 'black', \\\n"
            "     data using ($4>$1?$4:$1):(-$0):6 with labels left offset 1,0\n",
            (double)(f->series_count ? f->series[0].count : 0) - 0.5, f->x.log ? f->x.base : 0.0,
            f->x.log ? f->x.base : 0.0);
}

static void write_heat(FILE *file, const lb_figure *f) {
    fputs("set key off\nset cblabel ", file);
    lb_put_gnuplot(file, f->x.title);
    if (f->y.high > 0) fprintf(file, "\nset cbrange [%.9g:%.9g]", f->y.low, f->y.high);
    fputs("\nset palette defined (0 '#5b9bd5', 1 '#ffffff')\nset xtics (", file);
    for (size_t i = 0; i < f->column_count; i++) {
        if (i) fputs(", ", file);
        lb_put_gnuplot(file, f->columns[i]);
        fprintf(file, " %zu", i);
    }
    fputs(")\nset ytics (", file);
    for (size_t i = 0; i < f->series_count; i++) {
        if (i) fputs(", ", file);
        lb_put_gnuplot(file, f->series[i].name);
        fprintf(file, " -%zu", i);
    }
    fprintf(file,
            ")\nset xrange [-0.5:%zu.5]\nset yrange [-%zu.5:0.5]\n"
            "plot data using 1:2:($1-0.5):($1+0.5):($2-0.5):($2+0.5):3 with boxxyerror fill solid lc palette, \\\n"
            "     data using 1:2:6 with labels\n",
            f->column_count - 1, f->series_count - 1);
}

void lb_report_write_script(FILE *file, const lb_figure *f) {
    static void (*const kWrite[])(FILE *, const lb_figure *) = {
        [LB_FIGURE_XY] = write_xy, [LB_FIGURE_BARS] = write_bars, [LB_FIGURE_HEAT] = write_heat};
    const double rows = f->kind == LB_FIGURE_XY ? 0 : 20 * (double)(f->series_count + f->series[0].count);
    fprintf(file, "set terminal svg noenhanced size 800,%.0f\nset output '%s.svg'\ndata = '%s.dat'\nset title ",
            fmax(420, 160 + rows), f->id, f->id);
    lb_put_gnuplot(file, f->title);
    fputc('\n', file);
    kWrite[f->kind](file, f);
}
