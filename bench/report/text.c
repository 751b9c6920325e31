/* SPDX-License-Identifier: Apache-2.0 */
/* The report for a terminal. */
#include "bench/report/headline.h"
#include "bench/report/machine.h"
#include "bench/report/report.h"
#include "bench/report/tables.h"

/* Lines that begin behind the name's column. */
static void print_wrapped(FILE *file, const char *text) {
    enum { INDENT = 13 };
    int column = INDENT;
    for (const char *word = text; *word;) {
        int length = 0;
        while (word[length] && word[length] != ' ') length++;
        if (column > INDENT && column + 1 + length > LB_TABLE_WIDTH) {
            fprintf(file, "\n%*s", INDENT, "");
            column = INDENT;
        }
        column += fprintf(file, "%s%.*s", column > INDENT ? " " : "", length, word);
        for (word += length; *word == ' ';) word++;
    }
    fputc('\n', file);
}

static void print_failures(FILE *file, const lb_report *report) {
    size_t index = 0, count;
    const lb_report_cell *cell;
    while ((cell = lb_report_failure(report, &index, &count))) {
        char text[400];
        snprintf(text, sizeof text, "%.60s: %.20s, %zu problem%s: %.280s", cell->way, cell->status, count,
                 count == 1 ? "" : "s", cell->reason);
        fprintf(file, "%-12.12s ", cell->impl);
        print_wrapped(file, text);
    }
}

void lb_report_write_text(FILE *file, const lb_report *report, const char *title) {
    lb_fact fact;
    lb_table table;
    const char *name;
    char sentence[LB_SENTENCE];
    fprintf(file, "%s\n\n", title);
    for (size_t i = 0; lb_report_fact(report, i, &fact); i++) {
        if (!*fact.text) continue;
        fprintf(file, "%-13s", fact.name);
        print_wrapped(file, fact.text);
    }
    for (size_t i = 0; lb_report_sentence(report, i, sentence); i++)
        if (*sentence) {
            fprintf(file, "%-13s", i == 0 ? "in short" : "");
            print_wrapped(file, sentence);
        }
    for (size_t i = 0; lb_report_table(report, i, &name, &table); i++) {
        if (lb_report_table_has_rows(&table)) {
            fprintf(file, "\n%s\n\n", name);
            lb_table_print(&table, file);
        }
        lb_table_free(&table);
    }
    fputc('\n', file);
    print_failures(file, report);
}
