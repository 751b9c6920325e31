/* SPDX-License-Identifier: Apache-2.0 */
/* What transformers have in common: blocks of attention and of two linear layers, each beside a sum and a norm.
 *
 *     norm in front    x = x + attention(norm1(x)), then x = x + fc2(act(fc1(norm2(x))))
 *     norm behind      x = norm1(x + attention(x)), then x = norm2(x + fc2(act(fc1(x)))) */
#ifndef LOWBIT_NN_ZOO_TRANSFORMER_H_
#define LOWBIT_NN_ZOO_TRANSFORMER_H_

#include "nn/zoo/families.h"

/* Names of a family; "#" stands for the number of the block. A layer "a" has tensors "a.weight" and perhaps "a.bias".
 */
typedef struct lb_block_names {
    const char *q, *k, *v, *out, *fc1, *fc2; /* layers */
    const char *qkv, *qkv_bias;              /* tensors that have q, k and v one after another; NULL: each its own */
    const char *attention;                   /* what recipes call the products between them */
    const char *norm1, *norm2;               /* layers, whose tensors end with these: */
    const char *gain, *bias;                 /* ".weight", ".bias" */
    bool norm_first;
    bool unbiased; /* norms divide by a deviation over count - 1 */
    bool columns;  /* matrices are [inputs][outputs] in files */
} lb_block_names;

/* A whole one. */
typedef struct lb_transformer {
    const lb_block_names *names;
    const char *prefix; /* of all names: "bert." or "" */
    int64_t layers, width, inner, heads;
    float epsilon;
    uint32_t act;
    bool causal;
} lb_transformer;

/* Blocks that a file has; 0 without a file. */
int64_t lb_count_blocks(const lb_source *source, const lb_block_names *names, const char *prefix);

/* Completes t, of which names and prefix are known, and epsilon and act as they usually are: by the file's tensors, by
 * the configuration, and without a file by the row of the table. The graph fails where they contradict each other. */
void lb_transformer_sizes(lb_graph *graph, const lb_network *model, const lb_model_options *options, lb_transformer *t);

/* x through all blocks. */
lb_value lb_transformer_blocks(lb_graph *graph, lb_value x, const lb_transformer *t);

/* A norm as the blocks have it, of any name without "#". */
lb_value lb_transformer_norm(lb_graph *graph, lb_value x, const lb_transformer *t, const char *layer);

/* "bert.encoder.layer.7.output.dense.weight" of "encoder.layer.#.output.dense", with what is in front and behind. */
const char *lb_spell(char text[LB_LAYER_NAME], const char *prefix, const char *pattern, int64_t number,
                     const char *end);

/* A linear layer for classes behind the blocks, NAME with nothing in front; `otherwise` outputs where made up. */
lb_value lb_class_layer(lb_graph *graph, lb_value x, const char *name, int64_t otherwise);

#endif
