/* SPDX-License-Identifier: Apache-2.0 */
/* OpenBLAS: sgemm, and sgemv for one row. It has no packed weights: every call packs for itself. */
#include <cblas.h>

#include "bench/peers/peers.h"

static bool takes(const lowbit_problem *p) {
    return p->weights.format == LOWBIT_F32 && p->out == LOWBIT_OUT_F32 && !p->bias && !p->residual && !p->act;
}

static void *create(const lb_peer_work *work) {
    openblas_set_num_threads((int)work->threads);
    return work->out; /* it keeps nothing */
}

static void run(const lb_peer_work *work, void *state) {
    const int m = (int)work->m, n = (int)work->n, k = (int)work->k;
    (void)state;
    if (m == 1)
        cblas_sgemv(CblasRowMajor, CblasNoTrans, n, k, 1, work->w, k, work->a, 1, 0, work->out, 1);
    else
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1, work->a, k, work->w, k, 0, work->out, n);
}

static void destroy(void *state) { (void)state; }

const lb_peer lb_peer_openblas = {"openblas", takes, create, run, destroy};
