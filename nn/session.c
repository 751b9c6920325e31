/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions in the making: what is to be done, where values lie, how products are computed. */
#include "kernels/base/base.h"
#include "kernels/base/pool.h"
#include "kernels/ukernels.h"
#include "nn/session_parts.h"
#include "nn/types.h"

/* ---- what is to be done ---- */

static int32_t add_buffer(lb_session *s, lb_value v, uint32_t type) {
    const lb_net *net = s->net;
    lb_buffer *b = &s->buffers[s->buffer_count];
    *b = (lb_buffer){.type = type,
                     .shape = net->graph.nodes[v].shape,
                     .scale = net->ranges[v].scale,
                     .zero = net->ranges[v].zero,
                     .quantize = lb_unit_best(s->ctx)->quantize_row};
    const int64_t most = lb_step_most(s, net->graph.nodes[v].by_token);
    s->spans[s->buffer_count] = (lb_span){.bytes = most * lb_shape_elements(b->shape) * lb_value_bytes(type),
                                          .first = s->step_count,
                                          .last = s->step_count};
    return s->buffer_count++;
}

/* The step at hand reads a buffer. */
static int32_t reads(lb_session *s, int32_t buffer) {
    if (buffer >= 0) s->spans[buffer].last = s->step_count;
    return buffer;
}

/* The value as floats: its own buffer, or a step that makes one. */
static int32_t floats_of(lb_session *s, lb_value v) {
    const int32_t own = s->as_is[v];
    if (s->buffers[own].type == LB_VALUE_F32) return own;
    if (s->as_floats[v] >= 0) return s->as_floats[v];
    static const lb_node kConvert = {.op = LB_OP_NONE, .name = ""};
    lb_step *made = &s->steps[s->step_count];
    s->as_floats[v] = add_buffer(s, v, LB_VALUE_F32);
    *made = (lb_step){.v = LB_NO_VALUE,
                      .op.node = &kConvert,
                      .x = reads(s, own),
                      .second = -1,
                      .third = -1,
                      .y = s->as_floats[v],
                      .by_token = s->net->graph.nodes[v].by_token};
    s->step_count++;
    return s->as_floats[v];
}

static void add_step(lb_session *s, lb_value v) {
    const lb_net *net = s->net;
    const lb_node *node = &net->graph.nodes[v];
    lb_step made = {.v = v, .op.node = node, .by_token = node->by_token};
    int32_t x = s->as_is[node->x], second = node->second >= 0 ? s->as_is[node->second] : -1, third = -1;
    if (node->op == LB_OP_CONV) {
        const lb_layer *layer = &net->layers[v];
        const lowbit_problem *p = &layer->conv.product;
        const bool codes = p->static_scale || lb_value_is_bits(&net->graph, node->x, p->activations);
        if (!codes) x = floats_of(s, node->x);
        if (second >= 0 && !lb_residual_is_codes(layer)) second = floats_of(s, node->second);
    } else if (node->op == LB_OP_STEPS && s->buffers[x].type == LB_VALUE_S32) {
        made.op.thresholds = net->layers[node->x].thresholds;
    } else if (node->op == LB_OP_ATTENTION) {
        x = floats_of(s, node->x);
        second = floats_of(s, node->second);
        third = floats_of(s, node->third);
    } else if (node->op == LB_OP_EMBED) {
        made.op.table = &net->layers[v].table;
    }
    if (net->graph.nodes[node->x].by_token) made.op.texts = &s->texts;
    made.x = reads(s, x);
    made.second = reads(s, second);
    made.third = reads(s, third);
    made.y = s->as_is[v] = add_buffer(s, v, net->types[v]);
    s->steps[s->step_count++] = made;
}

/* The same elements as those of x, in another shape. */
static void add_alias(lb_session *s, lb_value v) {
    const lb_value x = s->net->graph.nodes[v].x;
    s->as_is[v] = s->as_is[x];
    s->as_floats[v] = s->as_floats[x];
}

/* ---- memory ---- */

static lowbit_status take(lb_session *s, int64_t bytes, void **memory, lowbit_error *error) {
    return lb_blocks_need(&s->memory, bytes, "a session", memory, error);
}

