/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/pack_model.h"

#include "kernels/base/base.h"
#include "nn/native.h"

/* A graph, and what is decided about it. */
typedef struct decided {
    lb_graph graph;
    lb_choice *choices; /* [count] */
    lb_range *ranges;   /* [count] */
    bool *needs;        /* [count] */
    lb_blocks memory;
} decided;

static void release(decided *d) {
    lb_graph_free(&d->graph);
    lb_blocks_free(&d->memory);
}

static lowbit_status decide(const lb_pack_model *model, const lb_recipe *recipe, decided *d, lowbit_error *error) {
    LB_TRY(model->make(model->user, &d->graph, error));
    const size_t count = (size_t)d->graph.count;
    d->choices = lb_blocks_take(&d->memory, count * sizeof *d->choices);
    d->ranges = lb_blocks_take(&d->memory, count * sizeof *d->ranges);
    d->needs = lb_blocks_take(&d->memory, count * sizeof *d->needs);
    LB_REQUIRE(d->choices && d->ranges && d->needs, error, LOWBIT_NO_MEMORY, "no memory for %zu layers", count);
    LB_TRY(recipe ? lb_recipe_apply(recipe, &d->graph, d->choices, error)
                  : lb_native_choices(&d->graph, d->choices, error));
    return lb_net_needs(&d->graph, d->choices, d->needs, error);
}

static bool calibrates(const decided *d) {
    for (int64_t v = 0; v < d->graph.count; v++)
        if (d->needs[v]) return true;
    return false;
}

lowbit_status lb_pack_model_calibrates(const lb_pack_model *model, bool *answer, lowbit_error *error) {
    decided d = {0};
    const lowbit_status status = decide(model, model->recipe, &d, error);
    *answer = status == LOWBIT_OK && calibrates(&d);
    release(&d);
    return status;
}

static lowbit_status pack(const lowbit_ctx *ctx, const lb_pack_model *model, decided *d, lb_net *net,
                          lowbit_error *error) {
    return lb_net_pack(ctx, &d->graph, d->choices, d->ranges, model->pool, net, error);
}

lowbit_status lb_pack_model_floats(const lowbit_ctx *ctx, const lb_pack_model *model, lb_net *net,
                                   lowbit_error *error) {
    static const lb_recipe kFloats = {.count = 0}; /* layers that no line names stay floats */
    decided d = {0};
    lowbit_status status = decide(model, &kFloats, &d, error);
    if (status == LOWBIT_OK) status = pack(ctx, model, &d, net, error);
    release(&d);
    return status;
}

static lowbit_status find_ranges(const lowbit_ctx *ctx, const lb_pack_model *model, decided *d, lowbit_error *error) {
    lb_net floats;
    LB_REQUIRE(model->samples.next, error, LOWBIT_INVALID_ARGUMENT,
               "the recipe has static activations, and there are no images or texts to calibrate them with");
    LB_TRY(lb_pack_model_floats(ctx, model, &floats, error));
    const lowbit_status status =
        lb_calibrate_net(ctx, &floats, model->recipe, d->choices, &model->samples, model->pool, d->ranges, error);
    lb_net_free(&floats);
    return status;
}

lowbit_status lb_pack_model_run(const lowbit_ctx *ctx, const lb_pack_model *model, lb_net *net, lowbit_error *error) {
    decided d = {0};
    lowbit_status status = decide(model, model->recipe, &d, error);
    if (status == LOWBIT_OK && calibrates(&d)) status = find_ranges(ctx, model, &d, error);
    if (status == LOWBIT_OK) status = pack(ctx, model, &d, net, error);
    release(&d);
    return status;
}
