/* SPDX-License-Identifier: Apache-2.0 */
/* GLUE's tab separated files, mapped: sentences, pairs of them, and what is to be said of each.
 *
 * Lines end with "\n" or "\r\n"; a tab ends a column; nothing is quoted, a quote is a character like others. A UTF-8
 * byte order mark in front is passed over. The first line names the columns (CoLA's files have none). */
#ifndef LOWBIT_NN_TSV_H_
#define LOWBIT_NN_TSV_H_

#include "nn/mapped.h"
#include "nn/metrics.h"
#include "nn/text.h"

enum { LB_GLUE_METRICS = 2 };

/* One row of the table of tasks. */
typedef struct lb_glue_task {
    const char *name;                          /* "sst2" */
    const char *first, *second, *label;        /* names of columns; second is NULL of single sentences */
    const char *const *words;                  /* [classes]: what the label column spells, by number */
    const lb_metric *metrics[LB_GLUE_METRICS]; /* GLUE's own, the first one first; unused ones are NULL */
    const char *columns;                       /* of files without a header: their columns, separated by tabs */
    double most;                               /* of regression: labels are decimal numbers from 0 to this */
    int32_t classes;                           /* 0 = regression */
    bool ragged;                               /* lines with another number of columns are passed over and counted */
} lb_glue_task;

const lb_glue_task *lb_glue_task_of(const char *name); /* NULL if unknown */
const lb_glue_task *lb_glue_task_at(size_t i);         /* the table from 0 on; NULL behind its end */

typedef struct lb_glue_row {
    lb_text first, second; /* second is empty of single sentences */
    double label;          /* the number of the class, or the score */
} lb_glue_row;

/* Read by any number of threads. */
typedef struct lb_glue {
    const lb_glue_task *task;
    lb_glue_row *rows; /* [count], in the order of the file */
    int64_t count;     /* at least 1 */
    int64_t passed_over;
    lb_mapped mapped; /* of lb_glue_open */
} lb_glue;

/* `task` is a name of the table, or NULL: the task with most columns among those whose columns the header names, of
 * equal ones the first; CoLA, if the header is its own or the first line is one of its rows. Columns stand in any
 * order, beside any others.
 *
 * LOWBIT_INVALID_ARGUMENT: an unknown task. LOWBIT_BAD_FORMAT, with the line: a column that the task needs is missing
 * or there twice, another number of columns than the header has, a label that is none, no rows. LOWBIT_NO_MEMORY;
 * statuses of lb_map_file. *data needs no close after a failure. */
lowbit_status lb_glue_open(const char *path, const char *task, lb_glue *data, lowbit_error *error);

/* The same for bytes of the caller, which must outlive *data. */
lowbit_status lb_glue_parse(const uint8_t *bytes, size_t length, const char *task, lb_glue *data, lowbit_error *error);

void lb_glue_close(lb_glue *data);

#endif
