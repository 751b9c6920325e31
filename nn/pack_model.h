/* SPDX-License-Identifier: Apache-2.0 */
/* From a network in floats to a packed one, by a recipe. */
#ifndef LOWBIT_NN_PACK_MODEL_H_
#define LOWBIT_NN_PACK_MODEL_H_

#include "nn/calibrate.h"
#include "nn/recipe.h"

/* Makes the fused graph of the network, new each time. */
typedef lowbit_status (*lb_make_graph)(void *user, lb_graph *graph, lowbit_error *error);

typedef struct lb_pack_model {
    lb_make_graph make;
    void *user;
    const lb_recipe *recipe; /* NULL = the formats that the network was trained for: nn/native.h */
    lb_samples samples;      /* for calibration; next NULL = there are none */
    const lowbit_pool *pool;
} lb_pack_model;

/* Whether the recipe makes ranges necessary, which calibration must find. */
lowbit_status lb_pack_model_calibrates(const lb_pack_model *model, bool *calibrates, lowbit_error *error);

/* Quantizes and packs. LOWBIT_INVALID_ARGUMENT: ranges are needed, and there are no samples. */
lowbit_status lb_pack_model_run(const lowbit_ctx *ctx, const lb_pack_model *model, lb_net *net, lowbit_error *error);

/* The network in floats, as all others are measured against. */
lowbit_status lb_pack_model_floats(const lowbit_ctx *ctx, const lb_pack_model *model, lb_net *net, lowbit_error *error);

#endif
