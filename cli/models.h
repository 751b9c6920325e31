/* SPDX-License-Identifier: Apache-2.0 */
/* Layers of known models: the shapes that `lowbit tune --model` tunes and `bench layers` times. */
#ifndef LOWBIT_CLI_MODELS_H_
#define LOWBIT_CLI_MODELS_H_

#include <stddef.h>
#include <stdint.h>

/* A layer's product: N outputs of K inputs. A convolution is the product of its patches (im2col): K = channels in *
 * kernel area, a row for each pixel out. Layers of one shape are one entry. */
typedef struct lb_layer {
    const char *name; /* without blanks */
    int32_t n, k;
    int32_t m; /* rows that one input has here (pixels, tokens of an image); 0 = as many as the caller likes */
} lb_layer;

typedef struct lb_known_model {
    const char *name;    /* "bert-large" */
    const char *formats; /* what it is usually quantized to: a list of weight formats, activations being a8 */
    const char *rows;    /* what is worth tuning where m is 0, as "1,8,128" */
    const lb_layer *layers;
    size_t count;
} lb_known_model;

/* The model at this place of the table, NULL past the end. */
const lb_known_model *lb_known_model_at(size_t index);

/* By name, NULL if there is none. */
const lb_known_model *lb_known_model_named(const char *name);
const lb_layer *lb_layer_named(const lb_known_model *model, const char *name);

#endif
