/* SPDX-License-Identifier: Apache-2.0 */
/* How fast `lowbit generate` was, next to memory. */
#include <stdio.h>
#include <string.h>

#include "bench/limits.h"
#include "cli/generate.h"
#include "kernels/base/base.h"
#include "kernels/base/ctx.h"

/* Packed bytes that a token reads: all convolutions, with their scales. Of an embedding it reads a row. */
static int64_t bytes_of_token(const lb_net *net) {
    int64_t bytes = 0;
    for (int64_t v = 0; v < net->graph.count; v++)
        for (int64_t i = 0; i < net->layers[v].matrices; i++) bytes += net->layers[v].packed[i].bytes;
    return bytes;
}

/* Bytes in a second from beyond the caches; 0 if that cannot be measured. */
static double memory_rate(const lb_cli_generate *g) {
    enum { SIZE = 1 << 30 }; /* as `bench limits` reads */
    static const double kBudget = 0.05;
    const int64_t memory = g->ctx->machine.memory_bytes;
    const size_t size = memory > 0 && memory / 4 < SIZE ? (size_t)memory / 4 : SIZE;
    lb_limits *limits;
    lb_limit limit = {0};
    if (lb_limits_create(g->ctx, kBudget, &limits, NULL) != LOWBIT_OK) return 0;
    lb_cli_progress("reading memory");
    if (lb_limit_read(limits, size, g->thread_count > 1 ? &g->pool : NULL, &limit, NULL) != LOWBIT_OK) limit.best = 0;
    lb_cli_progress_clear();
    lb_limits_destroy(limits);
    return limit.best;
}

static double rate(double count, double seconds) { return seconds > 0 ? count / seconds : 0; }

static json_t *ids_json(const lb_cli_generate *g) {
    json_t *list = json_array();
    for (int64_t i = 0; i < g->prompt_count + g->count; i++) json_array_append_new(list, json_integer(g->ids[i]));
    return list;
}

/* Null where no tokenizer says what the tokens are. */
static json_t *text_json(const lb_cli_generate *g) {
    return g->text ? lb_cli_text_json(g->text, g->text_length) : json_null();
}

static json_t *row_json(const lb_cli_generate *g, double per_second, double limit) {
    const lb_generated *r = &g->result;
    json_t *row = json_pack(
        "{s:s, s:s, s:o, s:o, s:o, s:I, s:I, s:I, s:f, s:f, s:I, s:f, s:f, s:f, s:f, s:I, s:I, s:f, s:f}", "model",
        g->about.model, "recipe", g->about.recipe, "prompt", lb_cli_text_json(g->prompt, strlen(g->prompt)), "text",
        text_json(g), "ids", ids_json(g), "prompt_tokens", (json_int_t)g->prompt_count, "tokens", (json_int_t)g->count,
        "threads", (json_int_t)g->thread_count, "temperature", g->temperature, "top_p", g->top_p, "seed",
        (json_int_t)g->seed, "prefill_us", r->prefill_s * 1e6, "prefill_tokens_per_s",
        rate((double)g->prompt_count, r->prefill_s), "decode_us", rate(r->decode_s * 1e6, (double)r->decoded),
        "tokens_per_s", per_second, "session_bytes", (json_int_t)lb_session_bytes(g->session), "token_bytes",
        (json_int_t)bytes_of_token(&g->net), "limit_tokens_per_s", limit, "share", rate(per_second, limit));
    lb_cli_add_sizes(&g->net, row);
    return row;
}

int lb_cli_generate_tell(lb_cli_generate *g) {
    const lb_generated *r = &g->result;
    if (!g->json && !g->speed) return LB_EXIT_OK;
    const double per_second = rate((double)r->decoded, r->decode_s);
    const double limit = memory_rate(g) / (double)bytes_of_token(&g->net);
    if (g->speed)
        fprintf(stderr,
                "prompt: %lld tokens, %.1f a second; %lld more, %.1f a second, with %u threads\n"
                "%.1f MiB of weights a token: memory allows %.1f a second, %.1f %% of which that is\n",
                (long long)g->prompt_count, rate((double)g->prompt_count, r->prefill_s), (long long)r->decoded,
                per_second, g->thread_count, (double)bytes_of_token(&g->net) / (1 << 20), limit,
                100 * rate(per_second, limit));
    if (!g->json) return LB_EXIT_OK;
    json_t *results = json_array();
    json_array_append_new(results, row_json(g, per_second, limit));
    return lb_cli_write_json(g->command, g->json,
                             json_pack("{s:o, s:o, s:o}", "machine", lb_cli_machine_json(g->ctx), "run",
                                       lb_cli_run_json(), "results", results));
}
