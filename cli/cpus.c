/* SPDX-License-Identifier: Apache-2.0 */
/* `--cpu-list`: holds the program to some of its CPUs, before anything asks what machine this is. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

/* Of sysfs; where there is none, every CPU that may not be used counts as one that is there. */
static bool exists(unsigned cpu) {
    char path[64];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%u", cpu);
    return access(path, F_OK) == 0 || access("/sys/devices/system/cpu", F_OK) != 0;
}

/* Every thread that the process has already: libraries may start some of theirs before main. Those that end meanwhile
 * are no failure. */
static bool hold_threads(const lb_cpu_mask *mask) {
    DIR *threads = opendir("/proc/self/task");
    if (!threads) return lb_cpu_mask_set_thread(mask);
    bool ok = true;
    for (const struct dirent *entry; (entry = readdir(threads));) {
        const pid_t thread = (pid_t)strtol(entry->d_name, NULL, 10); /* "." and ".." are 0, the caller */
        ok = (sched_setaffinity(thread, sizeof *mask, (const cpu_set_t *)mask) == 0 || errno == ESRCH) && ok;
    }
    closedir(threads);
    return ok;
}

int lb_cli_hold_to_cpus(const char *command, const char *text) {
    static lb_cpu_list list;
    lb_cpu_mask allowed, mask = {{0}};
    if (!lb_cpu_list_parse(text, &list))
        return lb_cli_error(LB_EXIT_USAGE, command, "--cpu-list: '%s' is no list of CPUs, as 0,2-5", text);
    lb_cpu_mask_of_thread(&allowed);
    for (size_t i = 0; i < list.count; i++) {
        const unsigned cpu = list.cpus[i];
        char names[128];
        lb_cpu_mask_print(&allowed, names, sizeof names);
        if (!lb_cpu_mask_has(&allowed, cpu))
            return lb_cli_error(LB_EXIT_FAILED, command, "--cpu-list: %s CPU %u; it may use %s",
                                exists(cpu) ? "this process may not use" : "this machine has no", cpu, names);
        lb_cpu_mask_add(&mask, cpu);
    }
    if (hold_threads(&mask)) return LB_EXIT_OK;
    return lb_cli_error(LB_EXIT_FAILED, command, "--cpu-list: the system refuses %s: %s", text, strerror(errno));
}
