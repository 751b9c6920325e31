/* SPDX-License-Identifier: Apache-2.0 */
/* Merging wisdom: the better of two stays, in whatever order they come; and forgetting. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/check.h"
#include "tests/wisdom.h"

static lowbit_ctx *ctx;

static void take(lowbit_wisdom *w, const char *text) {
    CHECK(lowbit_wisdom_import(w, text, strlen(text), NULL, NULL) == LOWBIT_OK);
}

/* ---- the laws, on random parts of one text ---- */

enum { POOL_TEXT = 1 << 16 };

/* Decisions of two machines, usable and stale, with several evidences for each key. */
static char *many_lines(void) {
    static const char *const kEdits[][2] = {
        {"", ""},
        {"samples=21", "samples=22"},
        {"2026-11-29", "2026-11-30"},
        {"2026-11-29", "2025-01-01"},
        {"effort=measure", "effort=patient"},
        {"effort=measure", "effort=estimate"},
        {"median=1", "median=2"},
        {"e-06", "e-07"},
        {"effort=measure", "knob=1 effort=exhaustive"},
        {"kernel=w", "kernel=x"},
    };
    lowbit_wisdom *small = wisdom_small(ctx);
    char *text = wisdom_text(small), *other = wisdom_of_other(text), *all = malloc(POOL_TEXT);
    size_t used = 0;
    CHECK(all != NULL);
    for (size_t i = 0; i < 2 * LB_COUNT(kEdits); i++) {
        char *edited = wisdom_edited(i % 2 ? text : other, kEdits[i / 2][0], kEdits[i / 2][1]);
        const char *lines = edited + strcspn(edited, "\n") + 1;
        CHECK(used + strlen(lines) < POOL_TEXT);
        used += (size_t)sprintf(all + used, "%s", lines);
        free(edited);
    }
    free(text);
    free(other);
    lowbit_wisdom_destroy(small);
    return all;
}

/* A text of some of the lines, to be freed. */
static char *some_of(const char *lines) {
    char *text = malloc(POOL_TEXT);
    CHECK(text != NULL);
    size_t used = (size_t)sprintf(text, "lowbit-wisdom 1\n");
    for (const char *at = lines; *at; at += strcspn(at, "\n") + 1)
        if (check_random_in(0, 3) == 0) used += (size_t)sprintf(text + used, "%.*s\n", (int)strcspn(at, "\n"), at);
    return text;
}

/* The export of texts taken one after the other, through the exports of the first two; to be freed. */
static char *merged(const char *a, const char *b, const char *c) {
    lowbit_wisdom *two = wisdom_empty(ctx), *all = wisdom_empty(ctx);
    take(two, a);
    take(two, b);
    char *text = wisdom_text(two);
    take(all, text);
    take(all, c);
    free(text);
    text = wisdom_text(all);
    lowbit_wisdom_destroy(two);
    lowbit_wisdom_destroy(all);
    return text;
}

static void check_laws(const char *lines) {
    char *a = some_of(lines), *b = some_of(lines), *c = some_of(lines);
    char *const orders[] = {merged(a, b, c), merged(b, a, c), merged(c, b, a), merged(b, c, a), merged(a, c, b)};
    char *twice = merged(orders[0], orders[0], orders[0]), *again = merged(orders[0], a, b);
    for (size_t i = 1; i < LB_COUNT(orders); i++) CHECK(strcmp(orders[0], orders[i]) == 0);
    CHECK(strcmp(orders[0], twice) == 0 && strcmp(orders[0], again) == 0);
    for (size_t i = 0; i < LB_COUNT(orders); i++) free(orders[i]);
    free(twice);
    free(again);
    free(a);
    free(b);
    free(c);
}

