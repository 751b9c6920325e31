/* SPDX-License-Identifier: Apache-2.0 */
/* The order of LOWBIT_BIND_SPREAD, from that of LOWBIT_BIND_COMPACT. */
#include <stdlib.h>

#include "tuner/topology.h"

/* Numbers each package of a rank, each node of a package, each cache of a node and each core of a cache from 0. Those
 * are neighbours, so a number grows by one where its word changes, and those inside it begin anew. */
static void number_turns(lb_cpu_place *places, size_t count) {
    uint16_t package = 0, node = 0, cache = 0, core = 0;
    for (size_t i = 0; i < count; i++) {
        lb_cpu_place *p = &places[i];
        const lb_cpu_place *before = i ? p - 1 : NULL;
        if (!before || p->rank != before->rank)
            package = node = cache = core = 0;
        else if (p->package != before->package)
            package++, node = cache = core = 0;
        else if (p->node != before->node)
            node++, cache = core = 0;
        else if (p->cache != before->cache)
            cache++, core = 0;
        else
            core++;
        p->turn_of_package = package, p->turn_of_node = node, p->turn_of_cache = cache, p->turn_of_core = core;
    }
}

/* The package's turn changes fastest. */
static int in_turn(const void *a, const void *b) {
    const lb_cpu_place *p = a, *q = b;
    if (p->rank != q->rank) return p->rank - q->rank;
    if (p->turn_of_core != q->turn_of_core) return p->turn_of_core - q->turn_of_core;
    if (p->turn_of_cache != q->turn_of_cache) return p->turn_of_cache - q->turn_of_cache;
    if (p->turn_of_node != q->turn_of_node) return p->turn_of_node - q->turn_of_node;
    return p->turn_of_package - q->turn_of_package;
}

void lb_places_spread(lb_cpu_place *places, size_t count) {
    number_turns(places, count);
    qsort(places, count, sizeof *places, in_turn);
}
