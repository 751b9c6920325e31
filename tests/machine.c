/* SPDX-License-Identifier: Apache-2.0 */
/* The machine report: pretend machines, fake cgroup trees, and what must hold on the machine at hand. */
#include "tuner/machine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/base/base.h"
#include "kernels/base/cpu_mask.h"
#include "tests/check.h"
#include "tests/fake_machines.h"
#include "tuner/cgroup.h"

typedef struct cgroup_case {
    const char *name;
    const char *files[12]; /* name, text, name, text, ... */
    double want;
} cgroup_case;

#define V2_MOUNT "35 25 0:30 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n"
#define V1_MOUNT "35 25 0:30 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
#define OTHER_MOUNTS                                                                                                   \
    "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"                                                          \
    "34 25 0:29 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"

static const cgroup_case kCgroupCases[] = {
    {"nothing there", {NULL}, 0},
    {"v2 own",
     {"proc/self/cgroup", "0::/app\n", "proc/self/mountinfo", OTHER_MOUNTS V2_MOUNT, "sys/fs/cgroup/app/cpu.max",
      "150000 100000\n"},
     1.5},
    {"v2 unlimited",
     {"proc/self/cgroup", "0::/app\n", "proc/self/mountinfo", V2_MOUNT, "sys/fs/cgroup/app/cpu.max", "max 100000\n"},
     0},
    {"v2 parent is smaller",
     {"proc/self/cgroup", "0::/pod/app\n", "proc/self/mountinfo", V2_MOUNT, "sys/fs/cgroup/pod/app/cpu.max",
      "400000 100000\n", "sys/fs/cgroup/pod/cpu.max", "25000 50000\n"},
     0.5},
    {"v2 parent is larger",
     {"proc/self/cgroup", "0::/pod/app\n", "proc/self/mountinfo", V2_MOUNT, "sys/fs/cgroup/pod/app/cpu.max",
      "300000 100000\n", "sys/fs/cgroup/pod/cpu.max", "800000 100000\n"},
     3},
    {"v2 own namespace",
     {"proc/self/cgroup", "0::/\n", "proc/self/mountinfo", V2_MOUNT, "sys/fs/cgroup/cpu.max", "200000 100000\n"},
     2},
    {"v2 host's path in a container",
     {"proc/self/cgroup", "0::/docker/1f/sub\n", "proc/self/mountinfo",
      "35 25 0:30 /docker/1f /sys/fs/cgroup rw - cgroup2 c rw\n", "sys/fs/cgroup/cpu.max", "200000 100000\n",
      "sys/fs/cgroup/sub/cpu.max", "100000 100000\n"},
     1},
    {"v2 a similar name is not below",
     {"proc/self/cgroup", "0::/docker/1f2/sub\n", "proc/self/mountinfo",
      "35 25 0:30 /docker/1f /sys/fs/cgroup rw - cgroup2 c rw\n", "sys/fs/cgroup/sub/cpu.max", "100000 100000\n"},
     0},
    {"v1",
     {"proc/self/cgroup", "4:memory:/x\n3:cpu,cpuacct:/app\n", "proc/self/mountinfo", OTHER_MOUNTS V1_MOUNT,
      "sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_quota_us", "250000\n", "sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_period_us",
      "100000\n"},
     2.5},
    {"v1 unlimited below a limit",
     {"proc/self/cgroup", "3:cpu,cpuacct:/pod/app\n", "proc/self/mountinfo", V1_MOUNT,
      "sys/fs/cgroup/cpu,cpuacct/pod/app/cpu.cfs_quota_us", "-1\n",
      "sys/fs/cgroup/cpu,cpuacct/pod/app/cpu.cfs_period_us", "100000\n",
      "sys/fs/cgroup/cpu,cpuacct/pod/cpu.cfs_quota_us", "300000\n", "sys/fs/cgroup/cpu,cpuacct/pod/cpu.cfs_period_us",
      "100000\n"},
     3},
    {"v1 and v2 together",
     {"proc/self/cgroup", "3:cpu,cpuacct:/app\n0::/app\n", "proc/self/mountinfo", V1_MOUNT V2_MOUNT,
      "sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_quota_us", "250000\n", "sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_period_us",
      "100000\n", "sys/fs/cgroup/app/cpu.max", "700000 100000\n"},
     2.5},
    {"v1 cpuset is no quota",
     {"proc/self/cgroup", "3:cpuset:/app\n", "proc/self/mountinfo", OTHER_MOUNTS,
      "sys/fs/cgroup/cpuset/app/cpu.cfs_quota_us", "100000\n", "sys/fs/cgroup/cpuset/app/cpu.cfs_period_us",
      "100000\n"},
     0},
    {"damaged",
     {"proc/self/cgroup", "\n:\n0:\n0::/app\n", "proc/self/mountinfo", "\n- -\n35 - \n" V2_MOUNT,
      "sys/fs/cgroup/app/cpu.max", "\n", "sys/fs/cgroup/cpu.max", "100000 0\n"},
     0},
};