static lowbit_status take_lists(lb_session *s, lowbit_error *error) {
    const int64_t count = s->net->graph.count, most = 2 * count;
    void *steps, *buffers, *spans, *values;
    LB_TRY(take(s, most * (int64_t)sizeof *s->steps, &steps, error));
    LB_TRY(take(s, most * (int64_t)sizeof *s->buffers, &buffers, error));
    LB_TRY(take(s, most * (int64_t)sizeof *s->spans, &spans, error));
    LB_TRY(take(s, most * (int64_t)sizeof *s->as_is, &values, error));
    s->steps = steps;
    s->buffers = buffers;
    s->spans = spans;
    s->as_is = values;
    s->as_floats = s->as_is + count;
    LB_TRY(take(s, (s->batch + 1) * (int64_t)sizeof *s->starts, &values, error));
    s->starts = values;
    LB_TRY(take(s, s->tokens * (int64_t)sizeof *s->texts_at, &values, error));
    s->texts_at = values;
    s->texts = (lb_texts){s->starts, s->texts_at};
    for (int64_t v = 0; v < most; v++) s->as_is[v] = -1;
    return LOWBIT_OK;
}

/* Points the steps at their buffers in the arena. That of the input is the caller's, and known in a run. */
static lowbit_status place(lb_session *s, lowbit_error *error) {
    const lb_node *nodes = s->net->graph.nodes;
    void *memory;
    LB_TRY(take(s, s->buffer_count * (int64_t)sizeof(int64_t), &memory, error));
    s->spans[0].bytes = 0;
    s->arena_bytes = lb_arena_place(s->spans, s->buffer_count, memory);
    LB_TRY(take(s, lb_max(s->arena_bytes, 1), &memory, error));
    s->arena = memory;
    for (int32_t b = 0; b < s->buffer_count; b++) s->buffers[b].data = s->arena + s->spans[b].offset;
    for (int64_t i = 0; i < s->step_count; i++) {
        lb_step *at = &s->steps[i];
        if (at->x >= 0) at->op.x = s->buffers[at->x];
        if (at->second >= 0) at->op.second = s->buffers[at->second];
        if (at->third >= 0) at->op.third = s->buffers[at->third];
        at->op.y = s->buffers[at->y];
        if (at->v != LB_NO_VALUE) at->op.x.shape = nodes[at->op.node->x].shape; /* that of an alias is another */
    }
    return LOWBIT_OK;
}

/* ---- plans ---- */

static lowbit_status plan_conv(lb_session *s, lb_step *at, lowbit_wisdom *wisdom, lowbit_error *error) {
    lowbit_plan_options options = LOWBIT_PLAN_OPTIONS_INIT;
    lowbit_conv2d conv = s->net->layers[at->v].conv;
    int64_t bytes;
    options.threads = (uint32_t)lb_pool_threads(s->pool);
    options.wisdom = wisdom;
    options.pool = s->pool;
    conv.batch = lb_step_most(s, at->by_token);
    LB_TRY(lowbit_conv2d_plan_create(s->ctx, &conv, &options, &at->plan, error));
    LB_TRY(lowbit_conv2d_workspace_size(at->plan, conv.batch, options.threads, &bytes, error));
    s->workspace_bytes = lb_max(s->workspace_bytes, bytes);
    return LOWBIT_OK;
}

/* Images are sequences of one length; texts are where a run says. */
static lowbit_status place_sequences(lb_session *s, lb_step *at, lowbit_error *error) {
    void *memory;
    at->first = s->starts;
    if (at->by_token) return LOWBIT_OK;
    LB_TRY(take(s, (s->batch + 1) * (int64_t)sizeof *at->first, &memory, error));
    int64_t *first = memory;
    for (int64_t i = 0; i <= s->batch; i++) first[i] = i * at->op.node->shape.width;
    at->first = first;
    return LOWBIT_OK;
}

static lowbit_status plan_attention(lb_session *s, lb_step *at, lowbit_wisdom *wisdom, lowbit_error *error) {
    const bool remembers = at->by_token && s->positions > 0;
    const int64_t tokens = !at->by_token ? at->op.node->shape.width : remembers ? s->positions : s->tokens;
    const lb_attention_options options = {s->net->layers[at->v].attention, tokens, wisdom};
    LB_TRY(place_sequences(s, at, error));
    LB_TRY(lb_attention_create(s->ctx, &at->op.node->attention, &options, &at->attention, error));
    s->workspace_bytes = lb_max(s->workspace_bytes, lb_attention_workspace(at->attention, lb_pool_threads(s->pool)));
    if (!remembers) return LOWBIT_OK;
    LB_TRY(lb_attention_cache_create(at->attention, &at->cache, error));
    s->cache_bytes += lb_attention_cache_bytes(at->cache);
    return LOWBIT_OK;
}

