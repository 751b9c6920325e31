/* SPDX-License-Identifier: Apache-2.0 */
/* The affinity calls of Linux with a mask of our own size: the C library's cpu_set_t ends at 1024 CPUs. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "kernels/base/cpu_mask.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernels/base/base.h"

enum { BITS = 8 * sizeof(unsigned long) };

void lb_cpu_mask_of_thread(lb_cpu_mask *mask) {
    *mask = (lb_cpu_mask){{0}};
    if (sched_getaffinity(0, sizeof *mask, (cpu_set_t *)mask) == 0 && lb_cpu_mask_count(mask) > 0) return;
    *mask = (lb_cpu_mask){{0}};
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    for (long cpu = 0; cpu < lb_max(online, 1); cpu++) lb_cpu_mask_add(mask, (size_t)cpu);
}

bool lb_cpu_mask_set_thread(const lb_cpu_mask *mask) {
    return sched_setaffinity(0, sizeof *mask, (const cpu_set_t *)mask) == 0;
}

bool lb_cpu_mask_bind_thread(size_t cpu) {
    lb_cpu_mask mask = {{0}};
    lb_cpu_mask_add(&mask, cpu);
    return lb_cpu_mask_set_thread(&mask);
}

size_t lb_cpu_of_thread(void) {
    const int cpu = sched_getcpu();
    return cpu >= 0 && cpu < LB_MAX_CPUS ? (size_t)cpu : LB_MAX_CPUS;
}

void lb_cpu_mask_add(lb_cpu_mask *mask, size_t cpu) {
    if (cpu < LB_MAX_CPUS) mask->words[cpu / BITS] |= 1ul << cpu % BITS;
}

bool lb_cpu_mask_has(const lb_cpu_mask *mask, size_t cpu) {
    return cpu < LB_MAX_CPUS && (mask->words[cpu / BITS] >> cpu % BITS & 1);
}

size_t lb_cpu_mask_count(const lb_cpu_mask *mask) {
    size_t count = 0;
    for (size_t i = 0; i < LB_COUNT(mask->words); i++) count += (size_t)__builtin_popcountl(mask->words[i]);
    return count;
}

void lb_cpu_mask_print(const lb_cpu_mask *mask, char *text, size_t size) {
    size_t used = 0;
    text[0] = 0;
    for (size_t first = 0; first < LB_MAX_CPUS; first++) {
        if (!lb_cpu_mask_has(mask, first)) continue;
        size_t last = first;
        while (lb_cpu_mask_has(mask, last + 1)) last++;
        char range[32];
        const char *comma = used ? "," : "";
        int length = last == first ? snprintf(range, sizeof range, "%s%zu", comma, first)
                                   : snprintf(range, sizeof range, "%s%zu-%zu", comma, first, last);
        if (used + (size_t)length + sizeof "..." > size) {
            memcpy(text + used, "...", sizeof "...");
            return;
        }
        memcpy(text + used, range, (size_t)length + 1);
        used += (size_t)length;
        first = last;
    }
}

/* A CPU's number at *text, which moves behind it; LB_MAX_CPUS if there is none. */
static size_t read_cpu(const char **text) {
    size_t cpu = 0;
    const char *at = *text;
    for (; *at >= '0' && *at <= '9' && cpu < LB_MAX_CPUS; at++) cpu = cpu * 10 + (size_t)(*at - '0');
    if (at == *text || cpu >= LB_MAX_CPUS) return LB_MAX_CPUS;
    *text = at;
    return cpu;
}

bool lb_cpu_list_parse(const char *text, lb_cpu_list *list) {
    list->count = 0;
    for (;; text++) {
        const size_t first = read_cpu(&text);
        size_t last = first;
        if (*text == '-') text++, last = read_cpu(&text);
        if (first == LB_MAX_CPUS || last == LB_MAX_CPUS || last < first) return false;
        if (list->count + (last - first + 1) > LB_COUNT(list->cpus)) return false;
        for (size_t cpu = first; cpu <= last; cpu++) list->cpus[list->count++] = (uint16_t)cpu;
        if (*text != ',') return *text == 0;
    }
}
