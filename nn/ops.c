/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/ops.h"

static const lb_op_kind kOps[LB_OPS] = {
    [LB_OP_NONE] = {lb_pointwise_pixels, true, false},
    [LB_OP_AFFINE] = {lb_pointwise_pixels, true, false},
    [LB_OP_RELU] = {lb_pointwise_pixels, true, false},
    [LB_OP_HARDTANH] = {lb_pointwise_pixels, true, false},
    [LB_OP_ADD] = {lb_pointwise_pixels, true, false},
    [LB_OP_MAX_POOL] = {lb_max_pool_rows, false, true},
    [LB_OP_AVERAGE_POOL] = {lb_average_pool_rows, false, false},
    [LB_OP_ADAPTIVE_AVERAGE_POOL] = {lb_average_pool_rows, false, false},
    [LB_OP_SUBSAMPLE] = {lb_subsample_rows, false, true},
    [LB_OP_SHIFT] = {lb_shift_rows, false, true},
    [LB_OP_STEPS] = {lb_steps_pixels, true, false},
    [LB_OP_TOKENS] = {NULL, true, true}, /* the session gives it the buffer of x */
    [LB_OP_CLASS_TOKEN] = {lb_class_token_pixels, true, false},
    [LB_OP_POSITIONS] = {lb_positions_pixels, true, false},
    [LB_OP_EMBED] = {lb_embed_pixels, true, false},
    [LB_OP_LAYER_NORM] = {lb_norm_pixels, true, false},
    [LB_OP_RMS_NORM] = {lb_norm_pixels, true, false},
    [LB_OP_NORMALIZE] = {lb_norm_pixels, true, false},
    [LB_OP_ACT] = {lb_pointwise_pixels, true, false},
    [LB_OP_TANH] = {lb_pointwise_pixels, true, false},
    [LB_OP_MULTIPLY] = {lb_pointwise_pixels, true, false},
    [LB_OP_TAKE_FIRST] = {lb_take_rows, false, true},
    [LB_OP_TAKE_LAST] = {lb_take_rows, false, true},
    [LB_OP_TAKE_MEAN] = {lb_take_mean_rows, false, false},
};

const lb_op_kind *lb_op_kind_of(uint32_t op) { return &kOps[op < LB_OPS ? op : LB_OP_INPUT]; }
