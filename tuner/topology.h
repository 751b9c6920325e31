/* SPDX-License-Identifier: Apache-2.0 */
/* The shape of a machine, from hwloc or from the C library. */
#ifndef LOWBIT_TUNER_TOPOLOGY_H_
#define LOWBIT_TUNER_TOPOLOGY_H_

#include "kernels/base/cpu_mask.h"
#include "kernels/base/ctx.h"

/* An allowed CPU and where it is. */
typedef struct lb_cpu_place {
    uint16_t cpu;
    uint16_t rank;            /* 0: one of each core of the fastest kind; then of the next kind; then second hardware
                                 threads of the fastest kind, and so on */
    uint16_t package;         /* these are numbers that tell one from the other: */
    uint16_t node;            /* the nearest NUMA node */
    uint16_t cache;           /* the outermost cache */
    uint16_t turn_of_core;    /* lb_places_spread's: which core of its cache this is, */
    uint16_t turn_of_cache;   /* which cache of its node that is, */
    uint16_t turn_of_node;    /* and so on, */
    uint16_t turn_of_package; /* among the CPUs of this rank */
} lb_cpu_place;

typedef struct lb_topology {
    lb_cpu_mask allowed;              /* CPUs that this process may use */
    uint32_t l3_cores;                /* cores behind the L3 that the report describes */
    size_t count;                     /* of the allowed CPUs: */
    lb_cpu_place places[LB_MAX_CPUS]; /* by rank, neighbours together */
} lb_topology;

/* Both fill the counts of packages, nodes, cores, CPUs and kinds, and the caches of the report, hwloc the memory
 * too, and the topology but for `allowed`, which is given. Of a pretend machine it may be empty: hwloc then allows all
 * CPUs. */

/* Reads by hwloc: this machine, or the description. Fails where hwloc does, and where a CPU is allowed that the
 * description lacks; says why. */
lowbit_status lb_topology_hwloc(const char *description, lb_topology *topology, lowbit_machine *machine,
                                lowbit_error *error);

/* What the C library knows of this machine: online CPUs, of which each counts as a core, and caches; standard sizes
 * where it knows none. Cannot fail. */
void lb_topology_flat(lb_topology *topology, lowbit_machine *machine);

/* Brings places into the order of LOWBIT_BIND_SPREAD: ranks stay one behind the other; within a rank, packages take
 * turns, in each its NUMA nodes, in each of those its caches. */
void lb_places_spread(lb_cpu_place *places, size_t count);

#endif
