/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of JSON files, told apart by their keys. */
#include "bench/report/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/report/fields.h"
#include "kernels/base/base.h"

/* Comparing rows with each other takes their square. */
enum { MOST_ROWS = 10000 };

#define FIELD(type, key, kind, needed)                                                                                 \
    { #key, LB_FIELD_##kind, needed, offsetof(type, key) }

static const lb_field kLimitFields[] = {
    FIELD(lb_report_limit, limit, TEXT, true),   FIELD(lb_report_limit, unit, TEXT, true),
    FIELD(lb_report_limit, isa, TEXT, false),    FIELD(lb_report_limit, width, COUNT, false),
    FIELD(lb_report_limit, bytes, COUNT, false), FIELD(lb_report_limit, threads, SIZE, true),
    FIELD(lb_report_limit, best, REAL, true),    FIELD(lb_report_limit, median, REAL, true),
};

static const lb_field kCellFields[] = {
    FIELD(lb_report_cell, problem, TEXT, true),     FIELD(lb_report_cell, impl, TEXT, true),
    FIELD(lb_report_cell, way, TEXT, false),        FIELD(lb_report_cell, version, TEXT, false),
    FIELD(lb_report_cell, status, TEXT, false),     FIELD(lb_report_cell, reason, TEXT, false),
    FIELD(lb_report_cell, verdict, TEXT, false),    FIELD(lb_report_cell, kernel, TEXT, false),
    FIELD(lb_report_cell, isa, TEXT, false),        FIELD(lb_report_cell, source, TEXT, false),
    FIELD(lb_report_cell, limit, TEXT, false),      FIELD(lb_report_cell, m, SIZE, true),
    FIELD(lb_report_cell, n, SIZE, true),           FIELD(lb_report_cell, k, SIZE, true),
    FIELD(lb_report_cell, threads, SIZE, true),     FIELD(lb_report_cell, cold, BOOL, false),
    FIELD(lb_report_cell, beside, BOOL, false),     FIELD(lb_report_cell, median_us, REAL, false),
    FIELD(lb_report_cell, low_us, REAL, false),     FIELD(lb_report_cell, high_us, REAL, false),
    FIELD(lb_report_cell, p10_us, REAL, false),     FIELD(lb_report_cell, p90_us, REAL, false),
    FIELD(lb_report_cell, gops, REAL, false),       FIELD(lb_report_cell, weight_gbs, REAL, false),
    FIELD(lb_report_cell, share, REAL, false),      FIELD(lb_report_cell, weight_bytes, COUNT, false),
    FIELD(lb_report_cell, ratio, REAL, false),      FIELD(lb_report_cell, ratio_low, REAL, false),
    FIELD(lb_report_cell, ratio_high, REAL, false),
};

static const lb_field kPackFields[] = {
    FIELD(lb_report_pack, op, TEXT, true),         FIELD(lb_report_pack, bytes, SIZE, true),
    FIELD(lb_report_pack, gbs, REAL, true),        FIELD(lb_report_pack, share, REAL, false),
    FIELD(lb_report_pack, median_us, REAL, false),
};

static const lb_field kTunedFields[] = {
    FIELD(lb_report_tuned, problem, TEXT, true),      FIELD(lb_report_tuned, status, TEXT, false),
    FIELD(lb_report_tuned, kernel, TEXT, false),      FIELD(lb_report_tuned, source, TEXT, false),
    FIELD(lb_report_tuned, threads, SIZE, true),      FIELD(lb_report_tuned, uses, COUNT, false),
    FIELD(lb_report_tuned, tried, COUNT, false),      FIELD(lb_report_tuned, median_us, REAL, false),
    FIELD(lb_report_tuned, estimate_us, REAL, false), FIELD(lb_report_tuned, spent_s, REAL, false),
};

static const lb_field kCandidateFields[] = {
    FIELD(lb_report_candidate, kernel, TEXT, true),    FIELD(lb_report_candidate, uses, COUNT, false),
    FIELD(lb_report_candidate, samples, COUNT, false), FIELD(lb_report_candidate, time_us, REAL, true),
    FIELD(lb_report_candidate, relative, REAL, true),  FIELD(lb_report_candidate, by_rule, BOOL, false),
};

static const lb_field kNetworkFields[] = {
    FIELD(lb_report_network, model, TEXT, true),         FIELD(lb_report_network, recipe, TEXT, false),
    FIELD(lb_report_network, format, TEXT, false),       FIELD(lb_report_network, images, COUNT, false),
    FIELD(lb_report_network, correct, COUNT, false),     FIELD(lb_report_network, payload_bytes, SIZE, true),
    FIELD(lb_report_network, scale_bytes, COUNT, false), FIELD(lb_report_network, rest_bytes, COUNT, false),
    FIELD(lb_report_network, file_bytes, COUNT, false),  FIELD(lb_report_network, session_bytes, COUNT, false),
    FIELD(lb_report_network, batch, SIZE, true),         FIELD(lb_report_network, threads, SIZE, true),
    FIELD(lb_report_network, accuracy, REAL, false),     FIELD(lb_report_network, agreement, REAL, false),
    FIELD(lb_report_network, p50_us, REAL, true),        FIELD(lb_report_network, p95_us, REAL, false),
    FIELD(lb_report_network, gops, REAL, false),         FIELD(lb_report_network, share, REAL, false),
};

static const lb_field kLayerFields[] = {
    FIELD(lb_report_layer, model, TEXT, true),           FIELD(lb_report_layer, layer, TEXT, true),
    FIELD(lb_report_layer, format, TEXT, true),          FIELD(lb_report_layer, images, SIZE, true),
    FIELD(lb_report_layer, correct, COUNT, false),       FIELD(lb_report_layer, accuracy, REAL, true),
    FIELD(lb_report_layer, payload_bytes, COUNT, false),
};

/* The next element, zeros, of the array that the pointer at `array` owns; its capacity is a power of two. NULL: no
 * memory. */
static void *next(void *array, size_t *count, size_t size) {
    char *items;
    memcpy(&items, array, sizeof items);
    if ((*count & (*count - 1)) == 0) {
        items = realloc(items, (*count ? 2 * *count : 1) * size);
        if (!items) return NULL;
        memcpy(array, &items, sizeof items);
    }
    return memset(items + (*count)++ * size, 0, size);
}

static lowbit_status add_limit(lb_report *r, const json_t *row, const char *where, lowbit_error *error) {
    lb_report_limit *limit = next(&r->limits, &r->limit_count, sizeof *limit);
    LB_REQUIRE(limit, error, LOWBIT_NO_MEMORY, "no memory for the report");
    return lb_fields_read(row, kLimitFields, LB_COUNT(kLimitFields), limit, where, error);
}

static lowbit_status add_pack(lb_report *r, const json_t *row, const char *where, lowbit_error *error) {
    lb_report_pack *pack = next(&r->packs, &r->pack_count, sizeof *pack);
    LB_REQUIRE(pack, error, LOWBIT_NO_MEMORY, "no memory for the report");
    return lb_fields_read(row, kPackFields, LB_COUNT(kPackFields), pack, where, error);
}

static lowbit_status add_cell(lb_report *r, const json_t *row, const char *where, lowbit_error *error) {
    lb_report_cell *cell = next(&r->cells, &r->cell_count, sizeof *cell);
    LB_REQUIRE(cell, error, LOWBIT_NO_MEMORY, "no memory for the report");
    LB_TRY(lb_fields_read(row, kCellFields, LB_COUNT(kCellFields), cell, where, error));
    snprintf(cell->family, sizeof cell->family, "%.*s", (int)strcspn(cell->problem, ":"), cell->problem);
    cell->ours = strcmp(cell->impl, "lowbit") == 0;
    cell->ok = !*cell->status || strcmp(cell->status, "ok") == 0;
    cell->samples = json_object_get(row, "samples_us");
    size_t index;
    const json_t *sample;
    LB_REQUIRE(!cell->samples || json_is_null(cell->samples) || json_is_array(cell->samples), error, LOWBIT_BAD_FORMAT,
               "%s: samples_us is no array", where);
    double time;
    json_array_foreach(cell->samples, index, sample)
        LB_REQUIRE(lb_field_real(sample, &time) && time > 0, error, LOWBIT_BAD_FORMAT, "%s: samples_us[%zu] is no time",
                   where, index);
    LB_REQUIRE(!cell->ok || (cell->median_us > 0 && cell->gops > 0), error, LOWBIT_BAD_FORMAT,
               "%s: median_us and gops of a row that counts must be above 0", where);
    return LOWBIT_OK;
}

static lowbit_status add_candidates(lb_report_tuned *tuned, const json_t *list, const char *where,
                                    lowbit_error *error) {
    size_t index;
    const json_t *row;
    json_array_foreach(list, index, row) {
        char place[400];
        snprintf(place, sizeof place, "%s, candidates[%zu]", where, index);
        lb_report_candidate *c = next(&tuned->candidates, &tuned->candidate_count, sizeof *c);
        LB_REQUIRE(c, error, LOWBIT_NO_MEMORY, "no memory for the report");
        LB_TRY(lb_fields_read(row, kCandidateFields, LB_COUNT(kCandidateFields), c, place, error));
        LB_REQUIRE(c->relative > 0, error, LOWBIT_BAD_FORMAT, "%s: relative is 0", place);
        c->blocks = json_object_get(row, "blocks");
    }
    return LOWBIT_OK;
}

static lowbit_status add_tuned(lb_report *r, const json_t *row, const char *where, lowbit_error *error) {
    lb_report_tuned *tuned = next(&r->tuned, &r->tuned_count, sizeof *tuned);
    LB_REQUIRE(tuned, error, LOWBIT_NO_MEMORY, "no memory for the report");
    LB_TRY(lb_fields_read(row, kTunedFields, LB_COUNT(kTunedFields), tuned, where, error));
    const json_t *list = json_object_get(row, "candidates");
    LB_REQUIRE(!list || json_is_array(list), error, LOWBIT_BAD_FORMAT, "%s: candidates is no array", where);
    return add_candidates(tuned, list, where, error);
}

/* The rules of a recipe in its normal form, which begins with three settings: "range = affine *: i8a8s". */
static const char *rules_of(const char *recipe) {
    static const char kLast[] = "range = ";
    const char *at = strstr(recipe, kLast);
    if (!at) return recipe;
    at += sizeof kLast - 1;
    at += strcspn(at, " ");
    return at + strspn(at, " ");
}

static lowbit_status add_network(lb_report *r, const json_t *row, const char *where, lowbit_error *error) {
    lb_report_network *n = next(&r->networks, &r->network_count, sizeof *n);
    LB_REQUIRE(n, error, LOWBIT_NO_MEMORY, "no memory for the report");
    LB_TRY(lb_fields_read(row, kNetworkFields, LB_COUNT(kNetworkFields), n, where, error));
    n->peak_rss_bytes = lb_max(0, json_integer_value(json_object_get(row, "peak_rss_bytes"))); /* -1 = unknown */
    LB_REQUIRE(n->p50_us > 0, error, LOWBIT_BAD_FORMAT, "%s: p50_us is 0", where);
    LB_REQUIRE(n->accuracy <= 1 && n->agreement <= 1, error, LOWBIT_BAD_FORMAT, "%s: an accuracy above 1", where);
    snprintf(n->name, sizeof n->name, "%s", *n->format ? n->format : rules_of(n->recipe));
    for (size_t end = strlen(n->name); end && n->name[end - 1] == ' ';) n->name[--end] = 0;
    n->compared = json_is_number(json_object_get(row, "agreement"));
    n->floats = strcmp(n->name, "f32") == 0 || strcmp(n->name, "*: f32af32") == 0;
    return LOWBIT_OK;
}

static lowbit_status add_layer(lb_report *r, const json_t *row, const char *where, lowbit_error *error) {
    lb_report_layer *layer = next(&r->layers, &r->layer_count, sizeof *layer);
    LB_REQUIRE(layer, error, LOWBIT_NO_MEMORY, "no memory for the report");
    LB_TRY(lb_fields_read(row, kLayerFields, LB_COUNT(kLayerFields), layer, where, error));
    LB_REQUIRE(layer->accuracy <= 1, error, LOWBIT_BAD_FORMAT, "%s: an accuracy above 1", where);
    return LOWBIT_OK;
}

/* A row is of the first kind all of whose keys it has. */
static const struct {
    const char *kind, *key, *second;
    lowbit_status (*add)(lb_report *, const json_t *, const char *, lowbit_error *);
} kKinds[] = {
    {"pack", "op", "gbs", add_pack},
    {"gemm", "problem", "impl", add_cell},
    {"tune", "problem", "status", add_tuned},
    {"limit", "limit", "best", add_limit},
    {"network", "model", "p50_us", add_network},
    {"layer", "layer", "accuracy", add_layer},
};

static size_t kind_of(const json_t *row) {
    size_t i = 0;
    while (i < LB_COUNT(kKinds) && !(json_object_get(row, kKinds[i].key) && json_object_get(row, kKinds[i].second)))
        i++;
    return i;
}

const char *lb_report_kind(const json_t *row) {
    const size_t kind = kind_of(row);
    return kind < LB_COUNT(kKinds) ? kKinds[kind].kind : NULL;
}

/* What makes a machine another one; what a guest is granted may change from hour to hour. */
static lowbit_status check_machine(lb_report *r, const char *name, const json_t *machine, lowbit_error *error) {
    static const char *const kIdentity[] = {"cpu", "vendor", "family", "model", "stepping", "cores", "cpus"};
    LB_REQUIRE(json_is_object(machine), error, LOWBIT_BAD_FORMAT,
               "%s names no machine: it is no file of `lowbit bench`, `tune` or `eval`", name);
    if (!r->machine) r->machine = machine;
    for (size_t i = 0; i < LB_COUNT(kIdentity); i++) {
        json_t *first = json_object_get(r->machine, kIdentity[i]), *here = json_object_get(machine, kIdentity[i]);
        LB_REQUIRE(first == here || json_equal(first, here), error, LOWBIT_UNSUPPORTED,
                   "%s is of another machine (its %s differs): `lowbit bench compare` sets two machines side by side",
                   name, kIdentity[i]);
    }
    return LOWBIT_OK;
}

size_t lb_report_rows(const lb_report *r) {
    return r->limit_count + r->cell_count + r->pack_count + r->tuned_count + r->network_count + r->layer_count;
}

static lowbit_status add_rows(lb_report *r, const char *name, const json_t *rows, lowbit_error *error) {
    size_t index;
    const json_t *row;
    json_array_foreach(rows, index, row) {
        char where[300];
        snprintf(where, sizeof where, "%.200s: results[%zu]", name, index);
        const size_t kind = kind_of(row);
        LB_REQUIRE(kind < LB_COUNT(kKinds), error, LOWBIT_UNSUPPORTED,
                   "%s is no result of `bench gemm`, `layers`, `limits`, `network` or `pack`, of `tune` or `eval`",
                   where);
        LB_TRY(kKinds[kind].add(r, row, where, error));
        LB_REQUIRE(lb_report_rows(r) <= MOST_ROWS, error, LOWBIT_BAD_FORMAT, "more than %d results", MOST_ROWS);
    }
    return LOWBIT_OK;
}

lowbit_status lb_report_add(lb_report *r, const char *name, json_t *file, lowbit_error *error) {
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): the size of the pointer is meant */
    json_t **kept = next(&r->files, &r->file_count, sizeof *kept);
    if (!kept) {
        json_decref(file);
        return lb_fail(error, LOWBIT_NO_MEMORY, "no memory for the report");
    }
    *kept = file;
    lb_fields_clean(file);
    LB_TRY(check_machine(r, name, json_object_get(file, "machine"), error));
    const json_t *run = json_object_get(file, "run"), *rows = json_object_get(file, "results");
    if (!r->run && json_is_object(run)) r->run = run;
    LB_REQUIRE(json_is_array(rows), error, LOWBIT_BAD_FORMAT, "%s has no array of results", name);
    return add_rows(r, name, rows, error);
}

