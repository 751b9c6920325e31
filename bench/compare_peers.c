/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/compare_peers.h"

#include <stdio.h>
#include <string.h>

#include "bench/peer_numbers.h"

static bool is_word(const char *word, size_t length, const char *name) {
    return strlen(name) == length && memcmp(word, name, length) == 0;
}

static bool is_known(const char *word, size_t length) {
    const char *name;
    for (size_t i = 0; (name = lb_peer_name(i)); i++)
        if (is_word(word, length, name)) return true;
    return false;
}

static bool is_listed(const char *list, const char *name) {
    if (strcmp(list, "all") == 0) return true;
    for (const char *at = list; *at; at += strcspn(at, ","), at += *at == ',')
        if (is_word(at, strcspn(at, ","), name)) return true;
    return false;
}

bool lb_peers_known(const char *peers, char *unknown, size_t size) {
    if (strcmp(peers, "all") == 0) return true;
    for (const char *at = peers;; at++) {
        const size_t length = strcspn(at, ",");
        if (!is_known(at, length)) {
            snprintf(unknown, size, "%.*s", (int)length, at);
            return false;
        }
        at += length;
        if (!*at) return true;
    }
}

static lb_peer_result *add(lb_peer_list *list, const char *library, const lb_peer *peer) {
    if (list->count == LB_MAX_PEER_RESULTS) return NULL;
    lb_peer_result *r = &list->results[list->count++];
    *r = (lb_peer_result){.library = library, .version = peer ? peer->version() : "", .way = ""};
    return r;
}

static void add_reason(lb_peer_list *list, const char *library, const lb_peer *peer, lb_peer_status status,
                       const char *reason) {
    lb_peer_result *r = add(list, library, peer);
    if (!r) return;
    r->status = status;
    snprintf(r->reason, sizeof r->reason, "%s", reason);
}

typedef struct comparison {
    lb_contest contest; /* its copies are those of the way at hand */
    int64_t ring_bytes, memory_bytes;
    lb_peer_list *list;
} comparison;

static void compare_way(comparison *c, const char *library, const lb_peer *peer, const lb_peer_way *way) {
    lb_peer_result *r = add(c->list, library, peer);
    if (!r) return;
    lb_peer_work *work = &c->contest.work;
    work->copies = c->ring_bytes ? lb_peer_copies(work->n, work->k, way->bits, c->ring_bytes, c->memory_bytes) : 1;
    if (work->copies > 0) {
        lb_contest_hold(&c->contest, way, r);
        return;
    }
    r->way = way->name;
    r->status = LB_PEER_REFUSED;
    snprintf(r->reason, sizeof r->reason, "two copies of the weights fill more than a quarter of the memory");
}

static void compare_library(comparison *c, const char *library, const lb_peer *peer) {
    bool any = false;
    for (size_t i = 0; i < peer->way_count; i++) {
        if (!peer->ways[i].takes(c->contest.work.problem)) continue;
        any = true;
        compare_way(c, library, peer, &peer->ways[i]);
    }
    if (!any) add_reason(c->list, library, peer, LB_PEER_REFUSED, "it has no way to multiply this");
}

void lb_compare_peers(const char *peers, const lb_contest *contest, bool comparable, int64_t ring_bytes,
                      int64_t memory_bytes, lb_peer_list *list) {
    comparison c = {*contest, ring_bytes, memory_bytes, list};
    const char *library;
    list->count = 0;
    for (size_t i = 0; (library = lb_peer_name(i)); i++) {
        if (!is_listed(peers, library)) continue;
        const lb_peer *peer = lb_peer_at(i);
        if (!peer)
            add_reason(list, library, NULL, LB_PEER_ABSENT, "not in this build");
        else if (!comparable)
            add_reason(list, library, peer, LB_PEER_REFUSED, "others have no such outputs or activations");
        else
            compare_library(&c, library, peer);
    }
}
