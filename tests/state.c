/* SPDX-License-Identifier: Apache-2.0 */
/* The state of pretend machines, from trees of files, and what is said about it. */
#include "bench/state.h"

#include <stdio.h>
#include <string.h>

#include "tests/check.h"

#define CPUS "sys/devices/system/cpu/"

typedef struct state_case {
    const char *name;
    const char *files[20]; /* name, text, name, text, ... */
    lb_state want;
} state_case;

static const state_case kCases[] = {
    {"nothing", {NULL}, {"unknown", "unknown", "unknown", "unknown", "unknown", "none", "unknown", -1}},
    {"a workstation",
     {CPUS "cpu0/cpufreq/scaling_governor", "powersave\n", CPUS "cpu1/cpufreq/scaling_governor", "powersave\n",
      CPUS "cpu0/cpufreq/scaling_driver", "intel_pstate\n", CPUS "intel_pstate/no_turbo", "0\n", CPUS "smt/control",
      "on\n", CPUS "cpu0/microcode/version", "0xde\n", "sys/kernel/mm/transparent_hugepage/enabled",
      "always [madvise] never\n", "proc/loadavg", "0.52 0.40 0.30 1/200 4711\n", "proc/self/cgroup",
      "0::/user.slice\n"},
     {"powersave", "intel_pstate", "on", "on", "0xde", "none", "madvise", 0.52}},
    {"another, its CPUs unlike",
     {CPUS "cpu0/cpufreq/scaling_governor", "performance\n", CPUS "cpu2/cpufreq/scaling_governor", "schedutil\n",
      CPUS "cpufreq/boost", "0\n", "proc/cpuinfo", "processor\t: 0\nmicrocode\t: 0xa101148\nflags : x\n",
      "proc/self/cgroup", "5:cpu:/kubepods/besteffort/x\n"},
     {"mixed", "unknown", "off", "unknown", "0xa101148", "kubernetes", "unknown", -1}},
    {"a container",
     {".dockerenv", "", CPUS "cpufreq/boost", "1\n", CPUS "smt/control", "notsupported\n"},
     {"unknown", "unknown", "on", "notsupported", "unknown", "docker", "unknown", -1}},
    {"damaged",
     {CPUS "cpu0/cpufreq/scaling_governor", "a name that is longer than any governor of any kernel has ever been\n",
      "proc/loadavg", "much\n", "sys/kernel/mm/transparent_hugepage/enabled", "[always\n", CPUS "smt/control", "\n"},
     {"a name that is longer than any ", "unknown", "unknown", "unknown", "unknown", "none", "unknown", -1}},
};

static void check_reading(void) {
    for (size_t i = 0; i < sizeof kCases / sizeof kCases[0]; i++) {
        const state_case *c = &kCases[i];
        char root[256];
        lb_state s;
        check_context("state: %s", c->name);
        snprintf(root, sizeof root, "%s/state%zu", check_scratch_folder(), i);
        for (size_t f = 0; f + 1 < sizeof c->files / sizeof c->files[0] && c->files[f]; f += 2)
            check_put_file(root, c->files[f], c->files[f + 1]);
        lb_state_read(root, 4, &s);
        CHECK(strcmp(s.governor, c->want.governor) == 0 && strcmp(s.driver, c->want.driver) == 0);
        CHECK(strcmp(s.turbo, c->want.turbo) == 0 && strcmp(s.smt, c->want.smt) == 0);
        CHECK(strcmp(s.microcode, c->want.microcode) == 0 && strcmp(s.container, c->want.container) == 0);
        CHECK(strcmp(s.huge_pages, c->want.huge_pages) == 0 && s.load_average == c->want.load_average);
    }
}

static void check_warnings(void) {
    check_context("warnings");
    char texts[LB_STATE_WARNINGS][LB_STATE_TEXT];
    lb_state s = {.governor = "unknown", .load_average = 1};
    CHECK(lb_state_warnings(&s, 2, texts) == 0); /* half of the CPUs is not above it */
    s.load_average = 1.01;
    CHECK(lb_state_warnings(&s, 2, texts) == 1 && strstr(texts[0], "1.01 on 2 CPUs"));
    strcpy(s.governor, "powersave");
    CHECK(lb_state_warnings(&s, 2, texts) == 2 && strstr(texts[1], "powersave"));
    strcpy(s.governor, "performance");
    s.load_average = -1;
    CHECK(lb_state_warnings(&s, 2, texts) == 0);
}

void subject_state(void) {
    check_reading();
    check_warnings();
}
