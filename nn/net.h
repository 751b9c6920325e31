/* SPDX-License-Identifier: Apache-2.0 */
/* A network as it runs: the nodes of its graph, every convolution packed, and the type of every value decided.
 *
 * Values are codes wherever a convolution with static activations reads them and whoever makes them can, so that a
 * network stays in int8 from one convolution to the next, residuals included; sums where thresholds follow; else
 * floats. */
#ifndef LOWBIT_NN_NET_H_
#define LOWBIT_NN_NET_H_

#include "lowbit/conv.h"
#include "nn/blocks.h"
#include "nn/buffer.h"
#include "nn/choice.h"
#include "nn/table.h"

/* What a node is besides the graph: a convolution, packed; of an embedding its table, of an attention its kind. */
typedef struct lb_layer {
    lb_table table;     /* EMBED */
    uint32_t attention; /* ATTENTION: LB_ATTENTION_* */
    lowbit_conv2d conv; /* of one image */
    uint32_t rule;      /* by which its weights were quantized */
    int64_t matrices;
    const void **blobs;          /* [matrices], */
    lowbit_packed *packed;       /* and views of them */
    const int32_t **column_sums; /* [matrices]; NULL where the input has no zero point */
    const int32_t **tap_sums;    /* [matrices]; NULL but for signs with padding */
    lowbit_requant requant;      /* of codes */
    int32_t *bias;               /* integer form: what requant points at; else NULL */
    int32_t *multipliers, *shifts;
    int32_t *thresholds; /* of the steps behind it, where it makes sums: [out][count]; else NULL */
} lb_layer;

typedef struct lb_net_sizes {
    int64_t payload_bytes; /* packed codes, or floats, of the convolutions */
    int64_t table_bytes;   /* codes, or floats, of the embeddings */
    int64_t scale_bytes;   /* their scales, zero points, minima, multipliers */
    int64_t rest_bytes;    /* everything else that is kept: biases, sums, thresholds, headers */
} lb_net_sizes;

/* Immutable: any number of sessions may run it at once. */
typedef struct lb_net {
    lb_graph graph;        /* weights of its convolutions are NULL */
    lb_layer *layers;      /* [graph.count] */
    uint32_t *types;       /* [graph.count] LB_VALUE_* */
    lb_range *ranges;      /* [graph.count] of codes */
    uint32_t *activations; /* [graph.count] LOWBIT_A8, A4, A2: how many codes a value has */
    lb_blocks memory;      /* what the layers point at, */
    lb_safetensors file;   /* or, if it was opened from one, the mapped file */
} lb_net;

/* needs[v] = whether ranges[v] must be known before lb_net_pack. The graph is fused. */
lowbit_status lb_net_needs(const lb_graph *graph, const lb_choice *choices, bool *needs, lowbit_error *error);

/* Quantizes and packs.
 *
 * graph    fused; it becomes the net's, also if that fails, and its float weights are released as they are packed
 * choices  [count] for its convolutions, embeddings and attentions
 * ranges   [count] for the values that lb_net_needs names; may be NULL if there are none */
lowbit_status lb_net_pack(const lowbit_ctx *ctx, lb_graph *graph, const lb_choice *choices, const lb_range *ranges,
                          const lowbit_pool *pool, lb_net *net, lowbit_error *error);

void lb_net_free(lb_net *net);

lb_net_sizes lb_net_size(const lb_net *net);

/* Elements of lowbit_column_sums of a matrix. */
int64_t lb_column_sum_count(const lowbit_packed *w);

/* Multiply-adds of one image, or by token of a token: of a convolution, and of all of them. */
int64_t lb_node_macs(const lb_graph *graph, lb_value v);
int64_t lb_net_macs(const lb_net *net);

/* Multiply-adds of the convolutions in a run of so many images, or of texts with so many tokens together (a mean). */
double lb_run_macs(const lb_net *net, int64_t sequences, double tokens);

#endif
