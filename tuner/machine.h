/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the machine: CPU identity, topology, the affinity mask, the cgroup's CPU quota. docs/architecture.md, section
 * "Machine", has the rules. */
#ifndef LOWBIT_TUNER_MACHINE_H_
#define LOWBIT_TUNER_MACHINE_H_

#include "kernels/base/ctx.h"

/* Fills made->machine, made->pretend and the orders of CPUs from this machine, or from the one that the options (of
 * full size, checked) describe. Fails for a description that hwloc cannot parse, and without memory. */
lowbit_status lb_machine_read(lowbit_ctx *made, const lowbit_ctx_options *options, lowbit_error *error);

/* Frees the orders. */
void lb_machine_release(lowbit_ctx *ctx);

/* Derives usable_threads, cpu_limit and l3_trusted_bytes from the other fields. believe: l3_bytes is what there is, not
 * what a guest is told; l3_cores: cores behind the L3. */
void lb_machine_conclude(lowbit_machine *machine, bool believe, uint32_t l3_cores);

#endif
