/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/attention.h"

#include <math.h>
#include <string.h>

#include "kernels/base/pool.h"
#include "kernels/rows.h"
#include "kernels/ukernels.h"
#include "nn/attention_store.h"
#include "nn/blocks.h"
#include "nn/rope.h"
#include "nn/softmax.h"
#include "tuner/plan.h"

/* What a kind makes of the two products: k and v as weights, q and p as activations. */
static const struct {
    uint32_t format, scores, context;
    bool softmax;
} kKinds[LB_ATTENTION_KINDS] = {[LB_ATTENTION_F32] = {LOWBIT_F32, LOWBIT_AF32, LOWBIT_AF32, true},
                                [LB_ATTENTION_I8] = {LOWBIT_I8, LOWBIT_A8, LOWBIT_A8, true},
                                [LB_ATTENTION_B1] = {LOWBIT_B1, LOWBIT_A1, LOWBIT_U1, false}};

/* Rows of q that share what is read of k and v: scores of so many stay in the L2 cache. Causal ones are fewer, since
 * all of them see what the last one does. */
enum { TILE_ROWS = 128, CAUSAL_ROWS = 48, SCORES = 1 << 16, LEAST_ROWS = 16 };

/* Keys that are turned together. */
enum { PUT_ROWS = 16 };

/* Offsets in the scratch of a worker. */
typedef struct places {
    int64_t store, put, keys, q, scores, context, product, bytes;
    int64_t scores_stride, head_stride; /* elements */
} places;

struct lb_attention {
    const lowbit_ctx *ctx;
    lb_attention_shape shape;
    uint32_t kind;
    int64_t tokens, tile;
    lb_store_layout store;
    lowbit_plan *scores, *context;
    places at;
    float *ones;
    float *angles; /* [tokens][head], or NULL */
    lb_blocks memory;
};

struct lb_attention_cache {
    uint8_t *stores; /* of each head of k and v */
    lb_store_layout layout;
    int64_t kv_heads, length;
    uint32_t kind;
    lb_blocks memory;
};

/* ---- planning ---- */

static lowbit_status check(const lb_attention_shape *s, const lb_attention_options *o, lowbit_error *error) {
    enum { MOST = 1 << 20 };
    LB_REQUIRE(o->kind < LB_ATTENTION_KINDS, error, LOWBIT_INVALID_ARGUMENT, "attention of kind %u", o->kind);
    LB_REQUIRE(s->heads >= 1 && s->heads <= MOST && s->kv_heads >= 1 && s->heads % s->kv_heads == 0, error,
               LOWBIT_INVALID_ARGUMENT, "%lld heads of %lld heads of keys and values", (long long)s->heads,
               (long long)s->kv_heads);
    LB_REQUIRE(s->head >= 1 && s->head <= LOWBIT_MAX_K, error, LOWBIT_INVALID_ARGUMENT,
               "a head of %lld elements: legal are 1 to %d", (long long)s->head, LOWBIT_MAX_K);
    LB_REQUIRE(o->tokens >= 1 && o->tokens <= LOWBIT_MAX_K, error, LOWBIT_INVALID_ARGUMENT,
               "%lld tokens: legal are 1 to %d", (long long)o->tokens, LOWBIT_MAX_K);
    LB_REQUIRE(s->scale > 0 && isfinite(s->scale), error, LOWBIT_INVALID_ARGUMENT, "a scale of %g", (double)s->scale);
    LB_REQUIRE(s->rope_base == 0 || (s->rope_base > 0 && isfinite(s->rope_base) && s->head % 2 == 0), error,
               LOWBIT_INVALID_ARGUMENT, "rotary positions of base %g for %lld elements", (double)s->rope_base,
               (long long)s->head);
    return LOWBIT_OK;
}

static lowbit_status plan(const lb_attention *a, uint32_t activations, int64_t n, int64_t k, lowbit_wisdom *wisdom,
                          lowbit_plan **made, lowbit_error *error) {
    lowbit_plan_options options = LOWBIT_PLAN_OPTIONS_INIT;
    const lowbit_problem problem = {.struct_size = sizeof problem,
                                    .weights = {.struct_size = sizeof problem.weights, .format = a->store.format->id},
                                    .activations = activations,
                                    .m = a->tile,
                                    .n = n,
                                    .k = k};
    options.threads = 1;
    options.wisdom = wisdom;
    return lowbit_plan_create(a->ctx, &problem, &options, made, error);
}

/* Takes the next `bytes` of a scratch. */
static int64_t next(int64_t *total, int64_t bytes) {
    const int64_t at = *total;
    *total += lb_round_up(bytes, LB_LINE);
    return at;
}

/* Rows of floats, an odd number of lines apart, so that those which are read side by side are not in one set of a
 * cache. */
