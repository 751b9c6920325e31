/* SPDX-License-Identifier: Apache-2.0 */
/* config.json beside the weights: what tensors do not say. Foreign text: a key that counts and makes no sense is
 * refused, other keys are passed over.
 *
 *     "model"        text, the name of this network
 *     "num_classes"  outputs
 *     "image_size"   pixels along a side
 *     "mean", "std"  three numbers each, R, G, B: a network sees (code / 255 - mean) / std
 *     "input"        that formula, "(u8/255-mean)/std": no other one is known
 *     "stem"         "cifar", "cifar-pool" or "imagenet": the first layers of a ResNet
 *
 * Of transformers, as Hugging Face calls them:
 *
 *     "model_type"                                    text: which family wrote the tensors
 *     "num_attention_heads", "num_key_value_heads"    of every attention
 *     "max_position_embeddings"                       most tokens of a text
 *     "rms_norm_eps"                                  what an RMS norm adds to the mean of squares
 *     "rope_theta"                                    base of the rotary positions; also within "rope_parameters"
 *     "rope_scaling"                                  null, or of "rope_type" "default": no other one is known
 *     "sliding_window"                                null, or at least max_position_embeddings
 *     "hidden_act"                                    text: the activation function
 *     "position_embedding_type"                       "absolute": no other one is known
 *
 * and by their other names: "num_labels"; "img_size"; "num_heads", "n_head", "n_heads"; "n_positions";
 * "layer_norm_eps", "layer_norm_epsilon"; "activation_function", "activation"; "image_mean", "image_std"
 * (preprocessor_config.json). */
#ifndef LOWBIT_NN_CONFIG_H_
#define LOWBIT_NN_CONFIG_H_

#include <stdbool.h>

#include "nn/pixels.h"

/* How a ResNet begins. */
enum {
    LB_STEM_UNSAID = 0,
    LB_STEM_CIFAR,      /* 3 x 3 */
    LB_STEM_CIFAR_POOL, /* 3 x 3, then a max pool of 3 x 3 with stride 2 */
    LB_STEM_IMAGENET,   /* 7 x 7 with stride 2, then the same pool */
    LB_STEMS
};

/* Zeros stand for what is not said. */
typedef struct lb_config {
    char model[64];
    int64_t classes, side;
    bool normalized; /* mean and std are there, */
    lb_normalization normalization;
    uint32_t stem;
    char type[32], act[32]; /* model_type, hidden_act */
    int64_t heads, kv_heads, positions;
    double norm_epsilon, rope_base;
    bool rope_pairs; /* rotated pairs are neighbours, as llama2.c has them: no key of config.json */
} lb_config;

/* LOWBIT_BAD_FORMAT with the key. */
lowbit_status lb_config_parse(const uint8_t *bytes, size_t length, lb_config *config, lowbit_error *error);

/* The same for a file; also statuses of lb_map_file. */
lowbit_status lb_config_read(const char *path, lb_config *config, lowbit_error *error);

/* The stem of that name, or LB_STEM_UNSAID. */
uint32_t lb_stem_of(const char *name);

#endif
