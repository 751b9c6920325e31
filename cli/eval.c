/* SPDX-License-Identifier: Apache-2.0 */
/* `lowbit eval`: how right and how fast a network is on real data, format by format. */
#include "cli/eval.h"

#include <stdio.h>
#include <string.h>

#include "cli/report.h"
#include "cli/wisdom.h"
#include "lowbit/lowbit.h"

static const char kCommand[] = "eval";

/* A row's number, in a unit. */
static double number(const json_t *row, const char *key) { return json_number_value(json_object_get(row, key)); }

/* What the data are judged by first. */
static const char *first_metric(const json_t *rows) {
    return json_object_iter_key(json_object_iter(json_object_get(json_array_get(rows, 0), "metrics")));
}

void lb_eval_print(const json_t *rows) {
    static const double kKib = 1024;
    size_t i;
    json_t *row;
    printf("%-16s %7s %7s %7s %6s %7s %6s %6s %4s %2s %9s %6s %5s\n", "recipe", first_metric(rows), "agree", "payload",
           "scales", "tables", "rest", "RSS", "n", "th", "p50 us", "GOP/s", "share");
    json_array_foreach(rows, i, row) {
        const json_t *format = json_object_get(row, "format"), *agreement = json_object_get(row, "agreement");
        char agree[16] = "-";
        if (json_is_real(agreement)) snprintf(agree, sizeof agree, "%.2f%%", 100 * json_real_value(agreement));
        printf("%-16.16s %6.2f%% %7s %6.0fK %5.0fK %6.0fK %5.0fK %5.0fM %4.0f %2.0f %9.1f %6.1f %4.0f%%\n",
               format ? json_string_value(format) : "packed",
               100 * number(json_object_get(row, "metrics"), first_metric(rows)), agree,
               number(row, "payload_bytes") / kKib, number(row, "scale_bytes") / kKib,
               number(row, "table_bytes") / kKib, number(row, "rest_bytes") / kKib,
               number(row, "peak_rss_bytes") / kKib / kKib, number(row, "batch"), number(row, "threads"),
               number(row, "p50_us"), number(row, "gops"), 100 * number(row, "share"));
    }
}

/* "1,32" */
static bool read_batches(lb_eval *e) {
    lb_word_list words;
    if (!lb_cli_words(e->batches, &words) || words.count > LB_EVAL_BATCHES) return false;
    for (size_t i = 0; i < words.count; i++)
        if (!lb_cli_size(words.list[i], &e->batch_list[i]) || e->batch_list[i] < 1) return false;
    e->batch_count = words.count;
    return true;
}

/* Predictions are for the process that asked. */
static void drop_predictions(json_t *rows) {
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row) json_object_del(row, "predictions");
}

static json_t *file_json(const lowbit_ctx *ctx, json_t *rows) {
    return json_pack("{s:o, s:o, s:O}", "machine", lb_cli_machine_json(ctx), "run", lb_cli_run_json(), "results", rows);
}

/* "resnet8 on test_batch.bin", of the first row and the last part of the path. */
static void title_of(const lb_eval *e, const json_t *rows, char title[LB_REPORT_TITLE]) {
    const char *slash = strrchr(e->data, '/');
    snprintf(title, LB_REPORT_TITLE, "%.64s on %.64s",
             json_string_value(json_object_get(json_array_get(rows, 0), "model")),
             slash && slash[1] ? slash + 1 : e->data);
}

/* The page comes last, since a report changes the tree. */
static int write_files(const lb_eval *e, json_t *rows) {
    lowbit_ctx *ctx;
    char title[LB_REPORT_TITLE];
    if (!e->json && !e->html) return LB_EXIT_OK;
    int code = lb_cli_context(e->command, e->isa, NULL, &ctx);
    if (code != LB_EXIT_OK) return code;
    title_of(e, rows, title);
    if (e->json) code = lb_cli_write_json(e->command, e->json, file_json(ctx, rows));
    if (code == LB_EXIT_OK && e->html) code = lb_cli_write_page(e->command, e->html, title, file_json(ctx, rows));
    lowbit_ctx_destroy(ctx);
    return code;
}

