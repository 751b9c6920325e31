/* SPDX-License-Identifier: Apache-2.0 */
/* The plots of a report, each a file: from rows to figures, where the rows are there. */
#ifndef LOWBIT_BENCH_REPORT_PLOTS_H_
#define LOWBIT_BENCH_REPORT_PLOTS_H_

#include "bench/report/figure.h"
#include "bench/report/model.h"

/* Parts of the page, in its order. */
typedef struct lb_plot_section {
    const char *name; /* that figures go by; NULL ends the table */
    const char *title, *text;
} lb_plot_section;
extern const lb_plot_section lb_plot_sections[];

/* Adds every figure that the rows allow. */
void lb_plot_all(const lb_report *report, lb_figures *figures);

void lb_plot_roofline(const lb_report *report, lb_figures *figures);
void lb_plot_rows(const lb_report *report, lb_figures *figures);
void lb_plot_share(const lb_report *report, lb_figures *figures);
void lb_plot_threads(const lb_report *report, lb_figures *figures);
void lb_plot_sizes(const lb_report *report, lb_figures *figures);
void lb_plot_spread(const lb_report *report, lb_figures *figures);
void lb_plot_peers(const lb_report *report, lb_figures *figures);
void lb_plot_kernels(const lb_report *report, lb_figures *figures);
void lb_plot_blocks(const lb_report *report, lb_figures *figures);
void lb_plot_memory(const lb_report *report, lb_figures *figures);
void lb_plot_pack(const lb_report *report, lb_figures *figures);
void lb_plot_accuracy(const lb_report *report, lb_figures *figures);
void lb_plot_speedup(const lb_report *report, lb_figures *figures);
void lb_plot_sensitivity(const lb_report *report, lb_figures *figures);

#endif
