/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the machine: topology by hwloc, the affinity mask, the cgroup's CPU quota. */
#ifndef LOWBIT_TUNER_MACHINE_H_
#define LOWBIT_TUNER_MACHINE_H_

#include "kernels/base/ctx.h"

/* Fills the report. `topology` NULL reads this machine; else it is an hwloc synthetic description or an XML file.
 * Logs through `log_to`. Fails only for a topology text that hwloc cannot parse. */
lowbit_status lb_machine_read(const lowbit_ctx *log_to, const char *topology, lowbit_machine *machine,
                              lowbit_error *error);

#endif