static bool same_work(const lb_report_cell *a, const lb_report_cell *b) {
    return a->threads == b->threads && a->cold == b->cold && strcmp(a->problem, b->problem) == 0;
}

static void finish_networks(lb_report *r) {
    for (size_t i = 0; i < r->network_count; i++) {
        lb_report_network *n = &r->networks[i];
        n->sized = true;
        for (size_t j = 0; j < i; j++) {
            const lb_report_network *other = &r->networks[j];
            if (strcmp(n->name, other->name) != 0 || strcmp(n->model, other->model) != 0) continue;
            if (n->images == other->images) n->sized = false;
            if (n->batch == other->batch && n->threads == other->threads) n->repeat = true;
        }
    }
}

void lb_report_finish(lb_report *r) {
    finish_networks(r);
    for (size_t i = 0; i < r->cell_count; i++) {
        lb_report_cell *cell = &r->cells[i];
        size_t first = 0;
        while (strcmp(r->cells[first].family, cell->family) != 0) first++;
        cell->rank = first < i ? r->cells[first].rank : r->family_count++;
        for (size_t j = 0; j < r->cell_count; j++) {
            const lb_report_cell *other = &r->cells[j];
            if (!same_work(cell, other)) continue;
            if (j < i && strcmp(cell->impl, other->impl) == 0 && strcmp(cell->way, other->way) == 0)
                cell->repeat = true;
            if (!cell->ours && other->ours && cell->ok && cell->ratio == 0 && other->ok)
                cell->ratio = cell->median_us / other->median_us;
        }
    }
}

void lb_report_release(lb_report *r) {
    for (size_t i = 0; i < r->tuned_count; i++) free(r->tuned[i].candidates);
    for (size_t i = 0; i < r->file_count; i++) json_decref(r->files[i]);
    free(r->files);
    free(r->limits);
    free(r->cells);
    free(r->packs);
    free(r->tuned);
    free(r->networks);
    free(r->layers);
    *r = (lb_report){0};
}
