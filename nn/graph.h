/* SPDX-License-Identifier: Apache-2.0 */
/* A network in floats, as a list of nodes in the order in which they are computed: what a model function builds, what
 * recipes look at, what is quantized and packed.
 *
 * A value is what a node computes: for each image height x width x channels floats, NHWC. A vector is 1 x 1 x features.
 * A linear layer is a convolution: of one tap, or, behind a flatten, with a kernel as large as the image (a row of the
 * weights in the order channel, y, x, as PyTorch flattens, is such a kernel).
 *
 * Sequences are of two kinds. The tokens of an image are 1 x tokens x features, as many of every image. Texts are as
 * long as they are: a run has the rows of all its texts one after another, without padding, and a value of them is `by
 * token`: its shape is that of one token. What is taken of a whole text (a token of it, the mean) is one element a
 * text.
 *
 * Building: every function takes the values that it reads and returns the one that it makes. The first failure stays in
 * the graph: from then on everything returns LB_NO_VALUE, so that a model function reads like its paper, and
 * lb_graph_end tells. Names of layers are those of the file: layer "a.b" has tensors "a.b.weight" and, if it is there,
 * "a.b.bias". Memory is the C library's. */
#ifndef LOWBIT_NN_GRAPH_H_
#define LOWBIT_NN_GRAPH_H_

#include <stdbool.h>

#include "lowbit/types.h"
#include "nn/attention.h"
#include "nn/blocks.h"
#include "nn/source.h"

typedef int32_t lb_value;
enum { LB_NO_VALUE = -1 };

enum {
    LB_VALUE_ELEMENTS = 1 << 28, /* most of a value, of one image; so no size along an axis overflows anything */
    LB_EMBED_ROWS = 1 << 24,     /* most of an embedding: floats tell so many apart */
    LB_STEPS = 255               /* most thresholds of a channel: every code of 8 bits */
};

typedef struct lb_shape {
    int64_t height, width, channels;
} lb_shape;

enum {
    LB_OP_NONE = 0,     /* fused into another node: computes nothing */
    LB_OP_INPUT,        /* the image, or the texts */
    LB_OP_CONV,         /* gain * sum of window * weights [+ bias] [+ second value], then the activation function */
    LB_OP_AFFINE,       /* x * weights[c] + bias[c]: batch normalization that no convolution could take */
    LB_OP_RELU,         /* x > 0 ? x : 0 */
    LB_OP_HARDTANH,     /* to -1 .. 1 */
    LB_OP_ADD,          /* x + second */
    LB_OP_MAX_POOL,     /* over windows; outside of the image counts as minus infinity */
    LB_OP_AVERAGE_POOL, /* over windows; outside counts as 0 if count_padding, else not at all */
    LB_OP_ADAPTIVE_AVERAGE_POOL, /* output y is the mean of rows floor(y h / H) .. ceil((y + 1) h / H) - 1; so columns
                                  */
    LB_OP_SUBSAMPLE,   /* every stride'th row and column, with zero channels before and after: option A of He et al. */
    LB_OP_SHIFT,       /* y[y,x,c] = x[y + dy[c], x + dx[c], c], 0 outside */
    LB_OP_STEPS,       /* book[number of thresholds[c] that are < x] */
    LB_OP_TOKENS,      /* the pixels of an image as tokens: the same elements in the same order */
    LB_OP_CLASS_TOKEN, /* weights, and behind them the tokens of x */
    LB_OP_POSITIONS,   /* token t of x + weights[first + t] */
    LB_OP_EMBED,       /* weights[x[first]]: of every token the row that its number says */
    LB_OP_LAYER_NORM,  /* (x - mean) / sqrt(mean of (x - mean)^2 + epsilon) * weights + bias, over the channels of a
                          pixel; unbiased: (x - mean) / (sqrt(sum of (x - mean)^2 / (channels - 1)) + epsilon) */
    LB_OP_RMS_NORM,    /* x / sqrt(mean of x^2 + epsilon) * weights */
    LB_OP_NORMALIZE,   /* x / max(sqrt(sum of x^2), 1e-12), over the channels of a pixel */
    LB_OP_ACT,         /* act(x) */
    LB_OP_TANH,
    LB_OP_MULTIPLY,   /* x * second */
    LB_OP_ATTENTION,  /* of queries x, keys `second`, values `third`: nn/attention.h */
    LB_OP_TAKE_FIRST, /* of a sequence: its first token, */
    LB_OP_TAKE_LAST,
    LB_OP_TAKE_MEAN, /* the mean of all */
    LB_OPS
};

