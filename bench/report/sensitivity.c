/* SPDX-License-Identifier: Apache-2.0 */
/* Which layer tolerates which format: a heat map of layers and formats. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/report/plots.h"
#include "kernels/base/base.h"

/* The names of formats must fit above their columns. */
enum { MOST_ROWS = LB_FIGURE_SERIES, MOST_COLUMNS = 5, MOST_FIGURES = 24 };

/* What is darkest lies at least so far below floats, so that an image or two do not look like a catastrophe. */
static const double kLeastSpan = 0.02;

static bool same_study(const lb_report_layer *a, const lb_report_layer *b) {
    return a->images == b->images && strcmp(a->model, b->model) == 0;
}

static bool same_layer(const lb_report_layer *a, const lb_report_layer *b) {
    return same_study(a, b) && strcmp(a->layer, b->layer) == 0;
}

static bool same_format(const lb_report_layer *a, const lb_report_layer *b) {
    return same_study(a, b) && strcmp(a->format, b->format) == 0;
}

/* The row of the network in floats has no layer. */
static bool is_floats(const lb_report_layer *l) { return strcmp(l->layer, "(none)") == 0; }

/* The next row from *index on that differs from all cells before it in what `same` looks at; NULL at the end. */
static const lb_report_layer *next(const lb_report *r, size_t *index, const lb_report_layer *of,
                                   bool (*same)(const lb_report_layer *, const lb_report_layer *)) {
    for (; *index < r->layer_count; ++*index) {
        const lb_report_layer *l = &r->layers[*index];
        bool first = !is_floats(l) && same_study(l, of);
        for (size_t i = 0; first && i < *index; i++) first = is_floats(&r->layers[i]) || !same(&r->layers[i], l);
        if (first) return ++*index, l;
    }
    return NULL;
}

static double floats_of(const lb_report *r, const lb_report_layer *of, double *least) {
    double floats = -1, most = 0;
    *least = 1;
    for (size_t i = 0; i < r->layer_count; i++) {
        const lb_report_layer *l = &r->layers[i];
        if (!same_study(l, of)) continue;
        *least = fmin(*least, l->accuracy);
        most = fmax(most, l->accuracy);
        if (is_floats(l) && floats < 0) floats = l->accuracy;
    }
    return floats < 0 ? most : floats;
}

static void add_row(const lb_report *r, lb_figures *figures, lb_figure *f, const lb_report_layer *layer,
                    const lb_report_layer *const *columns) {
    lb_series *series = lb_series_add(f, LB_MARK_DOTS, "%s", layer->layer);
    for (size_t c = 0; c < f->column_count && columns[c]; c++)
        for (size_t i = 0; i < r->layer_count; i++) {
            const lb_report_layer *l = &r->layers[i];
            if (!same_layer(l, layer) || !same_format(l, columns[c])) continue;
            lb_figure_point point = {.x = (double)c, .y = l->accuracy};
            snprintf(point.label, sizeof point.label, "%.36s %.36s", l->layer, l->format);
            snprintf(point.value, sizeof point.value, "%.3g", 100 * l->accuracy);
            lb_point_add(figures, series, &point);
            break;
        }
}

/* Some columns of some rows; *row moves behind them. */
static void draw(const lb_report *r, lb_figures *figures, const lb_report_layer *const *columns, size_t count,
                 size_t *row) {
    const lb_report_layer *of = columns[0], *layer;
    double least;
    const double floats = floats_of(r, of, &least);
    lb_figure *f = lb_figure_add(figures, LB_FIGURE_HEAT, "networks", "sensitivity");
    lb_figure_title(f, "Sensitivity: %.40s, %" PRId64 " images", of->model, of->images);
    lb_figure_caption(f,
                      "Each layer alone in each format, all others in floats, which get %.2f %% right. The "
                      "stronger the colour, the more is lost; the numbers are what is right, in percent.",
                      100 * floats);
    if (!f) {
        *row = r->layer_count;
        return;
    }
    snprintf(f->x.title, sizeof f->x.title, "percent right; floats: %.2f", 100 * floats);
    f->y.high = fmax(floats, kLeastSpan);
    f->y.low = fmin(least, f->y.high - kLeastSpan);
    for (size_t c = 0; c < count; c++)
        snprintf(f->columns[f->column_count++], LB_FIGURE_NAME, "%s", columns[c]->format);
    while (f->series_count < MOST_ROWS && (layer = next(r, row, of, same_layer)))
        add_row(r, figures, f, layer, columns);
}

/* Columns of a figure, so that all figures have about as many. */
static size_t columns_of(const lb_report *r, const lb_report_layer *of) {
    size_t count = 0, index = 0;
    while (next(r, &index, of, same_format)) count++;
    const size_t parts = count ? (count - 1) / MOST_COLUMNS + 1 : 1;
    return (count + parts - 1) / parts;
}

static void draw_study(const lb_report *r, lb_figures *figures, const lb_report_layer *of, size_t most) {
    const lb_report_layer *columns[MOST_COLUMNS] = {NULL};
    const size_t wanted = columns_of(r, of);
    size_t column = 0, count;
    do {
        for (count = 0; count < wanted && (columns[count] = next(r, &column, of, same_format)); count++) {
        }
        size_t row = 0, peek = 0;
        for (; count && figures->count < most && next(r, &peek, of, same_layer); peek = row)
            draw(r, figures, columns, count, &row);
    } while (count && count == wanted);
}

void lb_plot_sensitivity(const lb_report *r, lb_figures *figures) {
    const size_t most = figures->count + MOST_FIGURES;
    for (size_t i = 0; i < r->layer_count && figures->count < most; i++) {
        bool first = !is_floats(&r->layers[i]);
        for (size_t j = 0; first && j < i; j++)
            first = is_floats(&r->layers[j]) || !same_study(&r->layers[j], &r->layers[i]);
        if (first) draw_study(r, figures, &r->layers[i], most);
    }
}
