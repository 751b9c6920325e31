/* SPDX-License-Identifier: Apache-2.0 */
/* `lowbit generate`: how a decoder goes on with a text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/generate.h"
#include "cli/interrupt.h"
#include "cli/wisdom.h"
#include "kernels/base/base.h"
#include "lowbit/lowbit.h"

static const char kCommand[] = "generate";

enum { CHUNK = 64, LONGEST_PATH = 4096 };

/* ---- the prompt ---- */

/* "1,17,9" */
static int read_ids(lb_cli_generate *g) {
    const char *at = g->prompt;
    for (char *end; *at || g->prompt_count == 0; at = *end ? end + 1 : end) {
        const long id = *at >= '0' && *at <= '9' ? strtol(at, &end, 10) : -1;
        if (id < 0 || id > INT32_MAX || (*end && *end != ','))
            return lb_cli_error(LB_EXIT_USAGE, kCommand, "--ids: \"%s\" is no list of numbers", g->prompt);
        g->ids[g->prompt_count++] = (int32_t)id;
    }
    return LB_EXIT_OK;
}

/* What begins every text, or those that say nothing else. */
static lowbit_status encode(lb_cli_generate *g, lowbit_error *error) {
    const bool starts = g->bpe.start >= 0 && (g->bpe.starts || !g->prompt[0]);
    if (starts) g->ids[0] = g->bpe.start;
    LB_TRY(lb_bpe_encode(&g->bpe, lb_text_of(g->prompt), g->ids + starts, &g->prompt_count, error));
    g->prompt_count += starts;
    LB_REQUIRE(g->prompt_count > 0, error, LOWBIT_INVALID_ARGUMENT, "the prompt is empty, and no token begins a text");
    return LOWBIT_OK;
}

/* --tokenizer, or what is beside the model. */
static lowbit_status open_tokenizer(lb_cli_generate *g, lowbit_error *error) {
    char folder[LONGEST_PATH];
    const char *slash = strrchr(g->model.model, '/');
    if (g->tokenizer) return lb_bpe_open(g->tokenizer, &g->bpe, error);
    if (lb_bpe_open(g->model.model, &g->bpe, error) == LOWBIT_OK) return LOWBIT_OK;
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)lb_min(slash - g->model.model, LONGEST_PATH - 1) : 1,
             slash ? g->model.model : ".");
    return lb_bpe_open(folder, &g->bpe, error);
}

static int read_prompt(lb_cli_generate *g) {
    lowbit_error error = LOWBIT_ERROR_INIT;
    g->ids = lb_blocks_take(&g->memory, (strlen(g->prompt) + 2 + (size_t)g->steps) * sizeof *g->ids);
    if (!g->ids) return lb_cli_failed(kCommand, LOWBIT_NO_MEMORY, NULL);
    if (g->numbers) return read_ids(g);
    lowbit_status status = open_tokenizer(g, &error);
    if (status == LOWBIT_OK) status = encode(g, &error);
    return status == LOWBIT_OK ? LB_EXIT_OK : lb_cli_failed(kCommand, status, &error);
}

/* ---- the text ---- */

/* A piece of text, for the terminal and for JSON. */
static void tell(lb_cli_generate *g, lb_text piece) {
    if (!lb_cli_json_only(g->json) && piece.length > 0) {
        fwrite(piece.bytes, 1, piece.length, stdout);
        fflush(stdout);
    }
    char *more = realloc(g->text, g->text_length + piece.length + 1);
    if (!more) return;
    g->text = more;
    if (piece.length > 0) memcpy(more + g->text_length, piece.bytes, piece.length);
    g->text_length += piece.length;
}

/* Token `at` of all, behind the one before it. */
static void tell_token(lb_cli_generate *g, int64_t at) {
    char number[24];
    const int32_t id = g->ids[at];
    if (g->numbers)
        tell(g, (lb_text){number, (size_t)snprintf(number, sizeof number, "%s%d", at > 0 ? "," : "", (int)id)});
    else if (id < g->bpe.vocabulary.count && !(at == 0 && id == g->bpe.start))
        tell(g, lb_bpe_decode(&g->bpe, at > 0 ? g->ids[at - 1] : -1, id));
}

static bool ends(const lb_cli_generate *g, int32_t token) {
    return !g->numbers && token >= 0 && (token == g->bpe.start || token == g->bpe.end);
}

static bool hear(void *user, int32_t token) {
    lb_cli_generate *g = user;
    if (ends(g, token) || lb_cli_interrupted()) return false;
    g->ids[g->prompt_count + g->count] = token;
    tell_token(g, g->prompt_count + g->count++);
    return true;
}

static lowbit_status make_session(lb_cli_generate *g, lowbit_error *error) {
    const lb_graph *graph = &g->net.graph;
    LB_TRY(lb_generate_check(&g->net, &g->steps, error));
    const lb_session_options options = {.batch = 1,
                                        .tokens = CHUNK,
                                        .positions = g->steps,
                                        .wisdom = g->decisions,
                                        .pool = g->thread_count > 1 ? &g->pool : NULL};
    LB_TRY(lb_sampler_make(lb_shape_elements(graph->nodes[graph->count - 1].shape), g->temperature, g->top_p,
                           (uint64_t)g->seed, &g->sampler, error));
    return lb_session_create(g->ctx, &g->net, &options, &g->session, error);
}

