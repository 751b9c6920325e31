/* SPDX-License-Identifier: Apache-2.0 */
/* A set of CPUs, as the operating system numbers them, of a fixed size that needs no memory. */
#ifndef LOWBIT_KERNELS_BASE_CPU_MASK_H_
#define LOWBIT_KERNELS_BASE_CPU_MASK_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As many as the largest Linux kernels are built for. */
enum { LB_MAX_CPUS = 8192 };

typedef struct lb_cpu_mask {
    unsigned long words[LB_MAX_CPUS / (8 * sizeof(unsigned long))];
} lb_cpu_mask;

/* The CPUs that the calling thread may run on, which threads that it creates inherit. Never empty: without an answer of
 * the operating system it holds every online CPU. */
void lb_cpu_mask_of_thread(lb_cpu_mask *mask);

/* Restricts the calling thread; false where the operating system refuses. */
bool lb_cpu_mask_set_thread(const lb_cpu_mask *mask);
bool lb_cpu_mask_bind_thread(size_t cpu);

void lb_cpu_mask_add(lb_cpu_mask *mask, size_t cpu); /* a CPU from LB_MAX_CPUS on is ignored */
bool lb_cpu_mask_has(const lb_cpu_mask *mask, size_t cpu);
size_t lb_cpu_mask_count(const lb_cpu_mask *mask);

/* The CPU that the calling thread runs on, which may be another one a moment later; LB_MAX_CPUS where the operating
 * system does not say. */
size_t lb_cpu_of_thread(void);

/* "0-3,8" into text of `size` bytes (>= 8), cut with "..." where it is longer. */
void lb_cpu_mask_print(const lb_cpu_mask *mask, char *text, size_t size);

/* CPUs in an order, possibly repeated. */
typedef struct lb_cpu_list {
    size_t count;
    uint16_t cpus[LB_MAX_CPUS];
} lb_cpu_list;

/* Reads "8,0-3" in this order; false if the text is no such list. */
bool lb_cpu_list_parse(const char *text, lb_cpu_list *list);

#endif
