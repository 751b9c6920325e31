/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of networks: what they get right, what they weigh, how long they take, which layer tolerates what. */
#include <inttypes.h>

#include "bench/report/scale.h"
#include "bench/report/tables.h"
#include "kernels/base/base.h"

static void add_count(lb_table *t, int64_t count) {
    if (count)
        lb_table_cell(t, "%" PRId64, count);
    else
        lb_table_cell(t, "-");
}

static void add_bytes(lb_table *t, int64_t bytes) {
    char text[32] = "-";
    if (bytes) lb_unit_text(LB_UNIT_BYTES, (double)bytes, text, sizeof text);
    lb_table_cell(t, "%s", text);
}

static void add_share(lb_table *t, bool known, double share) {
    if (known)
        lb_table_cell(t, "%.2f%%", 100 * share);
    else
        lb_table_cell(t, "-");
}

void lb_report_networks(const lb_report *r, lb_table *t) {
    static const char *const kHeads[] = {"network", "recipe", "images", "right", "agree",
                                         "weights", "scales", "rest",   "file"};
    lb_report_heads(t, 2, kHeads, LB_COUNT(kHeads));
    for (size_t i = 0; i < r->network_count; i++) {
        const lb_report_network *n = &r->networks[i];
        if (!n->sized) continue;
        lb_table_cell(t, "%.24s", n->model);
        lb_table_cell(t, "%.20s", n->name);
        add_count(t, n->images);
        add_share(t, n->images > 0, n->accuracy);
        add_share(t, n->compared, n->agreement);
        add_bytes(t, n->payload_bytes);
        add_bytes(t, n->scale_bytes);
        add_bytes(t, n->rest_bytes);
        add_bytes(t, n->file_bytes);
    }
}

void lb_report_network_times(const lb_report *r, lb_table *t) {
    static const char *const kHeads[] = {"network", "recipe", "batch", "thr",     "median us",
                                         "p95 us",  "GOP/s",  "share", "buffers", "resident"};
    lb_report_heads(t, 2, kHeads, LB_COUNT(kHeads));
    for (size_t i = 0; i < r->network_count; i++) {
        const lb_report_network *n = &r->networks[i];
        lb_table_cell(t, "%.24s", n->model);
        lb_table_cell(t, "%.20s", n->name);
        lb_table_cell(t, "%" PRId64, n->batch);
        lb_table_cell(t, "%" PRId64, n->threads);
        lb_table_number(t, n->p50_us);
        lb_table_number(t, n->p95_us);
        lb_table_number(t, n->gops);
        add_share(t, n->share > 0, n->share);
        add_bytes(t, n->session_bytes);
        add_bytes(t, n->peak_rss_bytes);
    }
}

void lb_report_layers(const lb_report *r, lb_table *t) {
    static const char *const kHeads[] = {"network", "layer", "format", "images", "right", "weights"};
    lb_report_heads(t, 3, kHeads, LB_COUNT(kHeads));
    for (size_t i = 0; i < r->layer_count; i++) {
        const lb_report_layer *l = &r->layers[i];
        lb_table_cell(t, "%.24s", l->model);
        lb_table_cell(t, "%.24s", l->layer);
        lb_table_cell(t, "%.16s", l->format);
        add_count(t, l->images);
        add_share(t, true, l->accuracy);
        add_bytes(t, l->payload_bytes);
    }
}