static lowbit_status plan_steps(lb_session *s, lowbit_wisdom *wisdom, lowbit_error *error) {
    for (int64_t i = 0; i < s->step_count; i++) {
        lb_step *at = &s->steps[i];
        if (at->op.node->op == LB_OP_CONV) LB_TRY(plan_conv(s, at, wisdom, error));
        if (at->op.node->op == LB_OP_ATTENTION) LB_TRY(plan_attention(s, at, wisdom, error));
    }
    return take(s, lb_max(s->workspace_bytes, 1), &s->workspace, error);
}

static lowbit_status build(lb_session *s, lowbit_wisdom *wisdom, lowbit_error *error) {
    const lb_graph *graph = &s->net->graph;
    LB_TRY(take_lists(s, error));
    for (lb_value v = 0; v < graph->count; v++)
        if (graph->nodes[v].op == LB_OP_INPUT)
            s->as_is[v] = add_buffer(s, v, LB_VALUE_F32);
        else if (graph->nodes[v].op == LB_OP_TOKENS)
            add_alias(s, v);
        else if (graph->nodes[v].op != LB_OP_NONE)
            add_step(s, v);
    s->output = reads(s, floats_of(s, (lb_value)graph->count - 1));
    LB_TRY(place(s, error));
    return plan_steps(s, wisdom, error);
}

/* Refuses to remember for layers that look at tokens which come later, or have gone by. */
static lowbit_status check_memory(const lb_graph *graph, lowbit_error *error) {
    for (int64_t v = 0; v < graph->count; v++) {
        const lb_node *node = &graph->nodes[v];
        const bool ahead = node->op == LB_OP_ATTENTION && !node->attention.causal;
        const bool whole = node->op == LB_OP_TAKE_FIRST || node->op == LB_OP_TAKE_MEAN;
        LB_REQUIRE(!ahead && !whole, error, LOWBIT_UNSUPPORTED,
                   "value %lld (%s) is of whole texts, and a session that remembers has parts", (long long)v,
                   node->name);
    }
    return LOWBIT_OK;
}

lowbit_status lb_session_create(const lowbit_ctx *ctx, const lb_net *net, const lb_session_options *options,
                                lb_session **session, lowbit_error *error) {
    const bool texts = net->graph.nodes[0].by_token;
    LB_REQUIRE(options->batch >= 1 && options->batch <= LB_VALUE_ELEMENTS, error, LOWBIT_INVALID_ARGUMENT,
               "a batch of %lld images or texts", (long long)options->batch);
    LB_REQUIRE(!texts || (options->tokens >= options->batch && options->tokens <= LB_VALUE_ELEMENTS), error,
               LOWBIT_INVALID_ARGUMENT, "%lld tokens for %lld texts", (long long)options->tokens,
               (long long)options->batch);
    LB_REQUIRE(options->positions >= 0 && options->positions <= LB_VALUE_ELEMENTS &&
                   (options->positions == 0 || (texts && options->batch == 1)),
               error, LOWBIT_INVALID_ARGUMENT, "%lld positions to remember, in a batch of %lld: one text can be",
               (long long)options->positions, (long long)options->batch);
    if (options->positions > 0) LB_TRY(check_memory(&net->graph, error));
    lb_blocks memory = NULL;
    lb_session *s = lb_blocks_take(&memory, sizeof *s);
    LB_REQUIRE(s, error, LOWBIT_NO_MEMORY, "no memory for a session");
    *s = (lb_session){.ctx = ctx,
                      .net = net,
                      .pool = options->pool,
                      .batch = options->batch,
                      .tokens = texts ? options->tokens : 0,
                      .positions = options->positions,
                      .memory = memory};
    const lowbit_status status = build(s, options->wisdom, error);
    if (status == LOWBIT_OK)
        *session = s;
    else
        lb_session_destroy(s);
    return status;
}

void lb_session_destroy(lb_session *session) {
    if (!session) return;
    for (int64_t i = 0; i < session->step_count; i++) {
        lowbit_conv2d_plan_destroy(session->ctx, session->steps[i].plan);
        lb_attention_cache_destroy(session->steps[i].cache);
        lb_attention_destroy(session->steps[i].attention);
    }
    lb_blocks memory = session->memory;
    lb_blocks_free(&memory);
}

int64_t lb_session_bytes(const lb_session *session) {
    return session->arena_bytes + session->workspace_bytes + session->cache_bytes;
}