static void check_cgroups(void) {
    for (size_t i = 0; i < LB_COUNT(kCgroupCases); i++) {
        const cgroup_case *c = &kCgroupCases[i];
        char root[256];
        check_context("cgroup: %s", c->name);
        snprintf(root, sizeof root, "%s/cgroup%zu", check_scratch_folder(), i);
        for (size_t f = 0; f + 1 < LB_COUNT(c->files) && c->files[f]; f += 2)
            check_put_file(root, c->files[f], c->files[f + 1]);
        const double got = lb_cgroup_quota(root);
        if (!CHECK(got == c->want)) printf("  got %g, want %g\n", got, c->want);
    }
}

static void check_limits(void) {
    static const struct {
        uint32_t cores, allowed;
        double quota;
        uint32_t threads, limit;
    } kCases[] = {
        {8, 8, 0, 8, LOWBIT_CPU_LIMIT_NONE},    {8, 4, 0, 4, LOWBIT_CPU_LIMIT_AFFINITY},
        {8, 4, 2, 2, LOWBIT_CPU_LIMIT_QUOTA},   {8, 4, 6, 4, LOWBIT_CPU_LIMIT_AFFINITY},
        {8, 8, 1.5, 2, LOWBIT_CPU_LIMIT_QUOTA}, {8, 8, 0.1, 1, LOWBIT_CPU_LIMIT_QUOTA},
        {8, 8, 8, 8, LOWBIT_CPU_LIMIT_NONE},    {8, 8, 1e300, 8, LOWBIT_CPU_LIMIT_NONE},
    };
    for (size_t i = 0; i < LB_COUNT(kCases); i++) {
        lowbit_machine m = {.cores = kCases[i].cores, .allowed_cores = kCases[i].allowed, .cpu_quota = kCases[i].quota};
        check_context("limits %zu", i);
        lb_machine_conclude(&m, true, 1);
        CHECK(m.usable_threads == kCases[i].threads && m.cpu_limit == kCases[i].limit);
    }
    lowbit_machine told = {.l3_bytes = INT64_C(480) << 20};
    lb_machine_conclude(&told, false, 2);
    CHECK(told.l3_trusted_bytes == 8 << 20);
    lb_machine_conclude(&told, true, 2);
    CHECK(told.l3_trusted_bytes == INT64_C(480) << 20);
    told.l3_bytes = 6 << 20;
    lb_machine_conclude(&told, false, 2);
    CHECK(told.l3_trusted_bytes == 6 << 20);
}

static bool read_machine(const char *topology, lowbit_machine *machine, lowbit_error *error) {
    lowbit_ctx_options options = LOWBIT_CTX_OPTIONS_INIT;
    lowbit_ctx *ctx = NULL;
    options.topology = topology;
    *machine = (lowbit_machine){.struct_size = sizeof *machine};
    if (lowbit_ctx_create(&options, &ctx, error) != LOWBIT_OK) return false;
    const bool ok = lowbit_machine_info(ctx, machine, error) == LOWBIT_OK;
    lowbit_ctx_destroy(ctx);
    return ok;
}

