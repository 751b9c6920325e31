/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes a second against the size of the working set: memory as `bench limits` saw it, and bit packing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/report/plots.h"
#include "kernels/base/base.h"

static void axes(lb_figure *f, const char *size) {
    snprintf(f->x.title, sizeof f->x.title, "%s", size);
    f->x.log = 2;
    f->x.unit = LB_UNIT_BYTES;
    snprintf(f->y.title, sizeof f->y.title, "GB/s");
    f->y.log = 10;
}

/* The curves of a plot of memory: limits and what they are called. */
static const char *const kMemory[][2] = {
    {"read", "read"}, {"write", "write"}, {"write_around", "write around"}, {"memcpy", "memcpy"}};

static bool is_memory(const lb_report_limit *l) {
    size_t i = 0;
    while (i < LB_COUNT(kMemory) && strcmp(kMemory[i][0], l->limit) != 0) i++;
    return i < LB_COUNT(kMemory) && l->bytes > 0 && l->best > 0;
}

static int64_t next_threads(const lb_report *r, int64_t after) {
    int64_t next = 0;
    for (size_t i = 0; i < r->limit_count; i++)
        if (is_memory(&r->limits[i]) && r->limits[i].threads > after && (!next || r->limits[i].threads < next))
            next = r->limits[i].threads;
    return next;
}

static void add_memory(const lb_report *r, lb_figures *figures, lb_figure *f, const char *limit, const char *name,
                       int64_t threads) {
    lb_series *series = NULL;
    for (size_t i = 0; i < r->limit_count; i++) {
        const lb_report_limit *l = &r->limits[i];
        if (!is_memory(l) || strcmp(l->limit, limit) != 0 || l->threads != threads) continue;
        if (!series) series = lb_series_add(f, LB_MARK_LINE, "%s", name);
        lb_figure_point point = {.x = (double)l->bytes, .y = l->best * 1e-9};
        snprintf(point.label, sizeof point.label, "%s: %.4g GB/s", name, point.y);
        lb_point_add(figures, series, &point);
    }
}

void lb_plot_memory(const lb_report *r, lb_figures *figures) {
    for (int64_t threads = next_threads(r, 0); threads; threads = next_threads(r, threads)) {
        lb_figure *f = lb_figure_add(figures, LB_FIGURE_XY, "limits", "memory");
        lb_figure_title(f, "Memory, %lld thread%s", (long long)threads, threads == 1 ? "" : "s");
        lb_figure_caption(f,
                          "The best rate at which working sets of each size were read, written, written past the "
                          "caches and copied. Every step down is a cache that is left.");
        if (!f) return;
        axes(f, "working set");
        for (size_t i = 0; i < LB_COUNT(kMemory); i++) add_memory(r, figures, f, kMemory[i][0], kMemory[i][1], threads);
    }
}

/* Operations by how their names begin; the rest of the name is the curve's. The last one takes what is left. */
static const struct {
    const char *prefix, *title;
} kPacks[] = {{"packbits ", "packbits"},
              {"unpackbits ", "unpackbits"},
              {"pack codes ", "pack codes"},
              {"unpack codes ", "unpack codes"},
              {"", "other packing"}};

static size_t group_of(const char *op) {
    size_t i = 0;
    while (strncmp(op, kPacks[i].prefix, strlen(kPacks[i].prefix)) != 0) i++;
    return i;
}

static void add_pack(const lb_report *r, lb_figures *figures, lb_figure *f, const char *op, lb_mark mark) {
    lb_series *series = lb_series_add(f, mark, "%s", op + strlen(kPacks[group_of(op)].prefix));
    for (size_t i = 0; i < r->pack_count; i++) {
        const lb_report_pack *p = &r->packs[i];
        if (strcmp(p->op, op) != 0 || p->gbs <= 0) continue;
        lb_figure_point point = {.x = (double)p->bytes, .y = p->gbs};
        snprintf(point.label, sizeof point.label, "%.40s: %.4g GB/s, %.0f %% of memcpy", op, p->gbs, 100 * p->share);
        lb_point_add(figures, series, &point);
    }
}

static bool is_first(const lb_report *r, size_t index) {
    for (size_t i = 0; i < index; i++)
        if (strcmp(r->packs[i].op, r->packs[index].op) == 0) return false;
    return true;
}

static void plot_group(const lb_report *r, lb_figures *figures, size_t group) {
    lb_figure *f = NULL;
    for (size_t i = 0; i < r->pack_count; i++) {
        const char *op = r->packs[i].op;
        if (strcmp(op, "memcpy") == 0 || group_of(op) != group || !is_first(r, i)) continue;
        if (f && f->series_count == LB_FIGURE_CURVES) break;
        if (!f) f = lb_figure_add(figures, LB_FIGURE_XY, "pack", "pack");
        add_pack(r, figures, f, op, LB_MARK_LINE);
    }
    if (!f) return;
    lb_figure_title(f, "Throughput: %s", kPacks[group].title);
    lb_figure_caption(f,
                      "Bytes of the unpacked side a second, one thread, the same buffers again and again; dashed: "
                      "copying as many bytes.");
    axes(f, "bytes of the unpacked side");
    add_pack(r, figures, f, "memcpy", LB_MARK_GUIDE);
}

void lb_plot_pack(const lb_report *r, lb_figures *figures) {
    for (size_t group = 0; group < LB_COUNT(kPacks); group++) plot_group(r, figures, group);
}
