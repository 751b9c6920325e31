/* SPDX-License-Identifier: Apache-2.0 */
/* Sorted lines of wisdom: meeting others, going for good. */
#include <stdlib.h>
#include <string.h>

#include "tuner/wisdom_store.h"

/* ---- lists ---- */

static const size_t kPointer = sizeof(void *);

bool lb_wisdom_reserve(const lowbit_ctx *ctx, lb_wisdom_list *list, size_t room) {
    if (room <= list->room) return true;
    lb_wisdom_line **at = lb_alloc(ctx, room * kPointer);
    if (!at) return false;
    if (list->count) memcpy(at, list->at, list->count * kPointer);
    lb_free(ctx, list->at, list->room * kPointer);
    list->at = at;
    list->room = room;
    return true;
}

void lb_wisdom_release(const lowbit_ctx *ctx, lb_wisdom_list *list) {
    lb_free(ctx, list->at, list->room * kPointer);
    *list = (lb_wisdom_list){NULL, 0, 0};
}

static void free_line(const lowbit_ctx *ctx, lb_wisdom_line *line) {
    lb_free(ctx, line, sizeof *line + line->length + 1);
}

bool lb_wisdom_push(const lowbit_ctx *ctx, lb_wisdom_list *list, const lb_wisdom_line *line, const char *text) {
    if (list->count == list->room && !lb_wisdom_reserve(ctx, list, list->room ? 2 * list->room : 8)) return false;
    lb_wisdom_line *made = lb_alloc(ctx, sizeof *made + line->length + 1);
    if (!made) return false;
    *made = *line;
    memcpy(made->text, text, line->length);
    made->text[line->length] = 0;
    list->at[list->count++] = made;
    return true;
}

void lb_wisdom_free_list(const lowbit_ctx *ctx, lb_wisdom_list *list) {
    for (size_t i = 0; i < list->count; i++) free_line(ctx, list->at[i]);
    lb_wisdom_release(ctx, list);
}

/* ---- orders ---- */

static int compare_numbers(uint64_t a, uint64_t b) { return (a > b) - (a < b); }

static int compare_bytes(const char *a, size_t a_length, const char *b, size_t b_length) {
    const int order = memcmp(a, b, a_length < b_length ? a_length : b_length);
    return order ? order : compare_numbers(a_length, b_length);
}

/* That of a file. Lines that compare equal are about the same: one of them stays. A stale line competes with no usable
 * one: another build, to which both are usable, will choose. */
static int compare_lines(const lb_wisdom_line *a, const lb_wisdom_line *b) {
    int order = compare_numbers(a->machine, b->machine);
    if (!order) order = compare_numbers(a->kind, b->kind);
    if (!order) order = compare_bytes(a->text, a->key, b->text, b->key);
    return order ? order : compare_numbers(a->state, b->state);
}

static int compare_text(const lb_wisdom_line *a, const lb_wisdom_line *b) {
    return compare_bytes(a->text, a->length, b->text, b->length);
}

/* Which of two lines about the same is to stay: a total order of texts, so that it does not matter who comes first. */
static bool is_better(const lb_wisdom_line *a, const lb_wisdom_line *b) {
    const int order = compare_numbers(a->evidence, b->evidence);
    return order ? order > 0 : compare_text(a, b) > 0;
}

/* Of those about the same the best one first. */
static int sort_lines(const void *a, const void *b) {
    const lb_wisdom_line *x = *(lb_wisdom_line *const *)a, *y = *(lb_wisdom_line *const *)b;
    const int order = compare_lines(x, y);
    return order ? order : is_better(y, x) - is_better(x, y);
}

static int sort_text(const void *a, const void *b) {
    return compare_text(*(lb_wisdom_line *const *)a, *(lb_wisdom_line *const *)b);
}

int lb_wisdom_compare_tuples(const int64_t *a, const int64_t *b, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
    return 0;
}

static int sort_plans(const void *a, const void *b) {
    const lb_wisdom_line *x = *(lb_wisdom_line *const *)a, *y = *(lb_wisdom_line *const *)b;
    return lb_wisdom_compare_tuples(x->tuple, y->tuple, LB_TUPLE);
}

static void sort(lb_wisdom_list *list, int (*order)(const void *a, const void *b)) {
    if (list->count) qsort(list->at, list->count, kPointer, order);
}

