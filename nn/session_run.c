/* SPDX-License-Identifier: Apache-2.0 */
/* Runs of a session. */
#include <string.h>

#include "kernels/base/base.h"
#include "kernels/base/pool.h"
#include "nn/session_parts.h"

/* ---- input ---- */

/* Whether a number of a table's row is one. */
static bool is_row(float id, const lb_node *embed) {
    return id >= 0 && id < (float)embed->count && id == (float)(int64_t)id;
}

static lowbit_status check_ids(const lb_node *embed, const float *data, int64_t rows, lowbit_error *error) {
    enum { COLUMNS = 2 };
    for (int64_t i = 0; i < rows; i++) {
        const float id = data[i * COLUMNS + embed->first];
        LB_REQUIRE(is_row(id, embed), error, LOWBIT_INVALID_ARGUMENT,
                   "token %lld of the run has the number %g, and \"%.64s\" has rows 0 to %lld", (long long)i,
                   (double)id, embed->name, (long long)embed->count - 1);
    }
    return LOWBIT_OK;
}

/* Everything about texts that a layer could find wrong, before anything is computed. */
static lowbit_status check_texts(const lb_session *s, const lb_run_input *input, int64_t rows, int64_t longest,
                                 lowbit_error *error) {
    const lb_graph *graph = &s->net->graph;
    for (int64_t v = 0; v < graph->count; v++) {
        const lb_node *node = &graph->nodes[v];
        if (node->op == LB_OP_EMBED) LB_TRY(check_ids(node, input->data, rows, error));
        if (node->op == LB_OP_POSITIONS && node->by_token)
            LB_REQUIRE(longest <= node->count - node->first, error, LOWBIT_INVALID_ARGUMENT,
                       "a text of %lld tokens, and \"%.64s\" has %lld positions", (long long)longest, node->name,
                       (long long)(node->count - node->first));
    }
    return LOWBIT_OK;
}

/* Where the texts begin, and how far each token is from there; the number of rows. */
static lowbit_status lay_out(lb_session *s, const lb_run_input *input, int64_t *rows, int64_t *longest,
                             lowbit_error *error) {
    LB_REQUIRE(input->lengths, error, LOWBIT_INVALID_ARGUMENT, "the network reads texts, whose lengths are not given");
    *rows = *longest = 0;
    for (int64_t i = 0; i < input->sequences; i++) {
        const int64_t length = input->lengths[i];
        LB_REQUIRE(length >= 1 && length <= s->tokens - *rows, error, LOWBIT_INVALID_ARGUMENT,
                   "text %lld of %lld tokens; the session is for 1 to %lld of all texts", (long long)i,
                   (long long)length, (long long)s->tokens);
        LB_REQUIRE(s->positions == 0 || length <= s->positions - s->position, error, LOWBIT_INVALID_ARGUMENT,
                   "%lld tokens behind %lld; the session remembers %lld", (long long)length, (long long)s->position,
                   (long long)s->positions);
        s->starts[i] = *rows;
        for (int64_t t = 0; t < length; t++) s->texts_at[*rows + t] = s->position + t;
        *rows += length;
        *longest = lb_max(*longest, s->position + length);
    }
    s->starts[input->sequences] = *rows;
    return LOWBIT_OK;
}

static lowbit_status take_input(lb_session *s, const lb_run_input *input, int64_t *rows, lowbit_error *error) {
    int64_t longest;
    LB_REQUIRE(input->sequences >= 1 && input->sequences <= s->batch, error, LOWBIT_INVALID_ARGUMENT,
               "%lld images or texts; the session is for 1 to %lld", (long long)input->sequences, (long long)s->batch);
    *rows = 0;
    if (!s->net->graph.nodes[0].by_token) return LOWBIT_OK;
    LB_TRY(lay_out(s, input, rows, &longest, error));
    return check_texts(s, input, *rows, longest, error);
}

/* ---- layers ---- */

static lowbit_status run_conv(const lb_session *s, const lb_step *at, const lb_op *op, int64_t batch,
                              lowbit_error *error) {
    const lb_layer *layer = &s->net->layers[at->v];
    const lb_range range = s->net->ranges[op->node->x];
    const bool codes = op->x.type == LB_VALUE_S8;
    const lowbit_problem *p = &layer->conv.product;
    const lowbit_requant *requant = &layer->requant;
    lowbit_requant own = *requant;
    if (lb_residual_is_codes(layer)) own.residual = op->second.data;
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
                                     .residual = lb_residual_is_codes(layer) ? NULL : op->second.data,
                                     .requant = p->out == LOWBIT_OUT_S8 ? &own : NULL,
                                     .out = op->y.data,
                                     .out_stride = op->y.shape.channels};
    return lowbit_conv2d_run(at->plan, &args, s->workspace, s->workspace_bytes, s->pool, error);
}

