/* SPDX-License-Identifier: Apache-2.0 */
/* The machine report. What one source cannot tell, the next more modest one does: reading this machine never fails. */
#include "tuner/machine.h"

#include <unistd.h>

#include "kernels/base/base.h"
#include "kernels/base/cpu.h"
#include "tuner/cgroup.h"
#include "tuner/topology.h"

/* A guest is told the L3 of the whole host, which it shares with strangers. No server CPU without stacked cache has
 * much more than this for each core. */
static const int64_t kBelievedL3PerCore = 4 << 20;

/* x86 says whether this is a guest. aarch64 does not: any of its machines may be one, and none of them has more. */
#if defined(__x86_64__)
static const bool kGuestsTell = true;
#else
static const bool kGuestsTell = false;
#endif

static uint32_t round_up_cpus(double cpus) {
    if (cpus >= LB_MAX_CPUS) return LB_MAX_CPUS;
    const uint32_t whole = (uint32_t)cpus;
    return whole + (whole < cpus);
}

void lb_machine_conclude(lowbit_machine *machine, bool believe, uint32_t l3_cores) {
    const int64_t believed = kBelievedL3PerCore * lb_max(l3_cores, 1);
    machine->l3_trusted_bytes = believe ? machine->l3_bytes : lb_min(machine->l3_bytes, believed);

    const uint32_t quota = machine->cpu_quota > 0 ? round_up_cpus(machine->cpu_quota) : LB_MAX_CPUS;
    machine->usable_threads = machine->allowed_cores;
    machine->cpu_limit = LOWBIT_CPU_LIMIT_NONE;
    if (machine->allowed_cores < machine->cores) machine->cpu_limit = LOWBIT_CPU_LIMIT_AFFINITY;
    if (quota < machine->allowed_cores) {
        machine->usable_threads = quota;
        machine->cpu_limit = LOWBIT_CPU_LIMIT_QUOTA;
    }
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

/* Another one: its mask, quota and hypervisor are those of the options. */
static lowbit_status read_pretend_machine(const lowbit_ctx_options *o, lb_topology *topology, lowbit_machine *machine,
                                          lowbit_error *error) {
    lb_cpu_list allowed = {.count = 0};
    LB_REQUIRE(!o->allowed_cpus || lb_cpu_list_parse(o->allowed_cpus, &allowed), error, LOWBIT_INVALID_ARGUMENT,
               "options: allowed_cpus '%s' is no list as \"0-3,8\"", o->allowed_cpus);
    for (size_t i = 0; i < allowed.count; i++) lb_cpu_mask_add(&topology->allowed, allowed.cpus[i]);
    machine->cpu_quota = o->cpu_quota;
    machine->hypervisor = o->guest;
    machine->hypervisor_name[0] = 0;
    return lb_topology_hwloc(o->topology, topology, machine, error);
}

/* The node of place i: that of an earlier one, or a new number. */
static uint16_t number_node(lowbit_ctx *made, const lb_topology *topology, size_t i) {
    for (size_t before = 0; before < i; before++)
        if (topology->places[before].node == topology->places[i].node) return made->cpu_node[before];
    return (uint16_t)made->node_count++;
}

static lowbit_status keep_order(lowbit_ctx *made, lb_topology *topology, lowbit_error *error) {
    const size_t count = topology->count;
    uint16_t *block = lb_alloc(made, 3 * count * sizeof *block);
    LB_REQUIRE(block, error, LOWBIT_NO_MEMORY, "no memory for the order of %zu CPUs", count);
    made->cpu_count = count;
    made->cpu_order = block;
    made->cpu_spread = block + count;
    made->cpu_node = block + 2 * count;
    for (size_t i = 0; i < count; i++) {
        made->cpu_order[i] = topology->places[i].cpu;
        made->cpu_node[i] = number_node(made, topology, i);
    }
    lb_places_spread(topology->places, count);
    for (size_t i = 0; i < count; i++) made->cpu_spread[i] = topology->places[i].cpu;
    return LOWBIT_OK;
}

static lowbit_status read_into(lowbit_ctx *made, const lowbit_ctx_options *options, lb_topology *topology,
                               lowbit_error *error) {
    lowbit_machine machine = {.struct_size = sizeof machine};
    lb_cpu_identify(&machine);
    made->pretend = options->topology != NULL;
    if (made->pretend)
        LB_TRY(read_pretend_machine(options, topology, &machine, error));
    else
        read_this_machine(made, topology, &machine);
    lb_cpu_mask_print(&topology->allowed, machine.allowed_list, sizeof machine.allowed_list);
    lb_machine_conclude(&machine, !machine.hypervisor && (made->pretend || kGuestsTell), topology->l3_cores);
    made->machine = machine;
    return keep_order(made, topology, error);
}

lowbit_status lb_machine_read(lowbit_ctx *made, const lowbit_ctx_options *options, lowbit_error *error) {
    lb_topology *topology = lb_alloc(made, sizeof *topology); /* too large for a stack that is not ours */
    LB_REQUIRE(topology, error, LOWBIT_NO_MEMORY, "no memory for the topology of %d CPUs", LB_MAX_CPUS);
    *topology = (lb_topology){.count = 0};
    const lowbit_status status = read_into(made, options, topology, error);
    lb_free(made, topology, sizeof *topology);
    return status;
}

void lb_machine_release(lowbit_ctx *ctx) {
    lb_free(ctx, ctx->cpu_order, 3 * ctx->cpu_count * sizeof *ctx->cpu_order);
    ctx->cpu_order = NULL;
}
