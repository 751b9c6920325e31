/* SPDX-License-Identifier: Apache-2.0 */
/* Attention, planned: its products, its tables, and where things lie in the scratch of a worker. */
#include "nn/attention_plan.h"

#include <math.h>

#include "kernels/rows.h"
#include "nn/rope.h"

/* By LB_ATTENTION_*. */
static const lb_attention_kind kKinds[LB_ATTENTION_KINDS] = {
    [LB_ATTENTION_F32] = {LOWBIT_F32, LOWBIT_AF32, LOWBIT_AF32, true},
    [LB_ATTENTION_I8] = {LOWBIT_I8, LOWBIT_A8, LOWBIT_A8, true},
    [LB_ATTENTION_B1] = {LOWBIT_B1, LOWBIT_A1, LOWBIT_U1, false}};

static const char kWhat[] = "attention";

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
                                    .m = LB_ATTENTION_ROWS,
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

/* A tile is blocks of so many rows, which those of kernels divide. Its scores stay in the L2 cache. */
enum { BLOCK_ROWS = 12, SCORES = 1 << 16 };

lb_attention_tile lb_attention_tile_of(int64_t tokens) {
    const int64_t blocks = lb_min(LB_ATTENTION_ROWS, SCORES / tokens) / BLOCK_ROWS;
    return (lb_attention_tile){lb_max(1, blocks) * BLOCK_ROWS, row_stride(tokens)};
}

/* Elements of the largest tile: of so many rows each, that of the most tokens. */
static int64_t scores_most(int64_t tokens) {
    int64_t most = BLOCK_ROWS * row_stride(tokens);
    for (int64_t rows = BLOCK_ROWS; rows <= LB_ATTENTION_ROWS; rows += BLOCK_ROWS)
        most = lb_max(most, rows * row_stride(lb_min(tokens, SCORES / rows)));
    return most;
}

static lowbit_status place(lb_attention *a, lowbit_error *error) {
    int64_t scores, context, total = 0;
    const int64_t size = (int64_t)sizeof(float);
    LB_TRY(lowbit_workspace_size(a->scores, LB_ATTENTION_ROWS, &scores, error));
    LB_TRY(lowbit_workspace_size(a->context, LB_ATTENTION_ROWS, &context, error));
    lb_attention_places *at = &a->at;
    at->head_stride = row_stride(a->shape.head);
    at->store = next(&total, a->store.bytes);
    at->put = next(&total, a->store.scratch);
    at->keys = next(&total, a->angles ? LB_ATTENTION_KEYS * at->head_stride * size : 0);
    at->q = next(&total, LB_ATTENTION_ROWS * at->head_stride * size);
    at->scores = next(&total, scores_most(a->tokens) * size);
    at->context = next(&total, LB_ATTENTION_ROWS * at->head_stride * size);
    at->product = next(&total, lb_max(scores, context));
    at->bytes = total;
    return LOWBIT_OK;
}

static lowbit_status take_tables(lb_attention *a, lowbit_error *error) {
    const lb_attention_shape *s = &a->shape;
    const int64_t ones = lb_round_up(lb_max(a->tokens, s->head), LB_PANEL);
    void *taken;
    LB_TRY(lb_blocks_need(&a->memory, ones * (int64_t)sizeof *a->ones, kWhat, &taken, error));
    a->ones = taken;
    for (int64_t i = 0; i < ones; i++) a->ones[i] = 1;
    if (s->rope_base == 0) return LOWBIT_OK;
    LB_TRY(lb_blocks_need(&a->memory, a->tokens * s->head * (int64_t)sizeof *a->angles, kWhat, &taken, error));
    a->angles = taken;
    for (int64_t t = 0; t < a->tokens; t++) lb_rope_angles(s->rope_base, s->head, t, a->angles + t * s->head);
    return LOWBIT_OK;
}

static lowbit_status build(lb_attention *a, lowbit_wisdom *wisdom, lowbit_error *error) {
    a->store = lb_store_layout_of(lb_format_of(a->rule.format), a->shape.head, a->tokens);
    LB_TRY(take_tables(a, error));
    LB_TRY(plan(a, a->rule.scores, a->tokens, a->shape.head, wisdom, &a->scores, error));
    LB_TRY(plan(a, a->rule.context, a->shape.head, a->tokens, wisdom, &a->context, error));
    return place(a, error);
}

lowbit_status lb_attention_create(const lowbit_ctx *ctx, const lb_attention_shape *shape,
                                  const lb_attention_options *options, lb_attention **attention, lowbit_error *error) {
    LB_TRY(check(shape, options, error));
    lb_blocks memory = NULL;
    void *taken;
    LB_TRY(lb_blocks_need(&memory, (int64_t)sizeof(lb_attention), kWhat, &taken, error));
    lb_attention *a = taken;
    *a = (lb_attention){.ctx = ctx,
                        .shape = *shape,
                        .kind = options->kind,
                        .rule = kKinds[options->kind],
                        .tokens = options->tokens,
                        .memory = memory};
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
