/* SPDX-License-Identifier: Apache-2.0 */
/* Attention, run: keys and values are put in their store, and tiles of rows attend to them. */
#include "nn/attention.h"

#include <string.h>

#include "kernels/base/pool.h"
#include "kernels/rows.h"
#include "kernels/ukernels.h"
#include "nn/attention_plan.h"
#include "nn/rope.h"
#include "tuner/plan.h"

typedef struct run {
    const lb_attention *attention;
    const lb_attention_call *call;
    const lb_isa_unit *unit;
    uint8_t *workspace;
    int64_t cuts; /* most tiles of a sequence, where they are tasks of their own */
} run;

/* One head of keys and values of one sequence, and the heads of q that it serves. */
typedef struct task {
    const run *r;
    const lb_attention *a;
    uint8_t *own, *store; /* the worker's scratch; keys and values */
    int64_t first, count; /* rows of the sequence */
    int64_t before;       /* tokens that were there already */
    int64_t kv_head, group;
    lb_attention_tile tile;
} task;

static float *floats(const task *t, int64_t offset) { return (float *)(void *)(t->own + offset); }

static void turn(const lb_attention *a, int64_t position, float *x) {
    if (a->angles) lb_rope_turn(a->angles + position * a->shape.head, a->shape.head, a->shape.rope_halves, x);
}

/* Keys and values of all rows into the store. */
static void put(const task *t) {
    const lb_attention *a = t->a;
    const lb_attention_call *call = t->r->call;
    const int64_t head = a->shape.head, stride = a->at.head_stride;
    float *turned = floats(t, a->at.keys);
    for (int64_t row = 0; row < t->count; row += LB_ATTENTION_KEYS) {
        const int64_t count = lb_min(LB_ATTENTION_KEYS, t->count - row), at = t->first + row;
        lb_store_rows rows = {.keys = call->k + at * call->k_stride + t->kv_head * head,
                              .values = call->v + at * call->v_stride + t->kv_head * head,
                              .key_stride = call->k_stride,
                              .value_stride = call->v_stride,
                              .count = count};
        for (int64_t i = 0; a->angles && i < count; i++) {
            memcpy(turned + i * stride, rows.keys + i * rows.key_stride, (size_t)head * sizeof *turned);
            turn(a, t->before + row + i, turned + i * stride);
        }
        if (a->angles) rows.keys = turned, rows.key_stride = stride;
        lb_store_put(&a->store, t->r->unit, &rows, t->before + row, t->own + a->at.put, t->store);
    }
}

/* Row i of a task is head i % group of token i / group: where it begins in rows of that stride. */
static int64_t element_of(const task *t, int64_t i, int64_t stride) {
    return (t->first + i / t->group) * stride + (t->kv_head * t->group + i % t->group) * t->a->shape.head;
}

static void gather(const task *t, int64_t row, int64_t rows, float *q) {
    const lb_attention *a = t->a;
    const int64_t head = a->shape.head;
    const float scale = a->shape.scale;
    const lb_attention_call *call = t->r->call;
    for (int64_t i = row; i < row + rows; i++, q += a->at.head_stride) {
        const float *from = call->q + element_of(t, i, call->q_stride);
        for (int64_t e = 0; e < head; e++) q[e] = from[e] * scale;
        turn(a, t->before + i / t->group, q);
    }
}

/* out = rows times weights, whose panels are `stride` lines apart. */
static void multiply(const task *t, const lowbit_plan *plan, const lowbit_packed *weights, int64_t stride,
                     const lowbit_matrix *rows, float *out, int64_t out_stride) {
    lowbit_problem problem = plan->problem;
    problem.m = rows->rows, problem.n = weights->n, problem.k = weights->k;
    const lowbit_gemm_args args = {
        .struct_size = sizeof args, .weights = weights, .a = *rows, .out = out, .out_stride = out_stride};
    lb_gemm_call call = {.problem = &problem,
                         .config = lb_plan_decision_of(plan, rows->rows)->config,
                         .args = &args,
                         .m = rows->rows,
                         .workspace = t->own + t->a->at.product,
                         .panel_stride = stride};
    if (!lb_is_float_kind(problem.activations)) call.rule = lb_row_rule_for(problem.activations);
    call.config.stream_bytes = 0; /* the next step reads it */
    lb_gemm_prepare(&call, NULL);
    lb_gemm_tile(&call, 0, problem.m, 0, problem.n);
}

/* Tokens that row i sees. */
static int64_t seen(const task *t, int64_t i) { return t->before + (t->a->shape.causal ? i / t->group + 1 : t->count); }

/* Scores of row i, of which the product that follows reads `width`, become what it multiplies values by; returns what
 * its result is to be divided by. */
static float weigh(const task *t, int64_t i, int64_t width, float *scores) {
    const int64_t n = seen(t, i);
    memset(scores + n, 0, (size_t)(width - n) * sizeof *scores);
    if (!t->a->rule.softmax) return 1;
    return t->r->unit->soften_row(scores, (size_t)n, lb_store_value_scales(&t->a->store, t->store));
}

