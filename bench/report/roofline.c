/* SPDX-License-Identifier: Apache-2.0 */
/* The roofline: a dot for each product below what the machine was measured to compute and to read. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/report/plots.h"
#include "bench/report/refs.h"
#include "bench/report/scale.h"
#include "kernels/base/base.h"

/* Which limits bound a product, by how its family begins and by the activations in it. Distances have limits of their
 * own: `but` is how families begin that are none of these. */
static const struct {
    const char *weights, *but, *act, *limit;
    bool unless; /* not drawn where the one above is */
} kRoofs[] = {
    {"", "l1", "a8", "dot", false},          {"", "l1", "a8", "maddubs", true}, {"", "l1", "a8", "tile_l1", false},
    {"b1", "l1", "a1", "bits", false},       {"b1", "l1", "u1", "bits", true},  {"b1", "l1", "a2", "bits", true},
    {"b1", "l1", "a4", "bits", true},        {"", "l1", "af", "fma", false},    {"", "l1", "af", "fma_bf16", false},
    {"", "l1", "af", "tile_bf16_l1", false}, {"l1", "-", "a8", "l1", false},    {"l1", "-", "af", "l1f", false}};

static bool make(const lb_report *r, lb_ref *ref, int64_t which) {
    (void)r;
    (void)which;
    lb_ref_by_regime(ref);
    ref->x = ref->cell->gops;
    return ref->cell->ours && ref->cell->weight_bytes > 0;
}

static double intensity(const lb_report_cell *c) {
    return 2 * (double)c->m * (double)c->n * (double)c->k / (double)c->weight_bytes;
}

