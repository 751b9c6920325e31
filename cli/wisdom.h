/* SPDX-License-Identifier: Apache-2.0 */
/* Wisdom of the commands that use it: where the file is, opening, closing. The library chooses no place, the program
 * does: $XDG_CACHE_HOME/lowbit/wisdom, else ~/.cache/lowbit/wisdom. */
#ifndef LOWBIT_CLI_WISDOM_H_
#define LOWBIT_CLI_WISDOM_H_

#include "cli/cli.h"
#include "lowbit/wisdom.h"

#define LB_OPTION_WISDOM(target)                                                                                       \
    { "--wisdom", "FILE|none", "tuned decisions (default: ~/.cache/lowbit/wisdom)", LB_OPTION_TEXT, (target) }

enum { LB_WISDOM_PATH = 4096 };

/* The file that `option` means, NULL being the default place. Returns LB_EXIT_OK, or prints why there is none and
 * returns the exit code. */
int lb_cli_wisdom_path(const char *command, const char *option, char path[LB_WISDOM_PATH]);

/* For commands that plan: what the file holds, *wisdom = NULL for "none" and where the environment names no place. A
 * file that is named must be there and be wisdom; the default one may be missing, and is left aside (*wisdom = NULL)
 * with a warning where it is none. Says on standard error which lines are damaged. Returns LB_EXIT_OK, or prints the
 * reason and returns the exit code. */
int lb_cli_wisdom_read(const char *command, const char *option, const lowbit_ctx *ctx, lowbit_wisdom **wisdom);

/* For commands that add to it: an empty one for "none" and where there is no file yet; what is there must be wisdom. */
int lb_cli_wisdom_open(const char *command, const char *option, const lowbit_ctx *ctx, lowbit_wisdom **wisdom);

/* Saves it to where it came from, making the folders of the default place; "none" is a no-op. Returns an exit code. */
int lb_cli_wisdom_keep(const char *command, const char *option, lowbit_wisdom *wisdom);

/* Adds a file, which must be there; says on standard error which lines are damaged. `report` may be NULL. Returns as
 * above. */
int lb_cli_wisdom_add(const char *command, const char *path, lowbit_wisdom *wisdom, lowbit_wisdom_report *report);

/* An empty one, or the reason and the exit code. */
int lb_cli_wisdom_new(const char *command, const lowbit_ctx *ctx, lowbit_wisdom **wisdom);

/* lowbit_wisdom_save, or the reason and the exit code. */
int lb_cli_wisdom_save(const char *command, lowbit_wisdom *wisdom, const char *path);

#endif
