/* SPDX-License-Identifier: Apache-2.0 */
/* `lowbit bench layers`: one table of what each format reaches on the layers of known models. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/table.h"
#include "cli/gemm_session.h"

static const char kCommand[] = "bench layers";

static const struct layer {
    const char *name;
    int n, k;
} kLayers[] = {
    {"BERT-large FFN", 4096, 1024}, {"ViT-B FFN", 3072, 768},      {"LLM 7B attention", 4096, 4096},
    {"LLM 7B FFN", 11008, 4096},    {"BitNet 2B FFN", 6912, 2560},
};

typedef struct settings {
    const char *threads, *formats, *rows, *isa, *json;
    lb_gemm_bench bench;
} settings;

enum { LB_MAX_WORDS = 16 };

/* "1,8,128" cut at its commas; the words point into `copy`. */
typedef struct words {
    char copy[256];
    const char *list[LB_MAX_WORDS];
    size_t count;
} words;

static bool split(const char *text, words *w) {
    w->count = 0;
    if (strlen(text) >= sizeof w->copy) return false;
    strcpy(w->copy, text);
    char *rest = NULL;
    for (char *word = strtok_r(w->copy, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
        if (w->count == LB_MAX_WORDS) return false;
        w->list[w->count++] = word;
    }
    return w->count > 0;
}

/* Results of a table: [row of the table][thread count][M]. */
typedef struct grid {
    words formats, rows;
    lb_thread_list threads;
    lb_gemm_result *cells;
} grid;

enum { LAYERS = sizeof kLayers / sizeof kLayers[0] };

static lb_gemm_result *cell_at(const grid *g, size_t layer, size_t format, size_t thread, size_t row) {
    return &g->cells[((layer * g->formats.count + format) * g->threads.count + thread) * g->rows.count + row];
}

static int time_cells(lb_gemm_session *session, grid *g, size_t thread) {
    int code = lb_gemm_session_threads(session, g->threads.threads[thread]);
    for (size_t l = 0; l < LAYERS; l++)
        for (size_t f = 0; f < g->formats.count; f++)
            for (size_t m = 0; m < g->rows.count && code == LB_EXIT_OK; m++) {
                char problem[LB_PROBLEM_TEXT], canonical[LB_PROBLEM_TEXT];
                snprintf(problem, sizeof problem, "%.20sa8:m%.10sn%dk%d", g->formats.list[f], g->rows.list[m],
                         kLayers[l].n, kLayers[l].k);
                code = lb_gemm_session_time(session, problem, canonical, cell_at(g, l, f, thread, m));
            }
    return code;
}

static void print_grid(const grid *g) {
    lb_table table = {.columns = 2 + g->threads.count * g->rows.count, .left = 2};
    lb_table_cell(&table, "layer (N x K)");
    lb_table_cell(&table, "format");
    for (size_t t = 0; t < g->threads.count; t++)
        for (size_t m = 0; m < g->rows.count; m++)
            lb_table_cell(&table, "%u thr M=%s", g->threads.threads[t], g->rows.list[m]);
    for (size_t l = 0; l < LAYERS; l++)
        for (size_t f = 0; f < g->formats.count; f++) {
            if (f == 0)
                lb_table_cell(&table, "%s %dx%d", kLayers[l].name, kLayers[l].n, kLayers[l].k);
            else
                lb_table_cell(&table, "%s", "");
            lb_table_cell(&table, "%s", g->formats.list[f]);
            for (size_t t = 0; t < g->threads.count; t++)
                for (size_t m = 0; m < g->rows.count; m++) {
                    const lb_gemm_result *r = cell_at(g, l, f, t, m);
                    lb_table_cell(&table, "%.0f %c%.0f%%", r->gops, r->limit[0], 100 * r->share);
                }
        }
    lb_table_print(&table, stdout);
    lb_table_free(&table);
    printf(
        "\nGOP/s (2 M N K operations at the median time) and the share of the limit that binds:\n"
        "r = reading the weights once, d = decoding them once, c = the products at the level's dot rate.\n"
        "Every result was compared with the reference on sample rows, bit for bit.\n");
}

static int time_grid(lb_gemm_session *session, const settings *o, grid *g) {
    if (!split(o->formats, &g->formats) || !split(o->rows, &g->rows))
        return lb_cli_error(LB_EXIT_USAGE, kCommand, "--format or --m is no list of at most %d words", LB_MAX_WORDS);
    if (!lb_cli_threads(o->threads, session->ctx, &g->threads))
        return lb_cli_error(LB_EXIT_USAGE, kCommand, "--threads \"%s\" is no list of thread counts", o->threads);
    if (2 + g->threads.count * g->rows.count > LB_TABLE_COLUMNS)
        return lb_cli_error(LB_EXIT_USAGE, kCommand, "the table would have more than %d columns", LB_TABLE_COLUMNS);
    g->cells = calloc(LAYERS * g->formats.count * g->threads.count * g->rows.count, sizeof *g->cells);
    if (!g->cells) return lb_cli_error(LB_EXIT_FAILED, kCommand, "no memory for the table");
    int code = LB_EXIT_OK;
    for (size_t t = 0; t < g->threads.count && code == LB_EXIT_OK; t++) code = time_cells(session, g, t);
    if (code == LB_EXIT_OK && !lb_cli_json_only(o->json)) print_grid(g);
    free(g->cells);
    return code == LB_EXIT_OK && o->json ? lb_gemm_session_write(session, o->json) : code;
}

int lb_cmd_bench_layers(int argc, char **argv) {
    settings o = {.threads = "1,all",
                  .formats = "i8,i4,i4g32,i2,t2,b1",
                  .rows = "1,8,128",
                  .bench = {.budget_s = 0.05, .verified_products = 1 << 26}};
    const lb_option table[] = {
        {"--threads", "LIST", "thread counts (default: 1,all)", LB_OPTION_TEXT, &o.threads},
        {"--m", "LIST", "rows of activations (default: 1,8,128)", LB_OPTION_TEXT, &o.rows},
        {"--format", "LIST", "weight formats (default: i8,i4,i4g32,i2,t2,b1)", LB_OPTION_TEXT, &o.formats},
        {"--time", "S", "seconds of samples for each cell (default: 0.05)", LB_OPTION_SECONDS, &o.bench.budget_s},
        {"--cold", NULL, "weights from a ring of 1 GiB instead of the caches", LB_OPTION_FLAG, &o.bench.cold},
        LB_OPTION_ISA(&o.isa),
        LB_OPTION_JSON(&o.json),
    };
    const lb_syntax syntax = {.usage = "[options]",
                              .text =
                                  "Times the weight formats on layers of BERT-large, ViT-B, a 7B LLM and BitNet 2B "
                                  "and prints one table.",
                              .options = table,
                              .option_count = sizeof table / sizeof table[0]};
    int code;
    if (!lb_cli_parse(&argc, argv, &syntax, &code)) return code;
    lb_gemm_session session;
    grid g = {.cells = NULL};
    code = lb_gemm_session_begin(&session, kCommand, o.isa, &o.bench, 0.03);
    if (code == LB_EXIT_OK) code = time_grid(&session, &o, &g);
    lb_gemm_session_end(&session);
    return code;
}
