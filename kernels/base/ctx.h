/* SPDX-License-Identifier: Apache-2.0 */
/* What a context is. It lives on this floor because everything above allocates through it and asks it what may run;
 * tuner/context.c creates it, since reading the machine is policy's business. Immutable after creation. */
#ifndef LOWBIT_KERNELS_BASE_CTX_H_
#define LOWBIT_KERNELS_BASE_CTX_H_

#include <stdbool.h>

#include "lowbit/context.h"

struct lowbit_ctx {
    lowbit_allocator allocator;
    lowbit_logger logger; /* log may be NULL */
    uint32_t isa_present; /* LOWBIT_ISA_* that this CPU and operating system can run */
    uint32_t isa_refused; /* present, compiled and not masked, but the operating system keeps their registers */
    uint32_t isa_enabled; /* the same, but permitted; always has LOWBIT_ISA_SCALAR */
    lowbit_machine machine;
    bool pretend;         /* the machine is not this one: nobody is bound to its CPUs */
    size_t cpu_count;     /* allowed CPUs, three arrays of them in one block: */
    uint16_t *cpu_order;  /* one of each core first, fast kinds before slow ones, neighbours together; then the cores'
                             other hardware threads */
    uint16_t *cpu_spread; /* the same, but each package, NUMA node and outer cache in turn */
    uint16_t *cpu_node;   /* the NUMA node of cpu_order[i], counted from 0 as they come */
    size_t node_count;    /* of those */
};

/* 64-byte aligned memory from the context's allocator, or NULL. bytes may be 0 (NULL). Large blocks from the default
 * allocator ask for huge pages. */
void *lb_alloc(const lowbit_ctx *ctx, size_t bytes);
void lb_free(const lowbit_ctx *ctx, void *memory, size_t bytes);

/* The C library's allocator, used where the options name none. */
extern const lowbit_allocator lb_default_allocator;

/* Sends one formatted line to the context's logger, if it has one. */
void lb_log(const lowbit_ctx *ctx, int level, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
