/* SPDX-License-Identifier: Apache-2.0 */
/* Static ranges of the values of a network, from images that go through it in floats. */
#ifndef LOWBIT_NN_CALIBRATE_H_
#define LOWBIT_NN_CALIBRATE_H_

#include "nn/recipe.h"
#include "nn/session.h"

/* The next images for a network: fills [count][height][width][channels] floats, count of 1 up to `most`, and returns
 * count; 0 = there are no more, or they cannot be read. */
typedef int64_t (*lb_next_images)(void *user, int64_t most, float *images);

/* ranges[graph->count] for the values that lb_net_needs names, by the recipe's rule.
 *
 * net      the network in floats
 * choices  of the network that the ranges are for: of the same graph
 * next     images, of which the recipe's number are taken
 *
 * LOWBIT_INVALID_ARGUMENT: no images, or a value with a NaN, which the reason names. */
lowbit_status lb_calibrate_net(const lowbit_ctx *ctx, const lb_net *net, const lb_recipe *recipe,
                               const lb_choice *choices, lb_next_images next, void *user, const lowbit_pool *pool,
                               lb_range *ranges, lowbit_error *error);

#endif
