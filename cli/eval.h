/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of `lowbit eval`. */
#ifndef LOWBIT_CLI_EVAL_H_
#define LOWBIT_CLI_EVAL_H_

#include "cli/pack.h"

enum { LB_EVAL_BATCHES = 16 };

/* What the user asked for. */
typedef struct lb_eval {
    const char *command;
    lb_cli_model model;
    const char *data, *sensitivity, *recipes, *formats, *batches, *threads, *isa, *wisdom, *json, *html;
    int64_t limit;    /* images or texts; 0 = all */
    bool parts;       /* sensitivity of parts, not layers */
    bool predictions; /* in the JSON */
    int64_t batch_list[LB_EVAL_BATCHES];
    size_t batch_count;
} lb_eval;

/* Appends a row for each batch and number of threads to `rows`: how the packed network in `path` does on the data.
 * Returns an exit code. */
int lb_eval_packed(const lb_eval *e, const char *path, json_t *rows);

/* The same for a network in floats, by every recipe: each is packed into a file, which a process of its own evaluates,
 * so that its memory is its own. The first rows are those of floats, with whose predictions the others are compared. */
int lb_eval_recipes(const lb_eval *e, json_t *rows);

/* One layer, or part, after the other by each of the formats, all others in floats: a row for each. */
int lb_eval_sensitivity(const lb_eval *e, json_t *rows);

/* Prints those rows: a line for each layer, a column for each format. */
void lb_eval_print_sensitivity(const json_t *rows);

/* Prints the rows as a table of 100 columns. */
void lb_eval_print(const json_t *rows);

/* Bytes that were resident at most since the last reset, -1 = unknown. */
int64_t lb_peak_rss(void);
void lb_peak_rss_reset(void);

#endif
