/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/network_limit.h"

#include "bench/limit_kernel.h"

double lb_network_limit_s(lb_limits *limits, const lb_net *net, const lb_session *session, int64_t sequences,
                          double tokens, const lowbit_pool *pool) {
    double seconds = 0;
    for (int64_t step = 0; step < lb_session_steps(session); step++) {
        lb_value v;
        lb_kernel_ref kernel;
        lowbit_plan_info info = {.struct_size = sizeof info};
        if (lb_session_describe(session, step, &v, &info, NULL) != LOWBIT_OK || v == LB_NO_VALUE) continue;
        if (!lb_kernel_find(info.kernel, &kernel)) continue; /* no convolution, or depthwise, which no probe bounds */
        const lb_limit limit = lb_limit_of_kernel(limits, kernel, pool);
        const double times = net->graph.nodes[v].by_token ? tokens : (double)sequences;
        if (limit.median > 0) seconds += 2 * (double)lb_node_macs(&net->graph, v) * times / limit.median;
    }
    return seconds;
}
