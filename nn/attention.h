/* SPDX-License-Identifier: Apache-2.0 */
/* Attention, on rows of floats and by the library's own products: of each sequence and each of its heads
 *
 *     s[i,j] = scale * (q[i] . k[j])             of the tokens j that token i sees: all, or causal those up to itself
 *     p[i,j] = exp(s[i,j]) / sum over j of exp(s[i,j])
 *     o[i]   = sum over j of p[i,j] * v[j]
 *
 * Keys and values are packed as weights are, those of a decoder in a cache that is read as it is. What lies between the
 * inputs and the result is not wider than a tile of rows, in memory of the caller. Nothing is allocated in a run, and
 * the result is the same bits for any number of threads. */
#ifndef LOWBIT_NN_ATTENTION_H_
#define LOWBIT_NN_ATTENTION_H_

#include <stdbool.h>

#include "lowbit/pool.h"
#include "lowbit/wisdom.h"

/* How numbers enter the two products. */
enum {
    LB_ATTENTION_F32,
    LB_ATTENTION_I8, /* q, k, v and p as int8, each token of each head by its own largest magnitude */
    LB_ATTENTION_B1, /* BiBERT's Bi-Attention: q, k, v by their signs (x < 0 ? -1 : 1), p = s > 0 ? 1 : 0, no softmax:
                        o is an integer, exactly */
    LB_ATTENTION_KINDS
};

typedef struct lb_attention_shape {
    int64_t heads;    /* of q and of the result */
    int64_t kv_heads; /* of k and v, a divisor of heads: each serves heads / kv_heads heads that stand together */
    int64_t head;     /* elements of a head */
    float scale;      /* above 0: 1 / sqrt(head) as a rule */
    bool causal;
    float rope_base;  /* 0 = none; else pair i of q and k is turned by position * base^(-2 i / head); head is even */
    bool rope_halves; /* pairs are elements i and i + head / 2; else 2 i and 2 i + 1 */
} lb_attention_shape;

typedef struct lb_attention_options {
    uint32_t kind;         /* LB_ATTENTION_* */
    int64_t tokens;        /* most that a token can see: of a sequence, with those of its cache */
    lowbit_wisdom *wisdom; /* by which the products are planned, or NULL for estimates; used in create only */
} lb_attention_options;

/* Immutable: any number of threads may run it at once, each with a workspace of its own. */
typedef struct lb_attention lb_attention;

/* ctx must outlive it. LOWBIT_INVALID_ARGUMENT: shape and options that make no sense. LOWBIT_NO_MEMORY, and statuses of
 * lowbit_plan_create. */
lowbit_status lb_attention_create(const lowbit_ctx *ctx, const lb_attention_shape *shape,
                                  const lb_attention_options *options, lb_attention **attention, lowbit_error *error);

void lb_attention_destroy(lb_attention *attention);

/* Bytes of scratch that a run on a pool of so many threads needs. */
int64_t lb_attention_workspace(const lb_attention *attention, size_t threads);

/* Keys and values of the tokens that one sequence has had so far, as the products want them. Used by one run at a time;
 * any attention of the same shape and options takes it. */
typedef struct lb_attention_cache lb_attention_cache;

/* Of `tokens` tokens at most, those of the options. */
lowbit_status lb_attention_cache_create(const lb_attention *attention, lb_attention_cache **cache, lowbit_error *error);

void lb_attention_cache_destroy(lb_attention_cache *cache);

int64_t lb_attention_cache_bytes(const lb_attention_cache *cache);

/* Tokens that it holds. */
int64_t lb_attention_cache_length(const lb_attention_cache *cache);

/* Forgets all but the first `length` tokens, of those that it holds. */
lowbit_status lb_attention_cache_rewind(lb_attention_cache *cache, int64_t length, lowbit_error *error);

/* A run. Row r of q is at q + r * q_stride, its head h from element h * head on; so of the others. */
typedef struct lb_attention_call {
    const float *q, *k, *v;
    int64_t q_stride, k_stride, v_stride; /* elements */
    float *out;                           /* may be q: none of the others */
    int64_t out_stride;
    int64_t sequences;
    const int64_t *first;              /* [sequences + 1], ascending: sequence s is rows first[s] .. first[s + 1] - 1 */
    lb_attention_cache *const *caches; /* [sequences], all different: the rows follow what they hold, which grows by
                                          them. NULL = none */
} lb_attention_call;

/* Runs it on `pool`, or on the calling thread if that is NULL.
 *
 * workspace  64-byte aligned, `size` >= lb_attention_workspace bytes for the pool's threads
 *
 * LOWBIT_INVALID_ARGUMENT: a sequence of more tokens than the options say. Caches are as before on any error. */
lowbit_status lb_attention_run(const lb_attention *attention, const lb_attention_call *call, void *workspace,
                               int64_t size, const lowbit_pool *pool, lowbit_error *error);

#endif
