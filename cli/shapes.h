/* SPDX-License-Identifier: Apache-2.0 */
/* Problems that a command is given: as words, or as a shapes file, which has one on a line. */
#ifndef LOWBIT_CLI_SHAPES_H_
#define LOWBIT_CLI_SHAPES_H_

#include <stddef.h>

#include "lowbit/gemm.h"

/* A list that grows. Starts as zeros; free it in any case. */
typedef struct lb_shapes {
    lowbit_problem *list;
    size_t count, room;
} lb_shapes;

/* Append the problems of words; of a file. In a file, blank lines count for nothing, nor does what follows a '#'.
 * Return LB_EXIT_OK, or print the reason, with the line, and return an exit code. */
int lb_shapes_add(lb_shapes *shapes, const char *command, int count, char **words);
int lb_shapes_read(lb_shapes *shapes, const char *command, const char *path);

void lb_shapes_free(lb_shapes *shapes);

#endif
