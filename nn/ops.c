/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/ops.h"

static const struct {
    lb_op_rows rows;
    bool keeps_codes;
} kOps[LB_OPS] = {
    [LB_OP_AFFINE] = {lb_pointwise_rows, false},
    [LB_OP_RELU] = {lb_pointwise_rows, false},
    [LB_OP_HARDTANH] = {lb_pointwise_rows, false},
    [LB_OP_ADD] = {lb_pointwise_rows, false},
    [LB_OP_MAX_POOL] = {lb_max_pool_rows, true},
    [LB_OP_AVERAGE_POOL] = {lb_average_pool_rows, false},
    [LB_OP_ADAPTIVE_AVERAGE_POOL] = {lb_average_pool_rows, false},
    [LB_OP_SUBSAMPLE] = {lb_subsample_rows, true},
    [LB_OP_SHIFT] = {lb_shift_rows, true},
    [LB_OP_STEPS] = {lb_steps_rows, false},
};

lb_op_rows lb_op_rows_of(uint32_t op) { return op < LB_OPS ? kOps[op].rows : NULL; }

bool lb_op_keeps_codes(uint32_t op) { return op < LB_OPS && kOps[op].keeps_codes; }