static lowbit_status run_attention(const lb_session *s, const lb_step *at, const lb_op *op, int64_t sequences,
                                   lowbit_error *error) {
    const lb_attention_call call = {.q = op->x.data,
                                    .k = op->second.data,
                                    .v = op->third.data,
                                    .q_stride = op->x.shape.channels,
                                    .k_stride = op->second.shape.channels,
                                    .v_stride = op->third.shape.channels,
                                    .out = op->y.data,
                                    .out_stride = op->y.shape.channels,
                                    .sequences = sequences,
                                    .first = at->first,
                                    .caches = at->cache ? &at->cache : NULL};
    return lb_attention_run(at->attention, &call, s->workspace, s->workspace_bytes, s->pool, error);
}

/* Elements of a layer that are one task: some thousand, below which a fork costs more than it saves. */
enum { TASK_ELEMENTS = 1 << 14 };

typedef struct cover {
    const lb_op *op;
    lb_op_run run;
    int64_t count, each; /* rows or pixels: in all, and of a task */
} cover;

static void op_task(void *arg, size_t i, size_t worker) {
    (void)worker;
    const cover *all = arg;
    const int64_t first = (int64_t)i * all->each;
    all->run(all->op, first, lb_min(all->count, first + all->each));
}

static void run_op(const lb_session *s, const lb_op *op, int64_t batch) {
    const lb_shape shape = op->y.shape;
    const lb_op_kind *kind = lb_op_kind_of(op->node->op);
    const int64_t width = kind->pixels ? 1 : shape.width, parts = kind->pixels ? shape.width : 1;
    cover all = {op, kind->run, batch * shape.height * parts, lb_max(1, TASK_ELEMENTS / (width * shape.channels))};
    lb_parallel_for(s->pool, (size_t)lb_div_up(all.count, all.each), op_task, &all);
}

/* What a step reads and writes in this run: the caller's input in place of buffer 0. */
static lb_op op_of(const lb_step *at, const lb_run_input *input) {
    lb_op op = at->op;
    void *data = (void *)(uintptr_t)input->data;
    if (at->x == 0) op.x.data = data;
    if (at->second == 0) op.second.data = data;
    if (at->third == 0) op.third.data = data;
    return op;
}

static lowbit_status run_steps(lb_session *s, const lb_run_input *input, int64_t rows, lb_session_see see, void *user,
                               lowbit_error *error) {
    for (int64_t i = 0; i < s->step_count; i++) {
        const lb_step *at = &s->steps[i];
        const lb_op op = op_of(at, input);
        const int64_t batch = at->by_token ? rows : input->sequences;
        if (op.node->op == LB_OP_CONV)
            LB_TRY(run_conv(s, at, &op, batch, error));
        else if (op.node->op == LB_OP_ATTENTION)
            LB_TRY(run_attention(s, at, &op, input->sequences, error));
        else
            run_op(s, &op, batch);
        if (see && at->v != LB_NO_VALUE) see(user, at->v, &op.y, batch);
    }
    return LOWBIT_OK;
}

static void forget(lb_session *s, int64_t position) {
    for (int64_t i = 0; i < s->step_count; i++) {
        lb_attention_cache *cache = s->steps[i].cache;
        if (cache && lb_attention_cache_length(cache) > position) lb_attention_cache_rewind(cache, position, NULL);
    }
    s->position = position;
}

lowbit_status lb_session_rewind(lb_session *session, int64_t position, lowbit_error *error) {
    LB_REQUIRE(position >= 0 && position <= session->position, error, LOWBIT_INVALID_ARGUMENT,
               "position %lld of the %lld that a session remembers", (long long)position, (long long)session->position);
    forget(session, position);
    return LOWBIT_OK;
}

int64_t lb_session_position(const lb_session *session) { return session->position; }

lowbit_status lb_session_run(lb_session *session, const lb_run_input *input, float *output, lb_session_see see,
                             void *user, lowbit_error *error) {
    const lb_graph *graph = &session->net->graph;
    int64_t rows;
    LB_TRY(take_input(session, input, &rows, error));
    lb_buffer *first = &session->buffers[0];
    first->data = (void *)(uintptr_t)input->data;
    if (see) see(user, 0, first, graph->nodes[0].by_token ? rows : input->sequences);
    const lowbit_status status = run_steps(session, input, rows, see, user, error);
    if (status != LOWBIT_OK) forget(session, session->position);
    LB_TRY(status);
    if (session->positions > 0) session->position += rows;
    const lb_buffer *last = &session->buffers[session->output];
    const int64_t count = graph->nodes[graph->count - 1].by_token ? rows : input->sequences;
    memcpy(output, last->data, (size_t)(count * lb_shape_elements(last->shape)) * sizeof *output);
    return LOWBIT_OK;
}

int64_t lb_session_steps(const lb_session *session) { return session->step_count; }

lowbit_status lb_session_describe(const lb_session *session, int64_t step_index, lb_value *v, lowbit_plan_info *info,
                                  lowbit_error *error) {
    const lb_step *at = &session->steps[step_index];
    *v = at->v;
    info->kernel[0] = 0;
    return at->plan ? lowbit_conv2d_plan_describe(at->plan, lb_step_most(session, at->by_token), info, error)
                    : LOWBIT_OK;
}
