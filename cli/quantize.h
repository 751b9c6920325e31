/* SPDX-License-Identifier: Apache-2.0 */
/* The part of `lowbit quantize` that packs whole networks. */
#ifndef LOWBIT_CLI_QUANTIZE_H_
#define LOWBIT_CLI_QUANTIZE_H_

#include "cli/pack.h"

typedef struct lb_quantize_network {
    lb_cli_model model;
    const char *recipe, *out, *isa, *json;
} lb_quantize_network;

/* Packs a network into the file `out` and tells its bytes; with images (calibrate), also how far every value is from
 * that of the network in floats. Returns an exit code. */
int lb_cli_quantize_network(const lb_quantize_network *q);

#endif
