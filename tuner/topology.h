/* SPDX-License-Identifier: Apache-2.0 */
/* The shape of a machine, from hwloc or from the C library. */
#ifndef LOWBIT_TUNER_TOPOLOGY_H_
#define LOWBIT_TUNER_TOPOLOGY_H_

#include "kernels/base/cpu_mask.h"
#include "kernels/base/ctx.h"

typedef struct lb_topology {
    lb_cpu_mask allowed; /* CPUs that this process may use; all CPUs of a pretend machine */
    uint32_t l3_cores;   /* cores behind the L3 that the report describes */
    uint32_t order_count;
    uint16_t order[LB_MAX_CPUS]; /* the allowed CPUs: one of each core first, fast kinds before slow ones, neighbours
                                    together; then the second hardware thread of each core, and so on */
} lb_topology;

/* Both fill the counts of packages, nodes, cores, CPUs and kinds, and the caches of the report, hwloc the memory
 * too, and the topology but for `allowed`, which hwloc sets for a pretend machine and which is given otherwise. */

/* Reads by hwloc: this machine, or the description. Fails where hwloc does; says why. */
lowbit_status lb_topology_hwloc(const char *description, lb_topology *topology, lowbit_machine *machine,
                                lowbit_error *error);

/* What the C library knows of this machine: online CPUs, of which each counts as a core, and caches; standard sizes
 * where it knows none. Cannot fail. */
void lb_topology_flat(lb_topology *topology, lowbit_machine *machine);

#endif
