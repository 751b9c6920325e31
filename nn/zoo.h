/* SPDX-License-Identifier: Apache-2.0 */
/* The networks that are known: one row each, one function each that reads like its paper (nn/zoo/). */
#ifndef LOWBIT_NN_ZOO_H_
#define LOWBIT_NN_ZOO_H_

#include "nn/config.h"
#include "nn/graph.h"

/* What a caller may say of a network; zeros stand for what is usual. */
typedef struct lb_model_options {
    int64_t side;                          /* pixels along a side of the image */
    uint32_t stem;                         /* LB_STEM_*, of ResNets */
    const lb_config *config;               /* of lb_model_open: what config.json says */
    const lb_normalization *normalization; /* of pixels; NULL: config.json's, or what the network was trained with */
    /* Networks without a file alone: */
    int64_t classes;
    int64_t width; /* channels of the first layer, of which the others are multiples */
    uint64_t seed;
} lb_model_options;

/* What enters. */
enum {
    LB_INPUT_NORMALIZED = 0, /* pixels: (code / divisor - mean) / std */
    LB_INPUT_FIXED_POINT,    /* floor(128 (2 code / 255 - 1)) / 128, at most 127 / 128: on the grid 1 / 128 */
    LB_INPUT_TEXT            /* tokens of texts, by BERT's WordPiece */
};

enum { LB_MARKS = 4, LB_STAGES = 4 };

typedef struct lb_network lb_network;
struct lb_network {
    const char *name;
    const char *description;
    const char *marks[LB_MARKS]; /* tensors that its files have ("*": with anything in front); the first one tells it
                                    from the others */
    /* What else must hold of a file, or NULL. */
    bool (*is)(const lb_network *model, const lb_source *source, const lb_config *config);
    void (*build)(lb_graph *graph, const lb_network *model, const lb_model_options *options);
    int64_t side, width, classes;          /* as published; no side of texts, no classes of embeddings */
    int64_t blocks[LB_STAGES];             /* of each stage, of networks without a file; transformers have one */
    uint32_t input;                        /* LB_INPUT_* */
    const lb_normalization *normalization; /* of pixels */
    int64_t heads, inner;                  /* of transformers */
};

extern const lb_normalization lb_imagenet; /* what networks for large images are trained with */

/* The rows, in the order in which a file is tried. */
extern const lb_network lb_networks[];
extern const size_t lb_network_count;

const lb_network *lb_network_named(const char *name); /* NULL if unknown */

/* The network whose tensors these are. LOWBIT_UNSUPPORTED with what was looked for. */
lowbit_status lb_network_find(const lb_source *source, const lb_config *config, const lb_network **model,
                              lowbit_error *error);

#endif
