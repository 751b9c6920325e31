/* SPDX-License-Identifier: Apache-2.0 */
/* The report as Markdown. */
#include <string.h>

#include "bench/report/escape.h"
#include "bench/report/headline.h"
#include "bench/report/machine.h"
#include "bench/report/report.h"
#include "bench/report/tables.h"

static void write_table(FILE *file, const lb_table *t) {
    for (size_t i = 0; i < t->count / t->columns * t->columns; i++) {
        fputs("| ", file);
        lb_put_markdown(file, t->cells[i]);
        fputc(' ', file);
        if ((i + 1) % t->columns) continue;
        fputs("|\n", file);
        if (i + 1 > t->columns) continue;
        for (size_t c = 0; c < t->columns; c++) fputs(c < t->left ? "|---" : "|---:", file);
        fputs("|\n", file);
    }
}

static void write_failures(FILE *file, const lb_report *report) {
    size_t index = 0, count;
    const lb_report_cell *cell;
    while ((cell = lb_report_failure(report, &index, &count))) {
        fputs("- ", file);
        lb_put_markdown(file, cell->impl);
        fputc(' ', file);
        lb_put_markdown(file, cell->way);
        fputs(": ", file);
        lb_put_markdown(file, cell->status);
        fprintf(file, " (%zu problem%s) ", count, count == 1 ? "" : "s");
        lb_put_markdown(file, cell->reason);
        fputc('\n', file);
    }
}

void lb_report_write_markdown(FILE *file, const lb_report *report, const char *title) {
    lb_fact fact;
    lb_table table;
    const char *name;
    char sentence[LB_SENTENCE];
    fputs("# ", file);
    lb_put_markdown(file, title);
    fputs("\n\n", file);
    for (size_t i = 0; lb_report_fact(report, i, &fact); i++) {
        if (!*fact.text) continue;
        fprintf(file, "- **%s**: ", fact.name);
        lb_put_markdown(file, fact.text);
        fputc('\n', file);
    }
    fputc('\n', file);
    for (size_t i = 0; lb_report_sentence(report, i, sentence); i++)
        if (*sentence) {
            lb_put_markdown(file, sentence);
            fputs("\n\n", file);
        }
    for (size_t i = 0; lb_report_table(report, i, &name, &table); i++) {
        if (lb_report_table_has_rows(&table)) {
            fprintf(file, "## %s\n\n", name);
            write_table(file, &table);
            fputc('\n', file);
        }
        lb_table_free(&table);
    }
    write_failures(file, report);
}
