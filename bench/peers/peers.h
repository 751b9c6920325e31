/* SPDX-License-Identifier: Apache-2.0 */
/* Other libraries, timed beside ours in the same process on the same numbers. Each is optional: the build takes those
 * that it finds. */
#ifndef LOWBIT_BENCH_PEERS_PEERS_H_
#define LOWBIT_BENCH_PEERS_PEERS_H_

#include <stdbool.h>
#include <stddef.h>

#include "lowbit/gemm.h"

/* What a peer multiplies: out[m][n] = a[m][k] * w[n][k]^T, dense. */
typedef struct lb_peer_work {
    const float *a, *w;
    float *out;
    int64_t m, n, k;
    uint32_t threads;
    bool bf16; /* w are bf16 values, and a may be rounded to such */
} lb_peer_work;

typedef struct lb_peer {
    const char *name;
    bool (*takes)(const lowbit_problem *problem); /* it multiplies such weights and activations */
    void *(*create)(const lb_peer_work *work);    /* before the time is taken: packs the weights as it likes; or NULL */
    void (*run)(const lb_peer_work *work, void *state);
    void (*destroy)(void *state);
} lb_peer;

/* The peers of this build: NULL past the end. */
const lb_peer *lb_peer_at(size_t index);

#endif
