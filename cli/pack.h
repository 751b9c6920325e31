/* SPDX-License-Identifier: Apache-2.0 */
/* Models for commands: from a file, a folder or made up, packed by a recipe. */
#ifndef LOWBIT_CLI_PACK_H_
#define LOWBIT_CLI_PACK_H_

#include "cli/cli.h"
#include "nn/net_file.h"
#include "nn/recipe.h"
#include "nn/zoo.h"

/* Which network. */
typedef struct lb_cli_model {
    const char *command;
    const char *model; /* a file, a folder, or, if made up, a name */
    bool random;
    lb_model_options options;
    const char *calibrate; /* a data set, or NULL */
    const char *vocab;     /* a WordPiece vocabulary, or NULL for what is beside the model */
    bool noise;            /* without one, calibrate with noise: for commands that only time; as if made up */
} lb_cli_model;

/* The rows of the options table that choose a network. */
#define LB_OPTION_MODEL(m)                                                                                             \
    {"--random", NULL, "MODEL is a name, as resnet18: with made-up weights", LB_OPTION_FLAG, &(m).random},             \
        {"--side", "N", "pixels along a side of the image", LB_OPTION_COUNT, &(m).options.side},                       \
        {"--classes", "N", "outputs of a network with made-up weights", LB_OPTION_COUNT, &(m).options.classes},        \
        {"--vocab", "FILE", "WordPiece's, where there is no vocab.txt beside MODEL", LB_OPTION_TEXT, &(m).vocab}, {    \
        "--calibrate", "DATA", "what static activations are calibrated with, as --data", LB_OPTION_TEXT,               \
            &(m).calibrate                                                                                             \
    }

/* Packs the network in memory by `recipe`: "native", a preset, a file or a text. Without images to calibrate with, a
 * made-up network takes made-up ones. Texts of *about live as long as `texts`, which the caller releases. Returns
 * LB_EXIT_OK, or prints the reason and returns the exit code. */
int lb_cli_pack(const lb_cli_model *model, const lowbit_ctx *ctx, const char *recipe, const lowbit_pool *pool,
                lb_net *net, lb_net_about *about, lb_blocks *texts);

/* The same into a file. */
int lb_cli_pack_file(const lb_cli_model *model, const char *isa, const char *recipe, const char *path);

/* The end of a layer's name that fits a column: names of transformers begin alike. */
const char *lb_cli_layer(const char *name, size_t width);

/* payload_bytes, scale_bytes, table_bytes and rest_bytes of a network into an object of JSON. */
void lb_cli_add_sizes(const lb_net *net, json_t *row);

/* Whether a file is a packed network. What cannot be opened is not, and its reader will say why. */
bool lb_cli_is_packed(const char *path);

/* A packed network as it is, or another one packed by the recipe. */
int lb_cli_open(const lb_cli_model *model, const lowbit_ctx *ctx, const char *recipe, lb_net *net, lb_net_about *about,
                lb_blocks *texts);

#endif
