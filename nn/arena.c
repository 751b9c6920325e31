/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/arena.h"

#include <stdbool.h>

#include "kernels/base/base.h"

enum { ALIGN = 64 };

static bool meet_in_time(const lb_span *a, const lb_span *b) { return a->first <= b->last && b->first <= a->last; }

/* Whether `at` lies in front of b in the arena, or is the same. */
static bool overlap(const lb_span *a, int64_t at, const lb_span *b) {
    return at < b->offset + b->bytes && b->offset < at + a->bytes;
}

/* The least offset for span i among those placed before it: behind one of them, or 0. */
static int64_t fit(const lb_span *spans, const int64_t *order, int64_t placed, const lb_span *span) {
    int64_t at = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (int64_t i = 0; i < placed; i++) {
            const lb_span *other = &spans[order[i]];
            if (!meet_in_time(span, other) || !overlap(span, at, other)) continue;
            at = lb_round_up(other->offset + other->bytes, ALIGN);
            moved = true;
        }
    }
    return at;
}

int64_t lb_arena_place(lb_span *spans, int64_t count, int64_t *order) {
    int64_t total = 0;
    for (int64_t i = 0; i < count; i++) { /* insertion sort: largest first, and of equals the first */
        int64_t at = i;
        for (; at > 0 && spans[order[at - 1]].bytes < spans[i].bytes; at--) order[at] = order[at - 1];
        order[at] = i;
    }
    for (int64_t i = 0; i < count; i++) {
        lb_span *span = &spans[order[i]];
        span->offset = fit(spans, order, i, span);
        total = lb_max(total, span->offset + span->bytes);
    }
    return lb_round_up(total, ALIGN);
}
