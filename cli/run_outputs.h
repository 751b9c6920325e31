/* SPDX-License-Identifier: Apache-2.0 */
/* All outputs of a network on a data set. */
#ifndef LOWBIT_CLI_RUN_OUTPUTS_H_
#define LOWBIT_CLI_RUN_OUTPUTS_H_

#include "cli/cli.h"
#include "nn/net_file.h"

/* Writes a matrix of floats, a row for each image or text of `data`, to the .npy file `path`. Runs on all threads of
 * the machine. Returns LB_EXIT_OK, or prints the reason and returns the exit code. */
int lb_cli_run_outputs(const char *command, const lowbit_ctx *ctx, const lb_net *net, const lb_net_about *about,
                       lowbit_wisdom *wisdom, const char *data, const char *path);

#endif
