/* SPDX-License-Identifier: Apache-2.0 */
/* Static ranges of the values of a network, from images that go through it in floats. */
#ifndef LOWBIT_NN_CALIBRATE_H_
#define LOWBIT_NN_CALIBRATE_H_

#include "nn/recipe.h"
#include "nn/session.h"

/* What calibration looks at. */
typedef struct lb_samples {
    /* Fills the next images, [count][height][width][channels] floats, or texts as lb_run_input has them, with their
     * lengths[count]: count of 1 up to `most`, which it returns; 0 = there are no more, or they cannot be read. */
    int64_t (*next)(void *user, int64_t most, int64_t *lengths, float *data);
    void *user;
    int64_t longest; /* most tokens of a text; not used for images */
} lb_samples;

/* ranges[graph->count] for the values that lb_net_needs names, by the recipe's rule.
 *
 * net      the network in floats
 * choices  of the network that the ranges are for: of the same graph
 * samples  images or texts, of which the recipe's number are taken
 *
 * LOWBIT_INVALID_ARGUMENT: no samples, or a value with a NaN, which the reason names. */
lowbit_status lb_calibrate_net(const lowbit_ctx *ctx, const lb_net *net, const lb_recipe *recipe,
                               const lb_choice *choices, const lb_samples *samples, const lowbit_pool *pool,
                               lb_range *ranges, lowbit_error *error);

#endif