/* Windows of convolutions and pools. Zero-initialized fields mean: kernel, stride, dilation and groups 1, no padding.
 */
typedef struct lb_window {
    int64_t kernel_height, kernel_width;
    int64_t stride; /* both directions */
    int64_t pad_top, pad_left, pad_bottom, pad_right;
    int64_t dilation, groups;
    bool count_padding;
} lb_window;

/* What a layer of a transformer is for, as recipes call it (nn/recipe.h). */
enum {
    LB_ROLE_NONE = 0,
    LB_ROLE_Q, /* the linear layers of an attention, */
    LB_ROLE_K,
    LB_ROLE_V,
    LB_ROLE_OUT,
    LB_ROLE_FFN,   /* of the two or three behind it, */
    LB_ROLE_POOL,  /* of what looks at one token of all, */
    LB_ROLE_CLASS, /* and of classes */
    LB_ROLES
};

typedef struct lb_node {
    uint32_t op;
    lb_value x, second, third; /* values read, or LB_NO_VALUE */
    uint32_t role;             /* LB_ROLE_*, until it is packed */
    uint32_t act;              /* LOWBIT_ACT_*. CONV: fused behind everything else */
    lb_shape shape;            /* of its own value: of an image, of a text, or of one token */
    const char *name;          /* of the layer; "" of what has no tensors */
    lb_window window;          /* no field 0 */
    /* CONV: [out][kernel_height][kernel_width][channels / groups]. EMBED: [count][channels]. These are NULL once they
     * are packed. AFFINE, norms, CLASS_TOKEN: [channels]. POSITIONS: [count][channels]. STEPS: thresholds,
     * [channels][count], ascending. */
    float *weights;
    float *gain;          /* CONV: [out], by which the sum of products is multiplied before the bias; NULL = 1. Batch
                             normalization stays out of the weights, whose values it would blur for a quantizer */
    float *bias;          /* CONV: [out] or NULL. AFFINE, LAYER_NORM: [channels]. STEPS: book, [count + 1] multiples of
                             grid */
    int64_t count;        /* STEPS: thresholds of a channel. POSITIONS, EMBED: rows of the table */
    int64_t first;        /* POSITIONS: row of the first token. EMBED: column of x with the number of the row */
    int64_t zeros_before; /* SUBSAMPLE: channels; the rest of what the shape has more than x comes behind */
    const int8_t *shifts; /* SHIFT: [channels][2], dy and dx */
    lb_attention_shape attention;
    float epsilon; /* norms */
    /* What all elements of the value are multiples of, by integers of -128..127, as the network itself says (steps, or
     * fixed-point input); 0 = they are any floats. */
    float grid;
    bool by_token; /* one for every token of every text; follows from what is read */
    bool unbiased; /* LAYER_NORM */
} lb_node;

typedef struct lb_graph {
    lb_node *nodes; /* the last one is the output */
    int64_t count;
    const lb_source *source;
    lowbit_error error;
    lb_blocks memory; /* everything that the nodes point at */
} lb_graph;

/* source  where tensors come from; must outlive the building */
void lb_graph_begin(lb_graph *graph, const lb_source *source);

/* LOWBIT_OK, or what failed first; the graph needs lb_graph_free in both cases. */
lowbit_status lb_graph_end(lb_graph *graph, lowbit_error *error);

void lb_graph_free(lb_graph *graph);

