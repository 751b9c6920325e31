/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/generate.h"

#include <stdlib.h>

#include "kernels/base/base.h"
#include "tuner/clock.h"

enum { COLUMNS = 2 };

lowbit_status lb_generate_check(const lb_net *net, int64_t *positions, lowbit_error *error) {
    const lb_graph *graph = &net->graph;
    const lb_node *last = &graph->nodes[graph->count - 1];
    bool causal = graph->nodes[0].by_token && !last->by_token, found = false;
    for (int64_t v = 0; v < graph->count; v++) {
        const lb_node *node = &graph->nodes[v];
        if (node->op == LB_OP_ATTENTION) causal &= node->attention.causal;
        if (node->op == LB_OP_POSITIONS) *positions = lb_min(*positions, node->count - node->first);
        if (node->op == LB_OP_EMBED) found |= node->count == lb_shape_elements(last->shape);
    }
    LB_REQUIRE(causal && found, error, LOWBIT_UNSUPPORTED,
               "the network does not say which token comes next: it is no decoder");
    return LOWBIT_OK;
}

/* A run of the tokens; the logits of the one behind them. */
static lowbit_status read_tokens(const lb_generate *g, const int32_t *tokens, int64_t count, float *input,
                                 float *logits, lowbit_error *error) {
    for (int64_t i = 0; i < count; i++) {
        input[i * COLUMNS] = (float)tokens[i];
        input[i * COLUMNS + 1] = 0;
    }
    const lb_run_input run = {input, 1, &count};
    return lb_session_run(g->session, &run, logits, NULL, NULL, error);
}

static double now(void) { return lb_clock_seconds(&lb_monotonic_clock); }

static lowbit_status run(const lb_generate *g, float *input, float *logits, lb_generated *result, lowbit_error *error) {
    double start = now();
    for (int64_t at = 0; at < g->prompt_count; at += g->chunk)
        LB_TRY(read_tokens(g, g->prompt + at, lb_min(g->chunk, g->prompt_count - at), input, logits, error));
    int32_t token = lb_sample(g->sampler, logits);
    result->prefill_s = now() - start;
    for (int64_t at = g->prompt_count; g->hear(g->user, token) && at < g->steps; at++) {
        start = now();
        LB_TRY(read_tokens(g, &token, 1, input, logits, error));
        token = lb_sample(g->sampler, logits);
        result->decode_s += now() - start;
        result->decoded++;
    }
    return LOWBIT_OK;
}

lowbit_status lb_generate_run(const lb_generate *generate, lb_generated *result, lowbit_error *error) {
    *result = (lb_generated){.decoded = 0};
    LB_REQUIRE(generate->prompt_count >= 1 && generate->prompt_count <= generate->steps && generate->chunk >= 1, error,
               LOWBIT_INVALID_ARGUMENT, "a prompt of %lld tokens, and %lld positions in all",
               (long long)generate->prompt_count, (long long)generate->steps);
    float *input = malloc((size_t)generate->chunk * COLUMNS * sizeof *input);
    float *logits = malloc((size_t)generate->sampler->count * sizeof *logits);
    const lowbit_status status = input && logits ? run(generate, input, logits, result, error)
                                                 : lb_fail(error, LOWBIT_NO_MEMORY, "no memory for a text");
    free(input);
    free(logits);
    return status;
}
