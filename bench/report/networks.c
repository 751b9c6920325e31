/* SPDX-License-Identifier: Apache-2.0 */
/* Whole networks: how right they are for their bytes, how fast they are next to floats, and both in a sentence. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/report/headline.h"
#include "bench/report/plots.h"
#include "bench/report/scale.h"

enum { MOST_DOTS = LB_FIGURE_STYLES, MOST_BARS = 20, MOST_FIGURES = 24 };

typedef bool (*like)(const lb_report_network *a, const lb_report_network *b);

/* Judged on the same images, as far as the rows tell. */
static bool same_images(const lb_report_network *a, const lb_report_network *b) {
    return a->images == b->images && strcmp(a->model, b->model) == 0;
}

static bool same_runs(const lb_report_network *a, const lb_report_network *b) {
    return a->batch == b->batch && a->threads == b->threads && strcmp(a->model, b->model) == 0;
}

static bool is_dot(const lb_report_network *n) { return n->sized && n->images > 0; }
static bool is_bar(const lb_report_network *n) { return !n->repeat; }

/* What a figure shows of the rows: those that it takes and that are alike. */
typedef struct kind {
    bool (*takes)(const lb_report_network *n);
    like alike;
} kind;
static const kind kDots = {is_dot, same_images}, kBars = {is_bar, same_runs};

static bool is_in(const kind *k, const lb_report_network *n, const lb_report_network *of) {
    return k->takes(n) && k->alike(n, of);
}

static const lb_report_network *floats_of(const lb_report *r, const kind *k, const lb_report_network *of) {
    for (size_t i = 0; i < r->network_count; i++)
        if (r->networks[i].floats && is_in(k, &r->networks[i], of)) return &r->networks[i];
    return NULL;
}

/* Draws figures of each group of rows: `draw` gets the next row of the group and returns how many it has drawn; 0 ends
 * the group. */
static void draw_groups(const lb_report *r, lb_figures *figures, const kind *k,
                        size_t (*draw)(const lb_report *r, lb_figures *figures, size_t from,
                                       const lb_report_network *of)) {
    const size_t before = figures->count;
    for (size_t i = 0; i < r->network_count; i++) {
        const lb_report_network *of = &r->networks[i];
        bool first = k->takes(of);
        for (size_t j = 0; first && j < i; j++) first = !is_in(k, &r->networks[j], of);
        for (size_t from = i; first && from < r->network_count && figures->count < before + MOST_FIGURES;)
            from = draw(r, figures, from, of);
    }
}

/* ---- accuracy ---- */

/* The axis shows the range of the figure, to steps of five points. */
static void widen(lb_axis *y, double accuracy) {
    y->low = fmin(y->low, fmax(0, floor(20 * (accuracy - 0.01)) / 20));
    y->high = fmax(y->high, fmin(1, ceil(20 * (accuracy + 0.01)) / 20));
}

static size_t draw_dots(const lb_report *r, lb_figures *figures, size_t from, const lb_report_network *of) {
    lb_figure *f = lb_figure_add(figures, LB_FIGURE_XY, "networks", "accuracy");
    lb_figure_title(f, "Accuracy against bytes: %.40s, %" PRId64 " images", of->model, of->images);
    lb_figure_caption(f,
                      "How many images each recipe gets right, against the bytes of its packed weights, without scales "
                      "and biases. Higher is better, and so is farther left. One image is %.2g points.",
                      100.0 / (double)of->images);
    if (!f) return r->network_count;
    f->x = (lb_axis){.title = "packed weights", .unit = LB_UNIT_BYTES, .log = 2};
    f->y = (lb_axis){.title = "images right", .unit = LB_UNIT_PERCENT, .low = 1};
    for (; from < r->network_count; from++) {
        const lb_report_network *n = &r->networks[from];
        if (!is_in(&kDots, n, of)) continue;
        if (f->series_count == MOST_DOTS) break;
        lb_figure_point point = {.x = (double)n->payload_bytes, .y = n->accuracy};
        char bytes[32];
        lb_unit_text(LB_UNIT_BYTES, point.x, bytes, sizeof bytes);
        snprintf(point.label, sizeof point.label, "%.40s: %.4g %%, %.12s", n->name, 100 * n->accuracy, bytes);
        lb_point_add(figures, lb_series_add(f, LB_MARK_NAMED, "%s", n->name), &point);
        widen(&f->y, n->accuracy);
    }
    return from;
}

