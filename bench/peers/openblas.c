/* SPDX-License-Identifier: Apache-2.0 */
/* OpenBLAS: sgemm, and sgemv for one row. It has no packed weights: every call packs for itself. */
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/peers/peers.h"

typedef struct state {
    lb_peer_work work;
    float *copies; /* of the weights, beyond the first, which is the caller's */
} state;

static bool takes(const lowbit_problem *p) { return p->weights.format == LOWBIT_F32; }

static void *create(const lb_peer_work *work, char reason[LB_PEER_REASON]) {
    const size_t count = (size_t)(work->n * work->k), more = work->copies - 1;
    state *s = calloc(1, sizeof *s);
    if (s && more) s->copies = malloc(more * count * sizeof(float));
    if (!s || (more && !s->copies)) {
        snprintf(reason, LB_PEER_REASON, "no memory for %zu copies", work->copies);
        free(s);
        return NULL;
    }
    for (size_t i = 0; i < more; i++) memcpy(s->copies + i * count, work->w, count * sizeof(float));
    s->work = *work;
    openblas_set_num_threads((int)work->threads);
    return s;
}

static bool run(void *made, size_t copy) {
    const state *s = made;
    const lb_peer_work *p = &s->work;
    const int m = (int)p->m, n = (int)p->n, k = (int)p->k;
    const float *w = copy ? s->copies + (copy - 1) * (size_t)(p->n * p->k) : p->w;
    if (m == 1)
        cblas_sgemv(CblasRowMajor, CblasNoTrans, n, k, 1, w, k, p->a, 1, 0, p->out, 1);
    else
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1, p->a, k, w, k, 0, p->out, n);
    return true;
}

static void destroy(void *made) {
    state *s = made;
    free(s->copies);
    free(s);
}

/* "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ..." */
static const char *version(void) {
    static char text[16];
    const char *config = openblas_get_config();
    const char *number = strchr(config, ' ');
    snprintf(text, sizeof text, "%.*s", number ? (int)strcspn(number + 1, " ") : 0, number ? number + 1 : "");
    return text;
}

static const lb_peer_way kWays[] = {
    {.name = "sgemm", .tolerance = 1e-5, .takes = takes, .create = create, .run = run, .destroy = destroy, .bits = 32},
};

const lb_peer lb_peer_openblas = {"openblas", version, kWays, 1};
