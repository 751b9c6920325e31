/* SPDX-License-Identifier: Apache-2.0 */
/* One channel of a depthwise convolution as a product: the panels of the weights that its output channels lie in. Most
 * of what they compute belongs to other channels; this is for what no kernel of depthwise convolution takes. */
#ifndef LOWBIT_KERNELS_CONV_CHANNEL_H_
#define LOWBIT_KERNELS_CONV_CHANNEL_H_

#include "kernels/conv.h"

typedef struct lb_channel {
    lowbit_packed weights; /* from a panel on, to the channel's last column */
    const int32_t *column_sums;
    int64_t first; /* the panel's first column */
    int64_t own;   /* columns in front of the channel's */
} lb_channel;

/* The n columns of packed weights from a panel on, and their sums (NULL stays NULL). */
lowbit_packed lb_panels_from(const lowbit_packed *weights, int64_t panel, int64_t n);
const int32_t *lb_column_sums_from(const lowbit_packed *weights, const int32_t *sums, int64_t panel);

lb_channel lb_channel_at(const lb_conv_call *call, int64_t channel);

/* Most columns that such weights have. */
int64_t lb_channel_columns(const lb_conv_shape *shape);

#endif
