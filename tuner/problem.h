/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of a problem string: for tables and JSON, and for other grammars that have them. */
#ifndef LOWBIT_TUNER_PROBLEM_H_
#define LOWBIT_TUNER_PROBLEM_H_

#include <stdbool.h>

#include "lowbit/gemm.h"

enum { LB_PROBLEM_WORD = 48 };

/* "i4g32" and "a8" of i4g32a8:m1n4096k4096. */
void lb_problem_words(const lowbit_problem *problem, char format[LB_PROBLEM_WORD], char act[LB_PROBLEM_WORD]);

/* What a text begins with: each moves `at` past what it reads, and returns whether it was there. The head is all in
 * front of ":m", the tail all that follows the sizes, up to the end; a number has ten digits at most. */
bool lb_take_head(const char **at, lowbit_problem *problem);
bool lb_take_number(const char **at, const char *prefix, int64_t least, int64_t *value);
bool lb_take_tail(const char **at, lowbit_problem *problem);

/* A text that grows; what does not fit is counted. */
typedef struct lb_printer {
    char *text;
    size_t size, used;
    bool unknown; /* a value that the grammar has no word for */
} lb_printer;

void lb_put(lb_printer *printer, const char *text);
void lb_put_head(lb_printer *printer, const lowbit_problem *problem);
void lb_put_number(lb_printer *printer, const char *prefix, int64_t value);
void lb_put_tail(lb_printer *printer, const lowbit_problem *problem);

#endif
