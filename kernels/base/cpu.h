/* SPDX-License-Identifier: Apache-2.0 */
/* Which instruction set levels this CPU and its operating system can run. One row per level, in the order of
 * LOWBIT_ISA_*: adding a level adds a row in cpu.c. */
#ifndef LOWBIT_KERNELS_BASE_CPU_H_
#define LOWBIT_KERNELS_BASE_CPU_H_

#include "lowbit/context.h"

typedef struct lb_isa_level {
    uint32_t bit;     /* LOWBIT_ISA_* */
    const char *name; /* "avx2" */
    uint64_t needs;   /* every CPU feature that the unit's compiler flags allow it to use: bits private to cpu.c */
} lb_isa_level;

size_t lb_isa_level_count(void);
const lb_isa_level *lb_isa_level_at(size_t index);
const lb_isa_level *lb_isa_level_of(uint32_t bit); /* NULL if unknown */

/* LOWBIT_ISA_* levels that can run here: CPUID and XCR0 on x86, the auxiliary vector on aarch64. Scalar always. */
uint32_t lb_isa_present(void);

/* Those of `levels` whose registers the operating system lends to this process, all of them but those with tiles. Asks
 * for the tile registers (XTILEDATA) if one of the levels needs them; what was lent stays lent, and no thread pays for
 * it before it touches a tile. Levels are present. */
uint32_t lb_isa_permitted(uint32_t levels);

/* Fills cpu_name, vendor, family, model, stepping, hypervisor and hypervisor_name from the CPU itself. */
void lb_cpu_identify(lowbit_machine *machine);

#endif
