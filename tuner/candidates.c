/* SPDX-License-Identifier: Apache-2.0 */
#include "tuner/candidates.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/base/ctx.h"
#include "kernels/formats/format.h"

void lb_candidates_free(lb_candidates *set) {
    lb_free(set->ctx, set->list, set->room * sizeof *set->list);
    *set = (lb_candidates){.ctx = set->ctx};
}

static bool grow(lb_candidates *set) {
    const size_t room = set->room ? set->room * 2 : 64;
    lb_candidate *list = lb_alloc(set->ctx, room * sizeof *list);
    if (!list) return false;
    if (set->count) memcpy(list, set->list, set->count * sizeof *list);
    lb_free(set->ctx, set->list, set->room * sizeof *set->list);
    set->list = list;
    set->room = room;
    return true;
}

bool lb_same_config(const lb_gemm_config *a, const lb_gemm_config *b) {
    return a->kernel == b->kernel && a->threads == b->threads && a->step_m == b->step_m && a->step_n == b->step_n &&
           a->step_k == b->step_k && a->near_bytes == b->near_bytes && a->stream_bytes == b->stream_bytes &&
           a->order == b->order && lb_max(a->split_k, 1) == lb_max(b->split_k, 1);
}

static const lb_kernel_rate *rate_of(const lb_tuning *t, const lb_kernel *kernel) {
    size_t i = 0;
    while (t->contenders[i].ref.kernel != kernel) i++;
    return &t->contenders[i].rate;
}

void lb_candidates_add(lb_candidates *set, const lb_tuning *t, const lb_gemm_config *config) {
    for (size_t i = 0; i < set->count; i++)
        if (lb_same_config(&set->list[i].config, config)) return;
    if (set->count == set->room && !grow(set)) {
        set->failed = true;
        return;
    }
    const double guess = lb_model_seconds(t->model, t->problem, t->m, config, rate_of(t, config->kernel));
    set->list[set->count++] = (lb_candidate){*config, guess, lb_price(guess, config->kernel)};
}

void lb_candidates_add_kernels(lb_candidates *set, const lb_tuning *t) {
    for (size_t i = 0; i < t->contender_count; i++)
        for (uint32_t used = 1; used <= t->threads; used = lb_more_threads(used, t->threads)) {
            const lb_gemm_config c =
                lb_configure(t->model->ctx, t->problem, t->m, t->contenders[i].ref, used, t->threads);
            lb_candidates_add(set, t, &c);
        }
}

/* ---- knobs ---- */

/* Turns a knob one way (number 0, 1, ...); false past the last way. */
typedef bool (*knob)(const lb_tuning *t, size_t way, lb_gemm_config *c);

/* Twice and half the rows of a task, and all of them. */
static bool turn_rows(const lb_tuning *t, size_t way, lb_gemm_config *c) {
    const int64_t mr = c->kernel->mr, all = lb_round_up(t->m, mr);
    const int64_t rows[] = {c->step_m * 2, lb_max(lb_round_up(c->step_m / 2, mr), mr), all};
    if (way >= LB_COUNT(rows)) return false;
    c->step_m = lb_min(rows[way], all);
    return true;
}

/* Twice and half as many tasks in a block of rows, and one. */
static bool turn_columns(const lb_tuning *t, size_t way, lb_gemm_config *c) {
    const int64_t unit = lb_max(c->kernel->nr, LB_PANEL), cuts = lb_div_up(t->problem->n, c->step_n);
    const int64_t wanted[] = {cuts * 2, lb_div_up(cuts, 2), 1};
    if (way >= LB_COUNT(wanted)) return false;
    c->step_n = lb_round_up(lb_div_up(t->problem->n, wanted[way]), unit);
    return true;
}

/* Twice and half of the part of K, and all of it. */
static bool turn_part(const lb_tuning *t, size_t way, lb_gemm_config *c) {
    const int64_t now = c->step_k ? c->step_k : t->problem->k;
    const int64_t parts[] = {now * 2 < t->problem->k ? now * 2 : 0, lb_round_up(lb_div_up(now, 2), LB_LINE), 0};
    if (way >= LB_COUNT(parts)) return false;
    c->step_k = parts[way];
    return true;
}

/* Prefetching into the other cache, where that is done at all: for one block of rows. */
static bool turn_prefetch(const lb_tuning *t, size_t way, lb_gemm_config *c) {
    if (way > 0 || t->m > c->kernel->mr) return false;
    const int64_t line_k = lb_codings[c->kernel->coding].line_k;
    const int64_t bytes = lb_div_up(t->problem->n, LB_PANEL) * lb_div_up(t->problem->k, line_k) * LB_LINE;
    c->near_bytes = bytes > c->near_bytes ? INT64_MAX : 0;
    return true;
}

/* Outputs past the caches, or not: only those that no L2 cache holds, since who reads the output comes next. */
static bool turn_stream(const lb_tuning *t, size_t way, lb_gemm_config *c) {
    const int64_t bytes = t->m * t->problem->n * lb_out_bytes(t->problem);
    if (way > 0 || t->problem->out >= LOWBIT_OUT_S8 || bytes <= t->model->ctx->machine.l2_bytes) return false;
    c->stream_bytes = c->stream_bytes && bytes > c->stream_bytes ? 0 : 1;
    return true;
}

/* The other order of tasks, where there are rows and columns of them. */
static bool turn_order(const lb_tuning *t, size_t way, lb_gemm_config *c) {
    if (way > 0 || c->step_m >= t->m || c->step_n >= t->problem->n) return false;
    c->order = c->order == LB_ORDER_ROWS ? LB_ORDER_COLUMNS : LB_ORDER_ROWS;
    return true;
}

/* A part of K for each thread, where columns do not make several tasks for each. */
static bool turn_split(const lb_tuning *t, size_t way, lb_gemm_config *c) {
    const int64_t tasks = lb_div_up(t->problem->n, lb_max(c->kernel->nr, LB_PANEL)) * lb_div_up(t->m, c->kernel->mr);
    if (way > 0 || t->threads == 1 || tasks > 4 * (int64_t)t->threads || !lb_split_legal(t->problem, c->kernel))
        return false;
    c->split_k = c->split_k > 1 ? 1 : t->threads;
    c->threads = t->threads;
    return true;
}

static const knob kKnobs[] = {turn_rows, turn_columns, turn_part, turn_prefetch, turn_stream, turn_order, turn_split};

void lb_candidates_add_near(lb_candidates *set, const lb_tuning *t, const lb_gemm_config *config, bool pairs) {
    for (size_t k = 0; k < LB_COUNT(kKnobs); k++)
        for (size_t way = 0;; way++) {
            lb_gemm_config c = *config;
            if (!kKnobs[k](t, way, &c)) break;
            lb_candidates_add(set, t, &c);
            for (size_t other = k + 1; pairs && other < LB_COUNT(kKnobs); other++)
                for (size_t second = 0;; second++) {
                    lb_gemm_config both = c;
                    if (!kKnobs[other](t, second, &both)) break;
                    lb_candidates_add(set, t, &both);
                }
        }
}

static int by_price(const void *a, const void *b) {
    const double x = ((const lb_candidate *)a)->price_s, y = ((const lb_candidate *)b)->price_s;
    return (x > y) - (x < y);
}

void lb_candidates_rank(lb_candidates *set, double within, size_t most) {
    if (set->count) qsort(set->list, set->count, sizeof *set->list, by_price);
    size_t kept = 0;
    while (kept < set->count && kept < most && set->list[kept].price_s <= within * set->list[0].price_s) kept++;
    set->count = kept;
}