static void check_synthetic(void) {
    static const struct {
        const char *text;
        uint32_t packages, nodes, cores, cpus;
        int64_t l3;
        uint32_t l3_sharing;
    } kCases[] = {
        {"pack:2 core:4 pu:2", 2, 1, 8, 16, 0, 0},
        {"pu:1", 1, 1, 1, 1, 0, 0},
        {"core:3 pu:1", 1, 1, 3, 3, 0, 0},
        {"pack:2 numa:2 l3:1(size=33554432) l2:4(size=1048576) l1d:1(size=32768) core:1 pu:2", 2, 4, 16, 32, 32 << 20,
         8},
    };
    for (size_t i = 0; i < LB_COUNT(kCases); i++) {
        lowbit_error error = LOWBIT_ERROR_INIT;
        lowbit_machine m;
        check_context("synthetic %s", kCases[i].text);
        if (!CHECK(read_machine(kCases[i].text, &m, &error))) continue;
        CHECK(m.packages == kCases[i].packages && m.numa_nodes == kCases[i].nodes);
        CHECK(m.cores == kCases[i].cores && m.cpus == kCases[i].cpus && m.core_kinds == 1);
        CHECK(m.allowed_cores == m.cores && m.allowed_fast_cores == m.cores && m.allowed_cpus == m.cpus);
        CHECK(m.usable_threads == m.cores && m.cpu_limit == LOWBIT_CPU_LIMIT_NONE && m.cpu_quota == 0);
        CHECK(m.l3_bytes == kCases[i].l3 && m.l3_sharing == kCases[i].l3_sharing && m.l3_trusted_bytes == m.l3_bytes);
    }
}

static void check_hybrid(void) {
    lowbit_error error = LOWBIT_ERROR_INIT;
    lowbit_machine m;
    /* Two slow cores with the low numbers, as on big.LITTLE, then two fast ones with two hardware threads each. */
    static const fake_cores kCores[] = {{.cores = 2, .threads = 1, .l1_kib = 32},
                                        {.cores = 2, .threads = 2, .l1_kib = 64, .speed = 1}};
    check_context("hybrid XML");
    if (!CHECK(read_machine(fake_xml(kCores, LB_COUNT(kCores), 0), &m, &error))) {
        printf("  %s\n", error.message);
        return;
    }
    CHECK(m.cores == 4 && m.cpus == 6 && m.core_kinds == 2);
    CHECK(m.allowed_cores == 4 && m.allowed_fast_cores == 2 && m.allowed_cpus == 6);
    CHECK(m.l1d_bytes == 65536 && m.l1d_sharing == 2);
    CHECK(strcmp(m.allowed_list, "0-5") == 0 && m.memory_bytes == 1 << 30);
}

static void check_bad_topologies(void) {
    static const struct {
        const char *text;
        lowbit_status want;
    } kCases[] = {
        {"nonsense", LOWBIT_BAD_FORMAT},   {"pack:2 core:x", LOWBIT_BAD_FORMAT},   {"", LOWBIT_BAD_FORMAT},
        {"/nonexistent/x.xml", LOWBIT_IO}, {"/proc/self/maps", LOWBIT_BAD_FORMAT},
    };
    for (size_t i = 0; i < LB_COUNT(kCases); i++) {
        lowbit_error error = LOWBIT_ERROR_INIT;
        lowbit_machine m;
        check_context("bad topology '%s'", kCases[i].text);
        CHECK(!read_machine(kCases[i].text, &m, &error));
        CHECK(error.status == kCases[i].want && strlen(error.message) > 0);
    }
}

