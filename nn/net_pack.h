/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of lb_net_pack. */
#ifndef LOWBIT_NN_NET_PACK_H_
#define LOWBIT_NN_NET_PACK_H_

#include "nn/net.h"

/* Decides types, activations and ranges of all values, and makes room for the layers. */
lowbit_status lb_net_settle(lb_net *net, const lb_choice *choices, const lb_range *ranges, lowbit_error *error);

/* What the convolution of node v is; the net is settled. */
lowbit_conv2d lb_net_conv(const lb_net *net, lb_value v, const lb_choice *choice);

/* Room for a layer's matrices, whose convolution is known. */
lowbit_status lb_net_take_matrices(lb_net *net, lb_layer *layer, lowbit_error *error);

/* By what a layer's sums become codes or steps, once its weights are packed: nn/net_output.c. */
lowbit_status lb_net_output(lb_net *net, lb_value v, lowbit_error *error);

/* Zeroed memory of the net, or LOWBIT_NO_MEMORY. */
lowbit_status lb_net_take(lb_net *net, int64_t bytes, void **memory, lowbit_error *error);

#endif
