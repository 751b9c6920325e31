/* SPDX-License-Identifier: Apache-2.0 */
/* What a network could take at best. */
#ifndef LOWBIT_CLI_NETWORK_LIMIT_H_
#define LOWBIT_CLI_NETWORK_LIMIT_H_

#include "bench/limits.h"
#include "nn/session.h"

/* Seconds that the convolutions of a run of so many images, or texts with so many tokens together, would take if each
 * of them multiplied at the measured rate of its kernel's instruction, and nothing else took any time. */
double lb_network_limit_s(lb_limits *limits, const lb_net *net, const lb_session *session, int64_t sequences,
                          double tokens, const lowbit_pool *pool);

#endif