/* What a pretend machine is told about itself. */
static void check_pretended(void) {
    static const struct {
        const char *cpus;
        double quota;
        uint32_t guest;
        lowbit_status want;
    } kCases[] = {
        {"0-3", 0, 0, LOWBIT_OK},
        {"3", 0.5, 1, LOWBIT_OK},
        {"4", 0, 0, LOWBIT_INVALID_ARGUMENT},
        {"0-4", 0, 0, LOWBIT_INVALID_ARGUMENT},
        {"", 0, 0, LOWBIT_INVALID_ARGUMENT},
        {"1,", 0, 0, LOWBIT_INVALID_ARGUMENT},
        {NULL, -1, 0, LOWBIT_INVALID_ARGUMENT},
        {NULL, NAN, 0, LOWBIT_INVALID_ARGUMENT},
        {NULL, INFINITY, 0, LOWBIT_INVALID_ARGUMENT},
        {NULL, 0, 2, LOWBIT_INVALID_ARGUMENT},
    };
    for (size_t i = 0; i < LB_COUNT(kCases); i++) {
        lowbit_ctx_options options = LOWBIT_CTX_OPTIONS_INIT;
        lowbit_error error = LOWBIT_ERROR_INIT;
        lowbit_ctx *ctx = NULL;
        check_context("pretended %zu", i);
        options.topology = "core:4 pu:1";
        options.allowed_cpus = kCases[i].cpus;
        options.cpu_quota = kCases[i].quota;
        options.guest = kCases[i].guest;
        CHECK(lowbit_ctx_create(&options, &ctx, &error) == kCases[i].want);
        CHECK((ctx != NULL) == (kCases[i].want == LOWBIT_OK) && (error.message[0] != 0) == (ctx == NULL));
        lowbit_ctx_destroy(ctx);
        /* a program that does not know these fields yet */
        options.struct_size = offsetof(lowbit_ctx_options, allowed_cpus);
        ctx = NULL;
        CHECK(lowbit_ctx_create(&options, &ctx, &error) == LOWBIT_OK && ctx->machine.usable_threads == 4);
        lowbit_ctx_destroy(ctx);
    }
}

static void check_list_parse(void) {
    static const struct {
        const char *text;
        size_t count; /* 0 = no list */
        uint16_t cpus[6];
    } kCases[] = {
        {"0", 1, {0}},        {"8,0-3", 5, {8, 0, 1, 2, 3}},
        {"1,1", 2, {1, 1}},   {"8190-8191", 2, {8190, 8191}},
        {"", 0, {0}},         {",", 0, {0}},
        {"1,", 0, {0}},       {"3-1", 0, {0}},
        {"1-", 0, {0}},       {"-1", 0, {0}},
        {"1 ", 0, {0}},       {"+1", 0, {0}},
        {"0x1", 0, {0}},      {"8192", 0, {0}},
        {"1-2-3", 0, {0}},    {"99999999999999999999", 0, {0}},
        {"0-8191,0", 0, {0}},
    };
    static lb_cpu_list list;
    for (size_t i = 0; i < LB_COUNT(kCases); i++) {
        check_context("list '%s'", kCases[i].text);
        CHECK(lb_cpu_list_parse(kCases[i].text, &list) == (kCases[i].count > 0));
        if (!kCases[i].count) continue;
        CHECK(list.count == kCases[i].count);
        CHECK(memcmp(list.cpus, kCases[i].cpus, list.count * sizeof *list.cpus) == 0);
    }
    CHECK(lb_cpu_list_parse("0-8191", &list) && list.count == LB_MAX_CPUS);
}

