/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/peers/peers.h"

#define LB_PEER(name) extern const lb_peer lb_peer_##name;
#include "peers.inc"
#undef LB_PEER

static const lb_peer *const kPeers[] = {
#define LB_PEER(name) &lb_peer_##name,
#include "peers.inc"
    NULL};

const lb_peer *lb_peer_at(size_t index) { return index < sizeof kPeers / sizeof kPeers[0] ? kPeers[index] : NULL; }
