/* SPDX-License-Identifier: Apache-2.0 */
/* The state that the operating system keeps the machine in, as far as times depend on it. */
#ifndef LOWBIT_BENCH_STATE_H_
#define LOWBIT_BENCH_STATE_H_

#include <stddef.h>
#include <stdint.h>

/* Texts are "unknown" where the system does not tell. */
typedef struct lb_state {
    char governor[32];   /* of the CPUs' frequency; "mixed" where they differ */
    char driver[32];     /* what sets it */
    char turbo[16];      /* "on", "off" */
    char smt[16];        /* "on", "off", "forceoff", "notsupported", "notimplemented" */
    char microcode[32];  /* revision, as 0x1000065 */
    char container[32];  /* what the process runs in: "docker", "podman", "kubernetes", "lxc" ..; "none" seen */
    char huge_pages[16]; /* transparent ones: "always", "madvise", "never" */
    double load_average; /* of the last minute; -1 = unknown */
} lb_state;

/* root  is put in front of every path that is read: "" is this machine, a test has a tree of its own
 * cpus  hardware threads of the machine */
void lb_state_read(const char *root, uint32_t cpus, lb_state *state);

/* What spoils times: a load average above half of the CPUs that may be used, a governor other than "performance".
 * Returns how many texts it wrote, without line ends. */
enum { LB_STATE_WARNINGS = 2, LB_STATE_TEXT = 160 };
size_t lb_state_warnings(const lb_state *state, uint32_t allowed_cpus, char texts[LB_STATE_WARNINGS][LB_STATE_TEXT]);

#endif
