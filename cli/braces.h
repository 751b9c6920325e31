/* SPDX-License-Identifier: Apache-2.0 */
/* Braces as in the shell: "{i8,i4}a8:m{1,8}" stands for four texts. */
#ifndef LOWBIT_CLI_BRACES_H_
#define LOWBIT_CLI_BRACES_H_

#include "lowbit/types.h"

/* Room for a text with braces. */
enum { LB_BRACES_TEXT = 1024 };

/* Receives one of the texts; what is not LOWBIT_OK ends the expansion. */
typedef lowbit_status (*lb_braces_fn)(void *user, const char *text, lowbit_error *error);

/* Calls `take` with every text that the pattern stands for, those of its first brace varying slowest; braces may stand
 * inside of others. LOWBIT_BAD_FORMAT where one has no partner or the pattern is too long, or what `take` returned. How
 * many texts there are is for `take` to limit. */
lowbit_status lb_braces_expand(const char *pattern, lb_braces_fn take, void *user, lowbit_error *error);

#endif