/* Which of two evidences wins, by effort, then date, then samples, then text. */
static void check_evidence(void) {
    static const char *const kRising[][2] = {{"", ""},
                                             {"tried=14", "tried=15"},
                                             {"samples=21", "samples=22"},
                                             {"samples=21", "samples=4000000000"},
                                             {"date=2026-11-29", "date=2026-11-30"},
                                             {"effort=measure", "effort=patient"},
                                             {"effort=measure", "effort=exhaustive"}};
    lowbit_wisdom *small = wisdom_small(ctx);
    char *text = wisdom_text(small);
    for (size_t i = 0; i + 1 < LB_COUNT(kRising); i++)
        for (int turn = 0; turn < 2; turn++) {
            char *less = wisdom_edited(text, kRising[i][0], kRising[i][1]);
            char *more = wisdom_edited(text, kRising[i + 1][0], kRising[i + 1][1]);
            lowbit_wisdom *w = wisdom_empty(ctx), *want = wisdom_empty(ctx);
            take(w, turn ? less : more);
            take(w, turn ? more : less);
            take(want, more);
            char *got = wisdom_text(w), *wanted = wisdom_text(want);
            const char *plans = strstr(wanted, "\nplan ");
            check_context("%s against %s", kRising[i][1], kRising[i + 1][1]);
            CHECK(plans && strstr(got, plans));
            free(less);
            free(more);
            free(got);
            free(wanted);
            lowbit_wisdom_destroy(w);
            lowbit_wisdom_destroy(want);
        }
    free(text);
    lowbit_wisdom_destroy(small);
}

void subject_wisdom_merge(void) {
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    char *lines = many_lines();
    for (int round = 0; round < 100 && check_failures() < 5; round++) {
        check_context("round %d", round);
        check_laws(lines);
    }
    check_evidence();
    free(lines);
    lowbit_ctx_destroy(ctx);
}

/* ---- forgetting ---- */

/* What remains, usable and stale ones, rates, foreign lines, of a wisdom that had 4, 4, 2 and 6. */
static const struct {
    const char *pattern;
    uint32_t what;
    int64_t accepted, stale, foreign;
} kForget[] = {
    {NULL, LOWBIT_FORGET_PLANS, 2, 0, 6},
    {"*", LOWBIT_FORGET_PLANS, 2, 0, 6},
    {NULL, LOWBIT_FORGET_STALE, 6, 0, 6},
    {NULL, LOWBIT_FORGET_RATES, 4, 4, 6},
    {NULL, LOWBIT_FORGET_FOREIGN, 6, 4, 0},
    {NULL, LOWBIT_FORGET_PLANS | LOWBIT_FORGET_RATES | LOWBIT_FORGET_FOREIGN, 0, 0, 0},
    {"i4*", LOWBIT_FORGET_PLANS, 4, 2, 6},
    {"i4g32a8:m1n*", LOWBIT_FORGET_PLANS, 5, 3, 6},
    {"i4g32a8:m1n64k128", LOWBIT_FORGET_FOREIGN, 6, 4, 5},
    {"fork", LOWBIT_FORGET_RATES | LOWBIT_FORGET_PLANS, 5, 4, 6},
    {"nothing", LOWBIT_FORGET_PLANS | LOWBIT_FORGET_RATES, 6, 4, 6},
    {"", LOWBIT_FORGET_PLANS, 6, 4, 6},
};

void subject_wisdom_forget(void) {
    CHECK(lowbit_ctx_create(NULL, &ctx, NULL) == LOWBIT_OK);
    lowbit_wisdom *small = wisdom_small(ctx);
    char *text = wisdom_text(small), *other = wisdom_of_other(text),
         *stale = wisdom_edited(text, " use=", " new=1 use=");
    for (size_t i = 0; i < LB_COUNT(kForget); i++) {
        lowbit_wisdom *w = wisdom_empty(ctx);
        int64_t forgotten = -1;
        take(w, text);
        take(w, other);
        take(w, stale);
        check_context("forget %s of %u", kForget[i].pattern, kForget[i].what);
        CHECK(lowbit_wisdom_forget(w, kForget[i].pattern, kForget[i].what, &forgotten, NULL) == LOWBIT_OK);
        CHECK(forgotten == 16 - kForget[i].accepted - kForget[i].stale - kForget[i].foreign);
        char *left = wisdom_text(w);
        lowbit_wisdom_destroy(wisdom_of(ctx, left, kForget[i].accepted, kForget[i].stale, kForget[i].foreign));
        lb_wisdom_entry found[8];
        const lb_wisdom_entry e = wisdom_entry(ctx, "i8a8:m5n33k40+bias+relu", 1);
        CHECK(lb_wisdom_find(w, &e.problem, 1, LB_POOL_OWN, 5, 5, found, 8) ==
              (strstr(left, "plan") && kForget[i].accepted > 2));
        take(w, text); /* but it can be learnt again */
        CHECK(lb_wisdom_find(w, &e.problem, 1, LB_POOL_OWN, 5, 5, found, 8) == 1);
        free(left);
        lowbit_wisdom_destroy(w);
    }
    free(text);
    free(other);
    free(stale);
    lowbit_wisdom_destroy(small);
    lowbit_ctx_destroy(ctx);
}
