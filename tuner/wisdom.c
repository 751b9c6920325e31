/* SPDX-License-Identifier: Apache-2.0 */
/* The store of wisdom: making one, telling it, asking it. */
#include "tuner/wisdom.h"

#include <stdlib.h>
#include <string.h>

#include "tuner/identity.h"
#include "tuner/wisdom_store.h"
#include "tuner/words.h"

static const size_t kPointer = sizeof(void *);

/* ---- life ---- */

static int sort_kernels(const void *a, const void *b) {
    return strcmp(((const lb_wisdom_kernel *)a)->name, ((const lb_wisdom_kernel *)b)->name);
}

static void list_kernels(lowbit_wisdom *w) {
    for (size_t i = 0; i < w->kernel_count; i++) {
        w->kernels[i].index = i;
        lb_kernel_at(i, &w->kernels[i].ref);
        lb_kernel_name(w->kernels[i].ref, w->kernels[i].name, sizeof w->kernels[i].name);
    }
    qsort(w->kernels, w->kernel_count, sizeof *w->kernels, sort_kernels);
    memset(w->rates, 0, w->kernel_count * kPointer);
}

static uint64_t machine_of(const lowbit_ctx *ctx) {
    char identity[LB_IDENTITY_TEXT];
    lb_identity_print(ctx, identity);
    return lb_hash(identity, strlen(identity));
}

lowbit_status lowbit_wisdom_create(const lowbit_ctx *ctx, lowbit_wisdom **wisdom, lowbit_error *error) {
    LB_REQUIRE(ctx && wisdom, error, LOWBIT_INVALID_ARGUMENT, "ctx or wisdom is NULL");
    lowbit_wisdom made = {.ctx = ctx, .machine = machine_of(ctx), .kernel_count = lowbit_kernel_count()};
    made.kernels = lb_alloc(ctx, made.kernel_count * sizeof *made.kernels);
    made.rates = lb_alloc(ctx, made.kernel_count * kPointer);
    lowbit_wisdom *stored = lb_alloc(ctx, sizeof *stored);
    if (!made.kernels || !made.rates || !stored) {
        lb_free(ctx, made.kernels, made.kernel_count * sizeof *made.kernels);
        lb_free(ctx, made.rates, made.kernel_count * kPointer);
        lb_free(ctx, stored, sizeof *stored);
        return lb_fail(error, LOWBIT_NO_MEMORY, "no memory for a wisdom");
    }
    list_kernels(&made);
    *stored = made;
    pthread_rwlock_init(&stored->lock, NULL);
    *wisdom = stored;
    return LOWBIT_OK;
}

void lowbit_wisdom_destroy(lowbit_wisdom *w) {
    if (!w) return;
    const lowbit_ctx *ctx = w->ctx;
    lb_wisdom_release(ctx, &w->plans); /* its lines are among w->lines */
    lb_wisdom_free_list(ctx, &w->lines);
    lb_wisdom_free_list(ctx, &w->gone);
    lb_free(ctx, w->kernels, w->kernel_count * sizeof *w->kernels);
    lb_free(ctx, w->rates, w->kernel_count * kPointer);
    pthread_rwlock_destroy(&w->lock);
    lb_free(ctx, w, sizeof *w);
}

bool lb_wisdom_is_of(const lowbit_wisdom *w, const lowbit_ctx *ctx) {
    return w->ctx == ctx || machine_of(ctx) == w->machine;
}

/* ---- telling: what is put is written as a line and read back, so that a file cannot say it otherwise ---- */

static lowbit_status add_line(const lowbit_wisdom *w, const char *text, size_t length, lb_wisdom_list *batch,
                              lowbit_error *error) {
    lb_wisdom_line line;
    const char *reason = "it does not fit a line";
    const bool good = length && lb_wisdom_read_line(w, text, length, &line, &reason);
    LB_REQUIRE(good, error, LOWBIT_INVALID_ARGUMENT, "wisdom cannot say this: %s", reason);
    LB_REQUIRE(line.state == LOWBIT_WISDOM_USABLE, error, LOWBIT_INVALID_ARGUMENT,
               "a decision that is not legal: kernel, steps or threads do not fit the problem");
    LB_REQUIRE(lb_wisdom_push(w->ctx, batch, &line, text), error, LOWBIT_NO_MEMORY, "no memory for a line of wisdom");
    return LOWBIT_OK;
}

/* The line, and who this machine is. */
static lowbit_status put(lowbit_wisdom *w, const char *text, size_t length, lowbit_error *error) {
    char machine[LB_WISDOM_LINE];
    lb_wisdom_list batch = {NULL, 0, 0};
    lowbit_status status = add_line(w, text, length, &batch, error);
    if (status == LOWBIT_OK) status = add_line(w, machine, lb_wisdom_print_machine(w, machine), &batch, error);
    if (status == LOWBIT_OK) status = lb_wisdom_merge(w, &batch, LB_MERGE_REPLACE, error);
    lb_wisdom_free_list(w->ctx, &batch);
    return status;
}