static int check(lb_eval *e, bool packed) {
    if (!e->data) return lb_cli_error(LB_EXIT_USAGE, e->command, "--data is missing: what is it to be evaluated on?");
    if (!read_batches(e))
        return lb_cli_error(LB_EXIT_USAGE, e->command, "--batch \"%s\" is no list of at most %d sizes", e->batches,
                            LB_EVAL_BATCHES);
    if (e->sensitivity && (e->recipes || e->formats))
        return lb_cli_error(LB_EXIT_USAGE, e->command, "--sensitivity goes without --recipe and --format");
    if (packed && (e->sensitivity || e->recipes || e->formats))
        return lb_cli_error(LB_EXIT_USAGE, e->command,
                            "%s is packed already: --recipe, --format and --sensitivity are for networks in floats",
                            e->model.model);
    if (lb_cli_json_only(e->json) && lb_cli_json_only(e->html))
        return lb_cli_error(LB_EXIT_USAGE, e->command, "only one of --json and --html can go to standard output");
    return LB_EXIT_OK;
}

static int evaluate(const lb_eval *e, bool packed, json_t *rows) {
    if (e->sensitivity) return lb_eval_sensitivity(e, rows);
    return packed ? lb_eval_packed(e, e->model.model, rows) : lb_eval_recipes(e, rows);
}

static int run(lb_eval *e) {
    const bool packed = !e->model.random && lb_cli_is_packed(e->model.model);
    int code = check(e, packed);
    if (code != LB_EXIT_OK) return code;
    json_t *rows = json_array();
    code = evaluate(e, packed, rows);
    if (!e->predictions) drop_predictions(rows);
    if (code == LB_EXIT_OK && !lb_cli_json_only(e->json) && !lb_cli_json_only(e->html))
        (e->sensitivity ? lb_eval_print_sensitivity : lb_eval_print)(rows);
    if (code == LB_EXIT_OK) code = write_files(e, rows);
    json_decref(rows);
    return code;
}

int lb_cmd_eval(int argc, char **argv) {
    lb_eval e = {.command = kCommand, .model.command = kCommand, .batches = "1,32", .threads = "1"};
    const lb_option table[] = {
        {"--data", "DATA", "CIFAR, a folder of images by class, or a .tsv of GLUE", LB_OPTION_TEXT, &e.data},
        {"--recipe", "LIST", "recipes, as w8a8,ternary: presets, files, or native (default: floats alone)",
         LB_OPTION_TEXT, &e.recipes},
        {"--format", "LIST", "formats for all layers alike, as i8a8s,i4g32a8", LB_OPTION_TEXT, &e.formats},
        {"--sensitivity", "LIST", "each layer alone by each of these formats, as i8a8s,i4a8,b1a8", LB_OPTION_TEXT,
         &e.sensitivity},
        {"--parts", NULL, "with --sensitivity: parts of a transformer (q, k, v, mha, ffn, ...), not layers",
         LB_OPTION_FLAG, &e.parts},
        LB_OPTION_MODEL(e.model),
        {"--batch", "LIST", "images or texts of a run (default: 1,32)", LB_OPTION_TEXT, &e.batches},
        {"--threads", "LIST", "thread counts, as 1,2,all (default: 1)", LB_OPTION_TEXT, &e.threads},
        {"--limit", "N", "the first N images or texts (default: all)", LB_OPTION_COUNT, &e.limit},
        {"--predictions", NULL, "every answer, in the JSON", LB_OPTION_FLAG, &e.predictions},
        LB_OPTION_CPUS,
        LB_OPTION_ISA(&e.isa),
        LB_OPTION_WISDOM(&e.wisdom),
        LB_OPTION_JSON(&e.json),
        {"--html", "FILE|-", "one page with plots and tables, which needs no other file", LB_OPTION_TEXT, &e.html},
    };
    const lb_syntax syntax = {
        .usage = "MODEL --data DATA [--recipe LIST] [options]",
        .text =
            "Runs a network over labelled images or texts: accuracy or GLUE's metrics, agreement "
            "with floats, bytes, resident memory and times. MODEL is a file of safetensors, a folder with "
            "model.safetensors in it, or a packed network of `lowbit quantize`.",
        .options = table,
        .option_count = sizeof table / sizeof table[0],
        .min_words = 1,
        .max_words = 1};
    int code;
    if (!lb_cli_parse(&argc, argv, &syntax, &code)) return code;
    e.model.model = argv[1];
    return run(&e);
}
