/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/session.h"

#include <string.h>

#include "kernels/base/base.h"
#include "kernels/base/pool.h"
#include "nn/arena.h"
#include "nn/ops.h"
#include "nn/types.h"

/* One thing that a run does: a convolution, another layer, or the same value once more as floats for a reader that
 * takes no codes. */
typedef struct step {
    lb_value v; /* of the graph */
    lb_op op;   /* what it reads and writes; of convolutions x and second too. Data are filled in when placed */
    int32_t x, second, y; /* the buffers, or -1; the input of the network is that of the caller, buffer 0 */
    lowbit_conv2d_plan *plan;
} step;

struct lb_session {
    const lowbit_ctx *ctx;
    const lb_net *net;
    const lowbit_pool *pool;
    int64_t batch;
    step *steps; /* at most two for each value */
    int64_t step_count;
    lb_buffer *buffers; /* the same number */
    lb_span *spans;
    int32_t buffer_count;
    int32_t *as_is, *as_floats; /* of each value: its buffer, and that of its floats; -1 = none yet */
    uint8_t *arena;
    void *workspace;
    int64_t arena_bytes, workspace_bytes;
    lb_blocks memory;
};

/* ---- what is to be done ---- */

static int32_t add_buffer(lb_session *s, lb_value v, uint32_t type) {
    const lb_net *net = s->net;
    lb_buffer *b = &s->buffers[s->buffer_count];
    *b = (lb_buffer){
        .type = type, .shape = net->graph.nodes[v].shape, .scale = net->ranges[v].scale, .zero = net->ranges[v].zero};
    s->spans[s->buffer_count] = (lb_span){.bytes = s->batch * lb_shape_elements(b->shape) * lb_value_bytes(type),
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
    step *made = &s->steps[s->step_count];
    s->as_floats[v] = add_buffer(s, v, LB_VALUE_F32);
    *made = (step){.v = LB_NO_VALUE, .op.node = &kConvert, .x = reads(s, own), .second = -1, .y = s->as_floats[v]};
    s->step_count++;
    return s->as_floats[v];
}

static bool residual_is_codes(const lb_layer *layer) { return layer->requant.multipliers != NULL; }

static void add_step(lb_session *s, lb_value v) {
    const lb_net *net = s->net;
    const lb_node *node = &net->graph.nodes[v];
    step made = {.v = v, .op.node = node, .x = -1, .second = -1};
    int32_t x = node->x >= 0 ? s->as_is[node->x] : -1, second = node->second >= 0 ? s->as_is[node->second] : -1;
    if (node->op == LB_OP_CONV) {
        const lb_layer *layer = &net->layers[v];
        const lowbit_problem *p = &layer->conv.product;
        const bool codes = p->static_scale || lb_value_is_bits(&net->graph, node->x, p->activations);
        if (!codes) x = floats_of(s, node->x);
        if (second >= 0 && !residual_is_codes(layer)) second = floats_of(s, node->second);
    } else if (node->op == LB_OP_STEPS && s->buffers[x].type == LB_VALUE_S32) {
        made.op.thresholds = net->layers[node->x].thresholds;
    }
    made.x = reads(s, x);
    made.second = reads(s, second);
    made.y = s->as_is[v] = add_buffer(s, v, net->types[v]);
    s->steps[s->step_count++] = made;
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
    for (int64_t v = 0; v < most; v++) s->as_is[v] = -1;
    return LOWBIT_OK;
}

/* Points the steps at their buffers in the arena. That of the input is the caller's, and known in a run. */
static lowbit_status place(lb_session *s, lowbit_error *error) {
    void *memory;
    LB_TRY(take(s, s->buffer_count * (int64_t)sizeof(int64_t), &memory, error));
    s->spans[0].bytes = 0;
    s->arena_bytes = lb_arena_place(s->spans, s->buffer_count, memory);
    LB_TRY(take(s, lb_max(s->arena_bytes, 1), &memory, error));
    s->arena = memory;
    for (int32_t b = 0; b < s->buffer_count; b++) s->buffers[b].data = s->arena + s->spans[b].offset;
    for (int64_t i = 0; i < s->step_count; i++) {
        step *at = &s->steps[i];
        if (at->x >= 0) at->op.x = s->buffers[at->x];
        if (at->second >= 0) at->op.second = s->buffers[at->second];
        at->op.y = s->buffers[at->y];
    }
    return LOWBIT_OK;
}

static lowbit_status plan_steps(lb_session *s, lowbit_wisdom *wisdom, lowbit_error *error) {
    lowbit_plan_options options = LOWBIT_PLAN_OPTIONS_INIT;
    options.threads = (uint32_t)lb_pool_threads(s->pool);
    options.wisdom = wisdom;
    options.pool = s->pool;
    for (int64_t i = 0; i < s->step_count; i++) {
        step *at = &s->steps[i];
        if (at->op.node->op != LB_OP_CONV) continue;
        int64_t bytes;
        lowbit_conv2d conv = s->net->layers[at->v].conv;
        conv.batch = s->batch;
        LB_TRY(lowbit_conv2d_plan_create(s->ctx, &conv, &options, &at->plan, error));
        LB_TRY(lowbit_conv2d_workspace_size(at->plan, s->batch, (uint32_t)lb_pool_threads(s->pool), &bytes, error));
        s->workspace_bytes = lb_max(s->workspace_bytes, bytes);
    }
    return take(s, lb_max(s->workspace_bytes, 1), &s->workspace, error);
}

static lowbit_status build(lb_session *s, lowbit_wisdom *wisdom, lowbit_error *error) {
    const lb_graph *graph = &s->net->graph;
    LB_TRY(take_lists(s, error));
    for (lb_value v = 0; v < graph->count; v++)
        if (graph->nodes[v].op == LB_OP_INPUT)
            s->as_is[v] = add_buffer(s, v, LB_VALUE_F32);
        else if (graph->nodes[v].op != LB_OP_NONE)
            add_step(s, v);
    reads(s, floats_of(s, (lb_value)graph->count - 1));
    LB_TRY(place(s, error));
    return plan_steps(s, wisdom, error);
}

lowbit_status lb_session_create(const lowbit_ctx *ctx, const lb_net *net, const lb_session_options *options,
                                lb_session **session, lowbit_error *error) {
    LB_REQUIRE(options->batch >= 1, error, LOWBIT_INVALID_ARGUMENT, "a batch of %lld images",
               (long long)options->batch);
    lb_blocks memory = NULL;
    lb_session *s = lb_blocks_take(&memory, sizeof *s);
    LB_REQUIRE(s, error, LOWBIT_NO_MEMORY, "no memory for a session");
    *s = (lb_session){.ctx = ctx, .net = net, .pool = options->pool, .batch = options->batch, .memory = memory};
    const lowbit_status status = build(s, options->wisdom, error);
    if (status == LOWBIT_OK)
        *session = s;
    else
        lb_session_destroy(s);
    return status;
}

void lb_session_destroy(lb_session *session) {
    if (!session) return;
    for (int64_t i = 0; i < session->step_count; i++) lowbit_conv2d_plan_destroy(session->ctx, session->steps[i].plan);
    lb_blocks memory = session->memory;
    lb_blocks_free(&memory);
}

int64_t lb_session_bytes(const lb_session *session) { return session->arena_bytes + session->workspace_bytes; }

/* ---- a run ---- */

static lowbit_status run_conv(const lb_session *s, const step *at, const lb_op *op, int64_t batch,
                              lowbit_error *error) {
    const lb_layer *layer = &s->net->layers[at->v];
    const lb_range range = s->net->ranges[op->node->x];
    const bool codes = op->x.type == LB_VALUE_S8;
    const lowbit_problem *p = &layer->conv.product;
    const lowbit_requant *requant = &layer->requant;
    lowbit_requant own = *requant;
    if (residual_is_codes(layer)) own.residual = op->second.data;
    const lowbit_conv2d_args args = {.struct_size = sizeof args,
                                     .weights = layer->packed,
                                     .batch = batch,
                                     .a = codes ? NULL : op->x.data,
                                     .codes = codes ? op->x.data : NULL,
                                     .a_scale = p->static_scale ? range.scale : 0,
                                     .a_zero = p->static_scale ? range.zero : 0,
                                     .column_sums = layer->column_sums,
                                     .tap_sums = layer->tap_sums,
                                     .bias = p->bias && !requant->multipliers ? op->node->bias : NULL,
                                     .residual = residual_is_codes(layer) ? NULL : op->second.data,
                                     .requant = p->out == LOWBIT_OUT_S8 ? &own : NULL,
                                     .out = op->y.data,
                                     .out_stride = op->y.shape.channels};
    return lowbit_conv2d_run(at->plan, &args, s->workspace, s->workspace_bytes, s->pool, error);
}

/* Rows of a layer that are one task: some thousand elements, below which a fork costs more than it saves. */
enum { TASK_ELEMENTS = 1 << 14 };

typedef struct cover {
    const lb_op *op;
    lb_op_rows run;
    int64_t rows, each;
} cover;

static void op_task(void *arg, size_t i, size_t worker) {
    (void)worker;
    const cover *all = arg;
    const int64_t first = (int64_t)i * all->each;
    all->run(all->op, first, lb_min(all->rows, first + all->each));
}

static void run_op(const lb_session *s, const lb_op *op, int64_t batch) {
    const lb_shape shape = op->y.shape;
    const lb_op_rows rows = op->node->op == LB_OP_NONE ? lb_pointwise_rows : lb_op_rows_of(op->node->op);
    cover all = {op, rows, batch * shape.height, lb_max(1, TASK_ELEMENTS / (shape.width * shape.channels))};
    lb_parallel_for(s->pool, (size_t)lb_div_up(all.rows, all.each), op_task, &all);
}

lowbit_status lb_session_run(lb_session *session, const float *input, int64_t batch, float *output, lb_session_see see,
                             void *user, lowbit_error *error) {
    LB_REQUIRE(batch >= 1 && batch <= session->batch, error, LOWBIT_INVALID_ARGUMENT,
               "%lld images; the session is for 1 to %lld", (long long)batch, (long long)session->batch);
    session->buffers[0].data = (void *)(uintptr_t)input;
    if (see) see(user, 0, &session->buffers[0], batch);
    const lb_buffer *last = &session->buffers[0];
    for (int64_t i = 0; i < session->step_count; i++) {
        const step *at = &session->steps[i];
        lb_op op = at->op;
        if (at->x == 0) op.x.data = (void *)(uintptr_t)input;
        if (at->second == 0) op.second.data = (void *)(uintptr_t)input;
        if (op.node->op == LB_OP_CONV)
            LB_TRY(run_conv(session, at, &op, batch, error));
        else
            run_op(session, &op, batch);
        if (see && at->v != LB_NO_VALUE) see(user, at->v, &op.y, batch);
        last = &at->op.y;
    }
    memcpy(output, last->data, (size_t)(batch * lb_shape_elements(last->shape)) * sizeof *output);
    return LOWBIT_OK;
}

int64_t lb_session_steps(const lb_session *session) { return session->step_count; }

lowbit_status lb_session_describe(const lb_session *session, int64_t step_index, lb_value *v, lowbit_plan_info *info,
                                  lowbit_error *error) {
    const step *at = &session->steps[step_index];
    *v = at->v;
    info->kernel[0] = 0;
    return at->plan ? lowbit_conv2d_plan_describe(at->plan, session->batch, info, error) : LOWBIT_OK;
}
