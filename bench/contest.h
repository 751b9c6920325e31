/* SPDX-License-Identifier: Apache-2.0 */
/* One way of a peer against ours, in a process of its own: packed, checked, timed in turn, checked again. */
#ifndef LOWBIT_BENCH_CONTEST_H_
#define LOWBIT_BENCH_CONTEST_H_

#include "bench/abba.h"
#include "bench/peers/peers.h"

typedef enum lb_peer_status {
    LB_PEER_OK,
    LB_PEER_WRONG,   /* its numbers are not right, or the call says that it failed: no time counts */
    LB_PEER_CRASHED, /* or ended the process */
    LB_PEER_TIMEOUT,
    LB_PEER_REFUSED, /* it cannot multiply this here */
    LB_PEER_ABSENT   /* this build lacks the library */
} lb_peer_status;

/* "ok", "wrong", ... */
const char *lb_peer_status_name(lb_peer_status status);

typedef struct lb_peer_result {
    const char *library, *version, *way; /* static; "" where there is none */
    lb_peer_status status;
    char reason[LB_PEER_REASON]; /* why it is not ok, else "" */
    lb_abba_result times;        /* ok only: A is ours, B is theirs, ratio > 1 = ours is faster */
    double gops;                 /* ok only: 2 M N K operations at their median time, 1e9 a second */
} lb_peer_result;

/* Ours in such a process. */
typedef struct lb_home_side {
    bool (*begin)(void *arg); /* first: makes what is not copied, a pool, and whatever ours writes to */
    lb_contender ours;        /* its arg is that of `begin` too */
} lb_home_side;

typedef struct lb_contest {
    lb_peer_work work; /* `out` is made in the process */
    lb_home_side home;
    lb_abba_options timing;
    double timeout_s; /* for everything that one way does */
} lb_contest;

/* Fills `result` but for library and version. */
void lb_contest_hold(const lb_contest *contest, const lb_peer_way *way, lb_peer_result *result);

#endif
