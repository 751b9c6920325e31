/* SPDX-License-Identifier: Apache-2.0 */
/* All peers that are asked for against ours, on one product. */
#ifndef LOWBIT_BENCH_COMPARE_PEERS_H_
#define LOWBIT_BENCH_COMPARE_PEERS_H_

#include "bench/contest.h"

enum { LB_MAX_PEER_RESULTS = 96 };

typedef struct lb_peer_list {
    size_t count;
    lb_peer_result results[LB_MAX_PEER_RESULTS];
} lb_peer_list;

/* `peers` is "all", or names as "openblas,onednn". Returns true where every name is known, else copies the first other
 * one, cut to `size`, to `unknown`. */
bool lb_peers_known(const char *peers, char *unknown, size_t size);

/* Holds a contest of each way that takes the problem. A library that is not in this build, or has no way for the
 * problem, has one result, which says so.
 *
 * contest       all but the number of copies
 * comparable    the problem is a product that others have at all (lb_peer_comparable)
 * ring_bytes    cold: the ring that calls of each way walk through; as much of it as a quarter of memory_bytes holds.
 *               0 = warm */
void lb_compare_peers(const char *peers, const lb_contest *contest, bool comparable, int64_t ring_bytes,
                      int64_t memory_bytes, lb_peer_list *list);

#endif
