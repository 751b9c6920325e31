/* SPDX-License-Identifier: Apache-2.0 */
/* The state of the machine and of the build that every measurement is made in. */
#ifndef LOWBIT_CLI_STATE_H_
#define LOWBIT_CLI_STATE_H_

#include "cli/cli.h"

/* Says on standard error what will spoil times on this machine: its load, its governor. */
void lb_cli_state_warn(const char *command, const lowbit_ctx *ctx);

#endif
