/* SPDX-License-Identifier: Apache-2.0 */
/* Text as bytes that somebody else owns, with a length and no end mark; and the lines of a file. */
#ifndef LOWBIT_NN_TEXT_H_
#define LOWBIT_NN_TEXT_H_

#include <stdbool.h>

#include "lowbit/types.h"

typedef struct lb_text {
    const char *bytes; /* UTF-8, as a rule; NULL only of length 0 */
    size_t length;
} lb_text;

/* The text of a C string, which must outlive it. */
lb_text lb_text_of(const char *string);

bool lb_text_equal(lb_text a, lb_text b);

/* Takes a line off *rest, with its end, which is "\n" or "\r\n" and not part of *line; false where *rest is empty.
 * Bytes behind the last end are a line; a carriage return at their end is theirs. */
bool lb_text_line(lb_text *rest, lb_text *line);

/* How often lb_text_line gives one. */
size_t lb_text_lines(lb_text text);

#endif
