/* SPDX-License-Identifier: Apache-2.0 */
/* `lowbit bench layers`: one table of what each format reaches on the layers of known models. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/table.h"
#include "cli/gemm_session.h"
#include "cli/shapes.h"
#include "kernels/base/base.h"

static const char kCommand[] = "bench layers";

/* A layer of each kind and size. */
static const struct {
    const char *model, *layer;
} kPicks[] = {{"bert-large", "ffn-up"},
              {"vit-b", "ffn-up"},
              {"llama-7b", "attention"},
              {"llama-7b", "ffn-up"},
              {"bitnet-2b", "ffn-up"}};

enum { LAYERS = LB_COUNT(kPicks) };

typedef struct settings {
    const char *threads, *formats, *rows, *isa, *wisdom, *json;
    int64_t passes;
    lb_gemm_bench bench;
} settings;

/* Results of a table: [row of the table][thread count][M]. */
typedef struct grid {
    lb_word_list formats, rows;
    lb_thread_list threads;
    lowbit_problem layers[LAYERS]; /* for their N and K */
    lb_gemm_result *cells;
} grid;

/* Looks the picked layers up in the sets of their models. */
static int find_layers(grid *g) {
    int code = LB_EXIT_OK;
    for (size_t l = 0; l < LAYERS && code == LB_EXIT_OK; l++) {
        lb_shapes model = {.formats = "i8", .rows = "1"};
        code = lb_shapes_add_models(&model, kCommand, kPicks[l].model);
        for (size_t i = 0; i < model.count; i++)
            if (strcmp(model.list[i].layer, kPicks[l].layer) == 0) g->layers[l] = model.list[i].problem;
        lb_shapes_free(&model);
    }
    return code;
}

static lb_gemm_result *cell_at(const grid *g, size_t layer, size_t format, size_t thread, size_t row) {
    return &g->cells[((layer * g->formats.count + format) * g->threads.count + thread) * g->rows.count + row];
}

static int time_cells(lb_gemm_session *session, grid *g, size_t thread) {
    int code = lb_gemm_session_threads(session, g->threads.threads[thread]);
    for (size_t l = 0; l < LAYERS; l++)
        for (size_t f = 0; f < g->formats.count; f++)
            for (size_t m = 0; m < g->rows.count && code == LB_EXIT_OK; m++) {
                char problem[LB_PROBLEM_TEXT], canonical[LB_PROBLEM_TEXT];
                snprintf(problem, sizeof problem, "%.20sa8:m%.10sn%" PRId64 "k%" PRId64, g->formats.list[f],
                         g->rows.list[m], g->layers[l].n, g->layers[l].k);
                code = lb_gemm_session_time(session, problem, canonical, cell_at(g, l, f, thread, m));
            }
    return code;
}

/* Cells that go by wisdom: of the very problem, or of one alike. */
static size_t count_wise(const grid *g, size_t cells) {
    size_t wise = 0;
    for (size_t i = 0; i < cells; i++) wise += strcmp(g->cells[i].plan.source, "estimate") != 0;
    return wise;
}

static void print_grid(const grid *g) {
    const size_t cells = LAYERS * g->formats.count * g->threads.count * g->rows.count;
    lb_table table = {.columns = 2 + g->threads.count * g->rows.count, .left = 2};
    lb_table_cell(&table, "layer (N x K)");
    lb_table_cell(&table, "format");
    for (size_t t = 0; t < g->threads.count; t++)
        for (size_t m = 0; m < g->rows.count; m++)
            lb_table_cell(&table, "%u thr M=%s", g->threads.threads[t], g->rows.list[m]);
    for (size_t l = 0; l < LAYERS; l++)
        for (size_t f = 0; f < g->formats.count; f++) {
            if (f == 0)
                lb_table_cell(&table, "%s %s %" PRId64 "x%" PRId64, kPicks[l].model, kPicks[l].layer, g->layers[l].n,
                              g->layers[l].k);
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
        "Every result was compared with the reference on sample rows, bit for bit.\n"
        "Kernels were chosen by wisdom for %zu of %zu cells, by estimate for the others.\n",
        count_wise(g, cells), cells);
}

