/* SPDX-License-Identifier: Apache-2.0 */
/* The topology by hwloc. The whole machine is read, also what this process may not use, so that the report can say
 * both; the set of allowed CPUs comes from the kernel and everything here is cut down to it. */
#include <errno.h>
#include <hwloc.h>
#include <string.h>
#include <unistd.h>

#include "kernels/base/base.h"
#include "tuner/topology.h"

/* DONT_CHANGE_BINDING: hwloc would otherwise send the calling thread over every CPU. */
static const unsigned long kFlags = HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED | HWLOC_TOPOLOGY_FLAG_DONT_CHANGE_BINDING |
                                    HWLOC_TOPOLOGY_FLAG_NO_DISTANCES | HWLOC_TOPOLOGY_FLAG_NO_MEMATTRS;

typedef struct view {
    hwloc_topology_t topology;
    hwloc_bitmap_t allowed;
    hwloc_bitmap_t scratch;
} view;

static void close_view(view *v) {
    hwloc_bitmap_free(v->allowed);
    hwloc_bitmap_free(v->scratch);
    if (v->topology) hwloc_topology_destroy(v->topology);
}

static bool is_file(const char *description) {
    const size_t length = strlen(description);
    return access(description, F_OK) == 0 || (length > 4 && strcmp(description + length - 4, ".xml") == 0);
}

/* Sets where the topology comes from. */
static lowbit_status set_source(view *v, const char *description, lowbit_error *error) {
    hwloc_topology_set_flags(v->topology, kFlags);
    if (description && is_file(description)) {
        LB_REQUIRE(access(description, R_OK) == 0, error, LOWBIT_IO, "topology file %s: %s", description,
                   strerror(errno));
        LB_REQUIRE(hwloc_topology_set_xml(v->topology, description) == 0, error, LOWBIT_BAD_FORMAT,
                   "topology file %s is no XML that hwloc can read", description);
    } else if (description) {
        LB_REQUIRE(hwloc_topology_set_synthetic(v->topology, description) == 0, error, LOWBIT_BAD_FORMAT,
                   "topology '%s' is neither a file nor a description as \"pack:2 core:4 pu:2\"", description);
    }
    return LOWBIT_OK;
}

static lowbit_status open_view(view *v, const char *description, lowbit_error *error) {
    v->allowed = hwloc_bitmap_alloc();
    v->scratch = hwloc_bitmap_alloc();
    LB_REQUIRE(v->allowed && v->scratch && hwloc_topology_init(&v->topology) == 0, error, LOWBIT_NO_MEMORY,
               "no memory for an hwloc topology");
    LB_TRY(set_source(v, description, error));
    LB_REQUIRE(hwloc_topology_load(v->topology) == 0, error, description ? LOWBIT_BAD_FORMAT : LOWBIT_IO,
               "hwloc cannot load the topology%s%s", description ? " of " : "", description ? description : "");
    return LOWBIT_OK;
}

/* Brings the two sets of allowed CPUs together. hwloc's environment variables can make it look at another machine than
 * this one, which it admits when asked. */
static lowbit_status share_allowed(view *v, const char *description, lb_topology *topology, lowbit_error *error) {
    unsigned cpu;
    if (description && lb_cpu_mask_count(&topology->allowed) == 0) {
        hwloc_bitmap_copy(v->allowed, hwloc_topology_get_allowed_cpuset(v->topology));
        hwloc_bitmap_foreach_begin(cpu, v->allowed) lb_cpu_mask_add(&topology->allowed, cpu);
        hwloc_bitmap_foreach_end();
        return LOWBIT_OK;
    }
    for (cpu = 0; cpu < LB_MAX_CPUS; cpu++)
        if (lb_cpu_mask_has(&topology->allowed, cpu)) hwloc_bitmap_set(v->allowed, cpu);
    const bool included = hwloc_bitmap_isincluded(v->allowed, hwloc_topology_get_topology_cpuset(v->topology));
    LB_REQUIRE(included || !description, error, LOWBIT_INVALID_ARGUMENT, "topology '%s' lacks CPUs of allowed_cpus",
               description);
    LB_REQUIRE(description || hwloc_topology_is_thissystem(v->topology), error, LOWBIT_IO,
               "hwloc's environment variables make it describe another machine");
    LB_REQUIRE(included, error, LOWBIT_IO, "hwloc's topology lacks CPUs that this process may use");
    return LOWBIT_OK;
}

/* Number of objects of a type, 1 where hwloc knows none. */
static uint32_t count_objects(const view *v, hwloc_obj_type_t type) {
    const int count = hwloc_get_nbobjs_by_type(v->topology, type);
    return count > 0 ? (uint32_t)count : 1;
}

/* Of those, the ones that have an allowed CPU. */
static uint32_t count_allowed(const view *v, hwloc_obj_type_t type) {
    uint32_t count = 0;
    for (hwloc_obj_t o = NULL; (o = hwloc_get_next_obj_by_type(v->topology, type, o));)
        count += hwloc_bitmap_intersects(o->cpuset, v->allowed) != 0;
    return count > 0 ? count : 1;
}

/* Cores, or hardware threads on a machine whose cores hwloc does not know. */
static hwloc_obj_type_t core_type(const view *v) {
    return hwloc_get_nbobjs_by_type(v->topology, HWLOC_OBJ_CORE) > 0 ? HWLOC_OBJ_CORE : HWLOC_OBJ_PU;
}

static int kind_count(const view *v) {
    const int kinds = hwloc_cpukinds_get_nr(v->topology, 0);
    return kinds > 0 ? kinds : 1;
}

/* hwloc's kinds are ranked: the last one is the fastest. A core that it cannot place counts among the slowest. */
static int kind_of(const view *v, hwloc_obj_t core) {
    const int kind = hwloc_cpukinds_get_by_cpuset(v->topology, core->cpuset, 0);
    return kind > 0 ? kind : 0;
}

