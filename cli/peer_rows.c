/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/peer_rows.h"

#include <stdio.h>
#include <string.h>

int lb_cli_peers(const char *command, const char **peers) {
    char unknown[24], known[96] = "";
    const char *name;
    if (*peers && strcmp(*peers, "none") == 0) *peers = NULL;
    if (!*peers || lb_peers_known(*peers, unknown, sizeof unknown)) return LB_EXIT_OK;
    for (size_t i = 0; (name = lb_peer_name(i)); i++) {
        const size_t length = strlen(known);
        snprintf(known + length, sizeof known - length, "%s%s", i ? ", " : "", name);
    }
    return lb_cli_error(LB_EXIT_USAGE, command, "--peers: '%s' is no library; known: %s (or all, or none)", unknown,
                        known);
}

/* How ours does beside theirs. */
static const char *verdict_of(const lb_peer_result *r) {
    static const char *const kVerdicts[] = {
        [LB_ABBA_NONE] = "none", [LB_ABBA_A_FASTER] = "faster", [LB_ABBA_B_FASTER] = "slower"};
    return kVerdicts[r->times.verdict];
}

static void print_way(const lb_peer_result *r, uint32_t threads) {
    char who[40];
    snprintf(who, sizeof who, "  %s %s", r->library, r->version);
    if (r->status != LB_PEER_OK)
        printf("%-22.22s %2u %-23.23s %s: %.*s\n", who, threads, r->way, lb_peer_status_name(r->status),
               (int)(47 - strlen(lb_peer_status_name(r->status))), r->reason);
    else
        printf("%-22.22s %2u %-23.23s %8.2f %6.1f %5.2fx %4.2f..%4.2f %s\n", who, threads, r->way,
               r->times.b.median_s * 1e6, r->gops, r->times.ratio, r->times.ratio_low, r->times.ratio_high,
               verdict_of(r));
}

/* The libraries that had nothing to time for one reason, on one line. */
static void print_idle(const lb_peer_list *list, lb_peer_status status, const char *why) {
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        const lb_peer_result *r = &list->results[i];
        if (r->status == status && !*r->way) printf("%s%s", count++ ? ", " : "  ", r->library);
    }
    if (count) printf(": %s\n", why);
}

void lb_cli_peer_rows(const lb_peer_list *list, uint32_t threads) {
    for (size_t i = 0; i < list->count; i++)
        if (*list->results[i].way) print_way(&list->results[i], threads);
    print_idle(list, LB_PEER_REFUSED, "refused, no way to multiply this");
    print_idle(list, LB_PEER_ABSENT, "absent, not in this build");
}

/* 0 where there is no time. */
static json_t *times_json(const lb_peer_result *r) {
    const lb_abba_result *t = &r->times;
    const lb_sample *s = &t->b;
    return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:I, s:f, s:f, s:f, s:f, s:f, s:s}", "median_us",
                     s->median_s * 1e6, "min_us", s->min_s * 1e6, "p10_us", s->p10_s * 1e6, "p90_us", s->p90_s * 1e6,
                     "low_us", s->low_s * 1e6, "high_us", s->high_s * 1e6, "samples", (json_int_t)s->samples, "gops",
                     r->gops, "ours_us", t->a.median_s * 1e6, "ratio", t->ratio, "ratio_low", t->ratio_low,
                     "ratio_high", t->ratio_high, "verdict", verdict_of(r));
}

json_t *lb_cli_peer_json(const lb_peer_result *r) {
    const bool ok = r->status == LB_PEER_OK;
    json_t *what = json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:f}", "impl", r->library, "way", r->way, "version",
                             r->version, "status", lb_peer_status_name(r->status), "reason", r->reason, "within_bound",
                             ok, "beside", 0, "call_us", 0.0);
    json_t *times = times_json(ok ? r : &(const lb_peer_result){.library = ""});
    json_object_update(what, times);
    json_decref(times);
    return what;
}
