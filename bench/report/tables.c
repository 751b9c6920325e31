/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/report/tables.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bench/report/scale.h"
#include "kernels/base/base.h"

void lb_report_heads(lb_table *t, size_t left, const char *const *names, size_t count) {
    *t = (lb_table){.columns = count, .left = left};
    for (size_t i = 0; i < count; i++) lb_table_cell(t, "%s", names[i]);
}

static void add_percent(lb_table *t, double part) {
    if (part > 0)
        lb_table_cell(t, "%.0f%%", 100 * part);
    else
        lb_table_cell(t, "-");
}

/* "2", or "2 cold" of weights from beyond the caches. */
static void add_threads(lb_table *t, const lb_report_cell *c) {
    lb_table_cell(t, "%" PRId64 "%s", c->threads, c->cold ? " cold" : "");
}

static void products(const lb_report *r, lb_table *t) {
    static const char *const kHeads[] = {"problem", "kernel", "thr",   "median us", "+-",
                                         "GOP/s",   "GB/s",   "limit", "share",     "by"};
    lb_report_heads(t, 2, kHeads, LB_COUNT(kHeads));
    for (size_t i = 0; i < r->cell_count; i++) {
        const lb_report_cell *c = &r->cells[i];
        if (!c->ours) continue;
        lb_table_cell(t, "%s", c->problem);
        lb_table_cell(t, "%s", c->kernel);
        add_threads(t, c);
        lb_table_number(t, c->median_us);
        add_percent(t, c->median_us > 0 ? (c->high_us - c->low_us) / 2 / c->median_us : 0);
        lb_table_number(t, c->gops);
        lb_table_number(t, c->weight_gbs);
        lb_table_cell(t, "%s", c->limit);
        add_percent(t, c->share);
        lb_table_cell(t, "%s", c->source);
    }
}

static void peers(const lb_report *r, lb_table *t) {
    static const char *const kHeads[] = {"problem", "library", "thr",  "median us", "GOP/s",
                                         "/ ours",  "low",     "high", "verdict"};
    lb_report_heads(t, 2, kHeads, LB_COUNT(kHeads));
    for (size_t i = 0; i < r->cell_count; i++) {
        const lb_report_cell *c = &r->cells[i];
        if (c->ours) continue;
        lb_table_cell(t, "%s", c->problem);
        lb_table_cell(t, "%s%s%s", c->impl, *c->way ? " " : "", c->way);
        add_threads(t, c);
        lb_table_number(t, c->ok ? c->median_us : 0);
        lb_table_number(t, c->ok ? c->gops : 0);
        lb_table_number(t, c->ok ? c->ratio : 0);
        lb_table_number(t, c->ok ? c->ratio_low : 0);
        lb_table_number(t, c->ok ? c->ratio_high : 0);
        lb_table_cell(t, "%s", c->ok ? c->verdict : c->status);
    }
}

/* Adds a value to an ascending list without repetition; what comes when it is full is left out. */
typedef struct value_list {
    int64_t values[LB_TABLE_COLUMNS];
    size_t count, capacity;
} value_list;

static void insert(value_list *list, int64_t value) {
    size_t at = list->count;
    for (size_t i = 0; i < list->count; i++)
        if (list->values[i] == value) return;
    if (list->count == list->capacity) return;
    for (; at > 0 && list->values[at - 1] > value; at--) list->values[at] = list->values[at - 1];
    list->values[at] = value;
    list->count++;
}

/* How units of the JSON are printed. Of seconds less is better. */
static const struct {
    const char *unit, *print;
    double scale;
} kUnits[] = {{"op/s", "GOP/s", 1e-9},
              {"lookup/s", "1e9/s", 1e-9},
              {"byte/s", "GB/s", 1e-9},
              {"cycle/s", "GHz", 1e-9},
              {"s", "ns", 1e9}};

static const lb_report_limit *best_like(const lb_report *r, const lb_report_limit *like, int64_t threads) {
    const lb_report_limit *best = NULL;
    for (size_t i = 0; i < r->limit_count; i++) {
        const lb_report_limit *l = &r->limits[i];
        if (strcmp(l->limit, like->limit) != 0 || l->width != like->width || l->bytes != like->bytes ||
            l->threads != threads)
            continue;
        if (!best || (l->best > best->best) == (strcmp(l->unit, "s") != 0)) best = l;
    }
    return best;
}

static bool is_first_like(const lb_report *r, size_t index) {
    const lb_report_limit *like = &r->limits[index];
    for (size_t i = 0; i < index; i++)
        if (strcmp(r->limits[i].limit, like->limit) == 0 && r->limits[i].width == like->width &&
            r->limits[i].bytes == like->bytes)
            return false;
    return true;
}

static void limit_row(const lb_report *r, const lb_report_limit *like, const value_list *threads, lb_table *t) {
    size_t unit = 0;
    while (unit < LB_COUNT(kUnits) - 1 && strcmp(kUnits[unit].unit, like->unit) != 0) unit++;
    char size[32] = "";
    if (like->bytes) lb_unit_text(LB_UNIT_BYTES, (double)like->bytes, size, sizeof size);
    if (like->width)
        lb_table_cell(t, "%s %" PRId64 "%s", like->limit, like->width, strcmp(like->limit, "decode") ? "" : " bit");
    else
        lb_table_cell(t, "%s", like->limit);
    lb_table_cell(t, "%s", size);
    const lb_report_limit *best = best_like(r, like, like->threads);
    lb_table_cell(t, "%s", best ? best->isa : "");
    lb_table_cell(t, "%s", kUnits[unit].print);
    for (size_t i = 0; i < threads->count; i++) {
        best = best_like(r, like, threads->values[i]);
        lb_table_number(t, best ? best->best * kUnits[unit].scale : 0);
    }
}

