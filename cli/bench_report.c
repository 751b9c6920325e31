/* SPDX-License-Identifier: Apache-2.0 */
/* `lowbit bench report`: what the JSON files of the other benches say, as tables, a page, and plots. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/report.h"
#include "kernels/base/base.h"

typedef struct settings {
    const char *html, *csv, *markdown, *gnuplot, *title;
} settings;

static int read_file(lb_cli_report *r, const char *name) {
    json_error_t reason;
    json_t *file = json_load_file(name, JSON_REJECT_DUPLICATES, &reason);
    if (!file && json_error_code(&reason) == json_error_cannot_open_file)
        return lb_cli_error(LB_EXIT_FAILED, r->command, "cannot read %s: %s", name, strerror(errno));
    if (!file)
        return lb_cli_error(LB_EXIT_FAILED, r->command, "%s is no JSON: line %d, column %d: %s", name, reason.line,
                            reason.column, reason.text);
    return lb_cli_report_add(r, name, file);
}

static bool write_csv(FILE *file, const lb_cli_report *r) { return lb_report_write_csv(file, &r->report); }

static bool write_markdown(FILE *file, const lb_cli_report *r) {
    lb_report_write_markdown(file, &r->report, r->title);
    return true;
}

static int write_plot(const lb_cli_report *r, const char *folder, const lb_figure *figure, const char *suffix,
                      void (*write)(FILE *, const lb_figure *)) {
    char path[4096];
    const int length = snprintf(path, sizeof path, "%s/%s.%s", folder, figure->id, suffix);
    if (length < 0 || (size_t)length >= sizeof path)
        return lb_cli_error(LB_EXIT_FAILED, r->command, "the path of %s is too long", folder);
    FILE *file = fopen(path, "w");
    if (!file) return lb_cli_error(LB_EXIT_FAILED, r->command, "cannot write %s: %s", path, strerror(errno));
    write(file, figure);
    return lb_cli_report_close(r, file, path, true);
}

static int write_gnuplot(const lb_cli_report *r, const char *folder) {
    if (!folder) return LB_EXIT_OK;
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return lb_cli_error(LB_EXIT_FAILED, r->command, "cannot make the folder %s: %s", folder, strerror(errno));
    int code = LB_EXIT_OK;
    for (size_t i = 0; i < r->figures.count && code == LB_EXIT_OK; i++) {
        code = write_plot(r, folder, r->figures.items[i], "dat", lb_report_write_data);
        if (code == LB_EXIT_OK) code = write_plot(r, folder, r->figures.items[i], "gp", lb_report_write_script);
    }
    return code;
}

static int write_all(lb_cli_report *r, const settings *o) {
    int code = lb_cli_report_finish(r, o->title);
    if (code != LB_EXIT_OK) return code;
    if (!o->html && !o->csv && !o->markdown && !o->gnuplot) lb_report_write_text(stdout, &r->report, r->title);
    code = lb_cli_report_write(r, o->html, lb_cli_report_html);
    if (code == LB_EXIT_OK) code = lb_cli_report_write(r, o->csv, write_csv);
    if (code == LB_EXIT_OK) code = lb_cli_report_write(r, o->markdown, write_markdown);
    return code == LB_EXIT_OK ? write_gnuplot(r, o->gnuplot) : code;
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
        "Tells what files say that `bench gemm`, `layers`, `limits`, `network` and `pack`, `tune` and `eval` wrote\n"
        "with --json on one machine: as text tables, or in the forms that are asked for.",
        options,
        LB_COUNT(options),
        1,
        -1};
    int code;
    if (!lb_cli_parse(&argc, argv, &syntax, &code)) return code;
    if (!one_is_stdout(&o)) return lb_cli_error(LB_EXIT_USAGE, argv[0], "only one form can go to standard output");
    lb_cli_report r = {.command = argv[0]};
    for (int i = 1; i < argc && code == LB_EXIT_OK; i++) code = read_file(&r, argv[i]);
    if (code == LB_EXIT_OK) code = write_all(&r, &o);
    lb_cli_report_release(&r);
    return code;
}
