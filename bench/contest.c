/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/contest.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/isolate.h"
#include "bench/peer_check.h"

const char *lb_peer_status_name(lb_peer_status status) {
    static const char *const kNames[] = {
        [LB_PEER_OK] = "ok",           [LB_PEER_WRONG] = "wrong",     [LB_PEER_CRASHED] = "crashed",
        [LB_PEER_TIMEOUT] = "timeout", [LB_PEER_REFUSED] = "refused", [LB_PEER_ABSENT] = "absent"};
    return kNames[status];
}

/* What the child tells. `stage` is where it was when it came to no end: a text of both processes. */
typedef struct report {
    lb_peer_result result;
    const char *stage;
} report;

typedef struct bout {
    const lb_contest *contest;
    const lb_peer_way *way;
    lb_peer_work work;
    void *state;
    size_t copy; /* that comes next */
    bool failed;
} bout;

static __attribute__((format(printf, 3, 4))) void end(lb_peer_result *r, lb_peer_status status, const char *format,
                                                      ...) {
    va_list args;
    va_start(args, format);
    r->status = status;
    vsnprintf(r->reason, sizeof r->reason, format, args);
    va_end(args);
}

static void run_theirs(void *arg, size_t reps) {
    bout *b = arg;
    for (; reps > 0; reps--) {
        if (!b->way->run(b->state, b->copy)) b->failed = true;
        b->copy = b->copy + 1 < b->work.copies ? b->copy + 1 : 0;
    }
}

/* The numbers that the last call left. */
static bool is_right(bout *b, const lb_peer_check *check, lb_peer_result *r) {
    if (b->failed) {
        end(r, LB_PEER_WRONG, "a call failed");
        return false;
    }
    if (b->way->finish) b->way->finish(b->state);
    if (lb_peer_check_rows(check, r->reason)) return true;
    r->status = LB_PEER_WRONG;
    return false;
}

/* Room for the product, of which nothing looks right that was not written: floats of all ones are NaN. */
static void *make_out(const lb_peer_work *work) {
    const size_t bytes = (size_t)(work->m * work->n) * sizeof(float);
    void *out = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (out) memset(out, 0xff, bytes);
    return out;
}

static void compete(bout *b, report *to) {
    lb_peer_result *r = &to->result;
    lb_peer_check check;
    to->stage = "packing";
    b->state = b->way->create(&b->work, r->reason);
    if (!b->state) {
        r->status = LB_PEER_REFUSED;
        return;
    }
    to->stage = "the check";
    if (!lb_peer_check_make(b->way, &b->work, b->state, &check)) {
        end(r, LB_PEER_REFUSED, "no memory for the check");
        return;
    }
    to->stage = "its first product";
    run_theirs(b, 1);
    if (!is_right(b, &check, r)) return;
    to->stage = "the timing";
    const lb_contender theirs = {run_theirs, b};
    lb_abba(&b->contest->timing, b->contest->home.ours, theirs, &r->times);
    if (!is_right(b, &check, r)) return;
    const lb_peer_work *p = &b->work;
    r->gops = 2e-9 * (double)p->m * (double)p->n * (double)p->k / r->times.b.median_s;
    to->stage = "its end";
    b->way->destroy(b->state);
    r->status = LB_PEER_OK;
}

static void hold(void *arg, void *shared) {
    bout *b = arg;
    report *to = shared;
    const lb_home_side *home = &b->contest->home;
    b->work.out = make_out(&b->work);
    if (b->work.out && home->begin(home->ours.arg))
        compete(b, to);
    else
        end(&to->result, LB_PEER_REFUSED, "no memory or no threads for ours beside it");
}

void lb_contest_hold(const lb_contest *contest, const lb_peer_way *way, lb_peer_result *result) {
    bout b = {.contest = contest, .way = way, .work = contest->work};
    report told = {.result = *result, .stage = "the beginning"};
    lb_peer_result *r = &told.result;
    r->way = way->name;
    r->status = LB_PEER_REFUSED;
    r->reason[0] = 0;
    const lb_isolated how = lb_isolate(hold, &b, &told, sizeof told, contest->timeout_s);
    switch (how.ending) {
        case LB_ENDED_WELL: break;
        case LB_ENDED_SIGNAL:
            end(r, LB_PEER_CRASHED, "%s during %s", lb_name_of_signal(how.number).text, told.stage);
            break;
        case LB_ENDED_EXIT: end(r, LB_PEER_CRASHED, "exit %d during %s", how.number, told.stage); break;
        case LB_ENDED_TIMEOUT:
            end(r, LB_PEER_TIMEOUT, "not done after %g s, during %s", contest->timeout_s, told.stage);
            break;
        case LB_ENDED_NOT_RUN: end(r, LB_PEER_REFUSED, "no process for it: %s", strerror(how.number)); break;
    }
    r->reason[sizeof r->reason - 1] = 0;
    if (r->status != LB_PEER_OK) {
        r->times = (lb_abba_result){.rounds = 0};
        r->gops = 0;
    }
    *result = *r;
}