static bool begins(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

static bool bounds(size_t roof, const lb_report_cell *c) {
    const char *act = strstr(c->family, kRoofs[roof].act);
    return act && act > c->family && begins(c->family, kRoofs[roof].weights) && !begins(c->family, kRoofs[roof].but);
}

static const lb_report_limit *best_of(const lb_report *r, const char *name, int64_t threads) {
    const lb_report_limit *best = NULL;
    for (size_t i = 0; i < r->limit_count; i++) {
        const lb_report_limit *l = &r->limits[i];
        if (l->threads == threads && l->best > 0 && strcmp(l->limit, name) == 0 && (!best || l->best > best->best))
            best = l;
    }
    return best;
}

/* The working set read next fastest after one of `rate`, by at least a factor that keeps two lines apart. */
static const lb_report_limit *read_above(const lb_report *r, int64_t threads, double rate) {
    const double apart = 2;
    const lb_report_limit *next = NULL;
    for (size_t i = 0; i < r->limit_count; i++) {
        const lb_report_limit *l = &r->limits[i];
        if (l->threads != threads || strcmp(l->limit, "read") != 0 || l->best <= rate * apart) continue;
        if (!next || l->best < next->best) next = l;
    }
    return next;
}

typedef struct extent {
    double low, high;  /* of the intensity */
    double floor, top; /* what the plot shows at least, and the highest roof; GOP/s */
} extent;

static extent measure(const lb_report *r, const lb_refs *refs, size_t start, size_t end) {
    extent e = {INFINITY, 0, INFINITY, 0};
    for (size_t i = start; i < end; i++) {
        e.low = fmin(e.low, intensity(refs->items[i].cell));
        e.high = fmax(e.high, intensity(refs->items[i].cell));
        e.floor = fmin(e.floor, refs->items[i].cell->gops);
        for (size_t roof = 0; roof < LB_COUNT(kRoofs); roof++) {
            const lb_report_limit *l = best_of(r, kRoofs[roof].limit, refs->items[i].cell->threads);
            if (l && bounds(roof, refs->items[i].cell)) e.top = fmax(e.top, l->best * 1e-9);
        }
    }
    e.low /= 3;
    e.high *= 1.5;
    e.floor /= 2;
    return e;
}

static void add_line(lb_figures *figures, lb_series *series, double x0, double y0, double x1, double y1,
                     const char *name) {
    lb_figure_point first = {.x = x0, .y = y0};
    snprintf(first.value, sizeof first.value, "%s", name);
    lb_point_add(figures, series, &first);
    lb_point_add(figures, series, &(lb_figure_point){.x = x1, .y = y1});
}

/* Lines of reading go from the floor to where they meet the highest roof. */
static void add_slopes(const lb_report *r, lb_figures *figures, lb_figure *f, const extent *e, int64_t threads) {
    const lb_report_limit *read = read_above(r, threads, 0);
    for (; read; read = read_above(r, threads, read->best)) {
        const double rate = read->best * 1e-9, from = fmax(e->low, e->floor / rate), to = fmin(e->top / rate, e->high);
        char size[LB_FIGURE_VALUE];
        lb_unit_text(LB_UNIT_BYTES, (double)read->bytes, size, sizeof size);
        if (to > from)
            add_line(figures, lb_series_add(f, LB_MARK_ROOF, "read %s: %.0f GB/s", size, rate), from, rate * from, to,
                     rate * to, size);
    }
}

static void add_levels(const lb_report *r, lb_figures *figures, lb_figure *f, const extent *e, const lb_refs *refs,
                       size_t start, size_t end) {
    bool drawn[LB_COUNT(kRoofs)] = {false};
    for (size_t roof = 0; roof < LB_COUNT(kRoofs); roof++) {
        const lb_report_limit *l = best_of(r, kRoofs[roof].limit, refs->items[start].cell->threads);
        for (size_t i = start; i < end; i++) drawn[roof] = drawn[roof] || bounds(roof, refs->items[i].cell);
        drawn[roof] = drawn[roof] && l;
        if (!drawn[roof] || (kRoofs[roof].unless && drawn[roof - 1])) continue;
        const double gops = l->best * 1e-9;
        add_line(figures, lb_series_add(f, LB_MARK_ROOF, "%.12s %.12s: %.0f GOP/s", l->limit, l->isa, gops), e->low,
                 gops, e->high, gops, "");
    }
}

static void add_dots(lb_figures *figures, lb_figure *f, const lb_refs *refs, size_t start, size_t end) {
    for (size_t i = start, next; i < end; i = next) {
        next = lb_refs_series_end(refs, i);
        lb_series *series = lb_refs_series(f, LB_MARK_DOTS, &refs->items[i]);
        for (size_t j = i; j < next; j++) {
            const lb_report_cell *c = refs->items[j].cell;
            lb_figure_point point = {.x = intensity(c), .y = c->gops};
            snprintf(point.label, sizeof point.label, "%.40s: %.0f GOP/s, %.0f %%", c->problem, c->gops,
                     100 * c->share);
            lb_point_add(figures, series, &point);
        }
    }
}

void lb_plot_roofline(const lb_report *r, lb_figures *figures) {
    lb_refs refs = lb_refs_of(r, figures, make, 0);
    for (size_t start = 0, end; start < refs.count; start = end) {
        end = lb_refs_group_end(&refs, start);
        if (!read_above(r, refs.items[start].cell->threads, 0)) continue;
        char regime[LB_REF_REGIME];
        lb_ref_regime(refs.items[start].cell, regime);
        lb_figure *f = lb_figure_add(figures, LB_FIGURE_XY, "limits", "roofline");
        lb_figure_title(f, "Roofline, %s", regime);
        lb_figure_caption(f,
                          "A dot for each product. Slanted lines: the packed weights read once from a working set of "
                          "that size. Level lines: what the machine computes at most. The nearer a dot is to the "
                          "lowest line above it, the less is left to gain; dots right of the bend are bound by "
                          "computing, left of it by reading.");
        if (!f) break;
        f->x = (lb_axis){.title = "operations for each byte of packed weights", .log = 10};
        f->y = (lb_axis){.title = "GOP/s", .log = 10};
        const extent e = measure(r, &refs, start, end);
        f->y.low = e.floor;
        f->y.high = fmax(e.top, refs.items[end - 1].cell->gops) * 1.3;
        add_slopes(r, figures, f, &e, refs.items[start].cell->threads);
        add_levels(r, figures, f, &e, &refs, start, end);
        add_dots(figures, f, &refs, start, end);
    }
    free(refs.items);
}