void lb_plot_accuracy(const lb_report *r, lb_figures *figures) { draw_groups(r, figures, &kDots, draw_dots); }

/* ---- speed ---- */

/* "905.9 µs", "94.42 ms" */
static void time_text(double us, char *text, size_t size) {
    char number[32];
    lb_unit_text(LB_UNIT_PLAIN, us < 1000 ? us : us / 1000, number, sizeof number);
    snprintf(text, size, "%.12s %s", number, us < 1000 ? "µs" : "ms");
}

static void add_bar(lb_figures *figures, lb_series *series, const lb_report_network *n,
                    const lb_report_network *floats) {
    lb_figure_point point = {.x = floats ? floats->p50_us / n->p50_us : n->p50_us};
    snprintf(point.label, sizeof point.label, "%s", n->name);
    char time[20];
    time_text(n->p50_us, time, sizeof time);
    if (floats)
        snprintf(point.value, sizeof point.value, "%.3g× · %.16s", point.x, time);
    else
        snprintf(point.value, sizeof point.value, "%s", time);
    lb_point_add(figures, series, &point);
}

static size_t draw_bars(const lb_report *r, lb_figures *figures, size_t from, const lb_report_network *of) {
    const lb_report_network *floats = floats_of(r, &kBars, of);
    lb_figure *f = lb_figure_add(figures, LB_FIGURE_BARS, "networks", "network");
    lb_figure_title(f, "Speed: %.40s, batch %" PRId64 ", %" PRId64 " thread%s", of->model, of->batch, of->threads,
                    of->threads == 1 ? "" : "s");
    lb_figure_caption(f, "The median time of a run%s.",
                      floats ? ": that in floats over that by the recipe. Bars to the right are faster than floats"
                             : ", shorter is faster");
    if (!f) return r->network_count;
    f->x = floats ? (lb_axis){.title = "times as fast as floats", .unit = LB_UNIT_TIMES, .log = 10, .base = 1}
                  : (lb_axis){.title = "microseconds"};
    lb_series *series = lb_series_add(f, LB_MARK_DOTS, "%.40s", of->model);
    for (; from < r->network_count; from++) {
        if (!is_in(&kBars, &r->networks[from], of)) continue;
        if (series->count == MOST_BARS) break;
        add_bar(figures, series, &r->networks[from], floats);
        if (figures->failed) return r->network_count;
    }
    return from;
}

void lb_plot_speedup(const lb_report *r, lb_figures *figures) { draw_groups(r, figures, &kBars, draw_bars); }

/* ---- in a sentence ---- */

static const double kPoint = 0.01;

/* The smallest one that is about as right as floats. */
static const lb_report_network *smallest(const lb_report *r, const lb_report_network *floats) {
    const lb_report_network *best = NULL;
    for (size_t i = 0; i < r->network_count; i++) {
        const lb_report_network *n = &r->networks[i];
        if (n->floats || !is_in(&kDots, n, floats) || n->accuracy < floats->accuracy - kPoint - 1e-9) continue;
        if (!best || n->payload_bytes < best->payload_bytes) best = n;
    }
    return best;
}

static void tell(const lb_report *r, const lb_report_network *floats, char text[LB_SENTENCE]) {
    const lb_report_network *n = smallest(r, floats);
    int length = snprintf(text, LB_SENTENCE, "%.64s gets %.2f %% of %" PRId64 " images right in floats; ",
                          floats->model, 100 * floats->accuracy, floats->images);
    if (!n) {
        snprintf(text + length, LB_SENTENCE - (size_t)length, "no other recipe comes within a point of that.");
        return;
    }
    length +=
        snprintf(text + length, LB_SENTENCE - (size_t)length, "%.40s %.2f %% with weights of %.3g times fewer bytes",
                 n->name, 100 * n->accuracy, (double)floats->payload_bytes / (double)n->payload_bytes);
    if (same_runs(n, floats))
        length += snprintf(text + length, LB_SENTENCE - (size_t)length, ", %.3g times as fast (batch %" PRId64 ")",
                           floats->p50_us / n->p50_us, n->batch);
    snprintf(text + length, LB_SENTENCE - (size_t)length, ".");
}

bool lb_report_network_sentence(const lb_report *r, size_t index, char text[LB_SENTENCE]) {
    for (size_t i = 0; i < r->network_count; i++) {
        const lb_report_network *n = &r->networks[i];
        if (!n->floats || !is_dot(n) || index--) continue;
        tell(r, n, text);
        return true;
    }
    return false;
}
