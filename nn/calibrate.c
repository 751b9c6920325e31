/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/calibrate.h"

#include "kernels/base/base.h"
#include "kernels/base/pool.h"
#include "nn/observe.h"
#include "nn/types.h"

/* Images or texts that go through the network together: one batch of LB_CALIBRATE_AVERAGE. */
enum { BATCH = 32 };

typedef struct calibration {
    const lb_graph *graph;
    uint32_t *activations;   /* [count] how the codes of each value will be read */
    lb_observer **observers; /* [count]; NULL of values that need none */
    lb_session *session;
    float *data, *output;
    int64_t *lengths; /* of texts; else NULL */
    lb_blocks memory;
} calibration;

static void see(void *user, lb_value v, const lb_buffer *value, int64_t count) {
    const calibration *c = user;
    if (c->observers[v]) lb_observer_add(c->observers[v], value->data, count * lb_shape_elements(value->shape));
}

static lowbit_status take(calibration *c, int64_t bytes, void **memory, lowbit_error *error) {
    return lb_blocks_need(&c->memory, bytes, "a calibration", memory, error);
}

/* Room for the elements of a value in a run. */
static lowbit_status take_value(calibration *c, const lb_node *node, int64_t tokens, float **memory,
                                lowbit_error *error) {
    const int64_t count = node->by_token ? tokens : BATCH;
    void *floats;
    LB_TRY(take(c, count * lb_shape_elements(node->shape) * (int64_t)sizeof(float), &floats, error));
    *memory = floats;
    return LOWBIT_OK;
}

static lowbit_status take_data(calibration *c, int64_t tokens, lowbit_error *error) {
    const lb_graph *graph = c->graph;
    void *lengths;
    LB_TRY(take_value(c, &graph->nodes[0], tokens, &c->data, error));
    LB_TRY(take_value(c, &graph->nodes[graph->count - 1], tokens, &c->output, error));
    if (!graph->nodes[0].by_token) return LOWBIT_OK;
    LB_TRY(take(c, BATCH * (int64_t)sizeof(int64_t), &lengths, error));
    c->lengths = lengths;
    return LOWBIT_OK;
}

static lowbit_status begin(calibration *c, const lowbit_ctx *ctx, const lb_net *net, const lb_recipe *recipe,
                           const lb_choice *choices, int64_t tokens, const lowbit_pool *pool, lowbit_error *error) {
    const lb_graph *graph = &net->graph;
    const int64_t count = graph->count;
    void *needs, *activations, *observers;
    LB_TRY(take(c, count * (int64_t)sizeof(bool), &needs, error));
    LB_TRY(take(c, count * (int64_t)sizeof(uint32_t), &activations, error));
    LB_TRY(take(c, count * (int64_t)sizeof(lb_observer *), &observers, error));
    c->graph = graph;
    c->activations = activations;
    c->observers = observers;
    LB_TRY(take_data(c, tokens, error));
    LB_TRY(lb_net_needs(graph, choices, needs, error));
    lb_value_activations(graph, choices, c->activations);
    for (int64_t v = 0; v < count; v++) {
        void *observer;
        if (!((const bool *)needs)[v]) continue;
        LB_TRY(take(c, sizeof(lb_observer), &observer, error));
        c->observers[v] = observer;
        lb_observer_begin(recipe->calibrate, observer);
    }
    const lb_session_options options = {.batch = BATCH, .tokens = tokens, .pool = pool};
    return lb_session_create(ctx, net, &options, &c->session, error);
}

static lowbit_status look(calibration *c, int64_t count, const lb_samples *samples, lowbit_error *error) {
    for (int64_t left = count, got; left > 0; left -= got) {
        got = samples->next(samples->user, lb_min(BATCH, left), c->lengths, c->data);
        if (got <= 0) break;
        const lb_run_input input = {c->data, got, c->lengths};
        LB_TRY(lb_session_run(c->session, &input, c->output, see, c, error));
    }
    return LOWBIT_OK;
}

static lowbit_status decide(const calibration *c, const lb_recipe *recipe, lb_range *ranges, lowbit_error *error) {
    for (lb_value v = 0; v < c->graph->count; v++) {
        lowbit_error reason = LOWBIT_ERROR_INIT;
        if (!c->observers[v]) continue;
        const lb_code_limits limits = lb_limits_of(c->activations[v]);
        const lowbit_status status =
            lb_observer_range(c->observers[v], limits.low, limits.high, recipe->symmetric, &ranges[v], &reason);
        LB_REQUIRE(status == LOWBIT_OK, error, status, "the value of %s: %s", c->graph->nodes[v].name, reason.message);
    }
    return LOWBIT_OK;
}

lowbit_status lb_calibrate_net(const lowbit_ctx *ctx, const lb_net *net, const lb_recipe *recipe,
                               const lb_choice *choices, const lb_samples *samples, const lowbit_pool *pool,
                               lb_range *ranges, lowbit_error *error) {
    calibration c = {0};
    lowbit_status status = begin(&c, ctx, net, recipe, choices, BATCH * samples->longest, pool, error);
    if (status == LOWBIT_OK) status = look(&c, recipe->observe, samples, error);
    if (status == LOWBIT_OK) status = decide(&c, recipe, ranges, error);
    lb_session_destroy(c.session);
    lb_blocks_free(&c.memory);
    return status;
}
