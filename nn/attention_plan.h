/* SPDX-License-Identifier: Apache-2.0 */
/* What an attention is, once planned, and what a cache of it is: for attention*.c alone. */
#ifndef LOWBIT_NN_ATTENTION_PLAN_H_
#define LOWBIT_NN_ATTENTION_PLAN_H_

#include "lowbit/gemm.h"
#include "nn/attention.h"
#include "nn/attention_store.h"
#include "nn/blocks.h"

/* Most rows of a tile, which share what is read of k and v. Causal ones all see what the last one does; from 48 to 132
 * it is all the same. */
enum { LB_ATTENTION_ROWS = 60 };

/* Scores of rows that see `tokens` at most: rows of a tile, and elements from one to the next. */
typedef struct lb_attention_tile {
    int64_t rows, stride;
} lb_attention_tile;

lb_attention_tile lb_attention_tile_of(int64_t tokens);

/* Keys that are turned together. */
enum { LB_ATTENTION_KEYS = 16 };

/* What a kind makes of the two products: k and v as weights, q and p as activations. */
typedef struct lb_attention_kind {
    uint32_t format, scores, context;
    bool softmax;
} lb_attention_kind;

/* Offsets in the scratch of a worker. */
typedef struct lb_attention_places {
    int64_t store, put, keys, q, scores, context, product, bytes;
    int64_t head_stride; /* elements */
} lb_attention_places;

struct lb_attention {
    const lowbit_ctx *ctx;
    lb_attention_shape shape;
    uint32_t kind;
    lb_attention_kind rule;
    int64_t tokens; /* most that a row sees */
    lb_store_layout store;
    lowbit_plan *scores, *context; /* q times keys; p times values */
    lb_attention_places at;
    float *ones;   /* scales where there are none */
    float *angles; /* [tokens][head], or NULL */
    lb_blocks memory;
};

struct lb_attention_cache {
    uint8_t *stores; /* of each head of k and v */
    lb_store_layout layout;
    int64_t kv_heads, length;
    uint32_t kind;
    lb_blocks memory;
};

#endif
