/* SPDX-License-Identifier: Apache-2.0 */
/* `lowbit info`: what the library knows about this machine. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/cli.h"

static const char *limit_name(uint32_t limit) {
    switch (limit) {
        case LOWBIT_CPU_LIMIT_AFFINITY: return "affinity";
        case LOWBIT_CPU_LIMIT_QUOTA: return "quota";
        default: return "none";
    }
}

static void print_cache(const char *name, int64_t bytes, uint32_t sharing) {
    if (bytes) printf("%-12s %" PRId64 " KiB, shared by %" PRIu32 "\n", name, bytes / 1024, sharing);
}

static void print_machine(const lowbit_machine *m) {
    printf("%-12s %s\n", "cpu", m->cpu_name);
    printf("%-12s %s, family %" PRIu32 ", model %" PRIu32 ", stepping %" PRIu32 "\n", "identity", m->vendor, m->family,
           m->model, m->stepping);
    if (m->hypervisor) printf("%-12s %s\n", "hypervisor", m->hypervisor_name[0] ? m->hypervisor_name : "yes");
    printf("%-12s %" PRIu32 " packages, %" PRIu32 " NUMA nodes, %" PRIu32 " cores of %" PRIu32 " kinds, %" PRIu32
           " hardware threads\n",
           "topology", m->packages, m->numa_nodes, m->cores, m->core_kinds, m->cpus);
    printf("%-12s %" PRIu32 " hardware threads on %" PRIu32 " cores (%" PRIu32 " of the fastest kind), %" PRIu32
           " NUMA nodes: %s\n",
           "allowed", m->allowed_cpus, m->allowed_cores, m->allowed_fast_cores, m->allowed_numa_nodes, m->allowed_list);
    if (m->cpu_quota > 0) printf("%-12s %.2f CPUs\n", "quota", m->cpu_quota);
    printf("%-12s %" PRIu32 " usable threads (limited by: %s)\n", "threads", m->usable_threads,
           limit_name(m->cpu_limit));
    print_cache("L1d", m->l1d_bytes, m->l1d_sharing);
    print_cache("L2", m->l2_bytes, m->l2_sharing);
    print_cache("L3", m->l3_bytes, m->l3_sharing);
    if (m->l3_trusted_bytes != m->l3_bytes)
        printf("%-12s %" PRId64 " KiB of it believed: a guest is told the L3 of its host\n", "",
               m->l3_trusted_bytes / 1024);
    printf("%-12s %" PRId64 " MiB\n", "memory", m->memory_bytes >> 20);
}

static void print_levels(const lowbit_ctx *ctx) {
    printf("\n%-12s %-9s %-8s %-8s\n", "level", "compiled", "present", "enabled");
    for (size_t i = 0; i < lowbit_isa_count(); i++) {
        lowbit_isa_info info = {.struct_size = sizeof info};
        if (lowbit_isa_get(ctx, i, &info, NULL) != LOWBIT_OK) continue;
        printf("%-12s %-9s %-8s %-8s %s\n", info.name, info.compiled ? "yes" : "no", info.present ? "yes" : "no",
               info.enabled ? "yes" : "no", info.reason);
    }
}

static json_t *cache_json(int64_t bytes, uint32_t sharing) {
    return json_pack("{s:I, s:I}", "bytes", (json_int_t)bytes, "sharing", (json_int_t)sharing);
}

json_t *lb_cli_machine_json(const lowbit_ctx *ctx) {
    lowbit_machine m = {.struct_size = sizeof m};
    if (lowbit_machine_info(ctx, &m, NULL) != LOWBIT_OK) return NULL;
    return json_pack(
        "{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:f, s:s, s:o, s:o, s:o, s:I, s:I, "
        "s:b, s:s, s:I, s:I, s:I}",
        "cpu", m.cpu_name, "vendor", m.vendor, "family", (json_int_t)m.family, "model", (json_int_t)m.model, "stepping",
        (json_int_t)m.stepping, "packages", (json_int_t)m.packages, "numa_nodes", (json_int_t)m.numa_nodes, "cores",
        (json_int_t)m.cores, "core_kinds", (json_int_t)m.core_kinds, "cpus", (json_int_t)m.cpus, "allowed_cpus",
        (json_int_t)m.allowed_cpus, "allowed_cores", (json_int_t)m.allowed_cores, "usable_threads",
        (json_int_t)m.usable_threads, "allowed_list", m.allowed_list, "cpu_quota", m.cpu_quota, "cpu_limit",
        limit_name(m.cpu_limit), "l1d", cache_json(m.l1d_bytes, m.l1d_sharing), "l2",
        cache_json(m.l2_bytes, m.l2_sharing), "l3", cache_json(m.l3_bytes, m.l3_sharing), "l3_trusted_bytes",
        (json_int_t)m.l3_trusted_bytes, "memory_bytes", (json_int_t)m.memory_bytes, "guest", (int)m.hypervisor,
        "hypervisor", m.hypervisor_name, "allowed_fast_cores", (json_int_t)m.allowed_fast_cores, "allowed_packages",
        (json_int_t)m.allowed_packages, "allowed_numa_nodes", (json_int_t)m.allowed_numa_nodes);
}

static json_t *levels_json(const lowbit_ctx *ctx) {
    json_t *levels = json_array();
    for (size_t i = 0; i < lowbit_isa_count(); i++) {
        lowbit_isa_info info = {.struct_size = sizeof info};
        if (lowbit_isa_get(ctx, i, &info, NULL) != LOWBIT_OK) continue;
        json_t *level = json_pack("{s:s, s:b, s:b, s:b, s:s}", "name", info.name, "compiled", (int)info.compiled,
                                  "present", (int)info.present, "enabled", (int)info.enabled, "reason", info.reason);
        if (json_array_append_new(levels, level) != 0) {
            json_decref(levels);
            return NULL;
        }
    }
    return levels;
}

static json_t *info_json(const lowbit_ctx *ctx) {
    return json_pack("{s:s, s:s, s:o, s:o}", "version", lowbit_version(), "compiler", lb_cli_compiler(), "machine",
                     lb_cli_machine_json(ctx), "levels", levels_json(ctx));
}

int lb_cmd_info(int argc, char **argv) {
    const char *isa = NULL, *json = NULL;
    bool guest = false;
    lowbit_ctx_options pretend = LOWBIT_CTX_OPTIONS_INIT;
    const lb_option options[] = {
        LB_OPTION_ISA(&isa),
        LB_OPTION_JSON(&json),
        {"--topology", "TEXT", "a pretend machine: hwloc synthetic text or XML file", LB_OPTION_TEXT,
         &pretend.topology},
        {"--cpus", "LIST", "its affinity mask, as 0-3,8", LB_OPTION_TEXT, &pretend.allowed_cpus},
        {"--quota", "N", "its cgroup's CPU quota, as 1.5", LB_OPTION_NUMBER, &pretend.cpu_quota},
        {"--guest", NULL, "it is a guest", LB_OPTION_FLAG, &guest},
    };
    const lb_syntax syntax = {
        "[--isa NAME] [--json FILE|-] [--topology TEXT [--cpus LIST] [--quota N] [--guest]]",
        "Prints what the library knows about this machine: the CPU, which instruction set levels\n"
        "are compiled, present and enabled, cores and caches, and how many threads make sense.",
        options,
        sizeof options / sizeof options[0],
        0,
        0};
    int code;
    if (!lb_cli_parse(&argc, argv, &syntax, &code)) return code;

    lowbit_ctx *ctx = NULL;
    pretend.guest = guest;
    if (!pretend.topology && (pretend.allowed_cpus || pretend.cpu_quota > 0 || guest))
        return lb_cli_error(LB_EXIT_USAGE, argv[0], "--cpus, --quota and --guest go with --topology");
    code = lb_cli_context(argv[0], isa, pretend.topology ? &pretend : NULL, &ctx);
    if (code != LB_EXIT_OK) return code;
    if (!lb_cli_json_only(json)) {
        lowbit_machine machine = {.struct_size = sizeof machine};
        lowbit_machine_info(ctx, &machine, NULL);
        printf("%-12s %s, built by %s\n", "lowbit", lowbit_version(), lb_cli_compiler());
        print_machine(&machine);
        print_levels(ctx);
    }
    if (json) code = lb_cli_write_json(argv[0], json, info_json(ctx));
    lowbit_ctx_destroy(ctx);
    return code;
}