/* Hardware thread number `round` among those of the core that may be used, or -1. */
static int allowed_cpu(view *v, hwloc_obj_t core, int round) {
    hwloc_bitmap_and(v->scratch, core->cpuset, v->allowed);
    int cpu = hwloc_bitmap_first(v->scratch);
    for (int i = 0; i < round && cpu >= 0; i++) cpu = hwloc_bitmap_next(v->scratch, cpu);
    return cpu < LB_MAX_CPUS ? cpu : -1;
}

static bool is_cache(hwloc_obj_t object) { return hwloc_obj_type_is_cache(object->type) != 0; }

/* Where the core is. Its first NUMA node is the one whose memory it gets by default. */
static lb_cpu_place place_of(hwloc_obj_t core) {
    lb_cpu_place place = {.node = (uint16_t)lb_max(hwloc_bitmap_first(core->nodeset), 0)};
    for (hwloc_obj_t above = core->parent; above; above = above->parent) {
        if (above->type == HWLOC_OBJ_PACKAGE) place.package = (uint16_t)above->logical_index;
        if (is_cache(above)) place.cache = (uint16_t)above->logical_index;
    }
    return place;
}

/* Appends hardware thread number `round` of every allowed core of the kind; returns how many there were. */
static uint32_t append_round(view *v, int kind, int round, lb_topology *topology) {
    const hwloc_obj_type_t type = core_type(v);
    const int kinds = kind_count(v);
    uint32_t added = 0;
    for (hwloc_obj_t core = NULL; (core = hwloc_get_next_obj_by_type(v->topology, type, core));) {
        const int cpu = kind_of(v, core) == kind ? allowed_cpu(v, core, round) : -1;
        if (cpu < 0 || topology->count == LB_MAX_CPUS) continue;
        lb_cpu_place place = place_of(core);
        place.cpu = (uint16_t)cpu;
        place.rank = (uint16_t)(round * kinds + kinds - 1 - kind);
        topology->places[topology->count++] = place;
        added++;
    }
    return added;
}

/* Orders the allowed CPUs; the first round has one of each core. */
static void order_cpus(view *v, lb_topology *topology, lowbit_machine *machine) {
    uint32_t added = 1;
    topology->count = 0;
    for (int round = 0; added > 0; round++) {
        added = 0;
        for (int kind = kind_count(v) - 1; kind >= 0; kind--) {
            const uint32_t cores = append_round(v, kind, round, topology);
            if (round == 0 && machine->allowed_fast_cores == 0) machine->allowed_fast_cores = cores;
            added += cores;
        }
        if (round == 0) machine->allowed_cores = added;
    }
    machine->allowed_cpus = (uint32_t)topology->count;
}

static void read_cache(hwloc_obj_t pu, hwloc_obj_type_t type, int64_t *bytes, uint32_t *sharing) {
    hwloc_obj_t cache = pu;
    while (cache && cache->type != type) cache = cache->parent;
    *bytes = cache ? (int64_t)cache->attr->cache.size : 0;
    *sharing = cache ? (uint32_t)hwloc_bitmap_weight(cache->cpuset) : 0;
}

/* The caches above the first CPU of the order: a core of the fast kind. */
static void read_caches(view *v, lb_topology *topology, lowbit_machine *machine) {
    hwloc_obj_t pu = topology->count ? hwloc_get_pu_obj_by_os_index(v->topology, topology->places[0].cpu) : NULL;
    read_cache(pu, HWLOC_OBJ_L1CACHE, &machine->l1d_bytes, &machine->l1d_sharing);
    read_cache(pu, HWLOC_OBJ_L2CACHE, &machine->l2_bytes, &machine->l2_sharing);
    read_cache(pu, HWLOC_OBJ_L3CACHE, &machine->l3_bytes, &machine->l3_sharing);
    hwloc_obj_t l3 = pu;
    while (l3 && l3->type != HWLOC_OBJ_L3CACHE) l3 = l3->parent;
    const int cores = l3 ? hwloc_get_nbobjs_inside_cpuset_by_type(v->topology, l3->cpuset, core_type(v)) : 0;
    topology->l3_cores = (uint32_t)lb_max(cores, 0);
}

static lowbit_status read_view(view *v, const char *description, lb_topology *topology, lowbit_machine *machine,
                               lowbit_error *error) {
    LB_TRY(open_view(v, description, error));
    LB_TRY(share_allowed(v, description, topology, error));
    machine->packages = count_objects(v, HWLOC_OBJ_PACKAGE);
    machine->numa_nodes = count_objects(v, HWLOC_OBJ_NUMANODE);
    machine->allowed_packages = count_allowed(v, HWLOC_OBJ_PACKAGE);
    machine->allowed_numa_nodes = count_allowed(v, HWLOC_OBJ_NUMANODE);
    machine->cpus = count_objects(v, HWLOC_OBJ_PU);
    machine->cores = count_objects(v, core_type(v));
    machine->core_kinds = (uint32_t)kind_count(v);
    machine->memory_bytes = (int64_t)hwloc_get_root_obj(v->topology)->total_memory;
    order_cpus(v, topology, machine);
    LB_REQUIRE(topology->count > 0, error, LOWBIT_BAD_FORMAT, "the topology has no CPU that may be used");
    read_caches(v, topology, machine);
    return LOWBIT_OK;
}

lowbit_status lb_topology_hwloc(const char *description, lb_topology *topology, lowbit_machine *machine,
                                lowbit_error *error) {
    view v = {NULL, NULL, NULL};
    const lowbit_status status = read_view(&v, description, topology, machine, error);
    close_view(&v);
    return status;
}