static int64_t row_stride(int64_t floats) {
    return lb_rows_stride(floats * (int64_t)sizeof(float)) / (int64_t)sizeof(float);
}

static lowbit_status place(lb_attention *a, lowbit_error *error) {
    int64_t scores, context, total = 0;
    const int64_t size = (int64_t)sizeof(float);
    LB_TRY(lowbit_workspace_size(a->scores, a->tile, &scores, error));
    LB_TRY(lowbit_workspace_size(a->context, a->tile, &context, error));
    places *at = &a->at;
    at->scores_stride = row_stride(a->tokens);
    at->head_stride = row_stride(a->shape.head);
    at->store = next(&total, a->store.bytes);
    at->put = next(&total, a->store.scratch);
    at->keys = next(&total, a->angles ? PUT_ROWS * at->head_stride * size : 0);
    at->q = next(&total, a->tile * at->head_stride * size);
    at->scores = next(&total, a->tile * at->scores_stride * size);
    at->context = next(&total, a->tile * at->head_stride * size);
    at->product = next(&total, lb_max(scores, context));
    at->bytes = total;
    return LOWBIT_OK;
}

static lowbit_status take(lb_blocks *memory, int64_t count, int64_t size, void **taken, lowbit_error *error) {
    *taken = lb_blocks_take(memory, (size_t)(count * size));
    LB_REQUIRE(*taken, error, LOWBIT_NO_MEMORY, "no memory for %lld bytes of attention", (long long)(count * size));
    return LOWBIT_OK;
}

static lowbit_status take_tables(lb_attention *a, lowbit_error *error) {
    const lb_attention_shape *s = &a->shape;
    const int64_t ones = lb_round_up(lb_max(a->tokens, s->head), LB_PANEL);
    void *taken;
    LB_TRY(take(&a->memory, ones, sizeof *a->ones, &taken, error));
    a->ones = taken;
    for (int64_t i = 0; i < ones; i++) a->ones[i] = 1;
    if (s->rope_base == 0) return LOWBIT_OK;
    LB_TRY(take(&a->memory, a->tokens * s->head, sizeof *a->angles, &taken, error));
    a->angles = taken;
    for (int64_t t = 0; t < a->tokens; t++) lb_rope_angles(s->rope_base, s->head, t, a->angles + t * s->head);
    return LOWBIT_OK;
}

static lowbit_status build(lb_attention *a, lowbit_wisdom *wisdom, lowbit_error *error) {
    const int64_t most = a->shape.causal ? CAUSAL_ROWS : TILE_ROWS;
    a->tile = lb_max(LEAST_ROWS, lb_min(most, SCORES / a->tokens));
    a->store = lb_store_layout_of(lb_format_of(kKinds[a->kind].format), a->shape.head, a->tokens);
    LB_TRY(take_tables(a, error));
    LB_TRY(plan(a, kKinds[a->kind].scores, a->tokens, a->shape.head, wisdom, &a->scores, error));
    LB_TRY(plan(a, kKinds[a->kind].context, a->shape.head, a->tokens, wisdom, &a->context, error));
    return place(a, error);
}

lowbit_status lb_attention_create(const lowbit_ctx *ctx, const lb_attention_shape *shape,
                                  const lb_attention_options *options, lb_attention **attention, lowbit_error *error) {
    LB_TRY(check(shape, options, error));
    lb_blocks memory = NULL;
    void *taken;
    LB_TRY(take(&memory, 1, sizeof(lb_attention), &taken, error));
    lb_attention *a = taken;
    *a =
        (lb_attention){.ctx = ctx, .shape = *shape, .kind = options->kind, .tokens = options->tokens, .memory = memory};
    const lowbit_status status = build(a, options->wisdom, error);
    if (status == LOWBIT_OK)
        *attention = a;
    else
        lb_attention_destroy(a);
    return status;
}

void lb_attention_destroy(lb_attention *attention) {
    if (!attention) return;
    lowbit_plan_destroy(attention->ctx, attention->scores);
    lowbit_plan_destroy(attention->ctx, attention->context);
    lb_blocks memory = attention->memory;
    lb_blocks_free(&memory);
}

int64_t lb_attention_workspace(const lb_attention *attention, size_t threads) {
    return attention->at.bytes * (int64_t)threads;
}

/* ---- caches ---- */

lowbit_status lb_attention_cache_create(const lb_attention *attention, lb_attention_cache **cache,
                                        lowbit_error *error) {
    lb_blocks memory = NULL;
    void *taken, *stores;
    LB_TRY(take(&memory, 1, sizeof(lb_attention_cache), &taken, error));
    lb_attention_cache *c = taken;
    *c = (lb_attention_cache){
        .layout = attention->store, .kv_heads = attention->shape.kv_heads, .kind = attention->kind, .memory = memory};
    const lowbit_status status = take(&c->memory, c->kv_heads, c->layout.bytes, &stores, error);
    if (status != LOWBIT_OK) {
        lb_attention_cache_destroy(c);
        return status;
    }
    c->stores = stores;
    *cache = c;
    return LOWBIT_OK;
}

