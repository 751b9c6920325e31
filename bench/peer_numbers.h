/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers of a product of ours in the forms that other libraries take. */
#ifndef LOWBIT_BENCH_PEER_NUMBERS_H_
#define LOWBIT_BENCH_PEER_NUMBERS_H_

#include "bench/peers/peers.h"
#include "tuner/operands.h"

typedef struct lb_peer_numbers {
    const lowbit_ctx *ctx;
    lb_peer_work work; /* whose `out` is for the contest to make, and `copies` 1 */
    float *w;
    int8_t *a8, *w8;
} lb_peer_numbers;

/* Whether a problem is a bare product, as others have it: no bias, residual, activation function, distance or static
 * activations, and sums or floats as outputs. */
bool lb_peer_comparable(const lowbit_problem *problem);

/* Makes them of comparable operands, which must outlive them. Release them in any case. */
lowbit_status lb_peer_numbers_make(const lb_operands *operands, uint32_t threads, lb_peer_numbers *numbers,
                                   lowbit_error *error);
void lb_peer_numbers_release(lb_peer_numbers *numbers);

/* How many copies of n x k weights of so many bits fill a ring of that size; fewer where they would fill more than a
 * quarter of the machine's memory, 0 where not even two fit into that. */
size_t lb_peer_copies(int64_t n, int64_t k, uint32_t bits, int64_t ring_bytes, int64_t memory_bytes);

#endif
