/* SPDX-License-Identifier: Apache-2.0 */
#include "tuner/machine.h"

lowbit_status lb_machine_read(const lowbit_ctx *log_to, const char *topology, lowbit_machine *machine,
                              lowbit_error *error) {
    (void)log_to;
    (void)topology;
    (void)error;
    *machine = (lowbit_machine){.struct_size = sizeof *machine, .cores = 1, .cpus = 1, .usable_threads = 1};
    return LOWBIT_OK;
}
