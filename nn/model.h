/* SPDX-License-Identifier: Apache-2.0 */
/* A network ready to be looked at: the graph in floats, and what a pixel becomes before it enters. */
#ifndef LOWBIT_NN_MODEL_H_
#define LOWBIT_NN_MODEL_H_

#include "nn/zoo.h"

/* What enters: images of a shape, whose 8-bit codes become the values of a table. Of texts (nn/text_input.h) the shape
 * is that of a token. */
typedef struct lb_model_input {
    lb_shape shape;
    lb_pixels pixels;
} lb_model_input;

typedef struct lb_opened {
    const lb_network *model; /* the row of the table */
    char name[64];           /* of this network: config.json's, or the row's */
    lb_graph graph;          /* as the file has it: lb_graph_fuse is the caller's */
    lb_model_input input;
    int64_t classes; /* channels of the output */
} lb_opened;

/* Reads a network.
 *
 * path     a safetensors file, or a folder with model.safetensors and perhaps config.json and preprocessor_config.json
 *          (nn/config.h)
 * options  NULL: everything as usual
 *
 * Which network it is, the names and shapes of the tensors tell. Statuses of lb_safetensors_open; LOWBIT_UNSUPPORTED
 * where no network has such tensors, with what was looked for; LOWBIT_BAD_FORMAT, LOWBIT_NOT_FOUND with the tensor that
 * is wrong or missing. *opened needs no close after a failure, and does not need the file after success. */
lowbit_status lb_model_open(const char *path, const lb_model_options *options, lb_opened *opened, lowbit_error *error);

/* The same of a file that is open already; config may be NULL. */
lowbit_status lb_model_from(const lb_safetensors *file, const lb_config *config, const lb_model_options *options,
                            lb_opened *opened, lowbit_error *error);

/* Makes a network of the table with made-up weights (nn/source.h). LOWBIT_NOT_FOUND with the names that there are. */
lowbit_status lb_model_make_up(const char *name, const lb_model_options *options, lb_opened *opened,
                               lowbit_error *error);

void lb_model_close(lb_opened *opened);

#endif