void lb_attention_cache_destroy(lb_attention_cache *cache) {
    if (!cache) return;
    lb_blocks memory = cache->memory;
    lb_blocks_free(&memory);
}

int64_t lb_attention_cache_bytes(const lb_attention_cache *cache) { return cache->kv_heads * cache->layout.bytes; }

int64_t lb_attention_cache_length(const lb_attention_cache *cache) { return cache->length; }

lowbit_status lb_attention_cache_rewind(lb_attention_cache *cache, int64_t length, lowbit_error *error) {
    LB_REQUIRE(length >= 0 && length <= cache->length, error, LOWBIT_INVALID_ARGUMENT,
               "back to %lld tokens; there are %lld", (long long)length, (long long)cache->length);
    cache->length = length;
    return LOWBIT_OK;
}

/* ---- a run ---- */

typedef struct run {
    const lb_attention *attention;
    const lb_attention_call *call;
    const lb_isa_unit *unit;
    uint8_t *workspace;
} run;

/* One head of keys and values of one sequence, and the heads of q that it serves. */
typedef struct task {
    const run *r;
    const lb_attention *a;
    uint8_t *own, *store; /* the worker's scratch; keys and values */
    int64_t first, count; /* rows of the sequence */
    int64_t before;       /* tokens that were there already */
    int64_t kv_head, group;
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
    for (int64_t row = 0; row < t->count; row += PUT_ROWS) {
        const int64_t count = lb_min(PUT_ROWS, t->count - row), at = t->first + row;
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
    const lb_attention_call *call = t->r->call;
    for (int64_t i = row; i < row + rows; i++, q += a->at.head_stride) {
        const float *from = call->q + element_of(t, i, call->q_stride);
        for (int64_t e = 0; e < a->shape.head; e++) q[e] = from[e] * a->shape.scale;
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
    if (!kKinds[t->a->kind].softmax) return 1;
    return lb_softmax_exponentials(scores, n, lb_store_value_scales(&t->a->store, t->store));
}

static void attend(const task *t, int64_t row, int64_t rows) {
    const lb_attention *a = t->a;
    const lb_attention_call *call = t->r->call;
    const int64_t head = a->shape.head, stride = a->at.head_stride, width = seen(t, row + rows - 1);
    const lowbit_packed keys = lb_store_keys(&a->store, t->store, width, a->ones);
    const lowbit_packed values = lb_store_values(&a->store, t->store, width, a->ones);
    float *q = floats(t, a->at.q), *scores = floats(t, a->at.scores), *context = floats(t, a->at.context);
    float sums[TILE_ROWS];
    gather(t, row, rows, q);
    multiply(t, a->scores, &keys, 0, &(lowbit_matrix){q, rows, head, stride}, scores, a->at.scores_stride);
    for (int64_t i = 0; i < rows; i++) sums[i] = weigh(t, row + i, width, scores + i * a->at.scores_stride);
    multiply(t, a->context, &values, a->store.value_lines, &(lowbit_matrix){scores, rows, width, a->at.scores_stride},
             context, stride);
    for (int64_t i = 0; i < rows; i++) {
        float *out = call->out + element_of(t, row + i, call->out_stride);
        for (int64_t e = 0; e < head; e++) out[e] = context[i * stride + e] / sums[i];
    }
}

static void attention_task(void *arg, size_t i, size_t worker) {
    const run *r = arg;
    const lb_attention *a = r->attention;
    const lb_attention_call *call = r->call;
    const int64_t s = (int64_t)i / a->shape.kv_heads;
    task t = {.r = r,
              .a = a,
              .own = r->workspace + (int64_t)worker * a->at.bytes,
              .first = call->first[s],
              .count = call->first[s + 1] - call->first[s],
              .kv_head = (int64_t)i % a->shape.kv_heads,
              .group = a->shape.heads / a->shape.kv_heads};
    t.store = t.own + a->at.store;
    if (call->caches) {
        t.before = call->caches[s]->length;
        t.store = call->caches[s]->stores + t.kv_head * a->store.bytes;
    }
    put(&t);
    const int64_t all = t.count * t.group;
    for (int64_t row = 0; row < all; row += a->tile) attend(&t, row, lb_min(a->tile, all - row));
}

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
    run r = {attention, call, lb_unit_best(attention->ctx), workspace};
    lb_parallel_for(pool, (size_t)(call->sequences * attention->shape.kv_heads), attention_task, &r);
    for (int64_t s = 0; call->caches && s < call->sequences; s++)
        call->caches[s]->length += call->first[s + 1] - call->first[s];
    return LOWBIT_OK;
}
