/* SPDX-License-Identifier: Apache-2.0 */
/* The next token of a text, chosen by what a decoder says of all. */
#ifndef LOWBIT_NN_SAMPLE_H_
#define LOWBIT_NN_SAMPLE_H_

#include <stdbool.h>

#include "lowbit/types.h"

typedef struct lb_sampler {
    double temperature; /* 0: the likeliest token, of equals the first; else logits are divided by it */
    double top_p;       /* above 0: of the likeliest tokens as few as are this likely together; 1 or more = all */
    uint64_t state;     /* of the random numbers, which are the same everywhere */
    double *weights;    /* [count] */
    int32_t *order;     /* [count] */
    int64_t count;      /* tokens there are */
} lb_sampler;

/* LOWBIT_INVALID_ARGUMENT: no tokens, a negative temperature, a share that is not above 0. LOWBIT_NO_MEMORY. *sampler
 * needs no free after a failure. */
lowbit_status lb_sampler_make(int64_t count, double temperature, double top_p, uint64_t seed, lb_sampler *sampler,
                              lowbit_error *error);

void lb_sampler_free(lb_sampler *sampler);

/* logits  [count]; a NaN is as unlikely as minus infinity */
int32_t lb_sample(lb_sampler *sampler, const float *logits);

#endif
