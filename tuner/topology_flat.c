/* SPDX-License-Identifier: Apache-2.0 */
/* The topology where there is no hwloc, or where hwloc fails. */
#include <unistd.h>

#include "kernels/base/base.h"
#include "tuner/topology.h"

/* sysconf answers -1 or 0 for what it does not know. */
static int64_t ask(int name, int64_t otherwise) {
    const long answer = sysconf(name);
    return answer > 0 ? answer : otherwise;
}

void lb_topology_flat(lb_topology *topology, lowbit_machine *machine) {
    const uint32_t allowed = (uint32_t)lb_cpu_mask_count(&topology->allowed);
    const uint32_t cpus = (uint32_t)lb_max(ask(_SC_NPROCESSORS_ONLN, 1), allowed);
    machine->packages = machine->numa_nodes = machine->core_kinds = 1;
    machine->allowed_packages = machine->allowed_numa_nodes = 1;
    machine->cores = machine->cpus = cpus;
    machine->allowed_cores = machine->allowed_fast_cores = machine->allowed_cpus = allowed;
    machine->l1d_bytes = ask(_SC_LEVEL1_DCACHE_SIZE, 32 << 10);
    machine->l2_bytes = ask(_SC_LEVEL2_CACHE_SIZE, 512 << 10);
    machine->l3_bytes = ask(_SC_LEVEL3_CACHE_SIZE, 0);
    machine->l1d_sharing = machine->l2_sharing = 1;
    machine->l3_sharing = machine->l3_bytes ? cpus : 0;

    topology->l3_cores = cpus;
    topology->count = 0;
    for (size_t cpu = 0; cpu < LB_MAX_CPUS; cpu++)
        if (lb_cpu_mask_has(&topology->allowed, cpu))
            topology->places[topology->count++] = (lb_cpu_place){.cpu = (uint16_t)cpu};
}