static void limits(const lb_report *r, lb_table *t) {
    static const char *const kHeads[] = {"limit", "working set", "level", "unit"};
    value_list threads = {.capacity = LB_TABLE_COLUMNS - LB_COUNT(kHeads)};
    for (size_t i = 0; i < r->limit_count; i++) insert(&threads, r->limits[i].threads);
    lb_report_heads(t, LB_COUNT(kHeads), kHeads, LB_COUNT(kHeads));
    t->columns += threads.count;
    for (size_t i = 0; i < threads.count; i++) lb_table_cell(t, "%" PRId64 " thr", threads.values[i]);
    for (size_t i = 0; i < r->limit_count; i++)
        if (is_first_like(r, i)) limit_row(r, &r->limits[i], &threads, t);
}

static void pack_row(const lb_report *r, const char *op, const value_list *sizes, lb_table *t) {
    double gbs[LB_TABLE_COLUMNS] = {0};
    for (size_t i = 0; i < r->pack_count; i++)
        for (size_t c = 0; c < sizes->count && strcmp(r->packs[i].op, op) == 0; c++)
            if (r->packs[i].bytes == sizes->values[c]) gbs[c] = r->packs[i].gbs;
    lb_table_cell(t, "%s", op);
    for (size_t c = 0; c < sizes->count; c++) lb_table_number(t, gbs[c]);
}

static void packing(const lb_report *r, lb_table *t) {
    static const char *const kHeads[] = {"GB/s"};
    value_list sizes = {.capacity = LB_TABLE_COLUMNS - LB_COUNT(kHeads)};
    for (size_t i = 0; i < r->pack_count; i++) insert(&sizes, r->packs[i].bytes);
    lb_report_heads(t, LB_COUNT(kHeads), kHeads, LB_COUNT(kHeads));
    t->columns += sizes.count;
    for (size_t c = 0; c < sizes.count; c++) {
        char size[32];
        lb_unit_text(LB_UNIT_BYTES, (double)sizes.values[c], size, sizeof size);
        lb_table_cell(t, "%s", size);
    }
    for (size_t i = 0; i < r->pack_count; i++) {
        size_t first = 0;
        while (strcmp(r->packs[first].op, r->packs[i].op) != 0) first++;
        if (first == i) pack_row(r, r->packs[i].op, &sizes, t);
    }
}

static void tuning(const lb_report *r, lb_table *t) {
    static const char *const kHeads[] = {"problem", "kernel", "thr",   "uses", "us",
                                         "est us",  "gain",   "tried", "s",    "status"};
    lb_report_heads(t, 2, kHeads, LB_COUNT(kHeads));
    for (size_t i = 0; i < r->tuned_count; i++) {
        const lb_report_tuned *u = &r->tuned[i];
        lb_table_cell(t, "%s", u->problem);
        lb_table_cell(t, "%s", u->kernel);
        lb_table_cell(t, "%" PRId64, u->threads);
        lb_table_cell(t, "%" PRId64, u->uses);
        lb_table_number(t, u->median_us);
        lb_table_number(t, u->estimate_us);
        lb_table_number(t, u->median_us > 0 ? u->estimate_us / u->median_us : 0);
        lb_table_cell(t, "%" PRId64, u->tried);
        lb_table_number(t, u->spent_s);
        lb_table_cell(t, "%s", u->status);
    }
}

bool lb_report_table(const lb_report *report, size_t index, const char **title, lb_table *table) {
    static const struct {
        const char *title;
        void (*make)(const lb_report *, lb_table *);
    } kTables[] = {{"Products", products},
                   {"Other libraries", peers},
                   {"Networks", lb_report_networks},
                   {"Networks: times", lb_report_network_times},
                   {"Networks: one layer quantized, all others in floats", lb_report_layers},
                   {"Tuned problems", tuning},
                   {"Limits of this machine: the best of all levels", limits},
                   {"Packing", packing}};
    if (index >= LB_COUNT(kTables)) return false;
    *title = kTables[index].title;
    kTables[index].make(report, table);
    return true;
}

bool lb_report_table_has_rows(const lb_table *t) { return t->count > t->columns; }

static bool same_failure(const lb_report_cell *a, const lb_report_cell *b) {
    return !b->ok && strcmp(a->impl, b->impl) == 0 && strcmp(a->way, b->way) == 0 &&
           strcmp(a->status, b->status) == 0 && strcmp(a->reason, b->reason) == 0;
}

const lb_report_cell *lb_report_failure(const lb_report *r, size_t *index, size_t *count) {
    for (; *index < r->cell_count; ++*index) {
        const lb_report_cell *c = &r->cells[*index];
        bool first = !c->ok;
        *count = 0;
        for (size_t i = 0; first && i < r->cell_count; i++) {
            const bool same = same_failure(c, &r->cells[i]);
            first = !(same && i < *index);
            *count += same;
        }
        if (!first) continue;
        ++*index;
        return c;
    }
    return NULL;
}
