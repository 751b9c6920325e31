/* SPDX-License-Identifier: Apache-2.0 */
/* The page: what the machine is and does, figures, tables. It asks nothing of the network and runs no script. */
#include <string.h>

#include "bench/report/escape.h"
#include "bench/report/headline.h"
#include "bench/report/machine.h"
#include "bench/report/plots.h"
#include "bench/report/report.h"
#include "bench/report/style.h"
#include "bench/report/svg.h"
#include "bench/report/tables.h"
#include "lowbit/types.h"

/* An element without children: <p class="lead">text</p>. */
static void element(FILE *file, const char *open, const char *text, const char *close) {
    fputs(open, file);
    lb_put_xml(file, text);
    fputs(close, file);
}

static void write_head(FILE *file, const char *title) {
    fputs(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n",
        file);
    element(file, "<title>", title, "</title>\n");
    fprintf(file, "<style>\n%s</style>\n</head>\n<body>\n<main>\n", lb_report_style);
}

static void write_headline(FILE *file, const lb_report *report) {
    lb_headline h;
    char number[32];
    fputs("<dl class=\"big\">\n", file);
    for (size_t i = 0; lb_report_headline(report, i, &h); i++) {
        if (!h.best) continue;
        snprintf(number, sizeof number, "%.0f", h.best->gops);
        element(file, "<div><dt>", h.name, "</dt>");
        element(file, "<dd class=\"n\">", number, " <small>GOP/s</small></dd><dd>");
        lb_put_xml(file, h.best->problem);
        fprintf(file, ", %lld thread%s", (long long)h.best->threads, h.best->threads == 1 ? "" : "s");
        if (h.best->share > 0) fprintf(file, ": %.0f&nbsp;%% of the limit (", 100 * h.best->share);
        if (h.best->share > 0) element(file, "", h.best->limit, ")");
        fputs("</dd></div>\n", file);
    }
    fputs("</dl>\n", file);
}

static void write_top(FILE *file, const lb_report *report, const char *title) {
    char text[LB_SENTENCE];
    lb_fact fact;
    element(file, "<header>\n<h1>", title, "</h1>\n");
    if (lb_report_rows(report) > report->network_count + report->layer_count) {
        fputs(
            "<p class=\"lead\">Products of low-bit matrices. One operation is a multiply or an add: M&nbsp;×&nbsp;N"
            "&nbsp;×&nbsp;K counts 2MNK, whatever the width. Times are medians.</p>\n",
            file);
        write_headline(file, report);
    } else {
        fputs("<p class=\"lead\">Networks with low-bit weights, by recipe. Times are medians.</p>\n", file);
    }
    fputs("<div class=\"notes\">\n", file);
    for (size_t i = 0; lb_report_sentence(report, i, text); i++)
        if (*text) element(file, "<p>", text, "</p>\n");
    fputs("</div>\n<dl class=\"facts\">\n", file);
    for (size_t i = 0; lb_report_fact(report, i, &fact); i++) {
        if (!*fact.text) continue;
        element(file, "<div><dt>", fact.name, "</dt><dd>");
        element(file, "", fact.text, "</dd></div>\n");
    }
    fputs("</dl>\n</header>\n", file);
}

static void write_failures(FILE *file, const lb_report *report) {
    size_t index = 0, count;
    const lb_report_cell *cell = lb_report_failure(report, &index, &count);
    if (!cell) return;
    fputs("<h3 class=\"t\">What gave no time</h3>\n<ul>\n", file);
    for (; cell; cell = lb_report_failure(report, &index, &count)) {
        element(file, "<li>", cell->impl, " ");
        element(file, "", cell->way, ": <strong>");
        element(file, "", cell->status, "</strong>");
        fprintf(file, ", %zu problem%s", count, count == 1 ? "" : "s");
        if (*cell->reason) element(file, ": ", cell->reason, "");
        fputs("</li>\n", file);
    }
    fputs("</ul>\n", file);
}

static bool in_section(const lb_figure *figure, const lb_plot_section *section) {
    return strcmp(figure->section, section->name) == 0;
}

static void write_section(FILE *file, const lb_report *report, const lb_figures *figures,
                          const lb_plot_section *section) {
    const bool is_peers = strcmp(section->name, "peers") == 0;
    size_t index = 0, count;
    bool wanted = is_peers && lb_report_failure(report, &index, &count);
    for (size_t i = 0; i < figures->count; i++) wanted = wanted || in_section(figures->items[i], section);
    if (!wanted) return;
    element(file, "<section>\n<h2>", section->title, "</h2>\n");
    element(file, "<p>", section->text, "</p>\n<div class=\"plots\">\n");
    for (size_t i = 0; i < figures->count; i++) {
        const lb_figure *f = figures->items[i];
        if (!in_section(f, section)) continue;
        fprintf(file, "<figure id=\"%s\">\n", f->id);
        element(file, "<h3>", f->title, "</h3>\n");
        lb_svg_write(file, f);
        element(file, "<figcaption>", f->caption, "</figcaption>\n</figure>\n");
    }
    fputs("</div>\n", file);
    if (is_peers) write_failures(file, report);
    fputs("</section>\n", file);
}

static void write_table(FILE *file, const char *title, const lb_table *t) {
    element(file, "<h3 class=\"t\">", title,
            "</h3>\n<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"");
    element(file, "", title, "\">\n<table>\n<thead>");
    for (size_t i = 0; i < t->count / t->columns * t->columns; i++) {
        const size_t column = i % t->columns;
        const char *kind = i < t->columns ? "th" : "td";
        if (i == t->columns) fputs("</thead>\n<tbody>\n", file);
        if (column == 0) fputs("<tr>", file);
        fprintf(file, "<%s%s>", kind, column < t->left ? " class=\"t\"" : "");
        lb_put_xml(file, t->cells[i]);
        fprintf(file, "</%s>%s", kind, column + 1 == t->columns ? "</tr>\n" : "");
    }
    fputs("</tbody>\n</table>\n</div>\n", file);
}

static void write_tables(FILE *file, const lb_report *report) {
    lb_table table;
    const char *title;
    fputs("<section>\n<h2>Tables</h2>\n<p>Every number that the pictures are drawn from.</p>\n", file);
    for (size_t i = 0; lb_report_table(report, i, &title, &table); i++) {
        if (lb_report_table_has_rows(&table)) write_table(file, title, &table);
        lb_table_free(&table);
    }
    fputs("</section>\n", file);
}

void lb_report_write_html(FILE *file, const lb_report *report, const lb_figures *figures, const char *title) {
    write_head(file, title);
    write_top(file, report, title);
    for (const lb_plot_section *s = lb_plot_sections; s->name; s++) write_section(file, report, figures, s);
    write_tables(file, report);
    element(file, "<footer>Made by lowbit ", lowbit_version(),
            " (bench report). How everything is measured: docs/benchmarking.md and docs/models.md.</footer>\n");
    fputs("</main>\n</body>\n</html>\n", file);
}

void lb_report_default_title(const lb_report *report, char title[LB_REPORT_TITLE]) {
    const char *cpu = json_string_value(json_object_get(report->machine, "cpu"));
    snprintf(title, LB_REPORT_TITLE, "lowbit on %.120s", cpu && *cpu ? cpu : "an unknown CPU");
}
