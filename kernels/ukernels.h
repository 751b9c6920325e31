/* SPDX-License-Identifier: Apache-2.0 */
/* All units of this build, and all their kernels as one table with names. */
#ifndef LOWBIT_KERNELS_UKERNELS_H_
#define LOWBIT_KERNELS_UKERNELS_H_

#include <stdbool.h>

#include "kernels/base/ctx.h"
#include "kernels/simd/ukernel.h"
#include "lowbit/gemm.h"

/* Units in ascending order of their level; index 0 is scalar. NULL past the end. */
const lb_isa_unit *lb_unit_at(size_t index);

/* LOWBIT_ISA_* of every unit of this build. */
uint32_t lb_units_compiled(void);

/* The widest unit that the context may use; never NULL. */
const lb_isa_unit *lb_unit_best(const lowbit_ctx *ctx);

/* "avx2". */
const char *lb_unit_name(const lb_isa_unit *unit);

/* Whether the sums of a tile wait for the next part of K as [panel][row][16]: where vectors have any length and pass
 * over the lines panel by panel (kernels/simd/sve-inl.h). Else they are [row][column]. */
bool lb_sums_by_panel(const lb_isa_unit *unit);

/* A kernel and the unit that has it. */
typedef struct lb_kernel_ref {
    const lb_isa_unit *unit;
    const lb_kernel *kernel;
} lb_kernel_ref;

/* Kernel `index` of the whole table, units in ascending order. False past the end. */
bool lb_kernel_at(size_t index, lb_kernel_ref *kernel);

/* Its number there; the kernel is one of its unit. */
size_t lb_kernel_index(lb_kernel_ref kernel);

/* What may become of the factors of products of float activations, and so which bound a kernel is held to. */
enum {
    LB_FACTORS_FLOAT = 0, /* nothing */
    LB_FACTORS_BF16 = 1,  /* both are rounded to bf16 */
    LB_FACTORS_DIGITS = 2 /* rows of A become integers of three digits */
};

/* What an algorithm can multiply. */
typedef struct lb_algorithm {
    const char *name;
    uint32_t activations; /* bit LOWBIT_A8, ...: it takes them */
    bool distance;        /* sums of |a - v|, not of a * v */
    uint32_t factors;     /* LB_FACTORS_*: what it makes of float activations */
} lb_algorithm;

const lb_algorithm *lb_algorithm_of(const lb_kernel *kernel);

/* Whether it multiplies the problem's kinds of weights and activations. */
bool lb_algorithm_takes(const lb_algorithm *algorithm, const lowbit_problem *problem);

/* Whether it rounds both factors to bf16: the liberty that `af` gives and `af32` does not. */
static inline bool lb_algorithm_rounds(const lb_algorithm *algorithm) { return algorithm->factors == LB_FACTORS_BF16; }

/* "w4.dot.12x32.avx512vnni": coding of the lines, algorithm, rows x columns of the tile, level. */
enum { LB_KERNEL_NAME = 48 };
void lb_kernel_name(lb_kernel_ref kernel, char *text, size_t size);

/* The kernel of that name, or false. */
bool lb_kernel_find(const char *name, lb_kernel_ref *kernel);

#endif