static int time_grid(lb_gemm_session *session, const settings *o, grid *g) {
    if (!lb_cli_words(o->formats, &g->formats) || !lb_cli_words(o->rows, &g->rows))
        return lb_cli_error(LB_EXIT_USAGE, kCommand, "--format or --m is no list of at most %d words", LB_MAX_WORDS);
    if (!lb_cli_threads(o->threads, session->ctx, &g->threads))
        return lb_cli_error(LB_EXIT_USAGE, kCommand, "--threads \"%s\" is no list of thread counts", o->threads);
    if (2 + g->threads.count * g->rows.count > LB_TABLE_COLUMNS)
        return lb_cli_error(LB_EXIT_USAGE, kCommand, "the table would have more than %d columns", LB_TABLE_COLUMNS);
    g->cells = calloc(LAYERS * g->formats.count * g->threads.count * g->rows.count, sizeof *g->cells);
    if (!g->cells) return lb_cli_error(LB_EXIT_FAILED, kCommand, "no memory for the table");
    int code = find_layers(g);
    while (code == LB_EXIT_OK && lb_gemm_session_next(session))
        for (size_t t = 0; t < g->threads.count && code == LB_EXIT_OK; t++) code = time_cells(session, g, t);
    lb_gemm_session_tell_drift(session);
    if (code == LB_EXIT_OK && !lb_cli_json_only(o->json)) print_grid(g);
    free(g->cells);
    return code == LB_EXIT_OK && o->json ? lb_gemm_session_write(session, o->json) : code;
}

int lb_cmd_bench_layers(int argc, char **argv) {
    settings o = {.threads = "1,all",
                  .formats = "i8,i4,i4g32,i2,t2,b1",
                  .rows = "1,8,128",
                  .passes = LB_VISITS,
                  .bench = {.budget_s = 0.05, .verified_products = 1 << 26}};
    const lb_option table[] = {
        {"--threads", "LIST", "thread counts (default: 1,all)", LB_OPTION_TEXT, &o.threads},
        {"--m", "LIST", "rows of activations (default: 1,8,128)", LB_OPTION_TEXT, &o.rows},
        {"--format", "LIST", "weight formats (default: i8,i4,i4g32,i2,t2,b1)", LB_OPTION_TEXT, &o.formats},
        {"--time", "S", "seconds of samples for each cell (default: 0.05)", LB_OPTION_SECONDS, &o.bench.budget_s},
        LB_OPTION_PASSES(&o.passes),
        {"--cold", NULL, "weights from a ring of 1 GiB instead of the caches", LB_OPTION_FLAG, &o.bench.cold},
        LB_OPTION_CPUS,
        LB_OPTION_ISA(&o.isa),
        LB_OPTION_WISDOM(&o.wisdom),
        LB_OPTION_JSON(&o.json),
    };
    const lb_syntax syntax = {.usage = "[options]",
                              .text =
                                  "Times the weight formats on layers of BERT-large, ViT-B, Llama 7B and BitNet 2B "
                                  "and prints one table.",
                              .options = table,
                              .option_count = sizeof table / sizeof table[0]};
    int code;
    if (!lb_cli_parse(&argc, argv, &syntax, &code)) return code;
    if ((code = lb_gemm_passes(kCommand, o.passes, &o.bench)) != LB_EXIT_OK) return code;
    lb_gemm_session session;
    grid g = {.cells = NULL};
    code = lb_gemm_session_begin(&session, kCommand, o.isa, o.wisdom, &o.bench, 0.03);
    if (code == LB_EXIT_OK) code = time_grid(&session, &o, &g);
    lb_gemm_session_end(&session);
    return code;
}
