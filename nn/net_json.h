/* SPDX-License-Identifier: Apache-2.0 */
/* What the reader and the writer of packed networks both know: names of layers and of tensors. */
#ifndef LOWBIT_NN_NET_JSON_H_
#define LOWBIT_NN_NET_JSON_H_

#include "nn/net.h"
#include "nn/safetensors.h"

enum {
    LB_NET_NODES = 1 << 13, /* most that a file may have: what types cost is their square */
    LB_NET_VERSION = 1,
    LB_TENSOR_NAME = 64,
    LB_NET_PROBLEM = 96
};

#define LB_NET_KEY "lowbit.net"
#define LB_NET_MODEL_KEY "lowbit.model"
#define LB_NET_RECIPE_KEY "lowbit.recipe"
#define LB_NET_CHECK_KEY "lowbit.check"
#define LB_NET_PIXELS "pixels"
#define LB_NET_TOKENIZER_KEY "lowbit.tokenizer"
#define LB_NET_VOCABULARY "vocabulary"

/* The tokenizers that files name, by lb_pieces.cased. */
extern const char *const lb_net_tokenizers[2];

/* Names of LB_OP_*; NULL for one that no file has. Names of LB_ATTENTION_*. */
extern const char *const lb_op_names[LB_OPS];
extern const char *const lb_attention_names[LB_ATTENTION_KINDS];

/* The number of a name in such a list; false for one that is not there, or NULL. */
bool lb_named(const char *const *names, uint32_t count, const char *name, uint32_t *number);

/* "12.packed.0", or without `part` (-1) "12.bias". */
void lb_tensor_name(char name[LB_TENSOR_NAME], lb_value v, const char *kind, int64_t part);

/* The arrays of a node that are tensors of floats, and their numbers of elements. */
typedef struct lb_node_array {
    const char *kind;
    float **array;
    int64_t elements;
} lb_node_array;
enum { LB_NODE_ARRAYS = 2 };

/* Those that the node has, by its kind of layer; returns how many. */
size_t lb_node_arrays(lb_node *node, lb_node_array arrays[LB_NODE_ARRAYS]);

/* The sum, modulo 2^64 and as 16 digits, that a file keeps of its metadata and of all tensors but the blobs, which have
 * sums of their own. One flipped bit changes it. */
enum { LB_NET_CHECK = 17 };
void lb_net_check(const lb_tensor *tensors, size_t count, const lb_text_pair *metadata, size_t metadata_count,
                  char check[LB_NET_CHECK]);

#endif
