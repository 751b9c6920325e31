/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of the rows of nn/zoo.c, and what several families share. */
#ifndef LOWBIT_NN_ZOO_FAMILIES_H_
#define LOWBIT_NN_ZOO_FAMILIES_H_

#include "nn/zoo.h"

enum { LB_LAYER_NAME = 128 };

/* A square window. */
static inline lb_window lb_square(int64_t kernel, int64_t stride, int64_t pad) {
    return (lb_window){.kernel_height = kernel,
                       .kernel_width = kernel,
                       .stride = stride,
                       .pad_top = pad,
                       .pad_left = pad,
                       .pad_bottom = pad,
                       .pad_right = pad};
}

static inline int64_t lb_or(int64_t x, int64_t otherwise) { return x != 0 ? x : otherwise; }

/* The image, square, with a side of the options or else the usual one. */
static inline lb_value lb_image_input(lb_graph *graph, const lb_model_options *options, int64_t side) {
    const int64_t size = lb_or(options->side, side);
    return lb_input(graph, (lb_shape){size, size, LB_CHANNELS});
}

/* Dimension `axis` of a tensor of the file; 0 where there is no such thing. */
int64_t lb_source_dimension(const lb_source *source, const char *name, int32_t axis);

/* ---- ResNets of basic blocks ---- */

/* Files: stages and blocks are counted, and must be the row's; of LB_RESNET_ANY any. */
bool lb_is_resnet(const lb_network *model, const lb_source *source, const lb_config *config);
bool lb_is_any_resnet(const lb_network *model, const lb_source *source, const lb_config *config);
void lb_build_resnet(lb_graph *graph, const lb_network *model, const lb_model_options *options);

/* How the layers of a ResNet differ between families. */
typedef struct lb_resnet_layers {
    lb_value (*conv)(lb_graph *graph, lb_value x, const char *name, int64_t out, lb_window window); /* in blocks */
    void (*end)(lb_graph *graph, lb_value x); /* what is done to the first convolution and the last layer; or NULL */
    bool projects;                            /* made up: shortcuts are convolutions where the shape changes */
} lb_resnet_layers;

void lb_build_resnet_of(lb_graph *graph, const lb_network *model, const lb_model_options *options,
                        const lb_resnet_layers *layers);

/* The same with projections, where the file does not say. */
void lb_build_resnet_projected(lb_graph *graph, const lb_network *model, const lb_model_options *options);

/* ---- transformers ---- */

bool lb_is_vit(const lb_network *model, const lb_source *source, const lb_config *config);
void lb_build_vit(lb_graph *graph, const lb_network *model, const lb_model_options *options);
void lb_build_vit_hugging(lb_graph *graph, const lb_network *model, const lb_model_options *options);
void lb_build_vit_pre_norm(lb_graph *graph, const lb_network *model, const lb_model_options *options);
void lb_build_vit_post_norm(lb_graph *graph, const lb_network *model, const lb_model_options *options);

/* Of the row's size, or of any. */
bool lb_is_bert(const lb_network *model, const lb_source *source, const lb_config *config);
bool lb_is_any_bert(const lb_network *model, const lb_source *source, const lb_config *config);
bool lb_is_distilbert(const lb_network *model, const lb_source *source, const lb_config *config);
void lb_build_bert(lb_graph *graph, const lb_network *model, const lb_model_options *options);
void lb_build_distilbert(lb_graph *graph, const lb_network *model, const lb_model_options *options);

bool lb_is_gpt2(const lb_network *model, const lb_source *source, const lb_config *config);
bool lb_is_any_gpt2(const lb_network *model, const lb_source *source, const lb_config *config);
void lb_build_gpt2(lb_graph *graph, const lb_network *model, const lb_model_options *options);

void lb_build_news(lb_graph *graph, const lb_network *model, const lb_model_options *options);

/* ---- Llama ---- */

/* Of the row's size. */
bool lb_is_llama(const lb_network *model, const lb_source *source, const lb_config *config);
void lb_build_llama(lb_graph *graph, const lb_network *model, const lb_model_options *options);

/* ---- the others ---- */

bool lb_is_apot(const lb_network *model, const lb_source *source, const lb_config *config);
void lb_build_apot(lb_graph *graph, const lb_network *model, const lb_model_options *options);

bool lb_is_alexnet(const lb_network *model, const lb_source *source, const lb_config *config);
bool lb_is_alexnet_cifar(const lb_network *model, const lb_source *source, const lb_config *config);
void lb_build_alexnet(lb_graph *graph, const lb_network *model, const lb_model_options *options);
void lb_build_alexnet_cifar(lb_graph *graph, const lb_network *model, const lb_model_options *options);
void lb_build_alexnet_small(lb_graph *graph, const lb_network *model, const lb_model_options *options);

void lb_build_resnet8(lb_graph *graph, const lb_network *model, const lb_model_options *options);

void lb_build_bnn_cnv(lb_graph *graph, const lb_network *model, const lb_model_options *options);
void lb_build_ternary_cnv(lb_graph *graph, const lb_network *model, const lb_model_options *options);

#endif
