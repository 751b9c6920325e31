/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/text_set.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"

enum { COLUMNS = 2 };

/* Tokens so far, in memory that grows. */
typedef struct growing {
    float *tokens;
    int64_t count, room;
} growing;

static bool make_room(growing *g, int64_t more) {
    if (g->count + more <= g->room) return true;
    const int64_t room = 2 * g->room + more;
    float *tokens = realloc(g->tokens, (size_t)(room * COLUMNS) * sizeof *tokens);
    if (!tokens) return false;
    g->tokens = tokens;
    g->room = room;
    return true;
}

static lowbit_status add(growing *g, const lb_token_row *t, lowbit_error *error) {
    LB_REQUIRE(make_room(g, t->count), error, LOWBIT_NO_MEMORY, "no memory for %lld tokens", (long long)g->count);
    for (int32_t i = 0; i < t->count; i++) {
        float *at = g->tokens + COLUMNS * g->count++;
        at[0] = (float)t->ids[i];
        at[1] = (float)t->types[i];
    }
    return LOWBIT_OK;
}

static lowbit_status encode(const lb_glue_row *rows, const lb_wordpiece *tokenizer, lb_token_row *t, growing *g,
                            lb_text_set *set, lowbit_error *error) {
    for (int64_t i = 0; i < set->count; i++) {
        const lb_glue_row *row = &rows[i];
        LB_TRY(lb_wordpiece_encode(tokenizer, row->first, row->second.length > 0 ? &row->second : NULL, t, error));
        LB_TRY(add(g, t, error));
        set->firsts[i + 1] = g->count;
        set->lengths[i] = t->count;
        set->labels[i] = row->label;
        set->cut += t->truncated;
    }
    return LOWBIT_OK;
}

/* Moves the tokens into the set's memory. */
static lowbit_status keep(const growing *g, lb_text_set *set, lowbit_error *error) {
    const size_t bytes = (size_t)(COLUMNS * g->count) * sizeof *set->tokens;
    set->tokens = lb_blocks_take(&set->memory, bytes);
    LB_REQUIRE(set->tokens, error, LOWBIT_NO_MEMORY, "no memory for %lld tokens", (long long)g->count);
    if (bytes > 0) memcpy(set->tokens, g->tokens, bytes);
    return LOWBIT_OK;
}

lowbit_status lb_text_set_of(const lb_glue_row *rows, int64_t count, const lb_wordpiece *tokenizer, int64_t longest,
                             lb_text_set *set, lowbit_error *error) {
    const size_t texts = (size_t)count, room = (size_t)longest;
    *set = (lb_text_set){.count = count};
    growing g = {NULL, 0, 0};
    lb_token_row t = {.capacity = (int32_t)longest,
                      .ids = malloc(room * sizeof *t.ids),
                      .types = malloc(room * sizeof *t.types),
                      .mask = malloc(room * sizeof *t.mask)};
    set->firsts = lb_blocks_take(&set->memory, (texts + 1) * sizeof *set->firsts);
    set->lengths = lb_blocks_take(&set->memory, texts * sizeof *set->lengths);
    set->labels = lb_blocks_take(&set->memory, texts * sizeof *set->labels);
    lowbit_status status = LOWBIT_NO_MEMORY;
    if (t.ids && t.types && t.mask && set->firsts && set->lengths && set->labels)
        status = encode(rows, tokenizer, &t, &g, set, error);
    else
        lb_fail(error, status, "no memory for %lld texts", (long long)count);
    if (status == LOWBIT_OK) status = keep(&g, set, error);
    free(t.ids);
    free(t.types);
    free(t.mask);
    free(g.tokens);
    if (status != LOWBIT_OK) lb_text_set_close(set);
    return status;
}

lowbit_status lb_text_set_open(const char *path, const lb_wordpiece *tokenizer, int64_t longest, lb_text_set *set,
                               lowbit_error *error) {
    lb_glue glue;
    *set = (lb_text_set){.count = 0};
    LB_TRY(lb_glue_open(path, NULL, &glue, error));
    const lowbit_status status = lb_text_set_of(glue.rows, glue.count, tokenizer, longest, set, error);
    if (status == LOWBIT_OK) set->task = glue.task;
    lb_glue_close(&glue);
    return status;
}

void lb_text_set_close(lb_text_set *set) {
    lb_blocks_free(&set->memory);
    *set = (lb_text_set){.count = 0};
}

lb_run_input lb_text_set_input(const lb_text_set *set, int64_t first, int64_t count) {
    return (lb_run_input){set->tokens + COLUMNS * set->firsts[first], count, set->lengths + first};
}

int64_t lb_text_set_tokens(const lb_text_set *set, int64_t batch) {
    int64_t most = batch;
    for (int64_t first = 0; first < set->count; first += batch)
        most = lb_max(most, set->firsts[lb_min(first + batch, set->count)] - set->firsts[first]);
    return most;
}
