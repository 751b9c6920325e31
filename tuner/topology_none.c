/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for topology_hwloc.c in builds without hwloc. */
#include "kernels/base/base.h"
#include "tuner/topology.h"

lowbit_status lb_topology_hwloc(const char *description, lb_topology *topology, lowbit_machine *machine,
                                lowbit_error *error) {
    (void)description, (void)topology, (void)machine;
    return lb_fail(error, LOWBIT_UNSUPPORTED, "this build has no hwloc");
}
