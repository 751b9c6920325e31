/* SPDX-License-Identifier: Apache-2.0 */
/* A report in each of its forms. Writers print to a file of the caller, who looks whether that went well. */
#ifndef LOWBIT_BENCH_REPORT_REPORT_H_
#define LOWBIT_BENCH_REPORT_REPORT_H_

#include <stdio.h>

#include "bench/report/figure.h"
#include "bench/report/model.h"

/* Text tables of at most 100 columns. */
void lb_report_write_text(FILE *file, const lb_report *report, const char *title);

/* Tables that can be pasted into an issue. */
void lb_report_write_markdown(FILE *file, const lb_report *report, const char *title);

/* One row for each result of every file: its kind, then every scalar field that any result has, in the order in which
 * they are met; fields of objects within are named "object.field", lists are left out. Returns false without memory. */
bool lb_report_write_csv(FILE *file, const lb_report *report);

/* One page that needs nothing else: figures as inline SVG, then tables. */
void lb_report_write_html(FILE *file, const lb_report *report, const lb_figures *figures, const char *title);

/* The data of a figure as gnuplot reads it, and the script that draws it from "ID.dat" into "ID.svg". */
void lb_report_write_data(FILE *file, const lb_figure *figure);
void lb_report_write_script(FILE *file, const lb_figure *figure);

/* "lowbit on AMD EPYC", where the user gave no title. */
enum { LB_REPORT_TITLE = 160 };
void lb_report_default_title(const lb_report *report, char title[LB_REPORT_TITLE]);

#endif