static void check_mask_print(void) {
    static const struct {
        size_t cpus[8];
        size_t count, size;
        const char *want;
    } kCases[] = {
        {{0}, 0, 32, ""},
        {{0, 1, 2, 3, 8}, 5, 32, "0-3,8"},
        {{1, 3, 5, 7}, 4, 32, "1,3,5,7"},
        {{8191, LB_MAX_CPUS}, 2, 32, "8191"},
        {{0, 2, 4, 6, 8, 10, 12, 14}, 8, 12, "0,2,4,6..."},
    };
    for (size_t i = 0; i < LB_COUNT(kCases); i++) {
        lb_cpu_mask mask = {{0}};
        char text[64];
        check_context("mask %zu", i);
        for (size_t c = 0; c < kCases[i].count; c++) lb_cpu_mask_add(&mask, kCases[i].cpus[c]);
        lb_cpu_mask_print(&mask, text, kCases[i].size);
        if (!CHECK(strcmp(text, kCases[i].want) == 0)) printf("  got '%s'\n", text);
    }
}

static bool order_is_allowed(const lowbit_ctx *ctx) {
    lb_cpu_mask allowed, seen = {{0}};
    lb_cpu_mask_of_thread(&allowed);
    for (size_t i = 0; i < ctx->cpu_count; i++) {
        if (!lb_cpu_mask_has(&allowed, ctx->cpu_order[i])) return false;
        lb_cpu_mask_add(&seen, ctx->cpu_order[i]);
    }
    return memcmp(&allowed, &seen, sizeof seen) == 0;
}

/* Reading must leave the thread where it was. */
static void check_this_machine(void) {
    lb_cpu_mask before, after;
    lowbit_ctx *ctx = NULL;
    check_context("this machine");
    lb_cpu_mask_of_thread(&before);
    if (!CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK)) return;
    lb_cpu_mask_of_thread(&after);
    const lowbit_machine *m = &ctx->machine;
    CHECK(memcmp(&before, &after, sizeof before) == 0);
    CHECK(order_is_allowed(ctx));
    CHECK(m->cpus >= m->cores && m->cores >= m->allowed_cores && m->allowed_cores >= m->usable_threads);
    CHECK(m->usable_threads >= 1 && m->packages >= 1 && m->numa_nodes >= 1 && m->core_kinds >= 1);
    CHECK(m->allowed_cpus == lb_cpu_mask_count(&before) && m->l1d_bytes > 0 && m->memory_bytes > 0);
    lowbit_ctx_destroy(ctx);
}

/* A thread that is bound to one CPU gets a context for that one. */
static void check_bound(void) {
    lb_cpu_mask before;
    lowbit_machine m;
    size_t cpu = 0;
    check_context("bound to one CPU");
    lb_cpu_mask_of_thread(&before);
    while (!lb_cpu_mask_has(&before, cpu)) cpu++;
    if (!lb_cpu_mask_bind_thread(cpu)) return;
    CHECK(read_machine(NULL, &m, NULL));
    CHECK(m.allowed_cpus == 1 && m.allowed_cores == 1 && m.usable_threads == 1);
    CHECK(m.cores == 1 || m.cpu_limit == LOWBIT_CPU_LIMIT_AFFINITY || m.cpu_limit == LOWBIT_CPU_LIMIT_QUOTA);
    CHECK(lb_cpu_mask_set_thread(&before));
}

/* A pretend machine in hwloc's own variable must not pass for this one. */
static void check_environment(void) {
    lowbit_machine before, after;
    check_context("HWLOC_SYNTHETIC");
    CHECK(read_machine(NULL, &before, NULL));
    setenv("HWLOC_SYNTHETIC", "pack:40 core:4 pu:1", 1);
    CHECK(read_machine(NULL, &after, NULL));
    unsetenv("HWLOC_SYNTHETIC");
    CHECK(after.cpus == before.cpus && after.packages < 40);
}

void subject_machine(void) {
    check_mask_print();
    check_list_parse();
    check_cgroups();
    check_limits();
    check_this_machine();
    check_bound();
    check_environment();
    check_context("pretend machines");
    if (!fake_possible()) {
        printf("  no hwloc in this build: pretend machines are not tested\n");
        return;
    }
    check_synthetic();
    check_hybrid();
    check_pretended();
    check_bad_topologies();
}
