/* SPDX-License-Identifier: Apache-2.0 */
/* The list of libraries: bench/CMakeLists.txt writes peers.inc, a row for each that it knows. */
#include "bench/peers/peers.h"

#include "kernels/base/base.h"

#define LB_PEER(name) extern const lb_peer lb_peer_##name;
#define LB_NO_PEER(name)
#include "peers.inc"
#undef LB_PEER
#undef LB_NO_PEER

static const struct {
    const char *name;
    const lb_peer *peer;
} kPeers[] = {
#define LB_PEER(name) {#name, &lb_peer_##name},
#define LB_NO_PEER(name) {#name, NULL},
#include "peers.inc"
};

const char *lb_peer_name(size_t index) { return index < LB_COUNT(kPeers) ? kPeers[index].name : NULL; }

const lb_peer *lb_peer_at(size_t index) { return index < LB_COUNT(kPeers) ? kPeers[index].peer : NULL; }
