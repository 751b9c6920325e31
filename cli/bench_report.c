/* SPDX-License-Identifier: Apache-2.0 */
/* `lowbit bench report`: what the JSON files of the other benches say, as tables, a page, and plots. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "bench/report/plots.h"
#include "bench/report/report.h"
#include "cli/cli.h"
#include "kernels/base/base.h"

typedef struct settings {
    const char *html, *csv, *markdown, *gnuplot, *title;
} settings;

/* What the writers write about. */
typedef struct work {
    const char *command, *title;
    lb_report report;
    lb_figures figures;
} work;

static int read_file(work *w, const char *name) {
    json_error_t reason;
    json_t *file = json_load_file(name, JSON_REJECT_DUPLICATES, &reason);
    if (!file && json_error_code(&reason) == json_error_cannot_open_file)
        return lb_cli_error(LB_EXIT_FAILED, w->command, "cannot read %s: %s", name, strerror(errno));
    if (!file)
        return lb_cli_error(LB_EXIT_FAILED, w->command, "%s is no JSON: line %d, column %d: %s", name, reason.line,
                            reason.column, reason.text);
    lowbit_error error = LOWBIT_ERROR_INIT;
    const lowbit_status status = lb_report_add(&w->report, name, file, &error);
    return status == LOWBIT_OK ? LB_EXIT_OK : lb_cli_failed(w->command, status, &error);
}

static bool write_html(FILE *file, const work *w) {
    lb_report_write_html(file, &w->report, &w->figures, w->title);
    return true;
}

static bool write_csv(FILE *file, const work *w) { return lb_report_write_csv(file, &w->report); }

static bool write_markdown(FILE *file, const work *w) {
    lb_report_write_markdown(file, &w->report, w->title);
    return true;
}

/* Closes what was written; `complete` is false where memory ran out on the way. */
static int finish(const work *w, FILE *file, const char *target, bool complete) {
    const bool written = !ferror(file) && (file == stdout ? fflush(file) : fclose(file)) == 0;
    if (!complete) return lb_cli_error(LB_EXIT_FAILED, w->command, "no memory for %s", target);
    if (!written && !(file == stdout && errno == EPIPE))
        return lb_cli_error(LB_EXIT_FAILED, w->command, "cannot write %s: %s", target, strerror(errno));
    return written ? LB_EXIT_OK : LB_EXIT_FAILED;
}

static int write_to(const work *w, const char *target, bool (*write)(FILE *, const work *)) {
    if (!target) return LB_EXIT_OK;
    FILE *file = strcmp(target, "-") == 0 ? stdout : fopen(target, "w");
    if (!file) return lb_cli_error(LB_EXIT_FAILED, w->command, "cannot write %s: %s", target, strerror(errno));
    return finish(w, file, target, write(file, w));
}

static int write_plot(const work *w, const char *folder, const lb_figure *figure, const char *suffix,
                      void (*write)(FILE *, const lb_figure *)) {
    char path[4096];
    const int length = snprintf(path, sizeof path, "%s/%s.%s", folder, figure->id, suffix);
    if (length < 0 || (size_t)length >= sizeof path)
        return lb_cli_error(LB_EXIT_FAILED, w->command, "the path of %s is too long", folder);
    FILE *file = fopen(path, "w");
    if (!file) return lb_cli_error(LB_EXIT_FAILED, w->command, "cannot write %s: %s", path, strerror(errno));
    write(file, figure);
    return finish(w, file, path, true);
}

static int write_gnuplot(const work *w, const char *folder) {
    if (!folder) return LB_EXIT_OK;
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return lb_cli_error(LB_EXIT_FAILED, w->command, "cannot make the folder %s: %s", folder, strerror(errno));
    int code = LB_EXIT_OK;
    for (size_t i = 0; i < w->figures.count && code == LB_EXIT_OK; i++) {
        code = write_plot(w, folder, w->figures.items[i], "dat", lb_report_write_data);
        if (code == LB_EXIT_OK) code = write_plot(w, folder, w->figures.items[i], "gp", lb_report_write_script);
    }
    return code;
}

static int write_all(work *w, const settings *o) {
    const lb_report *r = &w->report;
    if (r->cell_count + r->limit_count + r->pack_count + r->tuned_count == 0)
        return lb_cli_error(LB_EXIT_FAILED, w->command, "there are no results");
    lb_report_finish(&w->report);
    lb_plot_all(&w->report, &w->figures);
    if (w->figures.failed) return lb_cli_error(LB_EXIT_FAILED, w->command, "no memory for the plots");
    if (!o->html && !o->csv && !o->markdown && !o->gnuplot) lb_report_write_text(stdout, &w->report, w->title);
    int code = write_to(w, o->html, write_html);
    if (code == LB_EXIT_OK) code = write_to(w, o->csv, write_csv);
    if (code == LB_EXIT_OK) code = write_to(w, o->markdown, write_markdown);
    return code == LB_EXIT_OK ? write_gnuplot(w, o->gnuplot) : code;
}

/* Two reports in one stream are none. */
static bool one_is_stdout(const settings *o) {
    const char *const targets[] = {o->html, o->csv, o->markdown};
    size_t count = 0;
    for (size_t i = 0; i < LB_COUNT(targets); i++) count += targets[i] && strcmp(targets[i], "-") == 0;
    return count <= 1;
}

int lb_cmd_bench_report(int argc, char **argv) {
    settings o = {0};
    const lb_option options[] = {
        {"--html", "FILE|-", "one page with plots and tables, which needs no other file", LB_OPTION_TEXT, &o.html},
        {"--csv", "FILE|-", "a row for each result, with every field that is one value", LB_OPTION_TEXT, &o.csv},
        {"--markdown", "FILE|-", "tables to paste into an issue", LB_OPTION_TEXT, &o.markdown},
        {"--gnuplot", "DIR", "data and a script for each plot, for gnuplot 5", LB_OPTION_TEXT, &o.gnuplot},
        {"--title", "TEXT", "what stands above (default: lowbit on the CPU)", LB_OPTION_TEXT, &o.title},
    };
    const lb_syntax syntax = {
        "FILE.json... [--html FILE|-] [--csv FILE|-] [--markdown FILE|-] [--gnuplot DIR] [--title TEXT]",
        "Tells what files say that `bench gemm`, `bench layers`, `bench limits`, `bench pack` and `tune` wrote with\n"
        "--json on one machine: as text tables, or in the forms that are asked for.",
        options,
        LB_COUNT(options),
        1,
        -1};
    int code;
    if (!lb_cli_parse(&argc, argv, &syntax, &code)) return code;
    if (!one_is_stdout(&o)) return lb_cli_error(LB_EXIT_USAGE, argv[0], "only one form can go to standard output");
    work w = {.command = argv[0], .title = o.title};
    for (int i = 1; i < argc && code == LB_EXIT_OK; i++) code = read_file(&w, argv[i]);
    char title[LB_REPORT_TITLE];
    if (code == LB_EXIT_OK && !w.title) {
        lb_report_default_title(&w.report, title);
        w.title = title;
    }
    if (code == LB_EXIT_OK) code = write_all(&w, &o);
    lb_figures_free(&w.figures);
    lb_report_release(&w.report);
    return code;
}