/* Makes the graph fail, if it has not yet: what a model function found wrong. */
void lb_graph_fail(lb_graph *graph, lowbit_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Dimension `axis` of tensor `name`, or `otherwise` where the source makes tensors up. How a model learns its widths.
 */
int64_t lb_graph_dimension(lb_graph *graph, const char *name, int32_t axis, int64_t otherwise);

/* Whether the file has such a tensor; false where tensors are made up. */
bool lb_graph_has(const lb_graph *graph, const char *name);

lb_value lb_input(lb_graph *graph, lb_shape shape);

/* A convolution to `out` channels with tensors NAME.weight [out][channels / groups][kh][kw] and NAME.bias [out], if
 * there is one (`bias` false: there is none, and it is not looked for). */
lb_value lb_conv(lb_graph *graph, lb_value x, const char *name, int64_t out, lb_window window, bool bias);

/* The same with the weights in another tensor than NAME.weight. */
lb_value lb_conv_from(lb_graph *graph, lb_value x, const char *name, const char *weights, int64_t out, lb_window window,
                      bool bias);

/* Every element of the image times NAME.weight [out][channels * height * width], plus NAME.bias [out]. */
lb_value lb_linear(lb_graph *graph, lb_value x, const char *name, int64_t out, bool bias);

/* The same without weights: of a network that is packed. */
lb_value lb_conv_packed(lb_graph *graph, lb_value x, const char *name, int64_t out, lb_window window);

/* x * scale[c] + shift[c]; the arrays are kept, not copied. */
lb_value lb_affine(lb_graph *graph, lb_value x, const char *name, float *scale, float *shift);

/* Batch normalization by NAME.weight, .bias, .running_mean, .running_var. */
lb_value lb_batch_norm(lb_graph *graph, lb_value x, const char *name, float epsilon);

lb_value lb_relu(lb_graph *graph, lb_value x);
lb_value lb_hardtanh(lb_graph *graph, lb_value x);
lb_value lb_add(lb_graph *graph, lb_value x, lb_value second);
lb_value lb_max_pool(lb_graph *graph, lb_value x, lb_window window);
lb_value lb_average_pool(lb_graph *graph, lb_value x, lb_window window);
lb_value lb_adaptive_average_pool(lb_graph *graph, lb_value x, int64_t height, int64_t width);
lb_value lb_subsample(lb_graph *graph, lb_value x, int64_t stride, int64_t channels, int64_t zeros_before);
lb_value lb_channel_shift(lb_graph *graph, lb_value x, const int8_t *shifts);

/* thresholds  [channels][count], ascending in a channel
 * book        [count + 1] integers of -128..127; the node has them times `grid` */
lb_value lb_steps(lb_graph *graph, lb_value x, const char *name, const float *thresholds, int64_t count,
                  const float *book, float grid);

/* ---- sequences ---- */

/* Texts, by token: column 0 is the number of the token, column 1 that of its segment (0 or 1), exact as floats. */
lb_value lb_input_tokens(lb_graph *graph);

/* The pixels of an image as its tokens, row by row. */
lb_value lb_tokens(lb_graph *graph, lb_value x);

/* One more token in front of those of an image. tensor: [channels], or with ones in front of that. _from: an array
 * that is kept, not copied, as below. */
lb_value lb_class_token(lb_graph *graph, lb_value x, const char *tensor);
lb_value lb_class_token_from(lb_graph *graph, lb_value x, const char *name, float *token);

/* tensor  [rows][channels], perhaps with a one in front
 * rows    where tensors are made up; a file says it itself */
lb_value lb_positions(lb_graph *graph, lb_value x, const char *tensor, int64_t rows, int64_t first_row);

/* The same with a table[rows][channels] of the caller's making; it is kept, not copied. */
lb_value lb_positions_from(lb_graph *graph, lb_value x, const char *name, float *table, int64_t rows,
                           int64_t first_row);

/* x is the input of texts; column 0 or 1 of it chooses the row of tensor [rows][features]. The layer is called as the
 * tensor without ".weight". */
lb_value lb_embed(lb_graph *graph, lb_value x, const char *tensor, int64_t rows, int64_t features, int64_t column);

/* gain, bias  tensors [channels]; NULL: NAME.weight, NAME.bias */
lb_value lb_layer_norm(lb_graph *graph, lb_value x, const char *name, const char *gain, const char *bias, float epsilon,
                       bool unbiased);
lb_value lb_rms_norm(lb_graph *graph, lb_value x, const char *name, const char *gain, float epsilon);

/* The same with arrays [channels], which are kept, not copied. */
lb_value lb_layer_norm_from(lb_graph *graph, lb_value x, const char *name, float *gain, float *bias, float epsilon,
                            bool unbiased);
lb_value lb_rms_norm_from(lb_graph *graph, lb_value x, const char *name, float *gain, float epsilon);

lb_value lb_normalize(lb_graph *graph, lb_value x);

/* LOWBIT_ACT_RELU and those behind it. */
lb_value lb_act(lb_graph *graph, lb_value x, uint32_t act);
lb_value lb_tanh(lb_graph *graph, lb_value x);
lb_value lb_multiply(lb_graph *graph, lb_value x, lb_value second);
lb_value lb_scale(lb_graph *graph, lb_value x, float factor);

/* Queries of shape->heads, keys and values of shape->kv_heads times shape->head channels; the output is as the queries.
 * Recipes call the layer NAME. */
lb_value lb_attend(lb_graph *graph, lb_value q, lb_value k, lb_value v, const char *name,
                   const lb_attention_shape *shape);

/* A linear layer for each token (pixel) with NAME.weight [out][channels] and, if it is there, NAME.bias [out]. */
lb_value lb_linear_each(lb_graph *graph, lb_value x, const char *name, int64_t out, bool bias);

/* The same with rows first_row .. first_row + out - 1 of a tensor [rows][channels] and those elements of a vector
 * `bias`, which may be NULL. NAME is what recipes call the layer. */
lb_value lb_linear_rows(lb_graph *graph, lb_value x, const char *name, const char *weights, const char *bias,
                        int64_t first_row, int64_t out);

/* The same with columns of a tensor [channels][columns], as GPT-2 has them. */
lb_value lb_linear_columns(lb_graph *graph, lb_value x, const char *name, const char *weights, const char *bias,
                           int64_t first_column, int64_t out);

/* Of every sequence its first or last token, or the mean of all: texts are no longer by token behind that. */
lb_value lb_first_token(lb_graph *graph, lb_value x);
lb_value lb_last_token(lb_graph *graph, lb_value x);
lb_value lb_mean_tokens(lb_graph *graph, lb_value x);

/* Says what a layer is for; returns x. */
lb_value lb_play(lb_graph *graph, lb_value x, uint32_t role);

/* Declares that the elements of x are multiples of `grid` by integers of -128..127. */
void lb_on_grid(lb_graph *graph, lb_value x, float grid);

/* The next node as it stands, its name and nothing else copied; checked, and its shape against what the layer makes. */
lb_value lb_graph_append(lb_graph *graph, const lb_node *node);

/* A tensor as floats in memory of the graph, checked against a shape; NULL after a failure. For what layers do not take
 * by themselves. */
float *lb_graph_tensor(lb_graph *graph, const char *name, int32_t rank, const int64_t *shape);

/* Releases the float weights of a convolution, once they are packed. */
void lb_graph_drop_weights(lb_graph *graph, lb_value v);

/* Takes what a convolution can do into it, where nobody else reads what is between: batch normalization or another
 * affine map behind it (into gain and bias), the addition of a value that is known by then, an activation function. The
 * fused node stands where the last of them stood, the others become LB_OP_NONE. */
void lb_graph_fuse(lb_graph *graph);

/* ---- for those who make layers ---- */

/* Memory that lives as long as the graph; NULL after a failure. */
void *lb_graph_keep(lb_graph *graph, size_t bytes);
void *lb_graph_copy(lb_graph *graph, const void *from, size_t bytes);

/* Adds a node, whose name is copied and whose shape is checked: 1 up to LB_VALUE_ELEMENTS elements. What it reads is
 * all by token or not. */
lb_value lb_graph_node(lb_graph *graph, lb_node node);

/* Whether a node computes something, and reads v for that. */
static inline bool lb_node_reads(const lb_node *node, lb_value v) {
    return node->op != LB_OP_NONE && (node->x == v || node->second == v || node->third == v);
}

/* Whether a layer has a format, which a choice (nn/choice.h) decides. */
static inline bool lb_has_format(const lb_node *node) {
    return node->op == LB_OP_CONV || node->op == LB_OP_EMBED || node->op == LB_OP_ATTENTION;
}

static inline bool lb_same_shape(lb_shape a, lb_shape b) {
    return a.height == b.height && a.width == b.width && a.channels == b.channels;
}

/* K of the product that makes an output of a convolution. */
int64_t lb_node_k(const lb_graph *graph, const lb_node *node);

/* The node of a value, until the next one is added; NULL after a failure, or if there is no such value. */
const lb_node *lb_graph_at(lb_graph *graph, lb_value x);

/* A tensor [shape[0]][channels][taps] as [shape[0]][taps][channels], in memory of the graph; NULL after a failure. */
float *lb_graph_kernel(lb_graph *graph, const char *name, int32_t rank, const int64_t *shape, int64_t channels,
                       int64_t taps);

#endif
