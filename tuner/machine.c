/* SPDX-License-Identifier: Apache-2.0 */
/* The machine report. What one source cannot tell, the next more modest one does: reading this machine never fails. */
#include "tuner/machine.h"

#include <string.h>
#include <unistd.h>

#include "kernels/base/base.h"
#include "kernels/base/cpu.h"
#include "tuner/cgroup.h"
#include "tuner/topology.h"

/* A guest is told the L3 of the whole host, which it shares with strangers. No server CPU without stacked cache has
 * much more than this for each core. */
static const int64_t kBelievedL3PerCore = 4 << 20;

static uint32_t round_up_cpus(double cpus) {
    if (cpus >= LB_MAX_CPUS) return LB_MAX_CPUS;
    const uint32_t whole = (uint32_t)cpus;
    return whole + (whole < cpus);
}

void lb_machine_conclude(lowbit_machine *machine, uint32_t l3_cores) {
    const int64_t believed = kBelievedL3PerCore * lb_max(l3_cores, 1);
    machine->l3_trusted_bytes = machine->hypervisor ? lb_min(machine->l3_bytes, believed) : machine->l3_bytes;

    const uint32_t quota = machine->cpu_quota > 0 ? round_up_cpus(machine->cpu_quota) : LB_MAX_CPUS;
    machine->usable_threads = machine->allowed_cores;
    machine->cpu_limit = LOWBIT_CPU_LIMIT_NONE;
    if (machine->allowed_cores < machine->cores) machine->cpu_limit = LOWBIT_CPU_LIMIT_AFFINITY;
    if (quota < machine->allowed_cores) {
        machine->usable_threads = quota;
        machine->cpu_limit = LOWBIT_CPU_LIMIT_QUOTA;
    }
}

static void forget_hypervisor(lowbit_machine *machine) {
    machine->hypervisor = 0;
    machine->hypervisor_name[0] = 0;
}

/* This machine: by hwloc if it can, flat otherwise. */
static void read_this_machine(const lowbit_ctx *made, lb_topology *topology, lowbit_machine *machine) {
    lowbit_error reason = LOWBIT_ERROR_INIT;
    lb_cpu_mask_of_thread(&topology->allowed);
    if (lb_topology_hwloc(NULL, topology, machine, &reason) != LOWBIT_OK) {
        lb_log(made, LOWBIT_LOG_INFO, "every CPU counts as a core: %s", reason.message);
        lb_topology_flat(topology, machine);
    }
    /* hwloc adds up the nodes, whose sums are wrong in guests that were given memory while they ran. */
    machine->memory_bytes = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
    machine->cpu_quota = lb_cgroup_quota("");
}

static lowbit_status keep_order(lowbit_ctx *made, const lb_topology *topology, lowbit_error *error) {
    const size_t bytes = topology->order_count * sizeof *made->cpu_order;
    made->cpu_order = lb_alloc(made, bytes);
    LB_REQUIRE(made->cpu_order, error, LOWBIT_NO_MEMORY, "no memory for the order of %u CPUs", topology->order_count);
    memcpy(made->cpu_order, topology->order, bytes);
    made->cpu_order_count = topology->order_count;
    return LOWBIT_OK;
}

lowbit_status lb_machine_read(lowbit_ctx *made, const char *description, lowbit_error *error) {
    lowbit_machine machine = {.struct_size = sizeof machine};
    lb_topology topology = {.order_count = 0};
    lb_cpu_identify(&machine);
    if (description) {
        forget_hypervisor(&machine);
        LB_TRY(lb_topology_hwloc(description, &topology, &machine, error));
    } else {
        read_this_machine(made, &topology, &machine);
    }
    lb_cpu_mask_print(&topology.allowed, machine.allowed_list, sizeof machine.allowed_list);
    lb_machine_conclude(&machine, topology.l3_cores);
    made->machine = machine;
    return description ? LOWBIT_OK : keep_order(made, &topology, error);
}

void lb_machine_release(lowbit_ctx *ctx) {
    lb_free(ctx, ctx->cpu_order, ctx->cpu_order_count * sizeof *ctx->cpu_order);
    ctx->cpu_order = NULL;
}
