/* SPDX-License-Identifier: Apache-2.0 */
/* What a context is. It lives on this floor because everything above allocates through it and asks it what may run;
 * tuner/context.c creates it, since reading the machine is policy's business. Immutable after creation. */
#ifndef LOWBIT_KERNELS_BASE_CTX_H_
#define LOWBIT_KERNELS_BASE_CTX_H_

#include "lowbit/context.h"

struct lowbit_ctx {
    lowbit_allocator allocator;
    lowbit_logger logger; /* log may be NULL */
    uint32_t isa_present; /* LOWBIT_ISA_* that this CPU and operating system can run */
    uint32_t isa_refused; /* present, compiled and not masked, but the operating system keeps their registers */
    uint32_t isa_enabled; /* the same, but permitted; always has LOWBIT_ISA_SCALAR */
    lowbit_machine machine;
    uint16_t *cpu_order; /* the allowed CPUs: one of each core first, fast kinds before slow ones, neighbours together;
                            then the cores' other hardware threads. NULL for a pretend machine */
    size_t cpu_order_count;
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
