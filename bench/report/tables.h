/* SPDX-License-Identifier: Apache-2.0 */
/* The results as tables, which the terminal, Markdown and the page print alike. */
#ifndef LOWBIT_BENCH_REPORT_TABLES_H_
#define LOWBIT_BENCH_REPORT_TABLES_H_

#include "bench/report/model.h"
#include "bench/table.h"

/* The table at this place; false past the end. Release with lb_table_free. A table without rows has its heading. */
bool lb_report_table(const lb_report *report, size_t index, const char **title, lb_table *table);

/* The heading of a table whose first `left` columns are texts. */
void lb_report_heads(lb_table *table, size_t left, const char *const *names, size_t count);

/* Those of networks. */
void lb_report_networks(const lb_report *report, lb_table *table);
void lb_report_network_times(const lb_report *report, lb_table *table);
void lb_report_layers(const lb_report *report, lb_table *table);

bool lb_report_table_has_rows(const lb_table *table);

/* Peers that gave no time, each kind of failure once: the first row from *index on whose library, way, status and
 * reason no earlier one has, and how many rows have them. *index moves behind it. NULL: no more. */
const lb_report_cell *lb_report_failure(const lb_report *report, size_t *index, size_t *count);

#endif