static void attend(const task *t, int64_t row, int64_t rows) {
    const lb_attention *a = t->a;
    const lb_attention_call *call = t->r->call;
    const int64_t head = a->shape.head, stride = a->at.head_stride, width = seen(t, row + rows - 1);
    const lowbit_packed keys = lb_store_keys(&a->store, t->store, width, a->ones);
    const lowbit_packed values = lb_store_values(&a->store, t->store, width, a->ones);
    float *q = floats(t, a->at.q), *scores = floats(t, a->at.scores), *context = floats(t, a->at.context);
    float sums[LB_ATTENTION_ROWS];
    gather(t, row, rows, q);
    multiply(t, a->scores, &keys, 0, &(lowbit_matrix){q, rows, head, stride}, scores, t->tile.stride);
    for (int64_t i = 0; i < rows; i++) sums[i] = weigh(t, row + i, width, scores + i * t->tile.stride);
    multiply(t, a->context, &values, a->store.value_lines, &(lowbit_matrix){scores, rows, width, t->tile.stride},
             context, stride);
    for (int64_t i = 0; i < rows; i++) {
        float *out = call->out + element_of(t, row + i, call->out_stride);
        const float *from = context + i * stride, sum = sums[i];
        for (int64_t e = 0; e < head; e++) out[e] = from[e] / sum;
    }
}

/* ---- tasks ---- */

/* Pair `i` of a sequence and a head of keys and values, whose store is in the scratch of worker `at`, if it is in no
 * cache. */
static task task_of(const run *r, int64_t i, size_t worker, int64_t at) {
    const lb_attention *a = r->attention;
    const lb_attention_call *call = r->call;
    const int64_t s = i / a->shape.kv_heads;
    task t = {.r = r,
              .a = a,
              .own = r->workspace + (int64_t)worker * a->at.bytes,
              .store = r->workspace + at * a->at.bytes + a->at.store,
              .first = call->first[s],
              .count = call->first[s + 1] - call->first[s],
              .kv_head = i % a->shape.kv_heads,
              .group = a->shape.heads / a->shape.kv_heads};
    if (call->caches) {
        t.before = call->caches[s]->length;
        t.store = call->caches[s]->stores + t.kv_head * a->store.bytes;
    }
    t.tile = lb_attention_tile_of(lb_max(1, t.before + t.count));
    return t;
}

static void attend_tile(const task *t, int64_t tile) {
    const int64_t row = tile * t->tile.rows;
    attend(t, row, lb_min(t->tile.rows, t->count * t->group - row));
}

static int64_t tiles_of(const task *t) { return lb_div_up(t->count * t->group, t->tile.rows); }

static void pair_task(void *arg, size_t i, size_t worker) {
    const task t = task_of(arg, (int64_t)i, worker, (int64_t)worker);
    put(&t);
    for (int64_t tile = 0; tile < tiles_of(&t); tile++) attend_tile(&t, tile);
}

static void put_task(void *arg, size_t i, size_t worker) {
    const task t = task_of(arg, (int64_t)i, worker, (int64_t)i);
    put(&t);
}

static void tile_task(void *arg, size_t i, size_t worker) {
    const run *r = arg;
    const int64_t pair = (int64_t)i / r->cuts, tile = (int64_t)i % r->cuts;
    const task t = task_of(r, pair, worker, pair);
    if (tile < tiles_of(&t)) attend_tile(&t, tile);
}

/* A task for each pair, whose keys and values are then in its worker's caches. Where threads would be left over, a task
 * for each tile, after those that put keys and values: each pair has a worker's scratch for its store. */
static void run_tasks(run *r, const lowbit_pool *pool) {
    const int64_t kv_heads = r->attention->shape.kv_heads, pairs = r->call->sequences * kv_heads;
    const bool idle = pairs < (int64_t)lb_pool_threads(pool);
    for (int64_t i = 0; idle && i < pairs; i += kv_heads) {
        const task t = task_of(r, i, 0, 0);
        r->cuts = lb_max(r->cuts, tiles_of(&t));
    }
    if (r->cuts <= 1) return lb_parallel_for(pool, (size_t)pairs, pair_task, r);
    lb_parallel_for(pool, (size_t)pairs, put_task, r);
    lb_parallel_for(pool, (size_t)(pairs * r->cuts), tile_task, r);
}

/* ---- doors ---- */

static lowbit_status check_call(const lb_attention *a, const lb_attention_call *call, lowbit_error *error) {
    LB_REQUIRE(call->sequences >= 0, error, LOWBIT_INVALID_ARGUMENT, "%lld sequences", (long long)call->sequences);
    for (int64_t s = 0; s < call->sequences; s++) {
        const lb_attention_cache *cache = call->caches ? call->caches[s] : NULL;
        const int64_t rows = call->first[s + 1] - call->first[s], before = cache ? cache->length : 0;
        LB_REQUIRE(rows >= 0 && rows <= a->tokens - before, error, LOWBIT_INVALID_ARGUMENT,
                   "sequence %lld has %lld tokens, and %lld before; there is room for %lld", (long long)s,
                   (long long)rows, (long long)before, (long long)a->tokens);
        LB_REQUIRE(!cache || (cache->kind == a->kind && cache->kv_heads == a->shape.kv_heads &&
                              cache->layout.head == a->shape.head && cache->layout.tokens == a->tokens),
                   error, LOWBIT_INVALID_ARGUMENT, "the cache of sequence %lld is that of another attention",
                   (long long)s);
    }
    return LOWBIT_OK;
}

lowbit_status lb_attention_run(const lb_attention *attention, const lb_attention_call *call, void *workspace,
                               int64_t size, const lowbit_pool *pool, lowbit_error *error) {
    const int64_t bytes = lb_attention_workspace(attention, lb_pool_threads(pool));
    LB_TRY(check_call(attention, call, error));
    LB_REQUIRE(size >= bytes, error, LOWBIT_TOO_SMALL, "workspace has %lld bytes, attention needs %lld",
               (long long)size, (long long)bytes);
    run r = {attention, call, lb_unit_best(attention->ctx), workspace, 0};
    run_tasks(&r, pool);
    for (int64_t s = 0; call->caches && s < call->sequences; s++)
        call->caches[s]->length += call->first[s + 1] - call->first[s];
    return LOWBIT_OK;
}