size_t lb_wisdom_lower_bound(const lb_wisdom_list *plans, const int64_t *tuple, size_t count) {
    size_t low = 0, high = plans->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (lb_wisdom_compare_tuples(plans->at[middle]->tuple, tuple, count) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const lb_wisdom_line *lb_wisdom_rate_of(const lowbit_wisdom *w, const char *name) {
    size_t low = 0, high = w->lines.count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const lb_wisdom_line *line = w->lines.at[middle];
        int order = compare_numbers(line->machine, w->machine);
        if (!order) order = compare_numbers(line->kind, LOWBIT_WISDOM_RATE);
        if (!order)
            order = compare_bytes(line->text + LB_WISDOM_NAME_AT, line->key - LB_WISDOM_NAME_AT, name, strlen(name));
        if (!order) return line;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

bool lb_wisdom_is_lonely(const lb_wisdom_list *lines, size_t i) {
    const lb_wisdom_line *line = lines->at[i];
    return line->kind == LOWBIT_WISDOM_MACHINE && (i + 1 == lines->count || lines->at[i + 1]->machine != line->machine);
}

void lb_wisdom_index(lowbit_wisdom *w) {
    w->plans.count = 0;
    for (size_t i = 0; i < w->lines.count; i++)
        if (w->lines.at[i]->kind == LOWBIT_WISDOM_PLAN && w->lines.at[i]->state == LOWBIT_WISDOM_USABLE)
            w->plans.at[w->plans.count++] = w->lines.at[i]; /* NOLINT(clang-analyzer-core.NullDereference): has room */
    sort(&w->plans, sort_plans);
    sort(&w->gone, sort_text);
    for (size_t i = 0; i < w->kernel_count; i++)
        w->rates[w->kernels[i].index] = lb_wisdom_rate_of(w, w->kernels[i].name);
}

/* ---- merging ---- */

static bool has_gone(const lowbit_wisdom *w, const lb_wisdom_line *line) {
    return w->gone.count && bsearch(&line, w->gone.at, w->gone.count, kPointer, sort_text);
}

/* Drops what has gone, then all but the best of those about the same. */
static void tidy_batch(const lowbit_wisdom *w, lb_wisdom_list *batch, uint32_t how) {
    size_t kept = 0;
    sort(batch, sort_lines);
    for (size_t i = 0; i < batch->count; i++) {
        lb_wisdom_line *line = batch->at[i];
        const bool again = kept && compare_lines(batch->at[kept - 1], line) == 0;
        if (again || (how == LB_MERGE_FILE && has_gone(w, line)))
            free_line(w->ctx, line);
        else
            batch->at[kept++] = line;
    }
    batch->count = kept;
}

/* Of two lines about the same. */
static lb_wisdom_line *choose(lowbit_wisdom *w, lb_wisdom_line *old, lb_wisdom_line *new, uint32_t how) {
    const bool same = compare_text(old, new) == 0;
    if (!same && how == LB_MERGE_REPLACE) {
        w->gone.at[w->gone.count++] = old;
        return new;
    }
    const bool take = !same && is_better(new, old);
    free_line(w->ctx, take ? old : new);
    return take ? new : old;
}

/* Both are sorted and without doubles; `into` has room for all. */
static void merge_sorted(lowbit_wisdom *w, const lb_wisdom_list *batch, uint32_t how, lb_wisdom_list *into) {
    size_t i = 0, j = 0;
    while (i < w->lines.count || j < batch->count) {
        lb_wisdom_line *old = i < w->lines.count ? w->lines.at[i] : NULL;
        lb_wisdom_line *new = j < batch->count ? batch->at[j] : NULL;
        const int order = !old ? 1 : !new ? -1 : compare_lines(old, new);
        into->at[into->count++] = order < 0 ? old : order > 0 ? new : choose(w, old, new, how);
        i += order <= 0;
        j += order >= 0;
    }
}

static bool merge(lowbit_wisdom *w, lb_wisdom_list *batch, uint32_t how) {
    const size_t most = w->lines.count + batch->count;
    lb_wisdom_list merged = {NULL, 0, 0}, plans = {NULL, 0, 0};
    if (!lb_wisdom_reserve(w->ctx, &merged, most) || !lb_wisdom_reserve(w->ctx, &plans, most) ||
        (how == LB_MERGE_REPLACE && !lb_wisdom_reserve(w->ctx, &w->gone, w->gone.count + batch->count))) {
        lb_wisdom_release(w->ctx, &merged);
        lb_wisdom_release(w->ctx, &plans);
        return false;
    }
    tidy_batch(w, batch, how);
    merge_sorted(w, batch, how, &merged);
    lb_wisdom_release(w->ctx, batch);
    lb_wisdom_release(w->ctx, &w->lines);
    lb_wisdom_release(w->ctx, &w->plans);
    w->lines = merged;
    w->plans = plans;
    lb_wisdom_index(w);
    return true;
}

lowbit_status lb_wisdom_merge(lowbit_wisdom *w, lb_wisdom_list *batch, uint32_t how, lowbit_error *error) {
    if (!batch->count) return LOWBIT_OK;
    pthread_rwlock_wrlock(&w->lock);
    const bool merged = merge(w, batch, how);
    pthread_rwlock_unlock(&w->lock);
    LB_REQUIRE(merged, error, LOWBIT_NO_MEMORY, "no memory for %zu lines of wisdom", batch->count);
    return LOWBIT_OK;
}
