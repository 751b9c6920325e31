/* SPDX-License-Identifier: Apache-2.0 */
/* `lowbit generate`: what it has, and what it tells. */
#ifndef LOWBIT_CLI_GENERATE_H_
#define LOWBIT_CLI_GENERATE_H_

#include "cli/pack.h"
#include "lowbit/wisdom.h"
#include "nn/bpe.h"
#include "nn/generate.h"

typedef struct lb_cli_generate {
    const char *command;
    lb_cli_model model;
    const char *prompt, *tokenizer, *recipe, *threads, *isa, *wisdom, *json;
    int64_t steps, seed;
    double temperature, top_p;
    bool numbers, speed;
    /* What it works with. */
    lowbit_ctx *ctx;
    lowbit_wisdom *decisions;
    lowbit_pool pool;
    uint32_t thread_count;
    lb_net net;
    lb_net_about about;
    lb_blocks memory;
    lb_bpe bpe;
    lb_session *session;
    lb_sampler sampler;
    /* What came of it. */
    int32_t *ids; /* of the prompt, and behind it */
    int64_t prompt_count, count;
    char *text;
    size_t text_length;
    lb_generated result;
} lb_cli_generate;

/* Tells how fast it was, and writes JSON, if that is asked for. Returns an exit code. */
int lb_cli_generate_tell(lb_cli_generate *generate);

#endif
