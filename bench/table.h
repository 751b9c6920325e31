/* SPDX-License-Identifier: Apache-2.0 */
/* Text tables that fit a terminal of 100 columns and can be pasted into an issue. */
#ifndef LOWBIT_BENCH_TABLE_H_
#define LOWBIT_BENCH_TABLE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { LB_TABLE_WIDTH = 100, LB_TABLE_CELL = 48, LB_TABLE_COLUMNS = 20 };

/* Rows of `columns` cells; the first row is the heading. Start with {.columns = n}, end with lb_table_free. */
typedef struct lb_table {
    size_t columns; /* 1 .. LB_TABLE_COLUMNS */
    size_t left;    /* that many columns are aligned to the left; the others, numbers, to the right */
    size_t count, capacity;
    char (*cells)[LB_TABLE_CELL];
    bool failed; /* there was no memory for a cell */
} lb_table;

/* The next cell, row by row; printf style, cut at LB_TABLE_CELL - 1 characters. */
void lb_table_cell(lb_table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A number with three significant digits and at most two decimals, or "-" for 0 (not measured, no such thing). */
void lb_table_number(lb_table *table, double value);

/* Prints the whole rows, the columns as wide as their widest cell. Where that is more than LB_TABLE_WIDTH, first the
 * gaps shrink, then the cells of the first column are cut. Returns false if a cell had no memory. */
bool lb_table_print(const lb_table *table, FILE *file);
void lb_table_free(lb_table *table);

#endif
