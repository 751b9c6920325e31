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

bool lb_peer_has_codes(const lowbit_problem *p) {
    const lowbit_weight_type *w = &p->weights;
    return p->activations == LOWBIT_A8 && w->format == LOWBIT_I8 && w->offset == LOWBIT_SYMMETRIC && w->group <= 0 &&
           !w->progressive;
}

bool lb_peer_is_of_floats(const lowbit_problem *p) {
    const bool rows = p->activations == LOWBIT_A8 || p->activations == LOWBIT_AF || p->activations == LOWBIT_AF32;
    return rows && p->out == LOWBIT_OUT_F32;
}

const lb_peer *lb_peer_at(size_t index) { return index < LB_COUNT(kPeers) ? kPeers[index].peer : NULL; }
