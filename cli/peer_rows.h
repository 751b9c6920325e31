/* SPDX-License-Identifier: Apache-2.0 */
/* What peers came to, as lines under ours and as JSON. */
#ifndef LOWBIT_CLI_PEER_ROWS_H_
#define LOWBIT_CLI_PEER_ROWS_H_

#include "bench/gemm.h"
#include "cli/cli.h"

/* Reads the option --peers: "none" becomes NULL. Refuses a list with a name that nobody has, and says which there are.
 * Returns an exit code. */
int lb_cli_peers(const char *command, const char **peers);

/* A line of at most 100 columns for each, in the columns of `bench gemm`. */
void lb_cli_peer_rows(const lb_peer_list *list, uint32_t threads);

/* The fields that a peer's result has beside those of the problem. */
json_t *lb_cli_peer_json(const lb_peer_result *peer);

#endif