static lowbit_status generate(lb_cli_generate *g, lowbit_error *error) {
    const lb_generate all = {.session = g->session,
                             .sampler = &g->sampler,
                             .prompt = g->ids,
                             .prompt_count = g->prompt_count,
                             .steps = g->steps,
                             .chunk = CHUNK,
                             .hear = hear,
                             .user = g};
    LB_REQUIRE(g->prompt_count <= g->steps, error, LOWBIT_INVALID_ARGUMENT,
               "the prompt has %lld tokens, more than the %lld --steps", (long long)g->prompt_count,
               (long long)g->steps);
    for (int64_t i = 0; i < g->prompt_count; i++) tell_token(g, i);
    LB_TRY(lb_generate_run(&all, &g->result, error));
    if (!lb_cli_json_only(g->json)) putchar('\n');
    return LOWBIT_OK;
}

/* ---- the command ---- */

static int open_all(lb_cli_generate *g) {
    const lowbit_pool_options options = LOWBIT_POOL_OPTIONS_INIT;
    lb_thread_list threads;
    lowbit_error error = LOWBIT_ERROR_INIT;
    int code = lb_cli_context(kCommand, g->isa, NULL, &g->ctx);
    if (code == LB_EXIT_OK && (!lb_cli_threads(g->threads, g->ctx, &threads) || threads.count != 1))
        return lb_cli_error(LB_EXIT_USAGE, kCommand, "--threads: \"%s\" is no number of threads", g->threads);
    if (code == LB_EXIT_OK) code = read_prompt(g);
    if (code == LB_EXIT_OK) code = lb_cli_wisdom_read(kCommand, g->wisdom, g->ctx, &g->decisions);
    if (code == LB_EXIT_OK) code = lb_cli_open(&g->model, g->ctx, g->recipe, &g->net, &g->about, &g->memory);
    if (code != LB_EXIT_OK) return code;
    g->thread_count = threads.threads[0];
    code = lb_cli_pool(kCommand, g->ctx, g->thread_count, &options, &g->pool);
    if (code != LB_EXIT_OK) return code;
    const lowbit_status status = make_session(g, &error);
    return status == LOWBIT_OK ? LB_EXIT_OK : lb_cli_failed(kCommand, status, &error);
}

static int run(lb_cli_generate *g) {
    lowbit_error error = LOWBIT_ERROR_INIT;
    int code = open_all(g);
    if (code == LB_EXIT_OK) {
        lb_cli_catch_interrupts();
        const lowbit_status status = generate(g, &error);
        if (status != LOWBIT_OK) code = lb_cli_failed(kCommand, status, &error);
    }
    if (code == LB_EXIT_OK) code = lb_cli_generate_tell(g);
    if (code == LB_EXIT_OK && lb_cli_interrupted()) code = lb_cli_interrupt_exit(lb_cli_interrupted());
    lb_session_destroy(g->session);
    lb_sampler_free(&g->sampler);
    lb_bpe_close(&g->bpe);
    lb_net_free(&g->net);
    lb_blocks_free(&g->memory);
    lowbit_pool_destroy(&g->pool);
    lowbit_wisdom_destroy(g->decisions);
    lowbit_ctx_destroy(g->ctx);
    free(g->text);
    return code;
}

int lb_cmd_generate(int argc, char **argv) {
    lb_cli_generate g = {.command = kCommand,
                         .model.command = kCommand,
                         .recipe = "f32",
                         .threads = "all",
                         .steps = 256,
                         .top_p = 1,
                         .pool = LOWBIT_POOL_INIT};
    const lb_option table[] = {
        {"--steps", "N", "positions of the text, the prompt's among them, that are read (default: 256)",
         LB_OPTION_COUNT, &g.steps},
        {"--temperature", "T", "0: the likeliest token; else logits are divided by it (default: 0)", LB_OPTION_AMOUNT,
         &g.temperature},
        {"--top-p", "P", "as few of the likeliest tokens as are so likely together (default: 1, all)", LB_OPTION_NUMBER,
         &g.top_p},
        {"--seed", "N", "of random numbers (default: 0)", LB_OPTION_COUNT, &g.seed},
        {"--tokenizer", "FILE", "tokenizer.json, vocab.json, tokenizer.bin or a folder (default: the model's)",
         LB_OPTION_TEXT, &g.tokenizer},
        {"--ids", NULL, "PROMPT and text are numbers of tokens, as 1,17,9: without a tokenizer", LB_OPTION_FLAG,
         &g.numbers},
        {"--recipe", "RECIPE", "how a network in floats is quantized (default: f32)", LB_OPTION_TEXT, &g.recipe},
        {"--threads", "N", "threads, or all (default: all)", LB_OPTION_TEXT, &g.threads},
        {"--speed", NULL, "tell tokens per second, beside what reading the weights allows", LB_OPTION_FLAG, &g.speed},
        {"--random", NULL, "MODEL is a name, as llama-1b: with made-up weights", LB_OPTION_FLAG, &g.model.random},
        LB_OPTION_CPUS,
        LB_OPTION_ISA(&g.isa),
        LB_OPTION_WISDOM(&g.wisdom),
        LB_OPTION_JSON(&g.json),
    };
    const lb_syntax syntax = {.usage = "MODEL PROMPT [options]",
                              .text =
                                  "Goes on with a text. MODEL is a decoder: a file of safetensors, a folder with "
                                  "one, a checkpoint of\nllama2.c, a packed network, or, with --random, a name.",
                              .options = table,
                              .option_count = sizeof table / sizeof table[0],
                              .min_words = 2,
                              .max_words = 2};
    int code;
    if (!lb_cli_parse(&argc, argv, &syntax, &code)) return code;
    enum { MOST_STEPS = 1 << 24 };
    if (g.steps < 1 || g.steps > MOST_STEPS)
        return lb_cli_error(LB_EXIT_USAGE, kCommand, "--steps: 1 to %d", (int)MOST_STEPS);
    g.model.model = argv[1];
    g.prompt = argv[2];
    return run(&g);
}
