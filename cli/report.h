/* SPDX-License-Identifier: Apache-2.0 */
/* Reports on their way into files: what `bench report` and the commands that write a page share. */
#ifndef LOWBIT_CLI_REPORT_H_
#define LOWBIT_CLI_REPORT_H_

#include "bench/report/report.h"
#include "cli/cli.h"

/* What writers write about. Starts with zeros but for the command. */
typedef struct lb_cli_report {
    const char *command, *title;
    char machine[LB_REPORT_TITLE]; /* the title where there is no other */
    lb_report report;
    lb_figures figures;
} lb_cli_report;

/* Adds a file's rows and takes the tree over; errors call it `name`. These return an exit code; what is wrong they
 * print. */
int lb_cli_report_add(lb_cli_report *r, const char *name, json_t *file);

/* After the last file: title NULL is that of the machine. Draws the figures. */
int lb_cli_report_finish(lb_cli_report *r, const char *title);

/* Writes one form to a file, "-" being standard output; NULL writes nothing. `write` returns false without memory. */
int lb_cli_report_write(const lb_cli_report *r, const char *target, bool (*write)(FILE *, const lb_cli_report *));
bool lb_cli_report_html(FILE *file, const lb_cli_report *r);

/* Closes what was written, and tells whether all of it went to `target`. `complete` is false where memory ran out. */
int lb_cli_report_close(const lb_cli_report *r, FILE *file, const char *target, bool complete);

void lb_cli_report_release(lb_cli_report *r);

/* The page about one file, from first to last; takes the tree over. */
int lb_cli_write_page(const char *command, const char *target, const char *title, json_t *file);

#endif