lowbit_status lb_wisdom_put(lowbit_wisdom *w, const lb_wisdom_entry *entry, lowbit_error *error) {
    char text[LB_WISDOM_LINE];
    return put(w, text, lb_wisdom_print_plan(w, entry, text), error);
}

lowbit_status lb_wisdom_put_fact(lowbit_wisdom *w, const char *name, const double *values, size_t count, int64_t day,
                                 lowbit_error *error) {
    char text[LB_WISDOM_LINE];
    return put(w, text, lb_wisdom_print_rate(w, name, values, count, day, text), error);
}

/* ---- asking ---- */

void lb_wisdom_lock_to_read(const lowbit_wisdom *w) { pthread_rwlock_rdlock((pthread_rwlock_t *)(uintptr_t)&w->lock); }
void lb_wisdom_unlock(const lowbit_wisdom *w) { pthread_rwlock_unlock((pthread_rwlock_t *)(uintptr_t)&w->lock); }

size_t lb_wisdom_find(const lowbit_wisdom *w, const lowbit_problem *problem, uint32_t threads, uint32_t pool,
                      int64_t least, int64_t most, lb_wisdom_entry *found, size_t room) {
    int64_t tuple[LB_TUPLE];
    size_t count = 0;
    lb_wisdom_tuple(problem, threads, pool, tuple);
    tuple[LB_TUPLE_SHAPE] = least;
    lb_wisdom_lock_to_read(w);
    for (size_t i = lb_wisdom_lower_bound(&w->plans, tuple, LB_TUPLE); i < w->plans.count && count < room; i++) {
        const lb_wisdom_line *line = w->plans.at[i];
        if (lb_wisdom_compare_tuples(line->tuple, tuple, LB_TUPLE_SHAPE) != 0 || line->plan.problem.m > most) break;
        found[count++] = line->plan;
    }
    lb_wisdom_unlock(w);
    return count;
}

static double ratio(int64_t a, int64_t b) { return a > b ? (double)a / (double)b : (double)b / (double)a; }

/* 2^distance: a product, where the distance is a sum of logarithms. */
static double apart(const lowbit_problem *a, const lowbit_problem *b) {
    return ratio(a->n, b->n) * ratio(a->k, b->k) * ratio(a->m, b->m);
}

static bool is_alike(const lowbit_problem *a, const lowbit_problem *b) {
    const int64_t group = a->weights.group;
    return a->k % 64 == b->k % 64 || (group > 0 && a->k % group == 0 && b->k % group == 0);
}

bool lb_wisdom_nearest(const lowbit_wisdom *w, const lowbit_problem *problem, uint32_t threads, uint32_t pool,
                       int64_t least, int64_t most, lb_wisdom_entry *found) {
    static const double kFar = 4;
    int64_t tuple[LB_TUPLE];
    const lb_wisdom_line *best = NULL;
    lb_wisdom_tuple(problem, threads, pool, tuple);
    lb_wisdom_lock_to_read(w);
    for (size_t i = lb_wisdom_lower_bound(&w->plans, tuple, LB_TUPLE_CLASS); i < w->plans.count; i++) {
        const lb_wisdom_line *line = w->plans.at[i];
        const lowbit_problem *p = &line->plan.problem;
        if (lb_wisdom_compare_tuples(line->tuple, tuple, LB_TUPLE_CLASS) != 0) break;
        if (p->m < least || p->m > most || !is_alike(p, problem)) continue;
        const double distance = apart(p, problem);
        if (distance > kFar || (best && distance >= apart(&best->plan.problem, problem))) continue;
        if (lb_kernel_fits(line->plan.config.kernel, problem)) best = line;
    }
    if (best) *found = best->plan;
    lb_wisdom_unlock(w);
    return best != NULL;
}

static size_t copy_rate(const lb_wisdom_line *line, double values[LB_FACT_VALUES]) {
    if (line) memcpy(values, line->rate.values, line->rate.count * sizeof *values);
    return line ? line->rate.count : 0;
}

size_t lb_wisdom_fact(const lowbit_wisdom *w, const char *name, double values[LB_FACT_VALUES]) {
    lb_wisdom_lock_to_read(w);
    const size_t count = copy_rate(lb_wisdom_rate_of(w, name), values);
    lb_wisdom_unlock(w);
    return count;
}

size_t lb_wisdom_kernel_fact(const lowbit_wisdom *w, lb_kernel_ref kernel, double values[LB_FACT_VALUES]) {
    lb_wisdom_lock_to_read(w);
    const size_t count = copy_rate(w->rates[lb_kernel_index(kernel)], values);
    lb_wisdom_unlock(w);
    return count;
}
