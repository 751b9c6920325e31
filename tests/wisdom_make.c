/* SPDX-License-Identifier: Apache-2.0 */
/* The helpers of tests/wisdom.h. */
#include "tests/wisdom.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/check.h"
#include "tests/problems.h"
#include "tuner/words.h"

lb_wisdom_entry wisdom_entry(const lowbit_ctx *ctx, const char *problem, uint32_t threads) {
    lb_wisdom_entry e = {.problem = {.struct_size = sizeof e.problem}, .threads = threads, .pool = LB_POOL_OWN};
    CHECK(lowbit_problem_parse(problem, &e.problem, NULL) == LOWBIT_OK);
    e.config = sample_config(ctx, &e.problem, e.problem.m, threads);
    e.config.threads = 1, e.config.order = LB_ORDER_ROWS, e.config.split_k = 0; /* on every machine */
    e.median_s = 1.25e-4, e.low_s = 1.2e-4, e.high_s = 1.5e-4, e.estimate_s = 2e-4;
    e.samples = 21, e.tried = 14, e.effort = LOWBIT_MEASURE, e.day = 20786;
    return e;
}

void wisdom_put(lowbit_wisdom *w, const lowbit_ctx *ctx, const char *problem, uint32_t threads) {
    const lb_wisdom_entry e = wisdom_entry(ctx, problem, threads);
    lowbit_error error = LOWBIT_ERROR_INIT;
    const lowbit_status status = lb_wisdom_put(w, &e, &error);
    check_context("%s: %s", problem, error.message);
    CHECK(status == LOWBIT_OK);
}

lowbit_wisdom *wisdom_empty(const lowbit_ctx *ctx) {
    lowbit_wisdom *w = NULL;
    CHECK(lowbit_wisdom_create(ctx, &w, NULL) == LOWBIT_OK);
    return w;
}

lowbit_wisdom *wisdom_of(const lowbit_ctx *ctx, const char *text, int64_t accepted, int64_t stale, int64_t foreign) {
    lowbit_wisdom *w = wisdom_empty(ctx);
    lowbit_wisdom_report r = {.struct_size = sizeof r};
    CHECK(lowbit_wisdom_import(w, text, strlen(text), &r, NULL) == LOWBIT_OK);
    if (!CHECK(r.accepted == accepted && r.stale == stale && r.foreign == foreign && r.bad == 0))
        printf("  %d accepted, %d stale, %d foreign, %d bad: %s\n", (int)r.accepted, (int)r.stale, (int)r.foreign,
               (int)r.bad, r.reason);
    return w;
}

lowbit_wisdom *wisdom_small(const lowbit_ctx *ctx) {
    static const double kFork[] = {1.25e-6, 0}, kRate[] = {73.5};
    lowbit_wisdom *w = wisdom_empty(ctx);
    wisdom_put(w, ctx, "i4g32a8:m1n64k128", 2);
    wisdom_put(w, ctx, "i4g32a8:m16n64k128", 2);
    wisdom_put(w, ctx, "i8a8:m5n33k40+bias+relu", 1);
    wisdom_put(w, ctx, "t2a8s:m5n33k40:u8", 1);
    CHECK(lb_wisdom_put_fact(w, "fork", kFork, 2, 20786, NULL) == LOWBIT_OK);
    CHECK(lb_wisdom_put_fact(w, "w4.dot.1x16.scalar", kRate, 1, 20786, NULL) == LOWBIT_OK);
    return w;
}

char *wisdom_text(const lowbit_wisdom *w) {
    size_t needed = 0;
    CHECK(lowbit_wisdom_export(w, NULL, 0, &needed, NULL) == LOWBIT_OK);
    char *text = calloc(1, needed);
    CHECK(text && lowbit_wisdom_export(w, text, needed, NULL, NULL) == LOWBIT_OK && strlen(text) == needed - 1);
    return text;
}

/* "words, sum" of a line, changed and with the sum that fits; returns what was written. */
static size_t edit_line(const char *line, size_t length, const char *from, const char *to, char *made, size_t room) {
    char old[2048];
    snprintf(old, sizeof old, "%.*s", (int)length, line);
    char *at = strstr(old, from), *sum = strstr(old, " sum=");
    if (!at || !sum) return (size_t)snprintf(made, room, "%s\n", old);
    *sum = 0;
    size_t used = (size_t)snprintf(made, room, "%.*s%s%s", (int)(at - old), old, to, at + strlen(from));
    return used + (size_t)snprintf(made + used, room - used, " sum=%08" PRIx32 "\n", lb_crc(made, used));
}

char *wisdom_edited(const char *text, const char *from, const char *to) {
    const size_t room = 4 * strlen(text) + 4096;
    char *made = calloc(1, room);
    size_t used = 0;
    CHECK(made != NULL);
    for (const char *at = text; *at; at += strcspn(at, "\n") + 1)
        used += edit_line(at, strcspn(at, "\n"), from, to, made + used, room - used);
    return made;
}

char *wisdom_of_other(const char *text) {
    const char *line = strstr(text, "machine ");
    char id[17], other[17], identity[1024] = "";
    CHECK(line && sscanf(line, "machine %16[0-9a-f] %1023[^\n]", id, identity) == 2);
    char *name = strstr(identity, " name=");
    CHECK(name && strncmp(identity, "vendor=", 7) == 0);
    identity[7] = identity[7] == 'X' ? 'Y' : 'X';
    snprintf(other, sizeof other, "%016" PRIx64, lb_hash(identity, (size_t)(name - identity)));
    char vendor[9] = "vendor=", changed[9] = "vendor=";
    vendor[7] = strstr(line, "vendor=")[7], changed[7] = identity[7];
    char *half = wisdom_edited(text, vendor, changed), *made = wisdom_edited(half, id, other);
    free(half);
    return made;
}
