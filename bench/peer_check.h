/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a peer's numbers are right: rows of its product against plain loops over what it says that it multiplies. */
#ifndef LOWBIT_BENCH_PEER_CHECK_H_
#define LOWBIT_BENCH_PEER_CHECK_H_

#include "bench/peers/peers.h"

/* The first row, one in the middle and the last one. */
enum { LB_PEER_ROWS = 3 };

typedef struct lb_peer_check {
    const lb_peer_way *way;
    const lb_peer_work *work;
    size_t rows;
    int64_t row[LB_PEER_ROWS];
    double *want, *bound; /* [rows][n] */
    double squares;       /* of all products, added up */
} lb_peer_check;

/* Computes the rows in double. false: no memory. Nothing is released: it belongs to a process that ends. */
bool lb_peer_check_make(const lb_peer_way *way, const lb_peer_work *work, const void *state, lb_peer_check *check);

/* Compares work->out; the first difference goes into `reason`. */
bool lb_peer_check_rows(const lb_peer_check *check, char reason[LB_PEER_REASON]);

#endif
