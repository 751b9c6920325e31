/* SPDX-License-Identifier: Apache-2.0 */
/* A network in floats, as a list of nodes in the order in which they are computed: what a model function builds, what
 * recipes look at, what is quantized and packed.
 *
 * A value is what a node computes: for each image height x width x channels floats, NHWC. A vector is 1 x 1 x features,
 * a sequence 1 x tokens x features. A linear layer is a convolution: of one tap, or, behind a flatten, with a kernel as
 * large as the image (a row of the weights in the order channel, y, x, as PyTorch flattens, is such a kernel).
 *
 * Building: every function takes the values that it reads and returns the one that it makes. The first failure stays in
 * the graph: from then on everything returns LB_NO_VALUE, so that a model function reads like its paper, and
 * lb_graph_end tells. Names of layers are those of the file: layer "a.b" has tensors "a.b.weight" and, if it is there,
 * "a.b.bias". Memory is the C library's. */
#ifndef LOWBIT_NN_GRAPH_H_
#define LOWBIT_NN_GRAPH_H_

#include <stdbool.h>

#include "lowbit/types.h"
#include "nn/blocks.h"
#include "nn/source.h"

typedef int32_t lb_value;
enum { LB_NO_VALUE = -1 };

enum {
    LB_VALUE_ELEMENTS = 1 << 28, /* most of a value, of one image; so no size along an axis overflows anything */
    LB_STEPS = 255               /* most thresholds of a channel: every code of 8 bits */
};

typedef struct lb_shape {
    int64_t height, width, channels;
} lb_shape;

enum {
    LB_OP_NONE = 0,     /* fused into another node: computes nothing */
    LB_OP_INPUT,        /* the image */
    LB_OP_CONV,         /* gain * sum of window * weights [+ bias] [+ second value], then the activation function */
    LB_OP_AFFINE,       /* x * weights[c] + bias[c]: batch normalization that no convolution could take */
    LB_OP_RELU,         /* x > 0 ? x : 0 */
    LB_OP_HARDTANH,     /* to -1 .. 1 */
    LB_OP_ADD,          /* x + second */
    LB_OP_MAX_POOL,     /* over windows; outside of the image counts as minus infinity */
    LB_OP_AVERAGE_POOL, /* over windows; outside counts as 0 if count_padding, else not at all */
    LB_OP_ADAPTIVE_AVERAGE_POOL, /* output y is the mean of rows floor(y h / H) .. ceil((y + 1) h / H) - 1; so columns
                                  */
    LB_OP_SUBSAMPLE, /* every stride'th row and column, with zero channels before and after: option A of He et al. */
    LB_OP_SHIFT,     /* y[y,x,c] = x[y + dy[c], x + dx[c], c], 0 outside */
    LB_OP_STEPS,     /* book[number of thresholds[c] that are < x] */
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

typedef struct lb_node {
    uint32_t op;
    lb_value x, second; /* values read, or LB_NO_VALUE */
    lb_shape shape;     /* of its own value */
    const char *name;   /* of the layer; "" of what has no tensors */
    lb_window window;   /* no field 0 */
    uint32_t act;       /* CONV: LOWBIT_ACT_*, fused behind everything else */
    /* CONV: [out][kernel_height][kernel_width][channels / groups], which are NULL once they are packed. AFFINE:
     * [channels]. STEPS: thresholds, [channels][count], ascending. */
    float *weights;
    float *gain;          /* CONV: [out], by which the sum of products is multiplied before the bias; NULL = 1. Batch
                             normalization stays out of the weights, whose values it would blur for a quantizer */
    float *bias;          /* CONV: [out] or NULL. AFFINE: [channels]. STEPS: book, [count + 1] multiples of grid */
    int64_t count;        /* STEPS: thresholds of a channel */
    int64_t zeros_before; /* SUBSAMPLE: channels; the rest of what the shape has more than x comes behind */
    const int8_t *shifts; /* SHIFT: [channels][2], dy and dx */
    /* What all elements of the value are multiples of, by integers of -128..127, as the network itself says (steps, or
     * fixed-point input); 0 = they are any floats. */
    float grid;
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
 * affine map behind it (into gain and bias), the addition of a value that is known by then, ReLU. The fused node
 * stands where the last of them stood, the others become LB_OP_NONE. */
void lb_graph_fuse(lb_graph *graph);

/* ---- for those who make layers ---- */

/* Memory that lives as long as the graph; NULL after a failure. */
void *lb_graph_keep(lb_graph *graph, size_t bytes);
void *lb_graph_copy(lb_graph *graph, const void *from, size_t bytes);

/* Adds a node, whose name is copied and whose shape is checked: 1 up to LB_VALUE_ELEMENTS elements. */
lb_value lb_graph_node(lb_graph *graph, lb_node node);

/* The node of a value, until the next one is added; NULL after a failure, or if there is no such value. */
const lb_node *lb_graph_at(lb_graph *graph, lb_value x);

/* A tensor [shape[0]][channels][taps] as [shape[0]][taps][channels], in memory of the graph; NULL after a failure. */
float *lb_graph_kernel(lb_graph *graph, const char *name, int32_t rank, const int64_t *shape, int64_t channels,
                       int64_t taps);

#endif
