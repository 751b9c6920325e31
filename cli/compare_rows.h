/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of a JSON file of `bench gemm`, `layers`, `limits`, `pack` or `tune`, as what `bench compare` pairs: a
 * foreign file, so that nothing in it is believed. */
#ifndef LOWBIT_CLI_COMPARE_ROWS_H_
#define LOWBIT_CLI_COMPARE_ROWS_H_

#include "bench/compare.h"
#include "bench/series.h"
#include "cli/cli.h"

enum { LB_ROW_LABEL = 64 };

typedef struct lb_row {
    json_t *fields;           /* that say what it is: problem and threads, or limit and bytes .. */
    char *key;                /* the same as text, with a number where they are not the first such row */
    char label[LB_ROW_LABEL]; /* for people */
    double value;             /* for people: */
    const char *unit;         /* "us", "GB/s" .. */
    lb_timing time;           /* microseconds; where the value is a rate, those of 1e9 units */
    double visit[LB_MAX_VISITS];
    bool paired;
} lb_row;

typedef struct lb_rows {
    const char *path;
    json_t *file;
    lb_row *list;
    json_t *index; /* key -> position in the list */
    json_t *seen;  /* key -> how many rows had it */
    size_t count;
    size_t timeless; /* rows that have no time: what was refused, or never told one */
} lb_rows;

/* Returns LB_EXIT_OK, or prints the reason and returns an exit code; free them in any case. */
int lb_rows_read(lb_rows *rows, const char *command, const char *path);
void lb_rows_free(lb_rows *rows);

/* The row with that key, or NULL. */
lb_row *lb_rows_find(const lb_rows *rows, const char *key);

#endif
